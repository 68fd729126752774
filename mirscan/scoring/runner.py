"""Batches of fixed size through a network, whatever computes them: threads, batches under way, and a GPU that runs out of memory."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

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


class BatchRunner(ABC):
    """Runs a network on batches of `batch_size`, the last one shorter; `threads` batches at a time.

    `n_folded` says how many BatchNormalizations were folded away, `has_tables` whether the stem is looked up in tables.
    """

    name: str
    device: str
    precision: str
    needs_duplex: bool
    has_tables: bool
    n_folded: int

    def __init__(self, batch_size: int, threads: int, notes: tuple[str, ...] = ()):
        self.batch_size, self.threads = batch_size, threads
        self.notes = list(notes)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._works = [self._make_work() for _ in range(threads)]
        self._is_short_of_memory = False

    @abstractmethod
    def _make_work(self):
        """Memory of one thread for batches of self.batch_size."""

    @abstractmethod
    def _start(self, rows: slice, pairs: Pairs, work):
        """Start computing these rows, at most a batch of them; `_collect` turns what comes back into numbers."""

    @staticmethod
    @abstractmethod
    def _collect(result) -> np.ndarray:
        """Outputs of a batch, those of its rows first."""

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

    def _score_batches(self, starts: range, pairs: Pairs, scores: np.ndarray, work) -> None:
        under_way: deque = deque()
        depth = _GPU_DEPTH if self.device == "gpu" else 0
        for start in starts:
            rows = slice(start, min(start + self.batch_size, len(pairs)))
            under_way.append((rows, self._start(rows, pairs, work)))
            if len(under_way) > depth:
                self._finish(*under_way.popleft(), scores)
        while under_way:
            self._finish(*under_way.popleft(), scores)

    def _finish(self, rows: slice, result, scores: np.ndarray) -> None:
        scores[rows] = self._collect(result)[: rows.stop - rows.start]

    def _halve_batch(self) -> None:
        self.batch_size //= 2
        self._works = [self._make_work() for _ in range(self.threads)]
        note = f"the {self.device} ran out of memory; batches of {self.batch_size} from here on"
        if self._is_short_of_memory:
            self.notes.pop()
        else:
            logger.warning(note)
        self._is_short_of_memory = True
        self.notes.append(note)


def is_out_of_memory(error: Exception) -> bool:
    """Whether TensorFlow's or JAX's error means that the device's memory is full."""
    text = f"{type(error).__name__}: {error}"
    return "ResourceExhausted" in text or "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()
