"""Nucleotide codes -> tensors, inside the network and from Keras' own layers only, so that a `.keras` file carries its own encoding.

Every function takes the inputs of every network, `mirna_codes` (n, M) and `target_codes` (n, L), integers A0 C1 G2 U3 N4, both 5'->3',
and returns a symbolic tensor. Grid (n, L, M, channels): rows are target nt, columns miRNA nt, so an antiparallel duplex runs along an
anti-diagonal. The learned pair layers give the same grid transposed, (n, M, L, channels), as miRBind 2 has it and as their product
falls out. N pairs with nothing.
"""

import keras
import numpy as np
from keras import layers

N_LETTERS = 4  # A C G U; N, the fifth code, has no column of its own
N_CODES = 5
PAD_PAIR = N_LETTERS * N_LETTERS  # class of a pair with an N, after the 16 nucleotide pairs

# rows: miRNA code A C G U N; columns: the target nucleotides A C G U that pair with it
WATSON_CRICK = ((0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0))
WOBBLE = ((0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 0, 0))


def one_hot(codes, name: str):
    """Codes (n, length) -> (n, length, 4), columns A C G U; an N is a row of zeros."""
    return layers.Embedding(N_CODES, N_LETTERS, embeddings_initializer="identity", trainable=False, name=name)(codes)


def pairing_grid(mirna_codes, target_codes, wobble: float = 0.0):
    """Pairing grid (n, L, M, 1): 1 at Watson-Crick pairs (A:U, U:A, G:C, C:G), `wobble` at G:U and U:G, 0 elsewhere.

    With wobble = 0 this is the input of miRBind (Klimentová et al. 2022, doi:10.3390/genes13122323).
    """
    return _grid_channel(one_hot(target_codes, "target_one_hot"), mirna_codes, _with_wobble(wobble), "pairing_grid")


def pairing_channels(mirna_codes, target_codes):
    """Pairing grid (n, L, M, 2): channel 0 is 1 at Watson-Crick pairs, channel 1 is 1 at G:U and U:G."""
    target = one_hot(target_codes, "target_one_hot")
    pairs = _grid_channel(target, mirna_codes, WATSON_CRICK, "watson_crick_grid")
    return layers.Concatenate(name="pairing_channels")([pairs, _grid_channel(target, mirna_codes, WOBBLE, "wobble_grid")])


def pair_classes(mirna_codes, target_codes):
    """Class of each pair (n, M, L) int32: 4 * miRNA code + target code, or PAD_PAIR where either is N."""
    mirna = keras.ops.cast(layers.Reshape((mirna_codes.shape[1], 1), name="mirna_column")(mirna_codes), "int32")
    target = keras.ops.cast(layers.Reshape((1, target_codes.shape[1]), name="target_row")(target_codes), "int32")
    unknown = keras.ops.greater_equal(keras.ops.maximum(mirna, target), N_LETTERS)
    return keras.ops.where(unknown, PAD_PAIR, mirna * N_LETTERS + target)


def pair_embedding(mirna_codes, target_codes, size: int):
    """Learned embedding (n, M, L, size) of the 16 nucleotide pairs and a padding class (miRBind 2, BioGeMT 2026)."""
    return layers.Embedding(PAD_PAIR + 1, size, name="pair_embedding")(pair_classes(mirna_codes, target_codes))


def pair_convolution(
    mirna_codes, target_codes, embedding: int, filters: int, kernel: tuple[int, int], strides: tuple[int, int], name: str = "stem"
):
    """2-D convolution over learned pair embeddings, without the grid: -> (n, ceil(M / strides[0]), ceil(L / strides[1]), filters).

    `kernel` and `strides` are (miRNA, target). Same function as an embedding (n, M, L, embedding) of the 16 nucleotide pairs, zero
    where either is N, followed by Conv2D(filters, kernel, strides, padding="same"); the bias counts once per target nt that is not N.
    A cell of the grid is a product, miRNA one-hot x table x target one-hot, so the convolution is one too: the miRNA side of it is
    computed once for each of the four target letters, and a matrix product with the one-hot stretches of the target picks and adds.
    About a tenth of the work, and a gather over 1,400 cells, whose gradient is slow, is gone.
    """
    rows = _pair_rows(mirna_codes, embedding, name)
    rows = layers.Conv2D(kernel[1] * filters, (kernel[0], 1), strides=(strides[0], 1), padding="same", name=f"{name}_kernel")(rows)
    rows = layers.Reshape((rows.shape[1], N_LETTERS * kernel[1], filters), name=f"{name}_rows")(rows)
    columns = _stretches(one_hot(target_codes, f"{name}_target_one_hot"), kernel[1], strides[1], f"{name}_target_stretches")
    columns = layers.Reshape((1, *columns.shape[1:]), name=f"{name}_columns")(columns)
    return keras.ops.matmul(columns, rows)


def seed_aligned_pairs(mirna_codes, target_codes, length: int = 50, flank: int = 5, n_seed: int = 10):
    """Both strands side by side, seed against seed: (n, length, 8), columns 0-3 miRNA A C G U, columns 4-7 the facing target nt.

    Row flank + i holds miRNA nt i + 1. The window is reversed and moved without gaps to the place where most of the first `n_seed` nt
    of the miRNA pair (Watson-Crick or G:U, each counted 1); of equal places the one nearest the 3' end of the window. After the
    extended seed alignment of TargetNet (Min et al. 2022, doi:10.1093/bioinformatics/btab733), which scores the same ten nt the same
    way, lets them have gaps and expects the seed where the window begins.
    """
    reverse = keras.ops.flip(keras.ops.cast(target_codes, "int32"), axis=1)
    place = _best_seed_place(mirna_codes, reverse, n_seed)
    padded = keras.ops.pad(reverse, ((0, 0), (flank, length)), constant_values=N_CODES - 1)
    facing = keras.ops.take_along_axis(padded, place + np.arange(length, dtype="int32"), axis=1)
    mirna = one_hot(mirna_codes, "mirna_one_hot")
    kept = min(mirna_codes.shape[1], length - flank)
    mirna = layers.Cropping1D((0, mirna_codes.shape[1] - kept), name="mirna_kept")(mirna)
    mirna = layers.ZeroPadding1D((flank, length - flank - kept), name="mirna_placed")(mirna)
    return layers.Concatenate(name="seed_aligned_pairs")([mirna, one_hot(facing, "facing_one_hot")])


def _best_seed_place(mirna_codes, reverse, n_seed: int):
    """First index (n, 1) in the reversed window (n, L) at which most of miRNA nt 1 to n_seed pair."""
    n_target = reverse.shape[1]
    partners = _partners(mirna_codes, _with_wobble(1.0), "seed_partners")
    partners = layers.Cropping1D((0, mirna_codes.shape[1] - n_seed), name="seed")(partners)
    grid = layers.Dot(axes=(2, 2), name="seed_grid")([partners, one_hot(reverse, "reverse_one_hot")])
    # (n, n_seed, L) read in rows of L + 1: each row starts one column later, so that a diagonal becomes a column
    cells = layers.Reshape((n_seed * n_target, 1), name="seed_cells")(grid)
    cells = layers.ZeroPadding1D((0, n_seed), name="seed_cells_padded")(cells)
    diagonals = layers.Reshape((n_seed, n_target + 1), name="seed_diagonals")(cells)
    paired = layers.Cropping1D((0, n_seed), name="seed_places")(
        layers.Reshape((n_target + 1, 1))(layers.GlobalAveragePooling1D(name="seed_paired")(diagonals))
    )
    return keras.ops.cast(keras.ops.argmax(paired, axis=1), "int32")


def _grid_channel(target_one_hot, mirna_codes, partners, name: str):
    """(n, L, M, 1): element [l, m] is the entry of the table `partners` (5, 4) for miRNA nt m and target nt l."""
    grid = layers.Dot(axes=(2, 2), name=f"{name}_products")([target_one_hot, _partners(mirna_codes, partners, f"{name}_partners")])
    return layers.Reshape((*grid.shape[1:], 1), name=name)(grid)


def _partners(mirna_codes, table, name: str):
    """(n, M, 4): what each target nucleotide scores against each miRNA nt, looked up in the table (5, 4)."""
    constant = keras.initializers.Constant([list(map(float, row)) for row in table])
    return layers.Embedding(N_CODES, N_LETTERS, embeddings_initializer=constant, trainable=False, name=name)(mirna_codes)


def _with_wobble(wobble: float) -> list[list[float]]:
    return [[pair + wobble * gu for pair, gu in zip(*rows, strict=True)] for rows in zip(WATSON_CRICK, WOBBLE, strict=True)]


def _pair_rows(mirna_codes, size: int, name: str):
    """(n, M, 4, size): the embedding of each miRNA nt with each of A C G U.

    The first two channels start as Watson-Crick and G:U indicators.
    """
    table = layers.Dense(N_LETTERS * size, use_bias=False, kernel_initializer="glorot_normal", name=f"{name}_pair_table")
    rows = table(one_hot(mirna_codes, f"{name}_mirna_one_hot"))
    start = keras.ops.convert_to_numpy(table.kernel).reshape(N_LETTERS, N_LETTERS, size).copy()
    for channel, known in enumerate((WATSON_CRICK, WOBBLE)[:size]):
        start[:, :, channel] = known[:N_LETTERS]
    table.kernel.assign(start.reshape(N_LETTERS, N_LETTERS * size))
    return layers.Reshape((mirna_codes.shape[1], N_LETTERS, size), name=f"{name}_pairs")(rows)


def _stretches(letters, width: int, stride: int, name: str):
    """(n, length, 4) -> (n, ceil(length / stride), 4 * width): the rows under each step of a convolution; all A, all C, all G, all U."""
    kernel = [
        [[float(column == letter * width + row) for column in range(N_LETTERS * width)] for letter in range(N_LETTERS)]
        for row in range(width)
    ]
    return layers.Conv1D(
        N_LETTERS * width,
        width,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.Constant(kernel),
        trainable=False,
        name=name,
    )(letters)
