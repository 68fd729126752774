"""Transcripts that are alike, so that the shuffles of all of them are draws for each: by length, then by the share of G and C."""

from dataclasses import dataclass

import numpy as np

from mirscan.sequence.alphabet import C, G
from mirscan.sequence.transcriptome import Transcriptome

# Draws that a stratum should have, and as a share of the transcripts. The least p-value is one in so many, so that of as many genes forty
# must reach it for a false discovery rate of .05; of 300 genes two.
LEAST_DRAWS, DRAWS_OF_ALL = 4000, 1 / 2
# Pairs of miRNA and stratum; each has some dozens of levels, so this bounds the memory of a null by a few hundred MB.
_MOST_GROUPS = 1 << 17
# Shares of G and C that are told apart, where there are strata enough.
_BANDS_OF_GC, _LEAST_STRATA = 3, 12


@dataclass(frozen=True)
class Strata:
    """`stratum` (n,) int32 of each transcript, `sizes` (k,) of the strata."""

    stratum: np.ndarray
    sizes: np.ndarray


def count_strata(n_transcripts: int, n_draws: int, n_mirnas: int) -> int:
    """How many strata, for `n_draws` shuffles of each transcript: as many as leave enough draws to each."""
    draws = max(LEAST_DRAWS, round(n_transcripts * DRAWS_OF_ALL))
    return max(1, min(n_transcripts, n_transcripts * n_draws // draws, _MOST_GROUPS // max(n_mirnas, 1)))


def make_strata(transcriptome: Transcriptome, length: np.ndarray, n_strata: int) -> Strata:
    """About `n_strata` strata of equal size; `length` (n,) is what sites depend on. What regions of transcripts are is told apart first."""
    n = len(transcriptome)
    kind = np.zeros(n, np.int32)
    if transcriptome.is_of_regions:
        kind = transcriptome.regions.dictionary_encode().indices.to_numpy()
    n_gc = _BANDS_OF_GC if n_strata >= _LEAST_STRATA else 1
    n_bands = -(-n_strata // n_gc)
    band = np.empty(n, np.int64)
    band[np.lexsort((length, kind))] = np.arange(n) * n_bands // max(n, 1)
    by_gc = np.lexsort((gc_content(transcriptome), band))
    sizes = np.bincount(band, minlength=n_bands)
    place = np.arange(n) - (np.cumsum(sizes) - sizes)[band[by_gc]]
    stratum = np.empty(n, np.int32)
    stratum[by_gc] = band[by_gc] * n_gc + place * n_gc // sizes[band[by_gc]]
    return Strata(stratum, np.bincount(stratum, minlength=n_bands * n_gc))


def gc_content(transcriptome: Transcriptome) -> np.ndarray:
    """Share of G and C (n,) of each transcript, 0-1; 0 for one without letters."""
    is_gc = (transcriptome.codes == G) | (transcriptome.codes == C)
    # What lies between two transcripts is added up, too, and left out.
    edges = np.stack([transcriptome.begin, transcriptome.end], axis=1).ravel()
    counts = np.add.reduceat(is_gc, edges, dtype=np.int64)[::2]
    return np.where(transcriptome.lengths > 0, counts / np.maximum(transcriptome.lengths, 1), 0.0)
