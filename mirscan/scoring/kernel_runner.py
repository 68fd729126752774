"""A plain network on mirscan's own kernels: needs no Keras, starts in no time, and is two to three times as fast as TensorFlow."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mirscan.scoring.dot_tile import LANES, TILES
from mirscan.scoring.layer_kernels import apply_dense, convolve
from mirscan.scoring.plain_network import Convolution, PlainNetwork
from mirscan.scoring.runner import BatchRunner, Pairs

# Windows at once. Measured: from 256 on, calls of kernels cost nothing any more; more take memory.
BATCH = 256


@dataclass(frozen=True)
class _Map:
    """What lies between two convolutions for one window: (rows, left + columns + right, channels), the edges zero.

    `channels` counts those that are kept, `n_channels` those that mean something, which come first.
    """

    rows: int
    columns: int
    n_channels: int
    channels: int
    left: int = 0
    right: int = 0

    @property
    def width(self) -> int:
        return self.left + self.columns + self.right

    @property
    def size(self) -> int:
        return self.rows * self.width * self.channels


@dataclass(frozen=True, eq=False)
class _Weights:
    """Weights of one layer as the kernels read them, flat, and the rows and vectors of the tile that they are laid out for."""

    weights: np.ndarray
    bias: np.ndarray
    slope: np.float32
    tile: tuple[int, int]

    @property
    def width(self) -> int:
        return self.tile[1] * LANES

    @property
    def tile_arguments(self) -> tuple[tuple, tuple]:
        rows, vectors = self.tile
        return (0,) * rows, (0,) * vectors


@dataclass(frozen=True, eq=False)
class _ConvolutionStep:
    weights: _Weights
    form: tuple
    n_best: int


@dataclass(frozen=True, eq=False)
class _DenseStep:
    """`source` and `goal` count the arrays of a Work's `rows`; `form` as apply_dense takes it."""

    weights: _Weights
    form: tuple
    source: int
    goal: int


@dataclass(frozen=True, eq=False)
class Work:
    """Memory of one thread: work space of the stem and of tiles, maps between layers, and rows of numbers between dense layers."""

    tables: tuple
    maps: list[np.ndarray]
    rows: list[np.ndarray]
    tiles: dict[tuple[int, int], np.ndarray]


class KernelRunner(BatchRunner):
    """Computes convolutions and the first dense layer in `precision` (float32 or bfloat16), what follows in float32."""

    name, device = "kernels", "cpu"
    has_tables = True

    def __init__(self, network: PlainNetwork, precision: str, batch_size: int | None = None, threads: int = 1):
        self.network, self.precision = network, precision
        self.needs_duplex, self.n_folded = network.needs_duplex, network.n_folded
        self._is_bfloat16 = precision == "bfloat16"
        self._maps = _plan_maps(network)
        between = zip(network.convolutions, pairwise(self._maps), strict=True)
        self._convolutions = [self._prepare_convolution(layer, *maps) for layer, maps in between]
        self._dense, self._row_sizes = self._prepare_dense()
        super().__init__(batch_size or BATCH, threads)

    # --- weights ---------------------------------------------------------------------------------------------------------------------

    def _prepare_convolution(self, layer: Convolution, source: _Map, goal: _Map) -> _ConvolutionStep:
        kernel_rows, kernel_columns, n_in, n_out = layer.kernel.shape
        kernel = np.zeros((kernel_rows, kernel_columns, source.channels, n_out), np.float32)
        kernel[:, :, :n_in] = layer.kernel
        n_columns = goal.columns * layer.pool[1]
        weights = self._pack(kernel.reshape(kernel_rows, -1, n_out), layer.bias, layer.slope, n_columns, self._is_bfloat16)
        row, column = source.width * source.channels, source.channels
        n_terms = kernel_columns * column // (2 if self._is_bfloat16 else 1)
        reads = (source.rows, source.size, row, layer.strides[1] * column, kernel_rows, n_terms, layer.strides[0], layer.before[0])
        makes = (goal.rows * layer.pool[0], n_columns, *layer.pool)
        writes = (goal.size, goal.width * goal.channels, goal.channels, goal.left * goal.channels)
        return _ConvolutionStep(weights, (reads, makes, writes), goal.columns)

    def _prepare_dense(self) -> tuple[list[_DenseStep], list[int]]:
        """The steps, and the elements that a row of each array between them has: the last map, the duplex features, and what follows."""
        last = self._maps[-1]
        duplex = next((layer.kernel.shape[0] for layer in self.network.dense if layer.is_side), 1)
        sizes, steps = [last.size, duplex], []
        # where the numbers stand that the next layer reads: (how many, in how many places) one after the other
        held = [(last.n_channels, last.channels)] * (last.rows * last.width)
        for layer in self.network.dense:
            source = 1 if layer.is_side else (0 if not steps else len(sizes) - 1)
            kernel = layer.kernel if layer.is_side else _spread_rows(layer.kernel, held)
            is_bfloat16 = self._is_bfloat16 and source == 0
            weights = self._pack(kernel[None], layer.bias, layer.slope, 1 << 10, is_bfloat16)
            width = len(weights.bias)
            first = sum(places for _, places in held) if layer.is_side else 0
            if layer.is_side:
                held, sizes[-1] = [*held, (layer.kernel.shape[1], width)], first + width
            else:
                held = [(layer.kernel.shape[1], width)]
                sizes.append(width)
            n_terms = kernel.shape[0] // (2 if is_bfloat16 else 1)
            steps.append((weights, source, len(sizes) - 1, n_terms, first))
        made = [_DenseStep(weights, (sizes[source], n, sizes[goal], first), source, goal) for weights, source, goal, n, first in steps]
        return made, sizes

    @staticmethod
    def _pack(kernel: np.ndarray, bias: np.ndarray, slope: float, n_columns: int, is_bfloat16: bool) -> _Weights:
        """kernel (rows, terms, out) as `convolve` reads it: (blocks, rows, terms, vectors * LANES), neighbouring terms side by side."""
        n_rows, n_terms, n_out = kernel.shape
        tile = choose_tile(n_out, n_columns)
        width = tile[1] * LANES
        n_blocks, together = -(-n_out // width), 2 if is_bfloat16 else 1
        wide = np.zeros((n_rows, n_terms, n_blocks * width), np.float32)
        wide[:, :, :n_out] = kernel
        blocks = wide.reshape(n_rows, n_terms // together, together, n_blocks, width).transpose(3, 0, 1, 4, 2)
        flat = np.ascontiguousarray(blocks).reshape(-1)
        wide_bias = np.zeros(n_blocks * width, np.float32)
        wide_bias[:n_out] = bias
        return _Weights(to_bfloat16(flat) if is_bfloat16 else flat, wide_bias, np.float32(slope), tile)

    # --- batches ---------------------------------------------------------------------------------------------------------------------

    def _make_work(self) -> Work:
        kind = np.uint16 if self._is_bfloat16 else np.float32
        n_rows = self.batch_size + max(rows for rows, _ in TILES)
        # a tile may read on behind the last column, and throws away what it makes of that
        slack = max((step.form[0][3] for step in self._convolutions), default=0) * max(rows for rows, _ in TILES)
        slack += max((step.weights.weights.size // len(step.weights.bias) for step in self._convolutions), default=0)
        maps = [np.zeros(self.batch_size * shape.size + slack, kind) for shape in self._maps[:-1]]
        maps.append(np.zeros(n_rows * self._maps[-1].size, kind))
        rows = [maps[-1], *(np.zeros(n_rows * size, np.float32) for size in self._row_sizes[1:])]
        steps = [step.weights for step in (*self._convolutions, *self._dense)]
        tiles = {weights.tile: np.zeros((weights.tile[0], weights.width), np.float32) for weights in steps}
        return Work(self.network.stem.make_scratch(self._is_bfloat16), maps, rows, tiles)

    def _start(self, rows: slice, pairs: Pairs, work: Work) -> np.ndarray:
        n = rows.stop - rows.start
        first = self._maps[0]
        stems = work.maps[0][: n * first.size].reshape(n, first.rows, first.width, first.channels)
        self.network.stem.fill(pairs.mirnas, pairs.index[rows], pairs.targets[rows], work.tables, stems, first.left)
        if self.needs_duplex:
            size = self._row_sizes[1]
            work.rows[1][: n * size] = pairs.duplex(rows).reshape(-1)
        for step, (values, out) in zip(self._convolutions, pairwise(work.maps), strict=True):
            weights = step.weights
            best = np.empty((step.n_best, weights.width), np.float32)
            sums = work.tiles[weights.tile]
            convolve(values, n, step.form, weights.weights, weights.bias, weights.slope, sums, best, out, *weights.tile_arguments)
        for step in self._dense:
            weights = step.weights
            sums, values, out = work.tiles[weights.tile], work.rows[step.source], work.rows[step.goal]
            apply_dense(values, n, step.form, weights.weights, weights.bias, weights.slope, sums, out, *weights.tile_arguments)
        size = self._row_sizes[-1]
        return _logistic(work.rows[-1][: n * size : size].copy())

    @staticmethod
    def _collect(result: np.ndarray) -> np.ndarray:
        return result


def choose_tile(n_channels: int, n_columns: int) -> tuple[int, int]:
    """(rows, vectors) of the tile that computes least beyond what is wanted, the largest of equals."""
    n_vectors = -(-n_channels // LANES)

    def work(tile: tuple[int, int]) -> tuple[int, int]:
        rows, vectors = tile
        return -(-n_columns // rows) * rows * -(-n_vectors // vectors) * vectors, -rows * vectors

    return min(((rows, vectors) for rows, most in TILES for vectors in range(1, most + 1)), key=work)


def to_bfloat16(values: np.ndarray) -> np.ndarray:
    """float32 as the bits of bfloat16, uint16, rounded to nearest, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _plan_maps(network: PlainNetwork) -> list[_Map]:
    """The stem's map and that of each convolution, with the edges that the next one reads."""
    rows, columns, n_channels = network.stem.shape
    # bfloat16 come in twos
    maps, channels = [], n_channels + n_channels % 2
    for layer in network.convolutions:
        left = layer.before[1]
        right = max(0, (layer.shape[1] - 1) * layer.strides[1] + layer.kernel.shape[1] - left - columns)
        maps.append(_Map(rows, columns, n_channels, channels, left, right))
        rows, columns = (size // pool for size, pool in zip(layer.shape, layer.pool, strict=True))
        n_channels = layer.kernel.shape[3]
        width = choose_tile(n_channels, columns * layer.pool[1])[1] * LANES
        channels = -(-n_channels // width) * width
    return [*maps, _Map(rows, columns, n_channels, channels)]


def _spread_rows(kernel: np.ndarray, held: list[tuple[int, int]]) -> np.ndarray:
    """The rows of a dense kernel where its numbers stand: after n of them, zeros up to the places that are kept for these."""
    spread = np.zeros((sum(places for _, places in held), kernel.shape[1]), np.float32)
    row = first = 0
    for n, places in held:
        spread[first : first + n] = kernel[row : row + n]
        row, first = row + n, first + places
    return spread


def _logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
