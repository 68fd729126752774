"""mirscan's own kernels against plain definitions, against Keras, and against themselves in other company."""

import itertools
import shutil
import subprocess
import sys
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from mirscan.duplex import DUPLEX_FEATURES, duplex_features
from mirscan.errors import InputError
from mirscan.networks import mean_network
from mirscan.scoring import load_scorer
from mirscan.scoring.dot_tile import LANES, TILES
from mirscan.scoring.kept_networks import SHIPPED_FILE, keep, read_kept, read_plain, write_plain
from mirscan.scoring.kernel_runner import KernelRunner, choose_tile, to_bfloat16
from mirscan.scoring.layer_kernels import apply_dense
from mirscan.scoring.network_engine import NetworkEngine
from mirscan.scoring.plain_network import make_plain_networks
from mirscan.scoring.processor import bfloat16_unit
from mirscan.trained_models import find_model, load_model

SHIPPED = ("affinity", "base", "base-pretrained", "fast")
# every shape of tile, edges on both sides, rows and columns that do not divide, one channel and hundreds
SHAPES = {
    "wide": {"stem_filters": 7, "stem_pool": 1, "filters": (5, 33), "strides": (1, 1), "pools": (1, 3)},
    "strides": {"stem_filters": 16, "filters": (64, 70), "strides": (2, (1, 2)), "pools": (1, 1), "dense": (40, 17)},
    "normed": {"stem_filters": 9, "filters": (16, 130), "strides": (1, 1), "pools": (2, 1), "batch_norm": True, "dense": (24,)},
    "no convolution": {"stem_filters": 20, "filters": (), "strides": (), "pools": (), "dense": (130,)},
    "one dense": {"stem_filters": 8, "filters": (16,), "strides": (1,), "pools": (1,), "dense": (8,)},
}


@pytest.mark.parametrize("duplex", [0, len(DUPLEX_FEATURES)])
@pytest.mark.parametrize("shape", SHAPES)
def test_kernels__give_what_keras_gives(shape, duplex, make_model, pairs, plain_scores):
    model = make_model("mirscan_fast", duplex, **SHAPES[shape])
    others = {"duplex": duplex_features(*pairs)} if duplex else {}
    found = load_scorer(model, precision="float32", engine="kernels").score(*pairs)
    np.testing.assert_allclose(found, plain_scores(model.network, *pairs, **others), atol=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_kernels__shipped_models_are_plain_and_equal(name):
    model = load_model(name)
    random = np.random.default_rng(7)
    pairs = [random.integers(0, 5, (64, n), dtype=np.uint8) for n in (model.card.layout.mirna_length, model.card.layout.length)]
    scores = [load_scorer(name, precision="float32", engine=engine).outputs(*pairs) for engine in ("kernels", "tensorflow")]
    np.testing.assert_allclose(*scores, atol=2e-6)


@pytest.mark.parametrize("architecture", ["mirbind_cnn", "three_block_cnn"])
def test_make_plain_networks__of_other_layers_is_none(architecture, make_model):
    assert make_plain_networks(make_model(architecture).network) is None
    with pytest.raises(InputError, match="engine 'kernels'"):
        load_scorer(make_model(architecture), engine="kernels")


def test_make_plain_networks__a_second_path_is_seen(make_model):
    import keras

    network = make_model("mirscan_fast").network
    flat = network.get_layer("flatten").output
    added = keras.layers.Add()([network.get_layer("dense_1").output, keras.layers.Dense(48, name="beside")(flat)])
    assert make_plain_networks(keras.Model(network.inputs, keras.layers.Dense(1, activation="sigmoid", name="end")(added))) is None


@pytest.mark.parametrize("engine", ["kernels", "tensorflow"])
def test_mean_of_networks__is_the_mean_of_their_outputs(engine, make_model, pairs):
    """One with duplex features and one without, of different design."""
    one, two = make_model("mirscan_base", len(DUPLEX_FEATURES)), make_model("mirscan_fast")
    alone = [plain.astype(np.float64) for plain in (load_scorer(model, "float32", engine=engine).outputs(*pairs) for model in (one, two))]
    mean = replace(one, network=mean_network([one.network, two.network]))
    scorer = load_scorer(mean, "float32", engine=engine)
    np.testing.assert_allclose(scorer.outputs(*pairs), (alone[0] + alone[1]) / 2, atol=1e-6)
    assert scorer.describe()["networks"] == 2


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.skipif(bfloat16_unit() is None, reason="none"))]
)
def test_kernels__same_bits_in_any_batch_on_any_threads(precision, make_model, pairs):
    (network,) = make_plain_networks(make_model("mirscan_base", len(DUPLEX_FEATURES)).network)
    index = np.arange(600, dtype=np.int32)
    scores = [
        NetworkEngine([KernelRunner(network, precision, batch, threads)], []).score(pairs[0], index, pairs[1])
        for batch, threads in ((256, 1), (1, 1), (7, 2), (600, 1))
    ]
    for other in scores[1:]:
        np.testing.assert_array_equal(scores[0], other)


@pytest.mark.skipif(bfloat16_unit() is None, reason="needs bfloat16")
@pytest.mark.parametrize("n_terms, n_out", [(2, 1), (6, 17), (48, 64), (130, 100)])
def test_apply_dense__bfloat16_is_the_product_of_rounded_numbers(n_terms, n_out):
    random = np.random.default_rng(n_out)
    values, kernel = random.normal(size=(9, n_terms)).astype(np.float32), random.normal(size=(1, n_terms, n_out)).astype(np.float32)
    bias = random.normal(size=n_out).astype(np.float32)
    packed = KernelRunner._pack(kernel, bias, 0.25, 9, is_bfloat16=True)
    most = max(rows for rows, _ in TILES)
    flat = to_bfloat16(np.vstack([values, np.zeros((most, n_terms), np.float32)]).reshape(-1))
    out, sums = np.zeros((9, len(packed.bias)), np.float32), np.zeros((packed.tile[0], packed.width), np.float32)
    form = (n_terms, n_terms // 2, len(packed.bias), 0)
    apply_dense(flat, 9, form, packed.weights, packed.bias, packed.slope, sums, out.reshape(-1), *packed.tile_arguments)
    rounded = [array.astype(ml_dtypes.bfloat16).astype(np.float64) for array in (values, kernel[0])]
    expected = rounded[0] @ rounded[1] + bias
    np.testing.assert_allclose(out[:, :n_out], np.where(expected > 0, expected, 0.25 * expected), atol=1e-5)


def test_to_bfloat16__rounds_as_ml_dtypes():
    bits = np.random.default_rng(4).integers(0, 0x7F000000, 5000).astype(np.uint32)
    values = np.concatenate([bits.view(np.float32), -bits.view(np.float32), np.float32([0, 1.00390625, 1.01171875])])
    np.testing.assert_array_equal(to_bfloat16(values), values.astype(ml_dtypes.bfloat16).view(np.uint16))


@pytest.mark.parametrize("n_channels, n_columns", itertools.product((1, LANES, 3 * LANES, 5 * LANES), (1, 6, 12, 25, 1000)))
def test_choose_tile__computes_no_more_than_any_other(n_channels, n_columns):
    def computed(rows, vectors):
        return -(-n_columns // rows) * rows * -(-n_channels // (vectors * LANES)) * vectors

    assert computed(*choose_tile(n_channels, n_columns)) == min(computed(rows, n) for rows, most in TILES for n in range(1, most + 1))


@pytest.fixture
def cache(monkeypatch, tmp_path):
    from mirscan.cache_folder import cache_folder

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    cache_folder.cache_clear()
    yield cache_folder()
    cache_folder.cache_clear()


def test_keep__read_again_gives_the_same_bits(make_model, pairs, cache):
    networks = make_plain_networks(make_model("mirscan_base", len(DUPLEX_FEATURES)).network)
    assert read_kept("some") is None
    keep("some", networks)
    index = np.arange(600, dtype=np.int32)
    kept = (networks, read_kept("some"))
    scores = [NetworkEngine([KernelRunner(one, "float32")], []).score(pairs[0], index, pairs[1]) for (one,) in kept]
    np.testing.assert_array_equal(*scores)
    assert read_kept("other") is None


def test_read_kept__of_a_damaged_file_is_none(make_model, cache):
    keep("some", make_plain_networks(make_model("mirscan_fast").network))
    (file,) = (cache / "networks").iterdir()
    whole = file.read_bytes()
    for damaged in (b"", whole[:1000], whole[:5000] + b"x" + whole[5001:]):
        file.write_bytes(damaged)
        assert read_kept("some") is None


def score_in_a_new_process(model) -> list[str]:
    code = (
        "import sys; from mirscan.scoring import score_pairs;"
        "score = score_pairs(['UGAGGUAGUAGGUUGUAUAGUU'], ['GG' * 10 + 'CTACCTCA' + 'GG' * 11], model=sys.argv[1])[0];"
        "print(float(score), 'keras' in sys.modules)"
    )
    return subprocess.run([sys.executable, "-c", code, str(model)], check=True, capture_output=True, text=True).stdout.split()


def test_load_scorer__a_kept_or_shipped_network_needs_no_keras(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    shipped = score_in_a_new_process("fast")
    folder = shutil.copytree(find_model("fast"), tmp_path / "model", ignore=shutil.ignore_patterns(SHIPPED_FILE))
    card = folder / "card.toml"
    card.write_text(card.read_text().replace('name = "fast"', 'name = "mine"', 1))
    first, second = (score_in_a_new_process(folder) for _ in range(2))
    assert (shipped[1], first[1], second[1]) == ("False", "True", "False")
    assert first[0] == second[0]
    assert float(shipped[0]) == pytest.approx(float(first[0]), abs=1e-5)


def test_read_plain__of_another_model_file_is_none(make_model, tmp_path):
    write_plain(tmp_path / SHIPPED_FILE, "some", make_plain_networks(make_model("mirscan_fast").network))
    assert read_plain(tmp_path / SHIPPED_FILE, "some") is not None
    assert read_plain(tmp_path / SHIPPED_FILE, "other") is None
