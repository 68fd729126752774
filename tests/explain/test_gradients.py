"""Integrated gradients: of a linear network known by heart, and their sum against the log odds of real networks."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import mirscan as ms
from mirscan.cli.main import app
from mirscan.errors import InputError
from mirscan.explain.by_position import explain_by_position
from mirscan.explain.gradients import integrated_gradients
from mirscan.keras_loading import load_keras
from mirscan.networks import build_network, mean_network
from mirscan.networks.registry import ARCHITECTURES
from mirscan.trained_models import Card, TrainedModel, load_model
from mirscan.windows import WindowLayout, encode_pairs


def log_odds(model: TrainedModel, mirna_codes, target_codes, duplex_of=None) -> np.ndarray:
    inputs = {"mirna_codes": mirna_codes, "target_codes": target_codes}
    if model.card.inputs_duplex:
        from mirscan.duplex import duplex_features

        inputs["duplex"] = duplex_features(*duplex_of)
    outputs = np.asarray(model.network(inputs), np.float64).ravel()
    return np.log(outputs / (1 - outputs))


def some_codes(layout: WindowLayout, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    mirnas = ["".join(random.choice(list("ACGU"), 22)) for _ in range(n)]
    targets = ["".join(random.choice(list("ACGU"), layout.length)) for _ in range(n)]
    return encode_pairs(mirnas, targets, layout)


def linear_model(layout: WindowLayout) -> TrainedModel:
    """Log odds: sum of weights by letter and place, of either strand."""
    keras = load_keras()
    random = np.random.default_rng(1)
    inputs, parts = {}, []
    for name, width in (("mirna_codes", layout.mirna_length), ("target_codes", layout.length)):
        inputs[name] = keras.Input((width,), dtype="uint8", name=name)
        letters = keras.layers.Embedding(5, 4, embeddings_initializer="identity", trainable=False)(inputs[name])
        parts.append(keras.layers.Flatten()(letters))
    last = keras.layers.Dense(1, activation="sigmoid", name="probability")
    network = keras.Model(inputs, last(keras.layers.Concatenate()(parts)))
    last.set_weights([random.normal(0, 0.1, last.kernel.shape), np.array([0.3])])
    return TrainedModel(Card("linear", "", "linear", layout), network, Path())


def test_linear_network__each_base_adds_its_weight():
    layout = WindowLayout(length=20, anchor=10, mirna_length=24)
    model = linear_model(layout)
    mirna_codes, target_codes = some_codes(layout)
    mirna, target = integrated_gradients(model, mirna_codes, target_codes, steps=2)
    weights = model.network.layers[-1].get_weights()[0].reshape(-1, 4)
    np.testing.assert_allclose(mirna[:, :22], weights[np.arange(22), mirna_codes[:, :22]], atol=1e-5)
    np.testing.assert_allclose(target, weights[24 + np.arange(20), target_codes], atol=1e-5)
    assert np.isnan(mirna[:, 22:]).all()


def mean_of_two() -> TrainedModel:
    model = load_model("fast")
    return replace(model, network=mean_network([model.network, build_network("three_block_cnn", 24, 50)]))


@pytest.mark.parametrize("model", [partial(load_model, "fast"), partial(load_model, "base"), mean_of_two], ids=["fast", "base", "mean"])
def test_shipped_network__attributions_add_up_to_the_log_odds(model):
    model = model()
    codes = some_codes(model.card.layout)
    unknown = tuple(np.full_like(side, 4) for side in codes)
    expected = log_odds(model, *codes, duplex_of=codes) - log_odds(model, *unknown, duplex_of=codes)
    found = sum(np.nansum(side, axis=1) for side in integrated_gradients(model, *codes))
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max() + 0.02)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture__can_be_explained(architecture):
    layout = WindowLayout(length=50, anchor=34, mirna_length=24)
    mirna, target = integrated_gradients(untrained(architecture, layout), *some_codes(layout, 1), steps=1)
    assert np.isfinite(mirna[:, :22]).all() and np.isfinite(target).all()
    assert np.abs(mirna[:, :22]).max() > 0 and np.abs(target).max() > 0


def test_encoder__attributions_add_up_to_the_log_odds_above_those_of_hidden_letters():
    layout = WindowLayout(length=30, anchor=20, mirna_length=24)
    model = TrainedModel(Card("new", "", "encoded_sites", layout), build_network("encoded_sites", 24, 30, dropout=0.0), Path())
    codes = some_codes(layout, 3)
    hidden = tuple(np.where(side < 4, 5, side).astype(np.uint8) for side in codes)
    found = sum(np.nansum(side, axis=1) for side in integrated_gradients(model, *codes, steps=200))
    np.testing.assert_allclose(found, log_odds(model, *codes) - log_odds(model, *hidden), atol=0.03)
    assert np.abs(found).max() > 0.05


def test_jax__gives_what_tensorflow_gives(tmp_path):
    """Keras has one backend a process, so each has its own."""
    script = """
import sys, numpy as np
from mirscan.explain.gradients import integrated_gradients
from mirscan.trained_models import load_model
from mirscan.windows import encode_pairs
model = load_model("fast")
codes = encode_pairs(["UGAGGUAGUAGGUUGUAUAGUU"] * 2, ["ACGUUGCA" * 4 + "CUACCUCA" + "UUGCAGGCAU", "G" * 50], model.card.layout)
np.savez(sys.argv[1], *integrated_gradients(model, *codes, steps=8))
"""
    found = {}
    for backend in ("tensorflow", "jax"):
        words = (sys.executable, "-c", script, tmp_path / f"{backend}.npz")
        subprocess.run(
            words, check=True, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, cwd=Path(ms.__file__).parents[1]
        )
        found[backend] = dict(np.load(tmp_path / f"{backend}.npz"))
    for name, side in found["tensorflow"].items():
        np.testing.assert_allclose(found["jax"][name], side, atol=2e-3)
        assert np.nanmax(np.abs(side)) > 0.1


def untrained(architecture, layout):
    return TrainedModel(Card("new", "", architecture, layout), build_network(architecture, 24, 50), Path())


def test_bound_pairs__the_seed_adds_the_most(write_pairs):
    effects = explain_by_position("fast", write_pairs(n=120), max_pairs=30, method="gradients")
    means = {(row["side"], row["position"]): row["mean"] for row in effects.table().to_pylist()}
    for side in ("mirna", "target"):
        seed = np.mean([means[side, position] for position in range(2, 9)])
        rest = np.mean([means[side, position] for position in range(9, 20)])
        assert seed > 2 * rest and seed > 0


def test_duplex__has_no_gradients(write_pairs):
    with pytest.raises(InputError, match="duplex has no gradients; expected a network"):
        explain_by_position("duplex", write_pairs(n=60), method="gradients")


def test_command__sites_of_a_run(tmp_path, example_run):
    words = ("explain", "duplex", example_run, "--gene", "ZEB2", "--mirna", "miR-200b-3p", "--out", tmp_path / "out", "--picture", "svg")
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("duplex, 8 pairs: mean change of the log odds")
    expected = ["by-letter.svg", "by-letter.tsv", "by-position.svg", "by-position.tsv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == expected


@pytest.fixture
def example_run(tmp_path):
    examples = Path(__file__).parents[2] / "examples"
    ms.scan(examples / "mirnas.fa", examples / "utrs.fa.gz", out=tmp_path / "run", model="none", threads=1)
    return tmp_path / "run"
