"""Integrated gradients (Sundararajan 2017): what each base adds to the log odds, along a straight path from a pair without bases.

A network reads letters through embedding layers, so the path runs in what these give: from what they give for N alone to what they give
for the pair. Which cells of them belong to which base is found by asking: those that change when the base becomes N.
"""

from dataclasses import dataclass

import numpy as np

from mirscan.duplex import duplex_features
from mirscan.errors import ModelError
from mirscan.keras_loading import load_keras
from mirscan.sequence.alphabet import N
from mirscan.trained_models import TrainedModel

# Points on the path (midpoint rule); with 64 the attributions of shipped networks add up to the difference within 1 %.
STEPS = 64
# Pairs at once: with 64 points each some 2,000 windows, as an engine's batches.
_BATCH = 32


@dataclass(frozen=True)
class _OpenNetwork:
    """A network cut behind its embeddings: `encode` gives their outputs, `head` goes on from there to the last layer.

    `parts` name the inputs of `head`: the embeddings' outputs in order, then what is held.
    """

    encode: object
    head: object
    parts: tuple[str, ...]
    kernel: np.ndarray
    bias: np.ndarray


def integrated_gradients(
    model: TrainedModel, mirna_codes: np.ndarray, target_codes: np.ndarray, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """What each base adds to the log odds: (n, M) for the miRNA and (n, L) for the target, float32, NaN where there is no base.

    `mirna_codes` (n, M) and `target_codes` (n, L) uint8 in the layout of the model. Where a network reads the strands apart, both
    sides together add up to the log odds less those of a pair of N alone; where it reads pairs of bases, a pair counts on either side. The
    duplex features of a network that takes them are held. Raises ModelError for a network without embeddings and for a backend other than
    TensorFlow.
    """
    opened = _open(model)
    sides = (np.empty(mirna_codes.shape, np.float32), np.empty(target_codes.shape, np.float32))
    for start in range(0, len(mirna_codes), _BATCH):
        rows = slice(start, start + _BATCH)
        inputs = {"mirna_codes": mirna_codes[rows], "target_codes": target_codes[rows]}
        fixed = [duplex_features(mirna_codes[rows], target_codes[rows])] if model.card.inputs_duplex else []
        cells = _attribute(opened, inputs, fixed, steps)
        for side, name in zip(sides, inputs, strict=True):
            side[rows] = _by_base(opened, inputs, name, cells)
    return tuple(np.where(codes < N, side, np.nan) for side, codes in zip(sides, (mirna_codes, target_codes), strict=True))


def _open(model: TrainedModel) -> _OpenNetwork:
    keras = load_keras()
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            f"integrated gradients run on TensorFlow, and Keras runs on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow"
        )
    network = model.network
    leaves = [layer.output for layer in network.layers if isinstance(layer, keras.layers.Embedding)]
    last = network.layers[-1]
    if not leaves or not isinstance(last, keras.layers.Dense):
        raise ModelError(f"model {model.card.name!r}: has no embedding of letters or no dense end; use mutagenesis")
    codes = {tensor.name: tensor for tensor in network.inputs if tensor.name in ("mirna_codes", "target_codes")}
    fixed = [tensor for tensor in network.inputs if tensor.name not in codes]
    kernel, bias = (np.asarray(weight) for weight in last.get_weights())
    parts = {tensor.name: tensor for tensor in (*leaves, *fixed)}
    return _OpenNetwork(keras.Model(codes, leaves), keras.Model(parts, last.input), tuple(parts), kernel, bias)


def _encode(opened: _OpenNetwork, inputs: dict) -> list[np.ndarray]:
    outputs = opened.encode(inputs)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def _attribute(opened: _OpenNetwork, inputs: dict, fixed: list[np.ndarray], steps: int) -> list[np.ndarray]:
    """For each embedding what each of its cells adds, (n, ...cells), summed over channels."""
    import tensorflow as tf

    ends = _encode(opened, inputs)
    starts = _encode(opened, {name: np.full_like(codes, N) for name, codes in inputs.items()})
    sums, held = [np.zeros_like(end) for end in ends], [tf.constant(values) for values in fixed]
    for step in range(steps):
        share = (step + 0.5) / steps
        points = [tf.constant(start + share * (end - start)) for start, end in zip(starts, ends, strict=True)]
        with tf.GradientTape() as tape:
            tape.watch(points)
            features = opened.head(dict(zip(opened.parts, [*points, *held], strict=True)), training=False)
            log_odds = tf.cast(features, tf.float32) @ opened.kernel + opened.bias
        gradients = tape.gradient(log_odds, points)
        sums = [total if gradient is None else total + np.asarray(gradient) for total, gradient in zip(sums, gradients, strict=True)]
    return [((end - start) * total / steps).sum(axis=-1) for start, end, total in zip(starts, ends, sums, strict=True)]


def _by_base(opened: _OpenNetwork, inputs: dict, name: str, cells: list[np.ndarray]) -> np.ndarray:
    """Attributions (n, width) of one side: of each base the cells that change when it becomes N."""
    codes, whole = inputs[name], _encode(opened, inputs)
    side = np.zeros(codes.shape, np.float32)
    for place in range(codes.shape[1]):
        without = codes.copy()
        without[:, place] = N
        for before, after, added in zip(whole, _encode(opened, inputs | {name: without}), cells, strict=True):
            is_changed = (before != after).any(axis=-1)
            side[:, place] += np.where(is_changed, added, 0).reshape(len(codes), -1).sum(axis=1)
    return side
