"""Every encoding equals its plain definition, and gives N no partner."""

import numpy as np
import pytest

from mirscan.networks import encoding

keras = pytest.importorskip("keras")


# slow, plain definitions: one pair at a time, letter by letter

PAIRS = {("A", "U"), ("U", "A"), ("G", "C"), ("C", "G")}
WOBBLES = {("G", "U"), ("U", "G")}
LETTERS = "ACGUN"


def define_grid(mirna: str, target: str, wobble: float) -> list[list[float]]:
    return [[1.0 if (t, m) in PAIRS else wobble if (t, m) in WOBBLES else 0.0 for m in mirna] for t in target]


def define_pair_classes(mirna: str, target: str) -> list[list[int]]:
    return [[16 if "N" in (m, t) else 4 * LETTERS.index(m) + LETTERS.index(t) for t in target] for m in mirna]


def define_pair_convolution(mirna, target, table, kernel, bias, strides):
    """`table[a][b]` is the embedding of a pair, `kernel[i][j]` (channels, filters) a tap, `bias[j]` (filters,) a target tap."""
    rows = _taps(len(mirna), len(kernel), strides[0])
    columns = _taps(len(target), len(kernel[0]), strides[1])
    return [[_cell(mirna, target, table, kernel, bias, row, column) for column in columns] for row in rows]


def _cell(mirna, target, table, kernel, bias, row, column):
    value = 0.0 * bias[0]
    for j, at_target in enumerate(column):
        if at_target is None or target[at_target] == "N":
            continue
        value = value + bias[j]
        for i, at_mirna in enumerate(row):
            if at_mirna is not None and mirna[at_mirna] != "N":
                value = value + table[LETTERS.index(mirna[at_mirna])][LETTERS.index(target[at_target])] @ kernel[i][j]
    return value


def _taps(length: int, width: int, stride: int) -> list[list[int | None]]:
    """For each output, the input index under each tap of the kernel, None in the padding."""
    n_outputs = -(-length // stride)
    padding = max((n_outputs - 1) * stride + width - length, 0)
    first = [output * stride - padding // 2 for output in range(n_outputs)]
    return [[at if 0 <= at < length else None for at in range(start, start + width)] for start in first]


def define_seed_aligned(mirna: str, target: str, length: int, flank: int, n_seed: int) -> list[tuple[str, str]]:
    """(miRNA letter, facing target letter) of each row, N where there is none."""
    reverse = target[::-1]
    paired = [
        sum((m, t) in PAIRS | WOBBLES for m, t in zip(mirna[:n_seed], reverse[place:], strict=False))
        for place in range(len(reverse) - n_seed + 1)
    ]
    best = paired.index(max(paired))
    rows = []
    for row in range(length):
        rows.append((_letter(mirna, row - flank), _letter(reverse, best + row - flank)))
    return rows


def _letter(strand: str, position: int) -> str:
    return strand[position] if 0 <= position < len(strand) else "N"


def text(codes) -> list[str]:
    return ["".join(LETTERS[code] for code in row) for row in codes]


def encode(function, codes, *arguments):
    """Run a symbolic encoding on arrays."""
    mirna = keras.Input((codes[0].shape[1],), dtype="uint8")
    target = keras.Input((codes[1].shape[1],), dtype="uint8")
    network = keras.Model([mirna, target], function(mirna, target, *arguments))
    return network, np.array(network(list(codes)))


@pytest.mark.parametrize("wobble", [0.0, 0.5])
def test_pairing_grid__equals_the_definition(codes, wobble):
    _, grid = encode(encoding.pairing_grid, codes, wobble)
    expected = [define_grid(m, t, wobble) for m, t in zip(*map(text, codes), strict=True)]
    assert grid.shape == (6, 50, 22, 1)
    np.testing.assert_array_equal(grid[..., 0], np.array(expected, np.float32))


def test_pairing_channels__wobbles_have_their_own(codes):
    _, grid = encode(encoding.pairing_channels, codes)
    pairs = [define_grid(m, t, 0.0) for m, t in zip(*map(text, codes), strict=True)]
    both = [define_grid(m, t, 1.0) for m, t in zip(*map(text, codes), strict=True)]
    np.testing.assert_array_equal(grid[..., 0], np.array(pairs, np.float32))
    np.testing.assert_array_equal(grid[..., 1], np.array(both, np.float32) - np.array(pairs, np.float32))


def test_pair_classes__sixteen_and_padding(codes):
    _, classes = encode(encoding.pair_classes, codes)
    expected = [define_pair_classes(m, t) for m, t in zip(*map(text, codes), strict=True)]
    np.testing.assert_array_equal(classes, np.array(expected))
    assert set(np.unique(classes)) == set(range(17))


def test_pair_embedding__looks_up_the_learned_table(codes):
    network, embedded = encode(encoding.pair_embedding, codes, 3)
    table = np.array(network.get_layer("pair_embedding").embeddings)
    classes = np.array([define_pair_classes(m, t) for m, t in zip(*map(text, codes), strict=True)])
    np.testing.assert_array_equal(embedded, table[classes])


@pytest.mark.parametrize(("kernel", "strides"), [((6, 5), (2, 2)), ((3, 4), (1, 3))])
def test_pair_convolution__is_a_convolution_of_the_pair_grid(codes, kernel, strides):
    network, _ = encode(encoding.pair_convolution, codes, 3, 2, kernel, strides)
    random = np.random.default_rng(3)
    for weight in network.trainable_weights:
        weight.assign(random.normal(size=weight.shape).astype(np.float32))
    table = np.array(network.get_layer("stem_pair_table").kernel).reshape(4, 4, 3)
    layer = network.get_layer("stem_kernel")
    taps = np.array(layer.kernel)[:, 0].reshape(kernel[0], 3, kernel[1], 2).transpose(0, 2, 1, 3)
    bias = np.array(layer.bias).reshape(kernel[1], 2)
    expected = [define_pair_convolution(m, t, table, taps, bias, strides) for m, t in zip(*map(text, codes), strict=True)]
    np.testing.assert_allclose(np.array(network(list(codes))), np.array(expected), atol=2e-5)


def test_pair_convolution__starts_from_watson_crick_and_wobble_pairs(codes):
    network, _ = encode(encoding.pair_convolution, codes, 4, 2, (3, 3), (2, 2))
    table = np.array(network.get_layer("stem_pair_table").kernel).reshape(4, 4, 4)
    np.testing.assert_array_equal(table[:, :, 0], np.array(encoding.WATSON_CRICK)[:4])
    np.testing.assert_array_equal(table[:, :, 1], np.array(encoding.WOBBLE)[:4])
    assert np.abs(table[:, :, 2:]).min() > 0


def test_seed_aligned_pairs__equals_the_definition(codes):
    _, aligned = encode(encoding.seed_aligned_pairs, codes, 40, 5, 10)
    one_hot = np.vstack([np.eye(4), np.zeros(4)])
    for row, mirna, target in zip(aligned, *map(text, codes), strict=True):
        expected = define_seed_aligned(mirna, target, 40, 5, 10)
        strands = [[one_hot[LETTERS.index(letter)] for letter in strand] for strand in zip(*expected, strict=True)]
        np.testing.assert_array_equal(row, np.concatenate(strands, axis=1))


def test_seed_aligned_pairs__puts_a_planted_site_opposite_the_seed(codes):
    """Row 3 of the fixture has the reverse complement of miRNA nt 1-10 at 20-29 of its window."""
    _, aligned = encode(encoding.seed_aligned_pairs, codes)
    facing = aligned[3, 5:15, 4:].argmax(axis=1)
    np.testing.assert_array_equal(facing, codes[1][3, 20:30][::-1])


def test_seed_aligned_pairs__long_mirnas_are_cut_at_the_end_of_the_rows(codes):
    _, aligned = encode(encoding.seed_aligned_pairs, codes, 20, 5, 10)
    assert aligned.shape == (6, 20, 8)
