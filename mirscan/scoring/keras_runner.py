"""A compiled network on Keras' backend: its inputs filled in for batches of fixed shape, the last batch padded."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from mirscan.scoring.compiled import CompiledNetwork
from mirscan.scoring.runner import BatchRunner, Pairs


@dataclass(frozen=True)
class Work:
    """Memory of one thread: work space for the stem's tables, and the network's inputs for one batch."""

    tables: tuple
    inputs: list[np.ndarray]


class KerasRunner(BatchRunner):
    """What TensorFlow and JAX have in common."""

    def __init__(self, compiled: CompiledNetwork, batch_size: int, threads: int):
        self.compiled, self.precision = compiled, compiled.dtype
        self.needs_duplex, self.has_tables = "duplex" in compiled.input_names, compiled.stem is not None
        self.n_folded = len(compiled.plan.folded)
        super().__init__(batch_size, threads, compiled.notes)
        self._trace()

    @abstractmethod
    def _trace(self) -> None:
        """Make the function for batches of self.batch_size."""

    @abstractmethod
    def _compute(self, inputs: list[np.ndarray]):
        """Start computing one batch of inputs, bfloat16 as uint16."""

    def _start(self, rows: slice, pairs: Pairs, work: Work):
        """What lies behind the rows in the arrays is padding: rows of an earlier batch, or zeros."""
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
        return self._compute(work.inputs)

    def _make_work(self) -> Work:
        inputs = [np.zeros((self.batch_size, *tensor.shape[1:]), self._input_type(tensor.name)) for tensor in self.compiled.network.inputs]
        return Work(self.compiled.stem.make_scratch(self.precision == "bfloat16") if self.has_tables else (), inputs)

    def _input_type(self, name: str):
        if name in ("mirna_codes", "target_codes"):
            return np.uint8
        return np.uint16 if name == "stem" and self.precision == "bfloat16" else np.float32

    def _halve_batch(self) -> None:
        super()._halve_batch()
        self._trace()
