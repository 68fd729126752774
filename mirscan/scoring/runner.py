"""Batches of fixed size through a compiled network, whatever computes them: padding, threads, and a GPU that runs out of memory."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mirscan.scoring.compiled import CompiledNetwork

logger = logging.getLogger("mirscan.scoring")

# Batches under way on a GPU while the next ones are prepared; on a processor there is nothing to overlap.
_GPU_DEPTH = 4


@dataclass(frozen=True)
class Pairs:
    """Pairs to score: (mirnas[index[r]], targets[r]).

    `mirnas` (k, M) and `targets` (n, L) uint8; `index` (n,) int32, equal numbers side by side; `duplex` gives the duplex features of a
    slice of rows, None for a network without them.
    """

    mirnas: np.ndarray
    index: np.ndarray
    targets: np.ndarray
    duplex: Callable[[slice], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True)
class Work:
    """Memory of one thread: work space for the stem's tables, and the network's inputs for one batch."""

    tables: tuple
    inputs: list[np.ndarray]


class BatchRunner(ABC):
    """Runs a compiled network on batches of `batch_size`, the last one padded; `threads` batches at a time."""

    name: str
    device: str

    def __init__(self, compiled: CompiledNetwork, batch_size: int, threads: int):
        self.compiled, self.batch_size, self.threads = compiled, batch_size, threads
        self.notes: list[str] = []
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._works = [self._make_work() for _ in range(threads)]
        self._trace()

    @abstractmethod
    def _trace(self) -> None:
        """Make the function for batches of self.batch_size."""

    @abstractmethod
    def _compute(self, inputs: list[np.ndarray]):
        """Start computing one batch of copied inputs, bfloat16 as uint16; `_collect` turns what comes back into numbers."""

    @staticmethod
    @abstractmethod
    def _collect(result) -> np.ndarray:
        """Outputs (batch_size,) of a batch."""

    def score(self, pairs: Pairs) -> np.ndarray:
        """Outputs (n,) float32. A GPU without memory for a batch gets half of it from then on, which is logged once."""
        scores = np.empty(len(pairs), np.float32)
        while True:
            try:
                self._score_all(pairs, scores)
                return scores
            except Exception as error:
                if self.batch_size < 2 or not is_out_of_memory(error):
                    raise
                self._halve_batch()

    def _score_all(self, pairs: Pairs, scores: np.ndarray) -> None:
        starts = range(0, len(pairs), self.batch_size)
        if self._pool is None or len(starts) < 2:
            self._score_batches(starts, pairs, scores, self._works[0])
            return
        free = list(self._works)

        def score_part(part: range) -> None:
            work = free.pop()
            try:
                self._score_batches(part, pairs, scores, work)
            finally:
                free.append(work)

        # a few parts a thread: long enough to keep a miRNA's tables, short enough to end together
        step = -(-len(starts) // (4 * self.threads))
        list(self._pool.map(score_part, [starts[first : first + step] for first in range(0, len(starts), step)]))

    def _score_batches(self, starts: range, pairs: Pairs, scores: np.ndarray, work: Work) -> None:
        under_way: deque = deque()
        depth = _GPU_DEPTH if self.device == "gpu" else 0
        for start in starts:
            rows = slice(start, min(start + self.batch_size, len(pairs)))
            self._fill_inputs(rows, pairs, work)
            under_way.append((rows, self._compute(work.inputs)))
            if len(under_way) > depth:
                self._finish(*under_way.popleft(), scores)
        while under_way:
            self._finish(*under_way.popleft(), scores)

    def _finish(self, rows: slice, result, scores: np.ndarray) -> None:
        scores[rows] = self._collect(result)[: rows.stop - rows.start]

    def _fill_inputs(self, rows: slice, pairs: Pairs, work: Work) -> None:
        """Inputs of these rows; what lies behind them in the arrays is padding: rows of an earlier batch, or zeros."""
        n = rows.stop - rows.start
        for tensor, value in zip(self.compiled.network.inputs, work.inputs, strict=True):
            if tensor.name == "stem":
                self.compiled.stem.fill(pairs.mirnas, pairs.index[rows], pairs.targets[rows], work.tables, value[:n])
            elif tensor.name == "mirna_codes":
                value[:n] = pairs.mirnas[pairs.index[rows]]
            elif tensor.name == "target_codes":
                value[:n] = pairs.targets[rows]
            else:
                value[:n] = pairs.duplex(rows)

    def _make_work(self) -> Work:
        inputs = [np.zeros((self.batch_size, *tensor.shape[1:]), self._input_type(tensor.name)) for tensor in self.compiled.network.inputs]
        return Work(self.compiled.stem.make_scratch(self.compiled.dtype == "bfloat16") if self.compiled.stem else (), inputs)

    def _input_type(self, name: str):
        if name in ("mirna_codes", "target_codes"):
            return np.uint8
        return np.uint16 if name == "stem" and self.compiled.dtype == "bfloat16" else np.float32

    def _halve_batch(self) -> None:
        self.batch_size //= 2
        self._works = [self._make_work() for _ in range(self.threads)]
        self._trace()
        note = f"the {self.device} ran out of memory; batches of {self.batch_size} from here on"
        if not self.notes:
            logger.warning(note)
        self.notes = [note]


def is_out_of_memory(error: Exception) -> bool:
    """Whether TensorFlow's or JAX's error means that the device's memory is full."""
    text = f"{type(error).__name__}: {error}"
    return "ResourceExhausted" in text or "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()
