import itertools
import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from mirscan.errors import InputError, MirscanError
from mirscan.networks import ARCHITECTURES
from mirscan.scoring import load_scorer
from mirscan.scoring.compiled import compile_network
from mirscan.scoring.processor import bfloat16_unit
from mirscan.scoring.runner import Pairs
from mirscan.scoring.tensorflow_engine import TensorFlowRunner
from mirscan.trained_models import Calibration, Card, TrainedModel

from .conftest import LAYOUT


# resnet_medium and resnet_large are resnet_small with more of the same
@pytest.mark.parametrize("engine", ["auto", "tensorflow"])
@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"resnet_medium", "resnet_large", "transformer"}))
def test_score__compiled_network_is_the_same_function(architecture, engine, make_model, pairs, plain_scores):
    model = make_model(architecture)
    mirnas, targets = (codes[:48] for codes in pairs)
    scorer = load_scorer(model, precision="float32", batch_size=32, engine=engine)
    np.testing.assert_allclose(scorer.score(mirnas, targets), plain_scores(model.network, mirnas, targets), atol=1e-5)
    assert scorer.describe()["notes"] == []


@pytest.mark.parametrize("engine", ["kernels", "tensorflow"])
@pytest.mark.parametrize("n", [1, 31, 32, 33, 600])
def test_score__last_batch_is_padded_and_cut(n, engine, make_model, pairs, plain_scores):
    model = make_model()
    mirnas, targets = (codes[:n] for codes in pairs)
    scorer = load_scorer(model, precision="float32", batch_size=32, engine=engine)
    np.testing.assert_allclose(scorer.score(mirnas, targets), plain_scores(model.network, mirnas, targets), atol=1e-5)


def test_score__no_pairs_give_no_scores(make_model):
    scores = load_scorer(make_model()).score(np.empty((0, 24), np.uint8), np.empty((0, 50), np.uint8))
    assert scores.shape == (0,) and scores.dtype == np.float32


def test_score__repeats_are_computed_once_and_counted(make_model, pairs):
    scorer = load_scorer(make_model(), precision="float32")
    scores = scorer.score(*pairs)
    one_by_one = np.concatenate([scorer.score(pairs[0][row : row + 50], pairs[1][row : row + 50]) for row in range(0, 600, 50)])
    np.testing.assert_array_equal(scores, one_by_one)
    assert scorer.counts.pairs == 1200
    assert load_scorer(make_model()).counts.summary() == {"pairs": 0, "computed": 0, "saved": 0.0}
    fresh = load_scorer(make_model())
    fresh.score(*pairs)
    assert fresh.counts.computed == len(np.unique(np.hstack(pairs), axis=0)) < 420
    assert fresh.counts.summary()["saved"] == round(1 - fresh.counts.computed / 600, 4)


def test_score__order_of_pairs_changes_no_bit(make_model, pairs):
    scorer = load_scorer(make_model())
    order = np.random.default_rng(2).permutation(600)
    np.testing.assert_array_equal(scorer.score(pairs[0][order], pairs[1][order]), scorer.score(*pairs)[order])


def test_score__two_threads_give_the_scores_of_one(make_model, pairs):
    compiled = compile_network(make_model().network, "float32")
    index = np.arange(600, dtype=np.int32)
    one, two = (TensorFlowRunner(compiled, 32, threads).score(Pairs(pairs[0], index, pairs[1])) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.skipif(bfloat16_unit() is None, reason="needs bfloat16")
def test_score__bfloat16_is_close(make_model, pairs):
    half, full = (load_scorer(make_model(), precision=precision).score(*pairs) for precision in ("bfloat16", "float32"))
    assert 0 < np.abs(half - full).max() < 0.02


def test_score__calibration_is_applied(make_model, pairs):
    model = make_model()
    plain = load_scorer(model, precision="float32").score(*pairs)
    card = Card(**{**model.card.__dict__, "calibration": Calibration("isotonic", (0.0, 0.5, 1.0), (0.0, 0.1, 0.4))})
    found = load_scorer(TrainedModel(card, model.network, None), precision="float32").score(*pairs)
    np.testing.assert_allclose(found, np.interp(plain, (0, 0.5, 1), (0, 0.1, 0.4)), atol=1e-6)


def test_score__duplex_features_are_made_on_the_way(make_model, pairs, plain_scores):
    from mirscan.duplex import DUPLEX_FEATURES, duplex_features

    model = make_model(duplex=len(DUPLEX_FEATURES))
    found = load_scorer(model, precision="float32", batch_size=64).score(*pairs)
    expected = plain_scores(model.network, *pairs, duplex=duplex_features(*pairs))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_score__wrong_shapes_name_the_expected_one(make_model, pairs):
    scorer = load_scorer(make_model())
    with pytest.raises(InputError, match=r"windows: uint8 of shape \(600, 49\).*\(n, 50\)"):
        scorer.score(pairs[0], pairs[1][:, 1:])
    with pytest.raises(InputError, match=r"miRNAs: float64"):
        scorer.score(pairs[0].astype(float), pairs[1])
    with pytest.raises(InputError, match="600 miRNAs but 599 windows"):
        scorer.score(pairs[0], pairs[1][1:])
    with pytest.raises(InputError, match="windows: code 9"):
        scorer.score(pairs[0][:1], np.full((1, 50), 9, np.uint8))


class _BrokenEngine:
    def score(self, mirnas, index, targets):
        scores = np.zeros(len(index), np.float32)
        scores[3] = np.nan
        return scores


def test_score__nan_names_the_pair(make_model, pairs):
    from mirscan.scoring.scorer import Scorer
    from mirscan.sequence.alphabet import decode

    with pytest.raises(MirscanError, match=r"score nan for miRNA [ACGT]+ on window [ACGTN]{50}.*--precision float32") as caught:
        Scorer(make_model().card, _BrokenEngine()).score(*pairs)
    words = str(caught.value).split()
    window = words[words.index("window") + 1]
    assert window in {decode(codes) for codes in pairs[1]}


def test_load_scorer__unknown_engine_precision_and_batch_are_refused(make_model):
    with pytest.raises(InputError, match="engine 'torch': unknown; expected one of auto, kernels, tensorflow, jax"):
        load_scorer(make_model(), engine="torch")
    with pytest.raises(InputError, match="precision 'int8': unknown"):
        load_scorer(make_model(), precision="int8")
    with pytest.raises(InputError, match="batch size 0"):
        load_scorer(make_model(), batch_size=0)


def test_load_scorer__other_backend_than_the_one_that_runs_is_refused(make_model):
    make_model()
    with pytest.raises(InputError, match=r"Keras already runs on 'tensorflow'.*KERAS_BACKEND=jax"):
        load_scorer(make_model(), engine="jax")


@pytest.mark.parametrize("engine", ["kernels", "tensorflow"])
def test_describe__says_what_computes(engine, make_model):
    described = load_scorer(make_model(), precision="float32", batch_size=64, engine=engine).describe()
    assert described["model"] == "mirscan_fast"
    assert {key: described[key] for key in ("engine", "device", "precision", "batch", "tables", "notes")} == {
        "engine": engine,
        "device": "cpu",
        "precision": "float32",
        "batch": 64,
        "tables": True,
        "notes": [],
    }


def test_load_scorer__layer_that_cannot_be_rebuilt_runs_as_it_is_and_says_so_once(pairs, caplog, plain_scores):
    import keras

    class Halving(keras.layers.Layer):
        """Has no from_config that works, as a foreign layer may."""

        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def call(self, x):
            return x * self.factor

        def get_config(self):
            return {"factor_lost": True}

    mirna, target = keras.Input((24,), dtype="uint8", name="mirna_codes"), keras.Input((50,), dtype="uint8", name="target_codes")
    x = keras.layers.Concatenate()([keras.layers.Flatten()(keras.layers.Embedding(5, 2)(codes)) for codes in (mirna, target)])
    network = keras.Model({"mirna_codes": mirna, "target_codes": target}, keras.layers.Dense(1, activation="sigmoid")(Halving(0.5)(x)))
    model = TrainedModel(Card("foreign", "", "foreign", LAYOUT), network, None)
    with caplog.at_level(logging.WARNING, "mirscan.scoring"):
        scorer = load_scorer(model)
    assert [record.getMessage().count("run without folding") for record in caplog.records] == [1]
    np.testing.assert_allclose(scorer.score(*pairs), plain_scores(network, *pairs), atol=1e-5)
    assert scorer.describe()["precision"] == "float32"


def test_runner__out_of_memory_halves_the_batch_and_says_so_once(make_model, pairs, caplog):
    class SmallMemory(TensorFlowRunner):
        def _compute(self, inputs):
            if self.batch_size > 64:
                raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")
            return super()._compute(inputs)

    compiled = compile_network(make_model().network, "float32")
    index = np.arange(600, dtype=np.int32)
    small = SmallMemory(compiled, 256, 1)
    with caplog.at_level(logging.WARNING, "mirscan.scoring"):
        found = small.score(Pairs(pairs[0], index, pairs[1]))
    np.testing.assert_array_equal(found, TensorFlowRunner(compiled, 64, 1).score(Pairs(pairs[0], index, pairs[1])))
    assert small.batch_size == 64 and len(small.notes) == 1 and len(caplog.records) == 1


def test_runner__another_error_is_not_swallowed(make_model, pairs):
    class Broken(TensorFlowRunner):
        def _compute(self, inputs):
            raise RuntimeError("cable pulled")

    runner = Broken(compile_network(make_model().network, "float32"), 64, 1)
    with pytest.raises(RuntimeError, match="cable pulled"):
        runner.score(Pairs(pairs[0], np.arange(600, dtype=np.int32), pairs[1]))


_JAX = """
import sys, numpy as np
from mirscan.scoring import load_scorer
values = np.load(sys.argv[1])
for name, precision in (("base", "float32"), ("fast", "auto")):
    scorer = load_scorer(name, precision=precision, batch_size=256)
    assert scorer.describe()["engine"] == "jax", scorer.describe()
    np.save(sys.argv[2] + name, scorer.outputs(values["mirnas"], values["targets"]))
"""


def test_engines__jax_agrees_with_tensorflow_and_kernels(pairs, tmp_path):
    np.savez(tmp_path / "pairs.npz", mirnas=pairs[0], targets=pairs[1])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    files = os.fspath(tmp_path / "pairs.npz"), os.fspath(tmp_path / "outputs-")
    subprocess.run([sys.executable, "-c", _JAX, *files], check=True, env=environment, timeout=250)
    for (name, precision, tolerance), engine in itertools.product(
        (("base", "float32", 2e-6), ("fast", "auto", 0.02)), ("tensorflow", "kernels")
    ):
        expected = load_scorer(name, precision=precision, engine=engine).outputs(*pairs)
        np.testing.assert_allclose(np.load(f"{files[1]}{name}.npy"), expected, atol=tolerance)
