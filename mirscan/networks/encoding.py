"""Nucleotide codes -> tensors, inside the network and from Keras' own layers only, so that a `.keras` file carries its own encoding.

Every function takes the inputs of every network, `mirna_codes` (n, M) and `target_codes` (n, L), integers A0 C1 G2 U3 N4, both 5'->3', and returns a
symbolic tensor. Grid (n, L, M, channels): rows are target nt, columns miRNA nt, so an antiparallel duplex runs along an anti-diagonal. The learned
pair layers give the same grid transposed, (n, M, L, channels), as miRBind 2 has it and as their product falls out. N pairs with nothing.
"""

import keras
from keras import layers

N_LETTERS = 4  # A C G U; N, the fifth code, has no column of its own
N_CODES = 5

# rows: miRNA code A C G U N; columns: the target nucleotides A C G U that pair with it
WATSON_CRICK = ((0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0))
WOBBLE = ((0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 0, 0))


def one_hot(codes, name: str):
    """Codes (n, length) -> (n, length, 4), columns A C G U; an N is a row of zeros."""
    return layers.Embedding(N_CODES, N_LETTERS, embeddings_initializer="identity", trainable=False, name=name)(codes)


def pairing_grid(mirna_codes, target_codes, wobble: float = 0.0):
    """Pairing grid (n, L, M, 1): 1 at Watson-Crick pairs (A:U, U:A, G:C, C:G), `wobble` at G:U and U:G, 0 elsewhere.

    With wobble = 0 this is the input of miRBind (Klimentová et al. 2022, doi:10.3390/biology11121798).
    """
    table = [[float(pair) + wobble * gu for pair, gu in zip(*rows, strict=True)] for rows in zip(WATSON_CRICK, WOBBLE, strict=True)]
    return _grid_channel(one_hot(target_codes, "target_one_hot"), mirna_codes, table, "pairing_grid")


def pairing_channels(mirna_codes, target_codes):
    """Pairing grid (n, L, M, 2): channel 0 is 1 at Watson-Crick pairs, channel 1 is 1 at G:U and U:G."""
    target = one_hot(target_codes, "target_one_hot")
    pairs = _grid_channel(target, mirna_codes, WATSON_CRICK, "watson_crick_grid")
    return layers.Concatenate(name="pairing_channels")([pairs, _grid_channel(target, mirna_codes, WOBBLE, "wobble_grid")])


def pair_embedding(mirna_codes, target_codes, size: int):
    """Learned embedding (n, M, L, size) of the 25 ordered pairs of codes, in the transposed grid of miRBind 2 (16 pairs, and pairs with an N as padding).

    A table lookup written as a product of one-hot rows with the table: the gradient of a gather over 1,400 cells a window is much slower.
    """
    mirna = _five_letters(mirna_codes, "mirna_letters")
    target = _five_letters(target_codes, "target_letters")
    return _pair_product(mirna, target, size, keras.initializers.RandomNormal(stddev=1.0), "pair_embedding")


def pair_convolution(mirna_codes, target_codes, filters: int, kernel: tuple[int, int], strides: tuple[int, int], name: str = "stem"):
    """Linear 2-D convolution, "same" padding, over the grid of the 16 one-hot nucleotide pairs -> (n, ceil(M / strides[0]), ceil(L / strides[1]), filters).

    `kernel` and `strides` are (miRNA, target). The function class is that of a learned 16-channel pair embedding (zero for N) followed by
    Conv2D(filters, kernel): a cell holds mirna[a] * target[b], so the sum over the kernel separates into a product of the two one-hot stretches with one
    table. That costs about a tenth of the convolution, and the grid is never made. Each stretch ends in a constant 1: with it the table also holds the bias and
    terms of one strand alone.
    """
    mirna = _stretches(one_hot(mirna_codes, f"{name}_mirna_one_hot"), kernel[0], strides[0], f"{name}_mirna")
    target = _stretches(one_hot(target_codes, f"{name}_target_one_hot"), kernel[1], strides[1], f"{name}_target")
    # He initialisation for the number of products that are not zero: one a cell
    start = keras.initializers.RandomNormal(stddev=(2.0 / (kernel[0] * kernel[1])) ** 0.5)
    return _pair_product(mirna, target, filters, start, name)


def _grid_channel(target_one_hot, mirna_codes, partners, name: str):
    """(n, L, M, 1): element [l, m] is the entry of the table `partners` (5, 4) for miRNA nt m and target nt l."""
    constant = keras.initializers.Constant([list(map(float, row)) for row in partners])
    mirna = layers.Embedding(N_CODES, N_LETTERS, embeddings_initializer=constant, trainable=False, name=f"{name}_partners")(mirna_codes)
    grid = layers.Dot(axes=(2, 2), name=f"{name}_products")([target_one_hot, mirna])
    return layers.Reshape((*grid.shape[1:], 1), name=name)(grid)


def _five_letters(codes, name: str):
    """Codes (n, length) -> (n, length, 5), N as a fifth column."""
    return layers.Embedding(N_CODES, N_CODES, embeddings_initializer="identity", trainable=False, name=name)(codes)


def _stretches(letters, width: int, stride: int, name: str):
    """(n, length, 4) -> (n, ceil(length / stride), 4 * width + 1): the `width` rows under each step of a convolution, side by side, then a 1."""
    n_columns = N_LETTERS * width + 1
    kernel = [[[float(column == N_LETTERS * row + letter) for column in range(n_columns)] for letter in range(N_LETTERS)] for row in range(width)]
    return layers.Conv1D(
        n_columns,
        width,
        strides=stride,
        padding="same",
        kernel_initializer=keras.initializers.Constant(kernel),
        bias_initializer=keras.initializers.Constant([0.0] * (n_columns - 1) + [1.0]),
        trainable=False,
        name=f"{name}_stretches",
    )(letters)


def _pair_product(mirna, target, size: int, initializer, name: str):
    """(n, I, p), (n, J, q) -> (n, I, J, size): sum over p and q of mirna[i, p] * target[j, q] * table[p, q, size]; the table is learned."""
    n_mirna, n_target, n_columns = mirna.shape[1], target.shape[1], target.shape[2]
    rows = layers.Dense(n_columns * size, use_bias=False, kernel_initializer=initializer, name=f"{name}_table")(mirna)
    rows = layers.Reshape((n_mirna, n_columns, size), name=f"{name}_rows")(rows)
    columns = layers.Reshape((1, n_target, n_columns), name=f"{name}_columns")(target)
    return keras.ops.matmul(columns, rows)
