import keras
import ml_dtypes
import numpy as np
import pytest
from keras import layers

from mirscan.networks.encoding import pair_convolution, pair_embedding, pairing_channels, pairing_grid
from mirscan.scoring.stem import find_stem
from mirscan.scoring.stem_kernels import count_units, measure_unit

M, L = 24, 50


def _network(build):
    mirna, target = keras.Input((M,), dtype="uint8", name="mirna_codes"), keras.Input((L,), dtype="uint8", name="target_codes")
    keras.utils.set_random_seed(5)
    x = build(mirna, target)
    return keras.Model({"mirna_codes": mirna, "target_codes": target}, layers.Dense(1)(layers.Flatten()(x)))


def _conv(x, *arguments, **settings):
    return layers.Conv2D(*arguments, **settings, bias_initializer="random_normal")(x)


# name: (function of the two strands, shape of the stem, kernel along the target)
CASES = {
    "grid, 3x3": (lambda m, t: layers.ReLU()(_conv(pairing_grid(m, t), 4, 3, padding="same")), (50, 24, 4), 3),
    "wobble grid, valid, odd strides": (
        lambda m, t: layers.ReLU()(_conv(pairing_channels(m, t), 5, (5, 4), strides=(3, 2))),
        (16, 11, 5),
        5,
    ),
    "relu and pool": (
        lambda m, t: layers.MaxPooling2D(2)(layers.ReLU()(_conv(pairing_grid(m, t), 20, 6, strides=2, padding="same"))),
        (12, 6, 20),
        6,
    ),
    "leaky relu": (lambda m, t: layers.LeakyReLU(0.2)(_conv(pairing_grid(m, t), 4, 7, padding="same")), (50, 24, 4), 7),
    "learned pairs, transposed": (
        lambda m, t: layers.ReLU()(_conv(pair_embedding(m, t, 4), 6, (4, 8), strides=2, padding="same")),
        (12, 25, 6),
        8,
    ),
    "pair convolution": (lambda m, t: layers.ReLU()(pair_convolution(m, t, 4, 16, (6, 8), (2, 2))), (12, 25, 16), 8),
    "kernel of 14": (lambda m, t: layers.ReLU()(_conv(pairing_grid(m, t), 4, (14, 5), strides=2, padding="same")), (25, 12, 4), 14),
    "no activation": (lambda m, t: layers.Softmax()(_conv(pairing_grid(m, t), 4, 3)), (48, 22, 4), 3),
    "one row of channels": (lambda m, t: layers.ReLU()(layers.Conv1D(7, 5)(layers.Reshape((L, M))(pairing_grid(m, t)))), (46, 7), 5),
}


@pytest.mark.parametrize("case", CASES)
def test_find_stem__tables_give_what_the_layers_give(case, pairs):
    build, shape, kernel = CASES[case]
    network = _network(build)
    stem = find_stem(network)
    assert (stem.shape, stem.terms.kernel) == (shape, kernel)
    mirnas, targets = pairs
    expected = np.asarray(keras.Model(network.inputs, stem.tensor)([mirnas, targets]))
    found = np.empty(expected.shape, np.float32)
    stem.fill(mirnas, np.arange(len(mirnas), dtype=np.int32), targets, stem.make_scratch(), found)
    np.testing.assert_allclose(found, expected, atol=2e-6 * max(1, np.abs(expected).max()) * kernel)


def _fill(stem, mirnas, index, targets, dtype=np.float32):
    found = np.empty((len(targets), *stem.shape), dtype)
    stem.fill(mirnas, index, targets, stem.make_scratch(dtype == np.uint16), found)
    return found


def test_stem_fill__batchnorm_before_and_after_relu(pairs):
    from .conftest import randomize_batchnorm

    def build(m, t):
        x = layers.BatchNormalization()(_conv(pairing_grid(m, t), 16, 5, padding="same"))
        return layers.MaxPooling2D((2, 3))(layers.BatchNormalization()(layers.ReLU()(x)))

    network = _network(build)
    randomize_batchnorm(network)
    stem = find_stem(network)
    # the first one is part of the sum itself
    assert len(stem.covers) == 3
    mirnas, targets = pairs
    expected = np.asarray(keras.Model(network.inputs, stem.tensor)([mirnas, targets]))
    np.testing.assert_allclose(_fill(stem, mirnas, np.arange(600, dtype=np.int32), targets), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_stem_fill__same_bits_whatever_the_neighbours(make_model, pairs, dtype):
    stem = find_stem(make_model("mirscan_fast").network)
    mirnas, targets = pairs
    alone = _fill(stem, mirnas, np.arange(600, dtype=np.int32), targets, dtype)
    repeated = _fill(stem, mirnas[:1], np.zeros(600, np.int32), targets, dtype)
    same = (mirnas == mirnas[0]).all(axis=1)
    assert same.sum() > 3
    np.testing.assert_array_equal(alone[same], repeated[same])


@pytest.mark.parametrize("case", CASES)
def test_stem_fill__bfloat16_is_float32_to_eight_bits(case, pairs):
    stem = find_stem(_network(CASES[case][0]))
    mirnas, targets = pairs
    index = np.arange(600, dtype=np.int32)
    full = _fill(stem, mirnas, index, targets)
    half = _fill(stem, mirnas, index, targets, np.uint16).view(ml_dtypes.bfloat16).astype(np.float32)
    # bfloat16 itself rounds by 2 ** -9 of a value; the int16 tables add some units of a 32,700th of the largest sum there could be.
    np.testing.assert_allclose(half, full, rtol=2**-8, atol=5e-4 * np.abs(full).max())


def test_measure_unit__the_largest_sum_there_is_fits_int16():
    random = np.random.default_rng(3)
    letters = random.normal(size=(12, 5, 40)).astype(np.float32)
    letters[:, 4] = 0
    offset = random.normal(size=(3, 40)).astype(np.float32)
    unit = measure_unit(letters, offset)
    counts, offsets = np.zeros(letters.shape, np.int16), np.zeros(offset.shape, np.int16)
    count_units(letters, unit, counts)
    count_units(offset, unit, offsets)
    for sign in (1, -1):
        largest = (sign * counts.astype(int)).max(axis=1).sum(axis=0) + (sign * offsets.astype(int)).max(axis=0)
        assert largest.max() < 2**15
    np.testing.assert_allclose(counts * unit, letters, atol=0.51 * unit)


NO_STEM = {
    "nonlinear in the target": lambda m, t: layers.Multiply()([g := pairing_grid(m, t), layers.Add()([g, layers.ReLU()(g)])]),
    "recurrent": lambda m, t: layers.GRU(4)(layers.Reshape((L, M))(pairing_grid(m, t))),
    "letters apart": lambda m, t: layers.Concatenate()([layers.Flatten()(layers.Embedding(5, 3)(codes)) for codes in (m, t)]),
}


@pytest.mark.parametrize("case", ["recurrent", "letters apart"])
def test_find_stem__none_where_no_convolution_follows_the_pairs(case):
    stem = find_stem(_network(NO_STEM[case]))
    assert stem is None or stem.terms.kernel == 1


def test_find_stem__place_dependent_sum_is_not_taken_for_a_convolution():
    weights = np.random.default_rng(1).normal(size=(L, M, 1)).astype(np.float32)

    def build(m, t):
        return layers.ReLU()(_conv(pairing_grid(m, t) * weights, 4, 3))

    stem = find_stem(_network(build))
    assert stem is None or stem.covers == ()
