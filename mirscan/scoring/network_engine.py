"""The engine of a trained model: the duplex features it asks for, then its networks on mirscan's own kernels, TensorFlow or JAX."""

from collections.abc import Sequence

import numpy as np

from mirscan.scoring.runner import BatchRunner, Pairs


class NetworkEngine:
    """Feeds runners, which know batches and devices, with pairs and their duplex features; the mean of what they give is the output.

    `runners` has one for each network of the model, all of one kind.
    """

    def __init__(self, runners: Sequence[BatchRunner], notes: list[str]):
        self._runners, self._notes = runners, notes

    @property
    def notes(self) -> list[str]:
        return list(dict.fromkeys([*self._notes, *(note for runner in self._runners for note in runner.notes)]))

    def score(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Outputs (n,) float32 of the pairs (mirnas[index[r]], targets[r])."""
        duplex = _DuplexFeatures(mirnas, index, targets) if any(runner.needs_duplex for runner in self._runners) else None
        pairs = Pairs(mirnas, index, targets, duplex)
        return np.mean([runner.score(pairs) for runner in self._runners], axis=0, dtype=np.float32)

    def describe(self) -> dict:
        """Engine, device, precision, networks, batch, threads, what was folded, and what could not be done."""
        runner = self._runners[0]
        return {
            "engine": runner.name,
            "device": runner.device,
            "precision": runner.precision,
            "networks": len(self._runners),
            "batch": runner.batch_size,
            "threads": runner.threads,
            "tables": all(runner.has_tables for runner in self._runners),
            "folded": sum(runner.n_folded for runner in self._runners),
            "notes": self.notes,
        }


class _DuplexFeatures:
    """Duplex features of a slice of pairs, computed when a batch needs them, so that memory follows the batch."""

    def __init__(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray):
        self._mirnas, self._index, self._targets = mirnas, index, targets

    def __call__(self, rows: slice) -> np.ndarray:
        from mirscan.duplex import duplex_features

        return duplex_features(self._mirnas[self._index[rows]], self._targets[rows])
