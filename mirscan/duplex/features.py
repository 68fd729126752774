"""What a network may be told about the best duplex of a miRNA and its window."""

import numpy as np

from mirscan.duplex.energy import ENERGY, PERFECT, PERFECT_SEED_PART, SEED_PART, fold_checked
from mirscan.duplex.parameters import NOT_PAIRED
from mirscan.jit import helper, njit

DUPLEX_FEATURES = (
    "energy",  # minus the energy of the optimum / 20 kcal/mol
    "energy_ratio",  # energy of the optimum / energy of the perfect duplex of this miRNA
    "seed_energy_ratio",  # the same ratio for the best duplexes that end within nt 1-9 (seed and one base on each side)
    "longest_helix",  # most Watson-Crick pairs in a row in the optimum / 12
    "seed_helix",  # most Watson-Crick pairs in a row within nt 2-8 of the optimum / 7
    "supplementary_paired",  # fraction of nt 13-16 paired in the optimum (3' supplementary pairing: Grimson 2007)
    "wobble_pairs",  # G:U pairs in the optimum / 5
    "target_unpaired",  # window bases inside the optimum that are unpaired / 15
)
# A ratio to a perfect duplex weaker than this would mean nothing (a miRNA of a few bases, or mostly N).
_WEAKEST_PERFECT = -100


@helper
def _ratio(energy, perfect):
    if energy >= NOT_PAIRED:
        return 0.0
    return max(energy / min(float(perfect), float(_WEAKEST_PERFECT)), -1.0)


@helper
def _longest_helix(mirna, target, partners, first, last):
    """Most Watson-Crick pairs in a row among miRNA positions first..last - 1."""
    longest = run = 0
    for i in range(first, min(last, mirna.size)):
        j = partners[i]
        if j < 0 or mirna[i] + target[j] != 3:
            run = 0
        elif run and partners[i - 1] == j + 1:
            run += 1
        else:
            run = 1
        longest = max(longest, run)
    return longest


@helper
def _describe(mirna, target, partners, energies, out):
    n_pairs = wobbles = supplementary = 0
    leftmost = rightmost = -1
    for i in range(mirna.size):
        j = partners[i]
        if j >= 0:
            n_pairs += 1
            wobbles += mirna[i] + target[j] != 3
            supplementary += 12 <= i < 16
            rightmost = j if n_pairs == 1 else rightmost
            leftmost = j
    out[0] = 0.0 if energies[ENERGY] >= NOT_PAIRED else -energies[ENERGY] / 2000.0
    out[1] = _ratio(energies[ENERGY], energies[PERFECT])
    out[2] = _ratio(energies[SEED_PART], energies[PERFECT_SEED_PART])
    out[3] = _longest_helix(mirna, target, partners, 0, mirna.size) / 12.0
    out[4] = _longest_helix(mirna, target, partners, 1, 8) / 7.0
    out[5] = supplementary / 4.0
    out[6] = wobbles / 5.0
    out[7] = (rightmost - leftmost + 1 - n_pairs) / 15.0 if n_pairs else 0.0


@njit(allocates=False)
def _describe_all(mirnas, targets, partners, energies, features):
    for row in range(mirnas.shape[0]):
        _describe(mirnas[row], targets[row], partners[row], energies[row], features[row])


def duplex_features(mirna_codes, target_codes) -> np.ndarray:
    """Side inputs of a network from the minimum free energy duplex: (n, len(DUPLEX_FEATURES)) float32, about 0 to 1.

    mirna_codes (n, M) uint8 5'->3', padded with N on the right; target_codes (n, L) uint8 5'->3'. Zeros where no pair is possible.
    Nothing says where in the window the duplex lies, since studies cut their windows differently. Raises InputError as `duplex_energies`.
    """
    mirnas, targets = np.ascontiguousarray(mirna_codes), np.ascontiguousarray(target_codes)
    energies, partners = fold_checked(mirnas, targets, True, True)
    features = np.empty((mirnas.shape[0], len(DUPLEX_FEATURES)), dtype=np.float32)
    _describe_all(mirnas, targets, partners, energies, features)
    return features
