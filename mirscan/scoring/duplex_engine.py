"""The pseudo-model "duplex": no network, the energy of the duplex alone."""

import numpy as np

from mirscan.trained_models import Card
from mirscan.windows import WindowLayout

DUPLEX = "duplex"
# Slices of this many pairs keep the work space of the recursion small.
_ROWS = 1 << 14


def duplex_card() -> Card:
    """The card of the pseudo-model; its score is no probability."""
    return Card(
        name=DUPLEX,
        description="Duplex energy of miRNA and window as a share of that of the perfect duplex, 0-1; Turner 2004, no training",
        architecture=DUPLEX,
        layout=WindowLayout(),
        label="share of the energy of the perfect duplex; not a probability",
    )


class DuplexEngine:
    """score = E(miRNA, window) / E(miRNA, its perfect complement), cut to 0-1: rises with the stability of the duplex."""

    notes: tuple[str, ...] = ()

    def score(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Scores (n,) float32 of the pairs (mirnas[index[r]], targets[r])."""
        from mirscan.duplex import duplex_energies, perfect_energies

        perfect = np.minimum(perfect_energies(mirnas), np.float32(-0.01))
        scores = np.empty(len(index), np.float32)
        for first in range(0, len(index), _ROWS):
            rows = slice(first, first + _ROWS)
            scores[rows] = duplex_energies(mirnas[index[rows]], targets[rows]) / perfect[index[rows]]
        return np.clip(scores, 0.0, 1.0)

    def describe(self) -> dict:
        """What computes."""
        return {"engine": DUPLEX, "device": "cpu", "precision": "float32", "notes": []}
