"""Negatives as a scan meets them: candidates of whole transcripts, drawn at their natural frequency, without those near a known site."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.jit import njit
from mirscan.notices import counted
from mirscan.pairs.known_sites import KnownSites, Occupied, occupy
from mirscan.pairs.positives import Positives, negatives_table, window_strings
from mirscan.search.candidates import iter_candidates
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.windows import WindowLayout, gather_windows

STRATA = ("natural", "seed", "mirna")
PLACEMENTS = ("scan", "anywhere")
# Candidates at once: 20 MB, and few enough batches that counting each by miRNA stays small.
_ROWS = 1 << 18
# A seed drawn anywhere in the window keeps miRNA nt 1-8 inside it.
_SEED_NT = 8


@dataclass(frozen=True)
class ScanDraw:
    """How candidates are drawn: `seeds` as for a scan; `placement` scan (nt 1 opposite the layout's anchor) or anywhere in the window.

    `strata`: natural (every candidate is as likely as any other), seed (as many of each rule, as far as there are), or mirna (each
    miRNA as often as among the positives).
    """

    seeds: str = "canonical"
    placement: str = "scan"
    strata: str = "natural"
    layout: WindowLayout = field(default_factory=WindowLayout)


def iter_scan_candidates(
    positives: Positives, ratio: int, random: np.random.Generator, transcriptome: Transcriptome, known: KnownSites, draw: ScanDraw
) -> Iterator[pa.Table]:
    """`ratio` candidates a positive, without repetition; none whose window overlaps a known site of the same miRNA family.

    Candidates are counted first and drawn on a second pass, batch by batch, so memory follows one batch. Raises InputError where there
    are fewer than asked for.
    """
    candidates = _Candidates(positives, transcriptome, known, draw, place_seed=int(random.integers(2**31)))
    table = np.array([candidates.count(batch) for batch in candidates.batches()]).reshape(-1, candidates.n_strata)
    quotas = _quotas(candidates, table.sum(axis=0), ratio)
    left = table.astype(np.int64)
    for number, batch in enumerate(candidates.batches()):
        # What a batch gives of what is still to come is hypergeometric, so all sets of candidates are equally likely.
        ahead = left[number:].sum(axis=0)
        taken = random.hypergeometric(table[number], ahead - table[number], quotas)
        quotas = quotas - taken
        rows = candidates.choose(batch, taken, random)
        if len(rows):
            yield candidates.cut(batch, rows)


class _Candidates:
    """The candidates of one draw in two equal passes, each with its stratum and its window."""

    def __init__(self, positives: Positives, transcriptome: Transcriptome, known: KnownSites, draw: ScanDraw, place_seed: int):
        self.positives, self.transcriptome, self.draw, self._place_seed = positives, transcriptome, draw, place_seed
        self._table = compile_seed_table(read_rules(draw.seeds), positives.pool.mirnas)
        self.names = {"natural": ("all",), "seed": self._table.rules, "mirna": tuple(positives.pool.names.to_pylist())}[draw.strata]
        family = positives.pool.family
        self._occupied: Occupied = occupy(family[positives.mirna[known.row]], known.begin, known.end, int(family.max()) + 1)

    @property
    def n_strata(self) -> int:
        return len(self.names)

    def batches(self) -> Iterator[pa.RecordBatch]:
        return iter_candidates(self.transcriptome, self.positives.pool.mirnas, self._table, batch_rows=_ROWS)

    def count(self, batch: pa.RecordBatch) -> np.ndarray:
        """Candidates of the batch that may be drawn, by stratum."""
        return np.bincount(self._strata(batch)[self._is_free(batch)], minlength=self.n_strata)

    def choose(self, batch: pa.RecordBatch, taken: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Rows, in order: `taken` (strata,) of each stratum."""
        strata = np.where(self._is_free(batch), self._strata(batch), -1)
        chosen = [random.choice(np.flatnonzero(strata == stratum), taken[stratum], replace=False) for stratum in np.flatnonzero(taken)]
        return np.sort(np.concatenate([*chosen, np.zeros(0, np.int64)]))

    def cut(self, batch: pa.RecordBatch, rows: np.ndarray) -> pa.Table:
        """NEGATIVES of these rows."""
        batch = batch.take(pa.array(rows))
        begin, end, first = self._windows(batch)
        layout = self.draw.layout
        windows = gather_windows(self.transcriptome.codes, begin, end, first + layout.anchor, layout)
        mirna, seed, names = batch["mirna"].indices.to_numpy(), batch["seed"].cast(pa.string()), batch["transcript"].cast(pa.string())
        targets = window_strings(windows)
        return negatives_table(self.positives.pool, "scan", mirna, targets, names, seed=seed, transcript=names, start=first - begin)

    def _strata(self, batch: pa.RecordBatch) -> np.ndarray:
        if self.draw.strata == "natural":
            return np.zeros(len(batch), np.int64)
        return batch[self.draw.strata].indices.to_numpy().astype(np.int64)

    def _is_free(self, batch: pa.RecordBatch) -> np.ndarray:
        begin, end, first = self._windows(batch)
        family = self.positives.pool.family[batch["mirna"].indices.to_numpy()]
        # What hangs over an end of the transcript is padding, not the neighbour in the packed codes.
        return ~self._occupied.overlaps(family, np.maximum(first, begin), np.minimum(first + self.draw.layout.length, end))

    def _windows(self, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bounds of each row's transcript and first base of its window (may lie before it), all in the packed codes."""
        transcript = batch["transcript"].indices.to_numpy()
        begin, end = self.transcriptome.begin[transcript], self.transcriptome.end[transcript]
        anchor = begin + batch["anchor"].to_numpy()
        return begin, end, anchor - self._places(anchor, batch["mirna"].indices.to_numpy())

    def _places(self, anchor: np.ndarray, mirna: np.ndarray) -> np.ndarray | int:
        """Index in the window of the base opposite miRNA nt 1."""
        if self.draw.placement == "scan":
            return self.draw.layout.anchor
        # Only the candidate and the seed decide, so that both passes cut the same window.
        n_places = self.draw.layout.length - _SEED_NT + 1
        return _SEED_NT - 1 + _hash_places(anchor, mirna, self._place_seed, n_places)


@njit
def _hash_places(anchor, mirna, seed, n_places):
    """Uniform numbers below n_places by the finaliser of splitmix64 (Steele 2014)."""
    places = np.empty(len(anchor), np.int64)
    for row in range(len(anchor)):
        value = np.uint64(anchor[row]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(mirna[row]) * np.uint64(0xD1B54A32D192ED03)
        value += np.uint64(seed) * np.uint64(0x8CB92BA72F3D8DD7)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        places[row] = np.int64((value ^ (value >> np.uint64(31))) % np.uint64(n_places))
    return places


def _quotas(candidates: _Candidates, available: np.ndarray, ratio: int) -> np.ndarray:
    """How many to take of each stratum; InputError where there are too few."""
    n, there = ratio * len(candidates.positives), int(available.sum())
    if n > there:
        raise InputError(
            f"ratio {ratio}: {counted(n, 'negative')} for {counted(len(candidates.positives), 'positive')}, "
            f"but only {counted(there, 'candidate')}"
            f" of {candidates.draw.seeds} away from known sites; lower --ratio, or give more transcripts or looser --seeds"
        )
    if candidates.draw.strata == "mirna":
        wanted = ratio * np.bincount(candidates.positives.mirna, minlength=len(available))
        short = np.flatnonzero(wanted > available)
        if len(short):
            raise InputError(
                f"ratio {ratio}, --strata mirna: {counted(len(short), 'miRNA')} have too few candidates"
                f" (first: {candidates.names[short[0]]}, {available[short[0]]:,} of {wanted[short[0]]:,});"
                " lower --ratio or use --strata natural"
            )
        return wanted
    return _equal_shares(available, n)


def _equal_shares(available: np.ndarray, n: int) -> np.ndarray:
    """n split as evenly as `available` allows; what is over goes to the first strata with room."""
    shares = np.zeros(len(available), np.int64)
    while n > 0:
        room = np.flatnonzero(shares < available)
        share = max(1, n // len(room))
        for stratum in room:
            added = min(share, int(available[stratum] - shares[stratum]), n)
            shares[stratum] += added
            n -= added
    return shares
