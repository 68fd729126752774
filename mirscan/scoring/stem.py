"""The stem of a network as tables.

Up to its first nonlinearity every network that starts from pairs of nucleotides is, for a given miRNA, a sum over the target's letters:
each letter adds a row that depends on the letter, on its place under the convolution, and on the miRNA. So a table per miRNA, with a row
for every 3-nt word, replaces the encoding and the first convolution by two to four row additions per place: exact, and independent of the
number of pair channels and of the kernel's width along the miRNA. The terms are found by probing the network with single letters, not by
its layers' names, and verified on random pairs; a network without such a stem is run as it is.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mirscan.errors import ModelError
from mirscan.scoring.fold import IDENTITY, batchnorm_affine
from mirscan.scoring.graph import Graph, read_graph
from mirscan.scoring.stem_kernels import N_WORDS, PARTS_AT_ONCE, WORD, fill_stems
from mirscan.sequence.alphabet import N

# Relative to the largest value of the stem; float32 sums of a hundred terms agree to 1e-6.
TOLERANCE = 2e-5
_PROBE_ROWS = 256


@dataclass(frozen=True, eq=False)
class Terms:
    """A stem of J target places, I miRNA columns and C channels as sums; K = I * C.

    `pair` (M, 4, R, kernel * 4 * C): miRNA nt q with letter a and the target letter b at kernel row d, for the R columns from
    first_column[q] on, of which n_reached[q] count. `target` (I, kernel * 4 * C): target letter alone. `constant` (1 or J, K): everything
    N. `mirna` (M, 4, 1 or J, K): miRNA letter alone. N adds nothing.
    """

    pair: np.ndarray
    first_column: np.ndarray
    n_reached: np.ndarray
    target: np.ndarray
    constant: np.ndarray
    mirna: np.ndarray
    stride: int
    pad: int
    kernel: int
    n_places: int
    n_channels: int

    @property
    def n_columns(self) -> int:
        """miRNA columns I."""
        return self.constant.shape[1] // self.n_channels

    def evaluate(self, mirna: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The stem (J, K) of one pair of codes, as the sums are written; the kernels give the same by tables."""
        letters = self.target.reshape(self.n_columns, self.kernel, 4, self.n_channels).copy()
        total = np.tile(self.constant, (self.n_places // len(self.constant), 1))
        for place in np.flatnonzero(mirna != N):
            columns = slice(self.first_column[place], self.first_column[place] + self.n_reached[place])
            terms = self.pair[place, mirna[place], : self.n_reached[place]]
            letters[columns] += terms.reshape(-1, self.kernel, 4, self.n_channels)
            total += self.mirna[place, mirna[place]]
        for row in range(self.n_places):
            for depth in range(self.kernel):
                place = row * self.stride - self.pad + depth
                if 0 <= place < len(target) and target[place] != N:
                    total[row] += letters[:, depth, target[place]].reshape(-1)
        return total


@dataclass(frozen=True, eq=False)
class Stem:
    """Terms, what follows them (leaky ReLU with `slope`, scale and shift of channels, pooling), and where it ends in the network.

    `shape` is that of one pair's stem; `target_axis` 1 or 2 says which axis of a batch of stems runs along the target; `tensor` is the
    symbolic tensor of the network that it stands for, None where there is no network any more.
    """

    terms: Terms
    shape: tuple[int, ...]
    target_axis: int
    slope: float = 1.0
    scale: np.ndarray | None = None
    shift: np.ndarray | None = None
    pool: tuple[int, int] = (1, 1)
    covers: tuple[str, ...] = ()
    tensor: object = None

    def _form(self, shape: tuple[int, ...], left: int) -> tuple:
        """What the kernel must know of the stem, and of where it goes in arrays of `shape`."""
        terms, (along_target, along_mirna) = self.terms, self.pool
        column = shape[-1]
        row = column * (shape[1] if len(shape) == 3 else 1)
        steps = (row, column) if self.target_axis == 1 else (column, row)
        return (terms.stride, terms.pad, terms.n_places, terms.n_channels, along_target, along_mirna, *steps, left * column)

    @cached_property
    def _arguments(self) -> tuple:
        terms = self.terms
        scale = np.ones(terms.n_channels) if self.scale is None else self.scale
        shift = np.zeros(terms.n_channels) if self.shift is None else self.shift
        affine = [np.tile(values, terms.n_columns).astype(np.float32) for values in (scale, shift)]
        return (
            terms.pair,
            terms.first_column,
            terms.n_reached,
            terms.target,
            terms.constant,
            terms.mirna,
            np.float32(self.slope),
            self.scale is not None,
            *affine,
        )

    def make_scratch(self, is_bfloat16: bool = False) -> tuple:
        """Work space of one thread."""
        terms, n_parts = self.terms, -(-self.terms.kernel // WORD)
        n_sums = terms.constant.shape[1]
        n_tables = max(n_parts, PARTS_AT_ONCE)
        n_codes = (terms.n_places - 1) * terms.stride + n_tables * WORD
        letters = np.zeros((terms.kernel, 5, n_sums), np.float32)
        offset = np.zeros((len(terms.constant), n_sums), np.float32)
        tables = (letters.astype(np.int16), offset.astype(np.int16)) if is_bfloat16 else (letters, offset)
        of_tables = tables[0].dtype
        active = np.zeros(n_sums, np.float32)
        of_mirna = (
            np.zeros_like(terms.target),
            letters,
            offset,
            *tables,
            np.zeros((n_tables, N_WORDS, n_sums), of_tables),
            np.zeros((n_parts, N_WORDS), np.bool_),
        )
        of_place = (
            np.zeros((1, n_sums), of_tables),
            np.zeros(n_sums, of_tables),
            np.zeros(n_sums, of_tables),
            active,
            active.view(np.uint32),
            np.zeros(n_sums, np.uint16),
            np.zeros(n_codes, np.uint8),
            np.zeros(n_codes + WORD, np.uint8),
        )
        return of_mirna, of_place

    def fill(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray, scratch: tuple, out: np.ndarray, left: int = 0) -> None:
        """Stems of the pairs (mirnas[index[r]], targets[r]) into out (n, *shape), float32, or uint16 for bfloat16.

        `mirnas` (k, M) uint8; `index` (n,) int32 with equal numbers side by side; `targets` (n, L) uint8; `scratch` for this type of out.
        `out` may have more columns (its axis 2), of which `left` stay before the stem's, and more channels behind them.
        """
        flat = out.reshape(len(out), -1)
        is_bfloat16 = out.dtype == np.uint16
        numbers = np.empty((0, 0), np.float32) if is_bfloat16 else flat
        bits = flat if is_bfloat16 else np.empty((0, 0), np.uint16)
        form = self._form(out.shape[1:], left)
        fill_stems(mirnas, index, targets, self._arguments, form, scratch, numbers, bits, is_bfloat16)


def find_stem(network) -> Stem | None:
    """The longest stem of a network that tables can give; None where it has none.

    Only looks at what the target's letters must pass on their way to the output, and believes only what random pairs confirm.
    """
    try:
        graph = read_graph(network)
    except ModelError:
        return None
    inputs = {tensor.name: id(tensor) for tensor in network.inputs}
    best = None
    for tensor in _cut_tensors(graph, inputs):
        function = _PartialNetwork(network, graph.tensors[tensor])
        if not function.is_additive():
            break
        best = tensor, function
    if best is None:
        return None
    terms = _probe(best[1])
    if terms is None or not _confirms(best[1], terms):
        return None
    return _extend(graph, best[0], terms, best[1].target_axis)


def _cut_tensors(graph: Graph, inputs: dict[str, int]) -> list[int]:
    """Tensors that depend on both strands and that every path from the target to an output passes, in order."""
    outputs = {id(tensor) for tensor in graph.network.outputs}
    from_target, from_mirna = graph.reached_from({inputs["target_codes"]}), graph.reached_from({inputs["mirna_codes"]})
    cuts = []
    for tensor in (made for call in graph.calls for made in call.makes):
        shape = graph.tensors[tensor].shape
        if tensor in outputs or tensor not in from_target or tensor not in from_mirna or len(shape) not in (3, 4) or None in shape[1:]:
            continue
        if outputs.isdisjoint(graph.reached_from({inputs["target_codes"]}, without=tensor)):
            cuts.append(tensor)
    return cuts


class _PartialNetwork:
    """The network from the two strands to one tensor, in float32; values come as (n, A, B, C)."""

    def __init__(self, network, tensor):
        import keras

        strands = {strand.name: strand for strand in network.inputs if strand.name in ("mirna_codes", "target_codes")}
        self._model = keras.Model(strands, tensor)
        self.mirna_length, self.target_length = strands["mirna_codes"].shape[1], strands["target_codes"].shape[1]
        self.target_axis = 1
        self._random = np.random.default_rng(20)

    def __call__(self, mirnas: np.ndarray, targets: np.ndarray) -> np.ndarray:
        parts = []
        for first in range(0, len(mirnas), _PROBE_ROWS):
            rows = slice(first, first + _PROBE_ROWS)
            value = np.asarray(self._model({"mirna_codes": mirnas[rows], "target_codes": targets[rows]}, training=False), np.float32)
            value = value[:, :, None, :] if value.ndim == 3 else value
            parts.append(value if self.target_axis == 1 else value.transpose(0, 2, 1, 3))
        return np.concatenate(parts)

    def random_pairs(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs with short miRNAs and with N at the targets' ends, as at the ends of transcripts, and inside."""
        mirnas = self._random.integers(0, 4, (n, self.mirna_length), dtype=np.uint8)
        targets = self._random.integers(0, 4, (n, self.target_length), dtype=np.uint8)
        for row in range(n // 2):
            mirnas[row, self._random.integers(8, self.mirna_length + 1) :] = N
            place = self._random.integers(0, self.target_length)
            targets[row, place:] = np.where(self._random.random(self.target_length - place) < 0.5 * (row % 3), N, targets[row, place:])
        return mirnas, targets

    def is_additive(self) -> bool:
        """Whether the target's two halves add up."""
        mirnas, targets = self.random_pairs(16)
        half = self.target_length // 2
        left, right, none = targets.copy(), targets.copy(), np.full_like(targets, N)
        left[:, half:], right[:, :half] = N, N
        whole = self(mirnas, targets)
        error = np.abs(whole + self(mirnas, none) - self(mirnas, left) - self(mirnas, right)).max()
        return bool(error <= TOLERANCE * max(1.0, np.abs(whole).max()))


def _probe(function: _PartialNetwork) -> Terms | None:
    """Terms of a partial network, read off single letters; None where it does not move along the target as a convolution does."""
    mirna_length, target_length = function.mirna_length, function.target_length
    none_mirna, none_target = np.full(mirna_length, N, np.uint8), np.full(target_length, N, np.uint8)
    function.target_axis = _find_target_axis(function)
    nothing = function(none_mirna[None], none_target[None])[0]
    n_places, n_columns, n_channels = nothing.shape
    found = _find_steps(function)
    if found is None:
        return None
    stride, pad, kernel = found
    mirna_letters = np.tile(none_mirna, (mirna_length, 4, 1))
    for place in range(mirna_length):
        mirna_letters[place, np.arange(4), place] = np.arange(4)
    all_mirnas = np.vstack([mirna_letters.reshape(-1, mirna_length), none_mirna[None]])
    mirna_alone = function(all_mirnas[:-1], np.tile(none_target, (4 * mirna_length, 1))) - nothing
    mirna_alone = mirna_alone.reshape(mirna_length, 4, n_places, -1)
    target = np.zeros((kernel, 4, n_columns * n_channels), np.float32)
    pair = np.zeros((mirna_length, 4, kernel, 4, n_columns * n_channels), np.float32)
    for place in range(_middle(target_length, stride), _middle(target_length, stride) + stride):
        rows = [(row, place - row * stride + pad) for row in range(n_places) if 0 <= place - row * stride + pad < kernel]
        for letter in range(4):
            probe = none_target.copy()
            probe[place] = letter
            values = function(all_mirnas, np.tile(probe, (len(all_mirnas), 1))) - nothing
            alone = values[-1].reshape(n_places, -1)
            both = values[:-1].reshape(mirna_length, 4, n_places, -1) - mirna_alone - alone
            for row, depth in rows:
                target[depth, letter] = alone[row]
                pair[:, :, depth, letter] = both[:, :, row]
    constant, mirna_terms = _collapse(nothing.reshape(n_places, -1), mirna_alone)
    return Terms(*_pack(pair, target, n_channels), constant, mirna_terms, stride, pad, kernel, n_places, n_channels)


def _middle(target_length: int, stride: int) -> int:
    return target_length // 2 - stride


def _differences(function: _PartialNetwork, places: range) -> np.ndarray:
    """Absolute change by a letter at each of these target places, summed over letters and two random miRNAs: (places, J, I, C)."""
    mirnas, _ = function.random_pairs(2)
    targets = np.full((len(places), 4, 2, function.target_length), N, np.uint8)
    for number, place in enumerate(places):
        targets[number, :, :, place] = np.arange(4)[:, None]
    none = np.full((2, function.target_length), N, np.uint8)
    values = function(np.tile(mirnas, (4 * len(places), 1)), targets.reshape(-1, function.target_length))
    values = values.reshape(len(places), 4, 2, *values.shape[1:])
    return np.abs(values - function(mirnas, none)).sum(axis=(1, 2))


def _find_target_axis(function: _PartialNetwork) -> int:
    """The axis along which the change that one letter makes moves with the letter."""
    ends = _differences(function, range(0, function.target_length, function.target_length - 1)) > 0
    overlap = [np.count_nonzero(ends[0].any(axis=axes) & ends[1].any(axis=axes)) for axes in ((1, 2), (0, 2))]
    return 1 if overlap[0] <= overlap[1] else 2


def _find_steps(function: _PartialNetwork) -> tuple[int, int, int] | None:
    """(stride, pad, kernel) along the target: place p reaches row j at kernel row p - j * stride + pad."""
    first = max(0, _middle(function.target_length, 8))
    changes = _differences(function, range(first, min(first + 16, function.target_length))).sum(axis=(2, 3))
    floor = 1e-5 * changes.max()
    for stride in range(1, 9):
        moved = changes[stride:, 1:] - changes[:-stride, :-1]
        is_inside = (changes[stride:, -1] <= floor) & (changes[:-stride, 0] <= floor)
        if is_inside.any() and np.abs(moved[is_inside]).max() <= 10 * floor:
            break
    else:
        return None
    places, rows = np.nonzero(changes > floor)
    depths = places + first - rows * stride
    return stride, int(-depths.min()), int(depths.max() - depths.min() + 1)


def _pack(pair: np.ndarray, target: np.ndarray, n_channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """pair (M, 4, kernel, 4, K) and target (kernel, 4, K) in the kernel's order: Terms' pair, first_column, n_reached and target."""
    columns = pair.reshape(*pair.shape[:-1], -1, n_channels)
    is_reached = np.abs(columns).max(axis=(1, 2, 3, 5)) > 0
    first = np.where(is_reached.any(axis=1), is_reached.argmax(axis=1), 0)
    last = np.where(is_reached.any(axis=1), is_reached.shape[1] - is_reached[:, ::-1].argmax(axis=1), 0)
    n_reached = last - first
    packed = np.zeros((len(pair), 4, max(1, n_reached.max()), pair.shape[2] * 4 * n_channels), np.float32)
    for place, (begin, n) in enumerate(zip(first, n_reached, strict=True)):
        packed[place, :, :n] = columns[place, :, :, :, begin : begin + n].transpose(0, 3, 1, 2, 4).reshape(4, n, -1)
    target = target.reshape(*target.shape[:-1], -1, n_channels).transpose(2, 0, 1, 3)
    return packed, first.astype(np.int64), n_reached.astype(np.int64), np.ascontiguousarray(target.reshape(len(target), -1))


def _collapse(nothing: np.ndarray, mirna_alone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One row where every target place has the same constant, else all: (1 or J, K) and (M, 4, 1 or J, K)."""
    size = max(1.0, float(np.abs(nothing).max(initial=0)))
    is_same = np.ptp(nothing, axis=0).max() <= 1e-6 * size and np.ptp(mirna_alone, axis=2).max() <= 1e-6 * size
    if is_same:
        nothing, mirna_alone = nothing[:1], mirna_alone[:, :, :1]
    return np.ascontiguousarray(nothing, np.float32), np.ascontiguousarray(mirna_alone, np.float32)


def _confirms(function: _PartialNetwork, terms: Terms) -> bool:
    """Whether the terms give what the network gives, on random pairs."""
    mirnas, targets = function.random_pairs(64)
    expected = function(mirnas, targets)
    found = np.stack([terms.evaluate(mirna, target) for mirna, target in zip(mirnas, targets, strict=True)]).reshape(expected.shape)
    return bool(np.abs(found - expected).max() <= TOLERANCE * max(1.0, float(np.abs(expected).max())))


def _extend(graph: Graph, tensor: int, terms: Terms, target_axis: int) -> Stem:
    """The stem with the BatchNormalization, ReLU and max pooling that follow it, as far as the kernel can take them."""
    slope, scale, shift, pool, covers = 1.0, None, None, (1, 1), []
    while (reader := graph.only_reader(tensor)) is not None and len(reader.reads) == 1:
        layer, name = reader.operation, type(reader.operation).__name__
        if name == "BatchNormalization" and (affine := batchnorm_affine(layer)) is not None:
            if slope == 1.0 and pool == (1, 1) and scale is None:
                terms = _scale_terms(terms, affine.scale, affine.shift)
            elif pool == (1, 1) and scale is None:
                scale, shift = affine.scale, affine.shift
            else:
                break
        elif (found := relu_slope(layer)) is not None and slope == 1.0 and scale is None:
            slope = found
        elif name == "MaxPooling2D" and pool == (1, 1) and (scale is None or np.all(scale > 0)) and (found := pool_sizes(layer)):
            pool = found if target_axis == 1 else found[::-1]
        elif name not in IDENTITY:
            break
        tensor = reader.makes[0]
        covers.append(layer.name)
    end = graph.tensors[tensor]
    return Stem(terms, tuple(end.shape[1:]), target_axis, slope, scale, shift, pool, tuple(covers), end)


def _scale_terms(terms: Terms, scale: np.ndarray, shift: np.ndarray) -> Terms:
    """The terms of stem * scale + shift; both (C,)."""
    inner, outer = (np.tile(scale, n).astype(np.float32) for n in (terms.kernel * 4, terms.n_columns))
    shifts = np.tile(shift, terms.n_columns).astype(np.float32)
    return replace(
        terms, pair=terms.pair * inner, target=terms.target * inner, constant=terms.constant * outer + shifts, mirna=terms.mirna * outer
    )


def relu_slope(layer) -> float | None:
    """Slope below zero of a ReLU of whatever name; None for any other activation."""
    name = type(layer).__name__
    if name == "ReLU":
        is_plain = layer.max_value is None and layer.threshold == 0
        return float(layer.negative_slope) if is_plain and 0 <= layer.negative_slope < 1 else None
    if name == "LeakyReLU":
        return float(layer.negative_slope) if 0 <= layer.negative_slope < 1 else None
    if name == "Activation" and layer.activation.__name__ == "relu":
        return 0.0
    return None


def pool_sizes(layer) -> tuple[int, int] | None:
    """Sizes of a max pooling without overlap or padding; None for any other."""
    sizes, strides = tuple(layer.pool_size), tuple(layer.strides)
    return sizes if sizes == strides and layer.padding == "valid" else None
