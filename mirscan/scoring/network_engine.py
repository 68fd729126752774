"""The engine of a trained network: the duplex features it asks for, then the network on mirscan's own kernels, TensorFlow or JAX."""

import numpy as np

from mirscan.scoring.runner import BatchRunner, Pairs


class NetworkEngine:
    """Feeds a runner, which knows batches and devices, with pairs and their duplex features."""

    def __init__(self, runner: BatchRunner, notes: list[str]):
        self._runner, self._notes = runner, notes

    @property
    def notes(self) -> list[str]:
        return [*self._notes, *self._runner.notes]

    def score(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Outputs (n,) float32 of the pairs (mirnas[index[r]], targets[r])."""
        duplex = _DuplexFeatures(mirnas, index, targets) if self._runner.needs_duplex else None
        return self._runner.score(Pairs(mirnas, index, targets, duplex))

    def describe(self) -> dict:
        """Engine, device, precision, batch, threads, what was folded, and what could not be done."""
        runner = self._runner
        return {
            "engine": runner.name,
            "device": runner.device,
            "precision": runner.precision,
            "batch": runner.batch_size,
            "threads": runner.threads,
            "tables": runner.has_tables,
            "folded": runner.n_folded,
            "notes": self.notes,
        }


class _DuplexFeatures:
    """Duplex features of a slice of pairs, computed when a batch needs them, so that memory follows the batch."""

    def __init__(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray):
        self._mirnas, self._index, self._targets = mirnas, index, targets

    def __call__(self, rows: slice) -> np.ndarray:
        from mirscan.duplex import duplex_features

        return duplex_features(self._mirnas[self._index[rows]], self._targets[rows])
