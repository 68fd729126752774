"""What a site's effect on its mRNA depends on, from the packed transcripts alone: no column of SITES is needed but its place."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mirscan.genes.abundance import target_abundance
from mirscan.genes.polyadenylation import find_signals
from mirscan.genome.conservation import BaseValues
from mirscan.search.features import compute_features
from mirscan.search.kernels import Rows
from mirscan.seeds.rules import BUILT_IN
from mirscan.sequence.coding import CodingRegions
from mirscan.sequence.transcriptome import Transcriptome

# Rules whose sites repress (Agarwal 2015; Kim 2016), in the order of the weights; sites of other rules have no effect.
KINDS = ("8mer", "7mer-m8", "7mer-A1", "6mer", "6mer-A1", "offset-7mer", "offset-6mer")
# Logarithms start here, in nt: a place 3 nt from an end is no nearer than one 10 nt away, and no mRNA counts as shorter than 150 nt.
_LEAST_DISTANCE, _LEAST_LENGTH = 10, 150
# DUST scores from here mean repeats of a few letters (dustmasker's threshold). The sites of such a stretch are no independent chances: they
# share the effect of a few.
_MOST_DUST = 2.0
# Log odds beyond these say nothing more; a score may be exactly 0 or 1.
_MOST_ODDS = 8.0


class Places(NamedTuple):
    """Sites by index (n,): transcript, miRNA, start, end, seed (index of the rule), score (0-1, NaN without a model)."""

    transcript: np.ndarray
    mirna: np.ndarray
    start: np.ndarray
    end: np.ndarray
    seed: np.ndarray
    score: np.ndarray

    def of_transcripts(self, first: int, last: int) -> "Places":
        """The sites on transcripts `first` to `last` (half-open), which are numbered from `first` on then; sites in order of transcript."""
        rows = slice(*np.searchsorted(self.transcript, (first, last)))
        return Places(self.transcript[rows] - np.int32(first), *(column[rows] for column in self[1:]))


class SiteFeatures:
    """Computes features of sites on one transcriptome; `coding` as far as it is known, `conservation` of its bases where there is a track.

    Each feature is centred about where it usually lies, so that the weight of a rule is that of a usual site.
    """

    def __init__(
        self,
        transcriptome: Transcriptome,
        coding: CodingRegions,
        mirna_codes: np.ndarray,
        rules: Sequence[str],
        conservation: BaseValues | None = None,
    ):
        self._transcriptome, self._coding, self._mirna_codes, self._conservation = transcriptome, coding, mirna_codes, conservation
        known = {name: number for number, name in enumerate(KINDS)}
        self._kind_of_rule = np.array([known.get(rule, -1) for rule in rules], np.int8)
        # The base opposite m1 lies behind the one opposite the last position that pairs.
        self._back_of_rule = np.array([max(BUILT_IN[rule].paired[0]) - 1 if rule in BUILT_IN else 0 for rule in rules], np.int32)

    def kinds(self, places: Places) -> np.ndarray:
        """Index in `KINDS` of each site (n,), -1 for other rules."""
        return self._kind_of_rule[places.seed]

    def regions(self, places: Places) -> np.ndarray:
        """Index in `REGIONS` of each site (n,)."""
        return self._coding.regions_of(places.transcript, places.start)

    def compute(self, names: Sequence[str], places: Places) -> dict[str, np.ndarray]:
        """The named features, float32 (n,) each."""
        return {name: _FEATURES[name](self, places).astype(np.float32) for name in names}

    def _from_search(self, name: str, places: Places) -> np.ndarray:
        packed = self._transcriptome
        anchor = places.start + self._back_of_rule[places.seed]
        rows = Rows(places.transcript, places.mirna, places.start, places.end, places.seed, anchor)
        return compute_features((name,), rows, packed.codes, packed.begin, packed.end, packed.margin, self._mirna_codes)[name]

    def local_au(self, places: Places) -> np.ndarray:
        return self._from_search("local_au", places) - 0.5

    def supplementary(self, places: Places) -> np.ndarray:
        return self._from_search("supplementary", places) - 1.5

    def uniqueness(self, places: Places) -> np.ndarray:
        """Factor (n,) from 0 to 1 by which a site counts: less within a repeat of a few letters, where chances are not independent."""
        return _MOST_DUST / np.maximum(self._from_search("low_complexity", places), _MOST_DUST)

    def long_utr(self, places: Places) -> np.ndarray:
        """What the logarithm of the 3'UTR's length has above the usual one: below it a site loses nothing."""
        length = self._transcriptome.lengths - self._coding.end
        return _log10(length, 1000, 1000)[places.transcript]

    def mrna_length(self, places: Places) -> np.ndarray:
        return _log10(self._coding.mrna_length, 3000, _LEAST_LENGTH)[places.transcript]

    @cached_property
    def _signals(self):
        return find_signals(self._transcriptome)

    def polyadenylation(self, places: Places) -> np.ndarray:
        """ln(1 + signals between the stop codon and the site)."""
        return np.log1p(self._signals.between(places.transcript, self._coding.end[places.transcript], places.start))

    def end_distance(self, places: Places) -> np.ndarray:
        before = places.start - self._coding.end[places.transcript]
        behind = self._transcriptome.lengths[places.transcript] - places.end
        return _log10(np.minimum(before, behind), 300)

    def stop_distance(self, places: Places) -> np.ndarray:
        return _log10(np.abs(self._coding.end[places.transcript] - places.start), 300)

    def target_abundance(self, places: Places) -> np.ndarray:
        return target_abundance(self._mirna_codes)[places.mirna]

    def log_odds(self, places: Places) -> np.ndarray:
        score = places.score.astype(np.float64)
        with np.errstate(divide="ignore"):
            return np.clip(np.log(score) - np.log1p(-score), -_MOST_ODDS, _MOST_ODDS) / 2

    def conservation(self, places: Places) -> np.ndarray:
        """Mean of the track over each site, as it is; 0, as where nothing is kept, for sites without a value."""
        return np.nan_to_num(self._conservation.means(places.transcript, places.start, places.end))


def _log10(length: np.ndarray, usual: int, least: int = _LEAST_DISTANCE) -> np.ndarray:
    return np.log10(np.maximum(length, least) / usual)


LOG_ODDS, CONSERVATION = "log_odds", "conservation"
_FEATURES = {
    "local_au": SiteFeatures.local_au,
    "supplementary": SiteFeatures.supplementary,
    "end_distance": SiteFeatures.end_distance,
    "stop_distance": SiteFeatures.stop_distance,
    "target_abundance": SiteFeatures.target_abundance,
    "long_utr": SiteFeatures.long_utr,
    "mrna_length": SiteFeatures.mrna_length,
    "polyadenylation": SiteFeatures.polyadenylation,
    LOG_ODDS: SiteFeatures.log_odds,
    CONSERVATION: SiteFeatures.conservation,
}
FEATURE_NAMES = tuple(_FEATURES)
# What comes out of a file, a network or a track: a weight is of use with that file alone.
FROM_FILES = (LOG_ODDS, CONSERVATION)
# What is said of the miRNA or the mRNA as such has one weight, wherever its sites lie.
SHARED = ("target_abundance", "mrna_length")
