"""Integrated gradients (Sundararajan 2017): what each base adds to the log odds, along a straight path from a pair without bases.

A network reads letters through embedding layers, its own or those of an encoder within it, so the path runs in what these give: from what
they give for letters that are not known to what they give for the pair. Which cells of them belong to which base is found by asking: those
that change when the base is not known.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from mirscan.duplex import duplex_features
from mirscan.errors import ModelError
from mirscan.keras_loading import load_keras
from mirscan.networks import members_of
from mirscan.sequence.alphabet import N
from mirscan.trained_models import TrainedModel

# Points on the path (midpoint rule); with 64 the attributions of shipped networks add up to the difference within 1 %.
STEPS = 64
# Pairs at once: with 64 points each some 2,000 windows, as an engine's batches.
_BATCH = 32


class _AllRead(BaseException):
    """Ends a forward pass behind its last embedding. Keras rewrites an Exception on its way."""


@dataclass(frozen=True)
class _OpenNetworks:
    """Networks whose mean is the score, and whose embeddings can be read and replaced.

    The embeddings are called `n_calls` times in all, and `blank` is a letter that is not known.
    """

    networks: list
    embeddings: tuple
    n_calls: int
    blank: int

    def encode(self, inputs: dict) -> list[np.ndarray]:
        """What each call of an embedding gives, (n, ...cells, channels)."""
        outputs = []

        def read(call, codes):
            outputs.append(np.asarray(call(codes)))
            if len(outputs) == self.n_calls:
                raise _AllRead
            return outputs[-1]

        with _replaced(self.embeddings, read):
            try:
                self.run(inputs)
            except _AllRead:
                return outputs
        return outputs

    def run(self, inputs: dict) -> list:
        """Outputs (n, 1) of each network."""
        return [network({tensor.name: inputs[tensor.name] for tensor in network.inputs}, training=False) for network in self.networks]

    def log_odds(self, inputs: dict, points: list):
        """(n, 1) where the embeddings give `points` instead."""
        from keras import ops

        lasts = [network.layers[-1] for network in self.networks]
        waiting, ends = iter(points), iter(lasts)

        def end(call, features, training=None):
            last = next(ends)
            return ops.matmul(ops.cast(features, "float32"), ops.cast(last.kernel, "float32")) + last.bias

        with _replaced(self.embeddings, lambda call, codes: next(waiting)), _replaced(lasts, end):
            found = ops.stack(self.run(inputs))
        # log(p / (1 - p)) of the mean p of logistic functions, however near p is to 0 or 1
        return ops.logsumexp(ops.log_sigmoid(found), axis=0) - ops.logsumexp(ops.log_sigmoid(-found), axis=0)

    def without(self, codes: np.ndarray) -> np.ndarray:
        """The same with no letter known."""
        return np.where(codes < N, self.blank, codes).astype(codes.dtype)


@contextmanager
def _replaced(layers, function: Callable) -> Iterator[None]:
    """Layers that call `function` (their own call, what they are given) meanwhile."""
    for layer in layers:
        layer.call = partial(function, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def integrated_gradients(
    model: TrainedModel, mirna_codes: np.ndarray, target_codes: np.ndarray, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """What each base adds to the log odds: (n, M) for the miRNA and (n, L) for the target, float32, NaN where there is no base.

    `mirna_codes` (n, M) and `target_codes` (n, L) uint8 in the layout of the model. Where a network reads the strands apart, both
    sides together add up to the log odds less those of a pair of N alone; where it reads pairs of bases, a pair counts on either side. The
    duplex features of a network that takes them are held. Letters that are not known are N, or those hidden in its pre-training where a
    network has an encoder. Raises ModelError for a network without embeddings and for a backend without gradients here.
    """
    opened = _open(model)
    sides = (np.empty(mirna_codes.shape, np.float32), np.empty(target_codes.shape, np.float32))
    for start in range(0, len(mirna_codes), _BATCH):
        rows = slice(start, start + _BATCH)
        codes = {"mirna_codes": mirna_codes[rows], "target_codes": target_codes[rows]}
        held = {"duplex": duplex_features(*codes.values())} if model.card.inputs_duplex else {}
        cells = _attribute(opened, codes, held, steps)
        for side, name in zip(sides, codes, strict=True):
            side[rows] = _by_base(opened, codes, held, name, cells)
    return tuple(np.where(codes < N, side, np.nan) for side, codes in zip(sides, (mirna_codes, target_codes), strict=True))


def _open(model: TrainedModel) -> _OpenNetworks:
    keras = load_keras()
    backend, networks = keras.backend.backend(), members_of(model.network)
    if backend not in _GRADIENTS:
        raise ModelError(
            f"integrated gradients run on {' and '.join(_GRADIENTS)}, and Keras runs on {backend}; set KERAS_BACKEND=tensorflow"
        )
    embeddings = tuple(layer for network in networks for layer in _find_embeddings(network, keras.layers.Embedding))
    if not embeddings or not all(isinstance(network.layers[-1], keras.layers.Dense) for network in networks):
        raise ModelError(f"model {model.card.name!r}: has no embedding of letters or no dense end; use mutagenesis")
    from mirscan.networks.nucleotide_encoder import MASK, N_TOKENS

    blank = MASK if any(layer.input_dim == N_TOKENS for layer in embeddings) else N
    calls: list[None] = []
    with _replaced(embeddings, lambda call, codes: calls.append(None) or call(codes)):
        model.network({tensor.name: np.zeros((1, *tensor.shape[1:]), tensor.dtype) for tensor in model.network.inputs}, training=False)
    return _OpenNetworks(networks, embeddings, len(calls), blank)


def _find_embeddings(network, kind: type) -> Iterator:
    """The embedding layers of a network and of the networks within it."""
    for layer in network.layers:
        if isinstance(layer, kind):
            yield layer
        elif hasattr(layer, "layers"):
            yield from _find_embeddings(layer, kind)


def _attribute(opened: _OpenNetworks, codes: dict, held: dict, steps: int) -> list[np.ndarray]:
    """For each call of an embedding what each of its cells adds, (n, ...cells), summed over channels."""
    inputs, gradients = codes | held, _GRADIENTS[load_keras().backend.backend()](opened)
    ends = opened.encode(inputs)
    starts = opened.encode({name: opened.without(values) for name, values in codes.items()} | held)
    sums = [np.zeros_like(end) for end in ends]
    for step in range(steps):
        share = (step + 0.5) / steps
        points = [start + share * (end - start) for start, end in zip(starts, ends, strict=True)]
        sums = [total + gradient for total, gradient in zip(sums, gradients(inputs, points), strict=True)]
    return [((end - start) * total / steps).sum(axis=-1) for start, end, total in zip(starts, ends, sums, strict=True)]


def _tensorflow_gradients(opened: _OpenNetworks) -> Callable:
    """Function of (inputs, points) that gives the gradients of the log odds at these points."""
    import tensorflow as tf

    def gradients(inputs: dict, points: list[np.ndarray]) -> list[np.ndarray]:
        tensors = [tf.constant(point) for point in points]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            log_odds = opened.log_odds(inputs, tensors)
        found = tape.gradient(log_odds, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return [np.asarray(gradient) for gradient in found]

    return gradients


def _jax_gradients(opened: _OpenNetworks) -> Callable:
    import jax

    compiled = jax.jit(jax.grad(lambda points, inputs: opened.log_odds(inputs, points).sum()))
    return lambda inputs, points: [np.asarray(gradient) for gradient in compiled(points, inputs)]


_GRADIENTS = {"tensorflow": _tensorflow_gradients, "jax": _jax_gradients}


def _by_base(opened: _OpenNetworks, codes: dict, held: dict, name: str, cells: list[np.ndarray]) -> np.ndarray:
    """Attributions (n, width) of one side: of each base the cells that change when it is not known."""
    whole, unknown = opened.encode(codes | held), opened.without(codes[name])
    side = np.zeros(unknown.shape, np.float32)
    for place in range(unknown.shape[1]):
        changed = codes[name].copy()
        changed[:, place] = unknown[:, place]
        for before, after, added in zip(whole, opened.encode(codes | held | {name: changed}), cells, strict=True):
            is_changed = (before != after).any(axis=-1)
            side[:, place] += np.where(is_changed, added, 0).reshape(len(unknown), -1).sum(axis=1)
    return side
