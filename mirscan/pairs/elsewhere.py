"""Negatives from around the positives: other windows of the same transcript, and shuffles of the site itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.jit import njit
from mirscan.pairs.known_sites import KnownSites, occupy
from mirscan.pairs.partners import BATCH
from mirscan.pairs.positives import Positives, negatives_table, site_clusters, window_strings
from mirscan.pairs.read import string_buffers
from mirscan.seeds.seed_class import best_seeds
from mirscan.sequence.alphabet import BYTE_CODES, LETTERS, N
from mirscan.sequence.shuffle import shuffle_dinucleotides
from mirscan.sequence.transcriptome import Transcriptome

_SAME = "same-transcript"
SEED_MATCHES = ("any", "with", "without")
# A shuffle that equals its site is drawn again so often; a site such as AAAA has no other.
_ATTEMPTS = 8


def iter_same_transcript(
    positives: Positives,
    ratio: int,
    random: np.random.Generator,
    transcriptome: Transcriptome,
    known: KnownSites,
    length: int,
    seed_match: str = "any",
) -> Iterator[pa.Table]:
    """Windows of `length` nt of each positive's transcript (the first, where it lies on several) that overlap no known site of any miRNA.

    `seed_match`: any, with or without a 6mer (m2-m7) of the miRNA inside. Positives that lie on no transcript get none. No window comes
    twice for a miRNA on a transcript.
    """
    located, first = np.unique(known.row, return_index=True)
    transcript = np.searchsorted(transcriptome.begin, known.begin[first], side="right") - 1
    blocked_of = _Blocked(transcriptome, known)
    wanted = {"any": -1, "with": 1, "without": 0}[seed_match]
    mirna, mirnas = positives.mirna[located], positives.pool.mirnas
    order = np.lexsort((transcript, mirna))
    cuts = np.flatnonzero((np.diff(mirna[order]) != 0) | (np.diff(transcript[order]) != 0)) + 1
    waiting, n = [], 0
    for group in np.split(order, cuts):
        if not len(group):
            continue
        number, home = int(mirna[group[0]]), int(transcript[group[0]])
        codes = transcriptome.codes[transcriptome.begin[home] : transcriptome.end[home]]
        starts = _window_starts(codes, blocked_of[home], mirnas.codes[number], length, wanted)
        drawn = random.choice(starts, min(len(starts), ratio * len(group)), replace=False)
        waiting.append(np.stack([np.full(len(drawn), number), np.full(len(drawn), home), drawn]))
        n += len(drawn)
        if n >= BATCH:
            yield _cut_windows(positives, transcriptome, np.concatenate(waiting, axis=1), length, _SAME)
            waiting, n = [], 0
    if n:
        yield _cut_windows(positives, transcriptome, np.concatenate(waiting, axis=1), length, _SAME)


class _Blocked:
    """For a transcript: 1 at each base of a known site, (nt,) uint8."""

    def __init__(self, transcriptome: Transcriptome, known: KnownSites):
        self._transcriptome, order = transcriptome, np.argsort(known.begin, kind="stable")
        self._begin, self._end = known.begin[order], known.end[order]

    def __getitem__(self, transcript: int) -> np.ndarray:
        begin, end = self._transcriptome.begin[transcript], self._transcriptome.end[transcript]
        blocked = np.zeros(end - begin, np.uint8)
        for site in range(*np.searchsorted(self._begin, (begin, end))):
            blocked[self._begin[site] - begin : self._end[site] - begin] = 1
        return blocked


@njit
def _window_starts(codes, blocked, mirna, length, wanted):
    """Starts of windows free of blocked bases; with (1), without (0) or regardless of (-1) a 6mer inside."""
    n = len(codes)
    starts = np.empty(max(0, n - length + 1), np.int64)
    found, last_blocked, last_seed = 0, -1, -1
    for position in range(n):
        if blocked[position]:
            last_blocked = position
        # A 6mer ends here where m2 pairs with this base and m7 with the sixth before.
        paired = position >= 5
        for nt in range(6):
            base = codes[position - nt] if paired else N
            paired = paired and base < N and base + mirna[1 + nt] == 3
        if paired:
            last_seed = position
        start = position - length + 1
        if start >= 0 and last_blocked < start and (wanted < 0 or (last_seed - 5 >= start) == (wanted == 1)):
            starts[found] = start
            found += 1
    return starts[:found]


def _cut_windows(
    positives: Positives, transcriptome: Transcriptome, drawn: np.ndarray, length: int, kind: str, weight: np.ndarray | None = None
) -> pa.Table:
    mirna, transcript, start = drawn
    windows = window_strings(_windows(transcriptome, transcript, start, length))
    names = transcriptome.names.take(pa.array(transcript))
    return negatives_table(positives.pool, kind, mirna, windows, names, transcript=names, start=start, weight=weight)


def _windows(transcriptome: Transcriptome, transcript: np.ndarray, start: np.ndarray, length: int) -> np.ndarray:
    return transcriptome.codes[(transcriptome.begin[transcript] + start)[:, None] + np.arange(length)]


@dataclass(frozen=True)
class RandomDraw:
    """How random windows are drawn: `length` nt each; `strata` natural (each miRNA alike) or mirna (as often as among the positives).

    `seedless` is the part kept of windows without a canonical seed match, 98 in 100 of them all: each stands for 1 / `seedless` of its
    kind and has that weight, so the seed matches that decide the head of a ranking are many and their share is still the natural one.
    """

    length: int = 50
    strata: str = "natural"
    seedless: float = 1.0


def iter_random_windows(
    positives: Positives, ratio: int, random: np.random.Generator, transcriptome: Transcriptome, known: KnownSites, draw: RandomDraw
) -> Iterator[pa.Table]:
    """`ratio` windows a positive, each at a random base of all transcripts with a random miRNA of the pool.

    None leaves its transcript or overlaps a known site of the miRNA's family. Draws are with replacement out of bases x miRNAs.
    """
    family = positives.pool.family
    occupied = occupy(family[positives.mirna[known.row]], known.begin, known.end, int(family.max()) + 1)
    n_starts = np.maximum(transcriptome.lengths - draw.length + 1, 0)
    ends = np.cumsum(n_starts)
    missing, attempts = ratio * len(positives), 0
    while missing and ends[-1] and attempts < _ATTEMPTS:
        drawn = random.integers(0, ends[-1], BATCH if draw.seedless < 1 else min(missing, BATCH))
        mirna = _draw_mirnas(positives, len(drawn), draw.strata, random)
        transcript = np.searchsorted(ends, drawn, side="right")
        start = drawn - (ends - n_starts)[transcript]
        begin = transcriptome.begin[transcript] + start
        free = ~occupied.overlaps(family[mirna], begin, begin + draw.length)
        # Only transcripts full of sites can make a whole batch of draws fail, time after time.
        attempts = 0 if free.any() else attempts + 1
        rows = np.stack([mirna, transcript, start])[:, free]
        weight = np.ones(rows.shape[1], np.float32)
        if draw.seedless < 1:
            rows, weight = _thin(positives, transcriptome, rows, draw, random)
        rows, weight = rows[:, :missing], weight[:missing]
        missing -= rows.shape[1]
        if rows.shape[1]:
            yield _cut_windows(positives, transcriptome, rows, draw.length, "random-window", weight)


def _draw_mirnas(positives: Positives, n: int, strata: str, random: np.random.Generator) -> np.ndarray:
    if strata == "mirna":
        return positives.mirna[random.integers(0, len(positives), n)]
    return random.integers(0, len(positives.pool), n)


def _thin(
    positives: Positives, transcriptome: Transcriptome, rows: np.ndarray, draw: RandomDraw, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The rows (3, n) with a seed match and a part of the others, each with its weight."""
    mirna, transcript, start = rows
    windows = _windows(transcriptome, transcript, start, draw.length)
    seedless = best_seeds(positives.pool.mirnas.codes[mirna], windows)[0] == 0
    kept = ~seedless | (random.random(len(seedless)) < draw.seedless)
    return rows[:, kept], np.where(seedless[kept], np.float32(1 / draw.seedless), np.float32(1))


def iter_shuffles(positives: Positives, ratio: int, random: np.random.Generator) -> Iterator[pa.Table]:
    """`ratio` dinucleotide shuffles of each positive's site with the same miRNA, none equal to its site."""
    rows_at_once = max(1, BATCH // ratio)
    for first in range(0, len(positives), rows_at_once):
        rows = np.repeat(np.arange(first, min(first + rows_at_once, len(positives))), ratio)
        for _ in range(_ATTEMPTS):
            sites = positives.sites.take(pa.array(positives.site[rows]))
            shuffled = _shuffle_strings(sites, int(random.integers(2**32)))
            is_new = pc.not_equal(shuffled, sites)
            kept = is_new.to_numpy(zero_copy_only=False)
            if kept.any():
                clusters = site_clusters(positives, positives.site[rows[kept]])
                yield negatives_table(positives.pool, "shuffled", positives.mirna[rows[kept]], shuffled.filter(is_new), clusters)
            rows = rows[~kept]
            if not len(rows):
                break


def _shuffle_strings(strings: pa.StringArray, seed: int) -> pa.StringArray:
    offsets, letters = string_buffers(strings)
    codes = np.frombuffer(BYTE_CODES, np.uint8)[letters]
    shuffled = np.frombuffer(LETTERS.encode(), np.uint8)[shuffle_dinucleotides(codes, offsets, seed)]
    return pa.StringArray.from_buffers(len(strings), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(shuffled.tobytes()))
