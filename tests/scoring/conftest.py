"""Small networks with random weights, and random pairs that repeat miRNAs and windows as a scan does."""

import os

import numpy as np
import pytest

from mirscan.trained_models import Card, TrainedModel
from mirscan.windows import WindowLayout

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

LAYOUT = WindowLayout(length=50, anchor=34, mirna_length=24)


def randomize_batchnorm(network, seed: int = 3) -> None:
    """Statistics and weights of a trained layer; a fresh one is the identity and would hide a wrong fold."""
    random = np.random.default_rng(seed)
    for layer in network.layers:
        if type(layer).__name__ == "BatchNormalization":
            ranges = {"gamma": (0.5, 1.5), "beta": (-0.3, 0.3), "moving_mean": (-0.3, 0.3), "moving_variance": (0.4, 1.6)}
            layer.set_weights([random.uniform(*ranges[weight.name], weight.shape) for weight in layer.weights])


@pytest.fixture(scope="session")
def make_model():
    """build_network's networks as trained models, made once each."""
    from mirscan.networks import build_network
    from mirscan.scoring.tensorflow_engine import TensorFlowRunner

    TensorFlowRunner.prepare(1)
    made = {}

    def make(architecture: str = "mirscan_fast", duplex: int = 0, **settings) -> TrainedModel:
        import keras

        key = (architecture, duplex, *sorted(settings.items()))
        if key not in made:
            keras.utils.set_random_seed(11)
            network = build_network(architecture, LAYOUT.mirna_length, LAYOUT.length, duplex=duplex, **settings)
            randomize_batchnorm(network)
            card = Card(name=architecture, description="", architecture=architecture, layout=LAYOUT, inputs_duplex=bool(duplex))
            made[key] = TrainedModel(card, network, None)
        return made[key]

    return make


@pytest.fixture
def pairs():
    """miRNA codes (600, 24) of 40 miRNAs, some short, and windows (600, 50), some with N at an end; a third of the pairs are repeats."""
    random = np.random.default_rng(8)
    mirnas = random.integers(0, 4, (40, 24), dtype=np.uint8)
    for row in range(20):
        mirnas[row, 18 + row % 6 :] = 4
    mirna_codes = mirnas[random.integers(0, 40, 600)]
    target_codes = random.integers(0, 4, (600, 50), dtype=np.uint8)
    for row in range(0, 600, 5):
        target_codes[row, : row % 30] = 4
    target_codes[1::7, 30:] = 4
    repeated = random.integers(0, 400, 200)
    mirna_codes[400:], target_codes[400:] = mirna_codes[repeated], target_codes[repeated]
    return mirna_codes, target_codes


@pytest.fixture
def plain_scores():
    """What a network gives without any of the scorer's work."""

    def predict(network, mirna_codes, target_codes, **others):
        return np.asarray(network({"mirna_codes": mirna_codes, "target_codes": target_codes, **others}, training=False))[:, 0]

    return predict
