"""The strongest canonical seed match anywhere in a window, and where: for reports, controls, the placement of windows, and scores that take
it into account."""

import numpy as np

from mirscan.jit import njit
from mirscan.sequence.alphabet import N

# Canonical types from weakest to strongest (Bartel 2009, Cell 136:215); the index is the class.
SEED_CLASSES = ("none", "6mer", "7mer-A1", "7mer-m8", "8mer")


def best_seeds(mirna_codes: np.ndarray, target_codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class (n,) int8 into SEED_CLASSES and anchor (n,) int32 of the strongest match of each pair.

    `mirna_codes` (n, M) and `target_codes` (n, L) uint8 as networks read them. The anchor is the place in the window opposite
    miRNA nt 1 (L when the match ends at the window's 3' end), -1 without a match. Of equal matches the one nearest to the middle counts.
    """
    classes = np.zeros(len(mirna_codes), np.int8)
    anchors = np.full(len(mirna_codes), -1, np.int32)
    _fill_best_seeds(mirna_codes, target_codes, classes, anchors)
    return classes, anchors


@njit(allocates=False)
def _fill_best_seeds(mirna_codes, target_codes, classes, anchors):
    length = target_codes.shape[1]
    for row in range(len(mirna_codes)):
        mirna, target = mirna_codes[row], target_codes[row]
        nearest = length
        for anchor in range(6, length + 1):
            paired = True
            for nt in range(2, 8):
                base = target[anchor - nt + 1]
                if base >= N or base + mirna[nt - 1] != 3:
                    paired = False
                    break
            if not paired:
                continue
            has_a1 = anchor < length and target[anchor] == 0
            has_m8 = anchor >= 7 and target[anchor - 7] < N and target[anchor - 7] + mirna[7] == 3
            strength = 1 + has_a1 + 2 * has_m8
            distance = abs(anchor - length // 2)
            if strength > classes[row] or (strength == classes[row] and distance < nearest):
                classes[row] = strength
                anchors[row] = anchor
                nearest = distance


def usual_anchor(mirna_codes: np.ndarray, target_codes: np.ndarray, default: int) -> int:
    """Most frequent anchor of pairs with a 7mer or 8mer, inside the window; `default` where there is none."""
    classes, anchors = best_seeds(mirna_codes, target_codes)
    inside = anchors[(classes >= 2) & (anchors < target_codes.shape[1])]
    return int(np.bincount(inside).argmax()) if len(inside) else default


def shift_by_seed(probabilities: np.ndarray, mirna_codes: np.ndarray, target_codes: np.ndarray, shift: dict[str, float]) -> np.ndarray:
    """`probabilities` (n,) with log odds moved by `shift` of each pair's seed class (by name; 0 where none is given), float32."""
    if not shift:
        return probabilities
    by_class = np.array([shift.get(name, 0.0) for name in SEED_CLASSES])
    factor = np.exp(by_class[best_seeds(mirna_codes, target_codes)[0]])
    return (probabilities * factor / (probabilities * factor + 1 - probabilities)).astype(np.float32)
