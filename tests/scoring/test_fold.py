import keras
import numpy as np
import pytest
from keras import layers

from mirscan.scoring.fold import plan_folds, rebuild

from .conftest import randomize_batchnorm


def _norm(x):
    return layers.BatchNormalization()(x)


def _relu(x):
    return layers.ReLU()(x)


def _pooled_dense(x):
    return layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))


# name: (function of the (12, 10, 3) input, BatchNormalizations folded, left)
CASES = {
    "conv, norm, relu": (lambda x: _pooled_dense(_relu(_norm(layers.Conv2D(5, 3, use_bias=False)(x)))), 1, 0),
    "conv with bias, norm": (lambda x: _pooled_dense(_relu(_norm(layers.Conv2D(5, 3, padding="same")(x)))), 1, 0),
    "separable, norm": (lambda x: _pooled_dense(_relu(_norm(layers.SeparableConv2D(5, 3, use_bias=False)(x)))), 1, 0),
    "depthwise, norm": (lambda x: _pooled_dense(_relu(_norm(layers.DepthwiseConv2D(3, depth_multiplier=2)(x)))), 1, 0),
    "conv, dropout, norm": (lambda x: _pooled_dense(_relu(_norm(layers.Dropout(0.5)(layers.Conv2D(5, 3)(x))))), 1, 0),
    "two norms in a row": (lambda x: _pooled_dense(_relu(_norm(_norm(layers.Conv2D(5, 3)(x))))), 2, 0),
    "dense, norm, relu": (lambda x: layers.Dense(1)(_relu(_norm(layers.Dense(7)(layers.Flatten()(x))))), 1, 0),
    "conv, relu, norm, average, dense": (lambda x: _pooled_dense(_norm(_relu(layers.Conv2D(5, 3)(x)))), 1, 0),
    "conv, relu, norm, flatten, dense": (lambda x: layers.Dense(1)(layers.Flatten()(_norm(_relu(layers.Conv2D(5, 3)(x))))), 1, 0),
    "conv, relu, norm, max pool, valid conv": (
        lambda x: _pooled_dense(layers.Conv2D(4, 3)(layers.MaxPooling2D(2)(_norm(layers.Conv2D(5, 3, activation="relu")(x))))),
        1,
        0,
    ),
    "conv, relu, norm, padded conv": (
        lambda x: _pooled_dense(layers.Conv2D(4, 3, padding="same")(_norm(_relu(layers.Conv2D(5, 3)(x))))),
        0,
        1,
    ),
    "norm read twice": (lambda x: _pooled_dense(layers.Add()([y := _norm(_relu(layers.Conv2D(3, 1)(x))), _relu(y)])), 0, 1),
    "conv read twice": (lambda x: _pooled_dense(layers.Add()([_norm(y := layers.Conv2D(3, 1)(x)), y])), 0, 1),
    "activation inside the conv": (
        lambda x: _pooled_dense(layers.MaxPooling2D(2, padding="same")(_norm(layers.Conv2D(5, 3, activation="relu")(x)))),
        0,
        1,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rebuild__folded_network_is_the_same_function(case):
    build, n_folded, n_left = CASES[case]
    keras.utils.set_random_seed(2)
    inputs = keras.Input((12, 10, 3))
    network = keras.Model(inputs, build(inputs))
    randomize_batchnorm(network)
    plan = plan_folds(network)
    folded = rebuild(network, plan, "float32")
    x = np.random.default_rng(4).normal(size=(9, 12, 10, 3)).astype(np.float32)
    np.testing.assert_allclose(folded(x), network(x), atol=1e-5)
    assert (len(plan.folded), len(plan.left)) == (n_folded, n_left)
    assert not any(type(layer).__name__ in ("BatchNormalization", "Dropout") for layer in folded.layers)


def test_rebuild__one_dimension_folds_too():
    inputs = keras.Input((30, 4))
    x = layers.Conv1D(6, 5, use_bias=False)(inputs)
    network = keras.Model(inputs, layers.Dense(1)(layers.GlobalMaxPooling1D()(_relu(_norm(x)))))
    randomize_batchnorm(network)
    x = np.random.default_rng(4).normal(size=(9, 30, 4)).astype(np.float32)
    np.testing.assert_allclose(rebuild(network, plan_folds(network), "float32")(x), network(x), atol=1e-5)


def test_rebuild__shared_layer_is_not_folded():
    inputs = keras.Input((12, 10, 3))
    norm = layers.BatchNormalization()
    x = layers.Add()([norm(layers.Conv2D(5, 3)(inputs)), norm(layers.Conv2D(5, 3)(inputs))])
    network = keras.Model(inputs, _pooled_dense(x))
    randomize_batchnorm(network)
    assert plan_folds(network).folded == ()
    x = np.random.default_rng(4).normal(size=(9, 12, 10, 3)).astype(np.float32)
    np.testing.assert_allclose(rebuild(network, plan_folds(network), "float32")(x), network(x), atol=1e-5)


def test_rebuild__bfloat16_inside_float32_at_the_end(make_model):
    network = make_model("mirbind_cnn").network
    half = rebuild(network, plan_folds(network), "bfloat16")
    policies = {layer.name: layer.dtype_policy.name for layer in half.layers}
    assert policies["probability"] == "float32"
    assert {policy for name, policy in policies.items() if "conv" in name} == {"bfloat16"}


def test_rebuild__leaves_the_original_alone(make_model, pairs, plain_scores):
    network = make_model("mirbind_cnn").network
    mirnas, targets = (codes[:8] for codes in pairs)
    before = plain_scores(network, mirnas, targets)
    rebuild(network, plan_folds(network), "float32")
    np.testing.assert_array_equal(plain_scores(network, mirnas, targets), before)
