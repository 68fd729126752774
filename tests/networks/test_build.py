"""Every architecture is built, trained a step, saved, loaded by a process that knows nothing of mirscan, on two backends, and compared."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from mirscan.errors import ModelError
from mirscan.networks import ARCHITECTURES, architecture_settings, build_network, count_mflop, count_parameters, list_architectures

keras = pytest.importorskip("keras")

N_DUPLEX = 5
# name of the case -> architecture, settings; every architecture once, and every way that has code of its own
CASES = {name: (name, {}) for name in ARCHITECTURES} | {
    "transformer_cnn": ("transformer", {"head": "cnn", "n_layers": 1}),
    "transformer_bilstm": ("transformer", {"head": "bilstm", "n_layers": 1, "head_units": 8}),
    "resnet_small_l1l2": ("resnet_small", {"regularization": "l1l2"}),
    "mirscan_base_batch_norm": ("mirscan_base", {"batch_norm": True}),
    "mirscan_base_separable": ("mirscan_base", {"separable": True}),
    # narrow ones: JAX compiles a QR decomposition for the start of every recurrent layer
    "bilstm_attention": ("bilstm_attention", {"units": (8, 4)}),
    "gru": ("gru", {"units": (8, 4)}),
}
# together every encoding and every kind of layer; the others are made of the same
ON_JAX = (
    "mirscan_base",
    "mirscan_fast",
    "resnet_small",
    "pairwise_cnn",
    "inception",
    "bilstm_attention",
    "gru",
    "targetnet",
    "transformer_bilstm",
)
LOAD_AND_PREDICT = """
import sys, json, numpy, keras
inputs = dict(numpy.load(sys.argv[1]))
scores = {}
for name in sys.argv[3:]:
    network = keras.models.load_model(f"{sys.argv[2]}/{name}.keras", safe_mode=True)
    own = {key: inputs[key] for key in network.input}
    # JAX compiles every operation it meets outside of a compiled function on its own, which takes longer than the network as a whole
    scored = network.predict(own, verbose=0) if keras.backend.backend() == "jax" else numpy.array(network(own))
    scores[name] = scored.ravel().tolist()
loaded = any(name.startswith("mirscan") for name in sys.modules)
print(json.dumps({"scores": scores, "mirscan": loaded, "backend": keras.backend.backend()}))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folder with a trained network a case, and what each scored before it was saved."""
    folder = tmp_path_factory.mktemp("networks")
    random = np.random.default_rng(1)
    inputs = {
        "mirna_codes": random.integers(0, 5, (4, 24)).astype(np.uint8),
        "target_codes": random.integers(0, 5, (4, 50)).astype(np.uint8),
        "duplex": random.normal(size=(4, N_DUPLEX)).astype(np.float32),
    }
    np.savez(folder / "inputs.npz", **inputs)
    scores, moved = {}, {}
    for case, (name, settings) in CASES.items():
        keras.utils.set_random_seed(2)
        network = build_network(name, 24, 50, N_DUPLEX if len(scores) % 2 else 0, **settings)
        own = {key: inputs[key] for key in network.input}
        network.compile(optimizer="sgd", loss="binary_crossentropy", run_eagerly=True)
        before = [weight.numpy().copy() for weight in network.trainable_weights]
        network.train_on_batch(own, np.array([[0.0], [1.0], [1.0], [0.0]]))
        moved[case] = [
            weight.name for weight, old in zip(network.trainable_weights, before, strict=True) if np.array_equal(weight.numpy(), old)
        ]
        scores[case] = np.array(network(own)).ravel()
        network.save(folder / f"{case}.keras", include_optimizer=False)
    return folder, scores, moved


@pytest.mark.parametrize(("backend", "cases", "tolerance"), [("tensorflow", tuple(CASES), 1e-6), ("jax", ON_JAX, 1e-4)])
def test_saved_network__scores_the_same_with_keras_alone(saved, backend, cases, tolerance):
    folder, scores, _ = saved
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    environment["XLA_FLAGS"] = (
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_multi_thread_eigen=false"
    )
    command = [sys.executable, "-c", LOAD_AND_PREDICT, str(folder / "inputs.npz"), str(folder), *cases]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["backend"] == backend
    assert not answer["mirscan"]
    assert list(answer["scores"]) == list(cases)
    for case in cases:
        np.testing.assert_allclose(answer["scores"][case], scores[case], atol=tolerance, err_msg=case)


def test_training_step__moves_every_weight_that_can_learn(saved):
    _, scores, unmoved = saved
    assert all(np.isfinite(score).all() and score.min() > 0 and score.max() < 1 for score in scores.values())
    assert {case: names for case, names in unmoved.items() if names} == {}


def test_reference_networks__have_the_published_number_of_parameters():
    # miRBind 2 on 28 x 50; miRBench's CNN on 20 x 50; the ResNets and the three-block CNN by hand from their descriptions
    assert count_parameters(build_network("pairwise_cnn", 28, 50)) == 147_233
    assert count_parameters(build_network("mirbind_cnn", 20, 50)) == 1_863_617
    assert count_parameters(build_network("resnet_small", 20, 50)) == resnet_parameters((64, 128), pooled=128)
    assert count_parameters(build_network("resnet_medium", 20, 50)) == resnet_parameters((64, 128, 128), pooled=128)
    assert count_parameters(build_network("resnet_large", 20, 50)) == resnet_parameters((64, 128, 128), pooled=13 * 5 * 128)
    assert count_parameters(build_network("three_block_cnn", 20, 50)) == 300_673


def resnet_parameters(filters: tuple[int, ...], pooled: int) -> int:
    """Convolutions 3x3 with bias, BatchNorm with two numbers a channel, a 1x1 shortcut with BatchNorm in every block that halves."""
    total, before = 9 * 64 + 64 + 2 * 64, 64
    for number, width in enumerate(filters):
        total += 9 * before * width + width + 2 * width + 9 * width * width + width + 2 * width
        total += before * width + width + 2 * width if number > 0 else 0
        before = width
    return total + pooled * 512 + 512 + 512 + 1


def test_count_mflop__small_networks_by_hand():
    inputs = keras.Input((8, 6, 2))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(inputs)  # 4 x 3 cells, 9 taps, 2 x 4 channels
    x = keras.layers.Reshape((12, 4))(x)
    x = keras.layers.Conv1D(5, 3)(x)  # 10 steps, 3 taps, 4 x 5 channels
    x = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))(x)  # two ways, 10 steps, 4 gates, 3 units, 5 + 3 inputs
    x = keras.layers.Attention()([x, x])  # scores and sums: 10 x 10 x 6 each
    x = keras.layers.MultiHeadAttention(2, 3)(x, x)  # four projections 6 x 6, scores and sums 10 x 10 x 6
    x = keras.layers.GRU(2)(x)  # 10 steps, 3 gates, 2 units, 6 + 2 inputs
    network = keras.Model(inputs, keras.layers.Dense(7)(x))
    expected = 12 * 9 * 8 + 10 * 3 * 20 + 2 * 10 * 4 * 3 * 8 + 2 * 600 + (4 * 10 * 36 + 2 * 600) + 10 * 3 * 2 * 8 + 14
    assert count_mflop(network) == pytest.approx(2e-6 * expected)


def test_list_architectures__names_costs_and_sources():
    rows = {row["name"]: row for row in list_architectures(28, 50)}
    assert list(rows) == list(ARCHITECTURES)
    assert rows["mirscan_fast"]["mflop"] < 6 < rows["mirscan_base"]["mflop"] < 40
    assert all(row["parameters"] > 1000 and row["description"] and row["publication"] for row in rows.values())


def test_output__is_a_float32_probability_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build_network("mirscan_fast", 24, 50, 3)
    finally:
        keras.config.set_dtype_policy("float32")
    assert network.get_layer("conv_1").compute_dtype == "bfloat16"
    assert (network.name, network.layers[-1].name) == ("mirscan_fast", "probability")
    assert (network.output.shape, network.output.dtype) == ((None, 1), "float32")
    assert {key: tuple(tensor.shape) for key, tensor in network.input.items()} == {
        "mirna_codes": (None, 24),
        "target_codes": (None, 50),
        "duplex": (None, 3),
    }


def test_inputs__int32_codes_score_as_uint8_codes():
    network = build_network("mirscan_fast", 24, 50)
    random = np.random.default_rng(5)
    codes = {"mirna_codes": random.integers(0, 5, (3, 24)), "target_codes": random.integers(0, 5, (3, 50))}
    narrow = network({key: value.astype(np.uint8) for key, value in codes.items()})
    wide = network({key: value.astype(np.int32) for key, value in codes.items()})
    np.testing.assert_array_equal(np.array(narrow), np.array(wide))


def test_duplex_features__change_the_score():
    network = build_network("mirscan_fast", 24, 50, 2)
    codes = {"mirna_codes": np.zeros((2, 24), np.uint8), "target_codes": np.full((2, 50), 3, np.uint8)}
    scores = np.array(network({**codes, "duplex": np.array([[0.0, 0.0], [3.0, -4.0]], np.float32)}))
    assert scores[0] != scores[1]


def test_build_network__unknown_architecture():
    with pytest.raises(ModelError, match=r"unknown architecture 'resnet'; known: mirscan_base, mirscan_fast, resnet_small"):
        build_network("resnet", 24, 50)


def test_build_network__unknown_setting():
    with pytest.raises(ModelError, match=r"mirscan_base: unknown setting depth; known: embedding, stem_filters"):
        build_network("mirscan_base", 24, 50, depth=3)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("resnet_small", {"regularization": "l3"}, "regularization 'l3'; expected one of none, l1, l2, l1l2"),
        ("transformer", {"head": "mlp"}, "head 'mlp'; expected fc, cnn or bilstm"),
        ("targetnet", {"filters": (16, 8)}, "expected blocks that do not narrow"),
        ("mirscan_base", {"filters": "many"}, r"mirscan_base: setting filters is 'many'; expected a list, as its default \(64, 96\)"),
        ("mirscan_base", {"embedding": 8.5}, "setting embedding is 8.5; expected a whole number, as its default 8"),
        ("mirscan_base", {"filters": (64,)}, "mirscan_base for miRNAs of 24 nt and windows of 50 nt"),
    ],
)
def test_build_network__settings_that_give_no_network(name, settings, message):
    with pytest.raises(ModelError, match=message):
        build_network(name, 24, 50, **settings)


def test_build_network__window_too_short_for_the_network():
    with pytest.raises(ModelError, match="pairwise_cnn for miRNAs of 8 nt and windows of 4 nt"):
        build_network("pairwise_cnn", 8, 4)


def test_architecture_settings__lists_every_default():
    assert architecture_settings("three_block_cnn") == {
        "filters": (32, 64, 128),
        "kernel": 3,
        "dense": (128, 64, 32),
        "slope": 0.3,
        "dropout": 0.25,
        "duplex_units": 16,
    }


def test_registry__is_read_without_keras():
    code = "import sys; from mirscan.networks import ARCHITECTURES; assert len(ARCHITECTURES) >= 13 and 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
