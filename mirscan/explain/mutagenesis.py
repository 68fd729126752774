"""In-silico mutagenesis: how much a score changes when one base is another."""

import numpy as np

from mirscan.scoring.duplex_engine import DUPLEX
from mirscan.scoring.scorer import Scorer
from mirscan.sequence.alphabet import N

# Outputs of 0 and 1 have no log odds; float32 sigmoids reach both.
_LEAST = 1e-7
# Mutants scored at once: 74 places x 3 bases of a few hundred pairs, some 6 MB of codes.
_BATCH = 1 << 16


def letter_effects(scorer: Scorer, mirna_codes: np.ndarray, target_codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change of the log odds when a base becomes A, C, G or U: (n, M, 4) for the miRNA and (n, L, 4) for the target, float32.

    `mirna_codes` (n, M) and `target_codes` (n, L) uint8 in the layout of the model. NaN for the letter that is there and where there is no
    base (N). The log odds are those of the network's own output, since calibration joins outputs in steps; the duplex energy is no
    probability, its share itself changes.
    """
    wild = _strength(scorer, mirna_codes, target_codes)
    return (
        _side_effects(wild, mirna_codes, lambda rows, mutants: _strength(scorer, mutants, target_codes[rows])),
        _side_effects(wild, target_codes, lambda rows, mutants: _strength(scorer, mirna_codes[rows], mutants)),
    )


def mutation_effects(scorer: Scorer, mirna_codes: np.ndarray, target_codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of `letter_effects` over the three other letters: (n, M) and (n, L), NaN where there is no base."""
    return tuple(mean_of_letters(effects) for effects in letter_effects(scorer, mirna_codes, target_codes))


def mean_of_letters(effects: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is not NaN; NaN where all of it is."""
    known = ~np.isnan(effects)
    counts = known.sum(axis=-1)
    sums = np.where(known, effects, 0).sum(axis=-1)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan, np.float32), where=counts > 0)


def _side_effects(wild: np.ndarray, codes: np.ndarray, strength) -> np.ndarray:
    """Effects (n, width, 4) of mutating one side; `strength(rows, mutants)` scores mutants of these rows."""
    rows, places = np.nonzero(codes < N)
    rows, places = np.repeat(rows, 3), np.repeat(places, 3)
    shifts = np.tile(np.arange(1, 4, dtype=np.uint8), len(rows) // 3)
    letters = (codes[rows, places] + shifts) % 4
    effects = np.full((*codes.shape, 4), np.nan, np.float32)
    for start in range(0, len(rows), _BATCH):
        batch = slice(start, start + _BATCH)
        mutants = codes[rows[batch]]
        mutants[np.arange(len(mutants)), places[batch]] = letters[batch]
        effects[rows[batch], places[batch], letters[batch]] = strength(rows[batch], mutants) - wild[rows[batch]]
    return effects


def _strength(scorer: Scorer, mirna_codes: np.ndarray, target_codes: np.ndarray) -> np.ndarray:
    outputs = scorer.outputs(mirna_codes, target_codes).astype(np.float64)
    if scorer.card.architecture == DUPLEX:
        return outputs
    outputs = np.clip(outputs, _LEAST, 1 - _LEAST)
    return np.log(outputs / (1 - outputs))
