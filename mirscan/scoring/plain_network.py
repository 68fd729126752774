"""A compiled network as plain arrays: the stem's tables, then convolutions and dense layers in a row. What needs no Keras to compute."""

from dataclasses import dataclass, replace

import numpy as np

from mirscan.errors import ModelError
from mirscan.networks import members_of
from mirscan.scoring.compiled import compile_network
from mirscan.scoring.fold import IDENTITY
from mirscan.scoring.graph import Call, Graph, read_graph
from mirscan.scoring.stem import Stem, pool_sizes, relu_slope


@dataclass(frozen=True, eq=False)
class Convolution:
    """2-D convolution `kernel` (rows, columns, channels in, out) and `bias`, leaky ReLU with `slope` (1: none), max pooling.

    `before`: rows and columns of zeros above and left of the map; `shape` (rows, columns) of what comes out, before pooling.
    """

    kernel: np.ndarray
    bias: np.ndarray
    strides: tuple[int, int]
    before: tuple[int, int]
    shape: tuple[int, int]
    slope: float = 1.0
    pool: tuple[int, int] = (1, 1)


@dataclass(frozen=True, eq=False)
class Dense:
    """Dense layer `kernel` (in, out) and `bias`, leaky ReLU with `slope` (1: none).

    `is_side`: reads the duplex features, and what it gives joins the numbers that the layer before it gives, behind them.
    """

    kernel: np.ndarray
    bias: np.ndarray
    slope: float = 1.0
    is_side: bool = False


@dataclass(frozen=True, eq=False)
class PlainNetwork:
    """Stem, then `convolutions`, then `dense` layers, the last of one unit, then the logistic function. All float32.

    `n_folded`: BatchNormalizations that were folded.
    """

    stem: Stem
    convolutions: tuple[Convolution, ...]
    dense: tuple[Dense, ...]
    n_folded: int = 0

    @property
    def needs_duplex(self) -> bool:
        return any(layer.is_side for layer in self.dense)


def make_plain_networks(network) -> tuple[PlainNetwork, ...] | None:
    """A Keras network as arrays, or those that it is the mean of; None where one is made of anything else than what PlainNetwork has."""
    networks = tuple(map(_make_plain_network, members_of(network)))
    return None if None in networks else networks


def _make_plain_network(network) -> PlainNetwork | None:
    compiled = compile_network(network, "float32")
    if compiled.stem is None or len(compiled.stem.shape) != 3:
        return None
    try:
        layers = _Reader(read_graph(compiled.network)).read()
    except (ModelError, _Other):
        return None
    convolutions = tuple(layer for layer in layers if isinstance(layer, Convolution))
    dense = tuple(layer for layer in layers if isinstance(layer, Dense))
    if not dense or dense[0].is_side or dense[-1].kernel.shape[1] != 1:
        return None
    return PlainNetwork(compiled.stem, convolutions, dense, len(compiled.plan.folded))


class _Other(Exception):
    """A layer that PlainNetwork has not."""


class _Reader:
    """Follows the one path from the stem to the output."""

    def __init__(self, graph: Graph):
        self._graph, self._layers = graph, []
        self._is_flat = self._is_done = False

    def read(self) -> list[Convolution | Dense]:
        """The layers; _Other for one that is none of them."""
        tensor = next(id(tensor) for tensor in self._graph.network.inputs if tensor.name == "stem")
        while not self._is_done:
            readers = self._graph.readers[tensor]
            if len(readers) != 1:
                raise _Other
            name = type(readers[0].operation).__name__
            if name not in IDENTITY:
                _READERS.get(name, _refuse)(self, readers[0])
            tensor = readers[0].makes[0]
        if any(id(output) != tensor for output in self._graph.network.outputs):
            raise _Other
        return self._layers

    def convolution(self, call: Call) -> None:
        layer = call.operation
        if self._is_flat or tuple(layer.dilation_rate) != (1, 1) or layer.groups != 1 or layer.data_format != "channels_last":
            raise _Other
        kernel, bias = _weights(layer)
        shape_in, shape_out = (self._graph.tensors[tensors[0]].shape[1:3] for tensors in (call.reads, call.makes))
        before = (0, 0)
        if layer.padding == "same":
            needed = zip(shape_in, shape_out, layer.strides, kernel.shape, strict=False)
            before = tuple(max(0, (n_out - 1) * stride + size - n_in) // 2 for n_in, n_out, stride, size in needed)
        self._layers.append(Convolution(kernel, bias, tuple(layer.strides), before, shape_out, _activation(layer)))

    def relu(self, call: Call) -> None:
        slope, last = relu_slope(call.operation), self._last(Convolution, Dense)
        if slope is None or last.slope != 1.0 or getattr(last, "is_side", False) or getattr(last, "pool", (1, 1)) != (1, 1):
            raise _Other
        self._layers[-1] = replace(last, slope=slope)

    def pooling(self, call: Call) -> None:
        pool, last = pool_sizes(call.operation), self._last(Convolution)
        if pool is None or last.pool != (1, 1):
            raise _Other
        self._layers[-1] = replace(last, pool=pool)

    def flatten(self, call: Call) -> None:
        self._is_flat = True

    def dense(self, call: Call) -> None:
        if not self._is_flat:
            raise _Other
        layer = call.operation
        self._is_done = layer.activation.__name__ == "sigmoid"
        self._layers.append(Dense(*_weights(layer), 1.0 if self._is_done else _activation(layer)))

    def join(self, call: Call) -> None:
        """The duplex features' own dense layer, whose numbers follow those at hand."""
        side = self._graph.makers.get(call.reads[-1])
        source = side and self._graph.tensors[side.reads[0]].name
        if len(call.reads) != 2 or source != "duplex" or type(side.operation).__name__ != "Dense":
            raise _Other
        self._last(Dense)
        self._layers.append(Dense(*_weights(side.operation), _activation(side.operation), is_side=True))

    def _last(self, *kinds: type):
        if not self._layers or not isinstance(self._layers[-1], kinds):
            raise _Other
        return self._layers[-1]


def _refuse(reader: _Reader, call: Call) -> None:
    raise _Other


_READERS = {
    "Conv2D": _Reader.convolution,
    "ReLU": _Reader.relu,
    "LeakyReLU": _Reader.relu,
    "Activation": _Reader.relu,
    "MaxPooling2D": _Reader.pooling,
    "Flatten": _Reader.flatten,
    "Dense": _Reader.dense,
    "Concatenate": _Reader.join,
}


def _weights(layer) -> tuple[np.ndarray, np.ndarray]:
    kernel, *bias = (np.asarray(value, np.float32) for value in layer.get_weights())
    if len(bias) != int(layer.use_bias):
        raise _Other
    return kernel, bias[0] if bias else np.zeros(kernel.shape[-1], np.float32)


def _activation(layer) -> float:
    slopes = {"linear": 1.0, "relu": 0.0}
    if layer.activation.__name__ not in slopes:
        raise _Other
    return slopes[layer.activation.__name__]
