"""The end of every network: sequence features, joined by the duplex features where a network takes them, to one probability."""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers


@dataclass(frozen=True)
class NetworkInputs:
    """Symbolic `mirna_codes` (n, M), `target_codes` (n, L), integers; `duplex` (n, k) float32, or None in a network without it."""

    mirna_codes: Any
    target_codes: Any
    duplex: Any = None


def probability(
    features,
    inputs: NetworkInputs,
    dense: tuple[int, ...],
    dropout: float,
    duplex_units: int,
    slope: float = 0.0,
    norm: str = "none",
    regularizer=None,
):
    """Features (n, f) -> probability (n, 1), float32 under every dtype policy.

    Dense layers of `dense` units, each followed by a ReLU that lets `slope` of the negative side through, BatchNorm before or after it
    (`norm` "before", "after" or "none") and dropout. The duplex features pass through `duplex_units` ReLU units of their own and join
    after the first of those layers, so that a few numbers are not drowned in a thousand, yet are weighed together with the sequence by
    the layers that follow.
    """
    if norm not in ("before", "after", "none"):
        raise ValueError(f"norm {norm!r}; expected before, after or none")
    x = features if dense else _join_duplex(features, inputs.duplex, duplex_units)
    for number, units in enumerate(dense, start=1):
        x = layers.Dense(units, kernel_regularizer=regularizer, name=f"dense_{number}")(x)
        if norm == "before":
            x = layers.BatchNormalization(name=f"dense_{number}_norm")(x)
        x = layers.ReLU(negative_slope=slope, name=f"dense_{number}_relu")(x)
        if norm == "after":
            x = layers.BatchNormalization(name=f"dense_{number}_norm")(x)
        x = layers.Dropout(dropout, name=f"dense_{number}_dropout")(x)
        if number == 1:
            x = _join_duplex(x, inputs.duplex, duplex_units)
    return layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)


def _join_duplex(x, duplex, units: int):
    if duplex is None:
        return x
    side = layers.Dense(units, activation="relu", name="duplex_dense")(duplex)
    return layers.Concatenate(name="with_duplex")([x, side])


def make_regularizer(regularization: str, factor: float):
    """Keras regulariser for "none", "l1", "l2" or "l1l2" (both with the same factor)."""
    makers = {
        "none": lambda: None,
        "l1": lambda: keras.regularizers.L1(factor),
        "l2": lambda: keras.regularizers.L2(factor),
        "l1l2": lambda: keras.regularizers.L1L2(factor, factor),
    }
    if regularization not in makers:
        raise ValueError(f"regularization {regularization!r}; expected one of {', '.join(makers)}")
    return makers[regularization]()
