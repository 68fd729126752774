"""Which sites to keep: regions of a BED file, a minimum distance between sites of one miRNA, one of several that overlap."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError
from mirscan.jit import helper, njit
from mirscan.notices import Notices, tallied
from mirscan.search.kernels import Rows
from mirscan.seeds.rule import MAX_SPAN
from mirscan.seeds.rules import GROUPS
from mirscan.sequence.alphabet import N
from mirscan.sequence.text import decode_text, is_bed_header, open_text, strip_blanks
from mirscan.sequence.transcriptome import Transcriptome


@dataclass(frozen=True)
class Regions:
    """Disjoint intervals in order: those of transcript t are first[t] .. first[t + 1], each `starts` .. `ends`, half-open."""

    first: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


# Sites reach at most a span of bases past where they start.
_MARGIN = MAX_SPAN + 1


def read_regions(path: str | os.PathLike, transcriptome: Transcriptome, notices: Notices | None = None) -> Regions:
    """Intervals on transcripts from a BED file (at least 3 columns: transcript, start, end; further ones are ignored).

    Intervals that overlap or touch are joined. Raises InputError for a line that is not BED, a transcript that is not there, or an
    interval that is empty or leaves its transcript.
    """
    index = {name: number for number, name in enumerate(transcriptome.names.to_pylist())}
    lengths = transcriptome.lengths
    intervals = []
    with open_text(path) as handle, tallied(notices) as tally:
        for number, line in enumerate(handle, 1):
            text = strip_blanks(decode_text(line, tally))
            if text and not is_bed_header(line.lstrip()):
                intervals.append(_parse_interval(text, f"{path}, line {number}", index, lengths))
        if not intervals:
            raise InputError(f"{path}: no intervals in it; expected BED lines of transcript, start and end")
        regions = _join(sorted(intervals), len(transcriptome))
        bases = int((regions.ends - regions.starts).sum())
        tally.add(f"regions to scan, {bases:,} of {transcriptome.n_bases:,} bases", count=len(intervals))
    return regions


def _parse_interval(text: str, where: str, index: dict[str, int], lengths: np.ndarray) -> tuple[int, int, int]:
    fields = text.split("\t") if "\t" in text else text.split()
    if len(fields) < 3 or not (fields[1].isdecimal() and fields[2].isdecimal()):
        raise InputError(f"{where}: found {text[:40]!r}; expected transcript, start and end (0-based, half-open) separated by tabs")
    if fields[0] not in index:
        raise InputError(f"{where}: transcript {fields[0]!r} is not among the transcripts scanned; expected a name of the FASTA")
    transcript, start, end = index[fields[0]], int(fields[1]), int(fields[2])
    if not start < end <= lengths[transcript]:
        raise InputError(f"{where}: interval {start}-{end} on {fields[0]!r} of {lengths[transcript]} nt; expected start < end within it")
    return transcript, start, end


def _join(intervals: list[tuple[int, int, int]], n_transcripts: int) -> Regions:
    joined: list[list[int]] = []
    for transcript, start, end in intervals:
        if joined and joined[-1][0] == transcript and start <= joined[-1][2]:
            joined[-1][2] = max(joined[-1][2], end)
        else:
            joined.append([transcript, start, end])
    columns = np.array(joined, dtype=np.int64).T
    return Regions(np.searchsorted(columns[0], np.arange(n_transcripts + 1)), columns[1], columns[2])


def select_rows(rows: Rows, keep: np.ndarray) -> Rows:
    """The rows where `keep` (n_rows,) is true."""
    return Rows(*(column[keep] for column in rows))


@dataclass(frozen=True)
class Shown:
    """The letters among which matches are looked for: a copy of codes[offset:...] in which everything hidden is N.

    `begin`, `end` (n_transcripts,) int64 index into this copy, so may lie outside of it for transcripts that do not matter.
    """

    codes: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    offset: int = 0


def show_letters(
    codes: np.ndarray, begin: np.ndarray, end: np.ndarray, start: int, stop: int, mask_start: int, regions: Regions | None
) -> Shown:
    """codes[start:stop] and a margin, with N for the first `mask_start` letters of every transcript and for all outside `regions`.

    Hidden letters cannot be part of a match, and what is left of one counts as the weaker site it then is, as in TargetScan 7, which
    reads its UTRs so. Nothing is copied where nothing is hidden.
    """
    if mask_start == 0 and regions is None:
        return Shown(codes, begin, end)
    offset, stop = max(start - _MARGIN, 0), min(stop + _MARGIN, len(codes))
    shown = np.full(stop - offset, N, np.uint8)
    n = len(begin)
    whole = Regions(np.arange(n + 1), np.zeros(n, np.int64), end - begin)
    _show(codes, begin, offset, stop, mask_start, *_arrays(whole if regions is None else regions), shown)
    shown.flags.writeable = False
    return Shown(shown, begin - offset, end - offset, offset)


def _arrays(regions: Regions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return regions.first, regions.starts, regions.ends


def keep_apart(rows: Rows, min_distance: int) -> np.ndarray:
    """(n_rows,) bool: what stays so that no two sites of a miRNA on a transcript start less than `min_distance` nt apart.

    Greedy: the strongest rule first, among equals the more 5' site. The rows must hold all sites of each of their transcripts.
    """
    start, turn = rows.start.astype(np.int64), np.argsort(rows.seed, kind="stable")
    return _keep_free(rows.transcript, rows.mirna, start, start + min_distance, turn, np.zeros(len(start), np.bool_))


def keep_strongest(
    transcript: np.ndarray,
    mirna: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    seed: np.ndarray,
    strength: np.ndarray,
    rules: Sequence[str],
) -> np.ndarray:
    """(n,) bool: what stays where overlapping matches of one miRNA count as one site.

    Canonical sites all stay, also such as overlap each other. Of the others those stay that overlap none of them, and none with more
    `strength` (n,) that stays; a tie goes to the stronger rule, then to the more 5' match. A bulge or a wobble slides along its site, so
    that one duplex comes as several matches. `seed` (n,) is an index into `rules`, the names of rules; NaN is least strength.
    The rows (n,) must be ordered by start and hold all matches of each of their transcripts.
    """
    settled = np.isin(rules, GROUPS["canonical"])[seed]
    return _keep_free(transcript, mirna, start, end, np.lexsort((seed, -strength, ~settled)), settled)


def _keep_free(transcript, mirna, start, end, turn: np.ndarray, settled: np.ndarray) -> np.ndarray:
    """Take the rows in `turn` (n,): one stays that is `settled` or overlaps no row of its miRNA and transcript that stays already."""
    by_place = np.lexsort((start, mirna, transcript))
    place = np.empty_like(by_place)
    place[by_place] = np.arange(len(by_place))
    longest = int((end - start).max(initial=0))
    return _take_free(by_place, place, turn, transcript, mirna, start, end, longest, settled)


@njit
def _show(codes, begin, offset, stop, mask_start, first, region_starts, region_ends, shown):
    for transcript in range(len(begin)):
        for region in range(first[transcript], first[transcript + 1]):
            low = max(begin[transcript] + max(region_starts[region], mask_start), offset)
            high = min(begin[transcript] + region_ends[region], stop)
            for position in range(low, high):
                shown[position - offset] = codes[position]


@njit
def _take_free(by_place, place, turn, transcripts, mirnas, starts, ends, longest, settled):
    keep = np.zeros(len(turn), np.bool_)
    for row in turn:
        keep[row] = settled[row] or not (
            _meets(row, -1, by_place, place, transcripts, mirnas, starts, ends, longest, keep)
            or _meets(row, 1, by_place, place, transcripts, mirnas, starts, ends, longest, keep)
        )
    return keep


@helper
def _meets(row, step, by_place, place, transcripts, mirnas, starts, ends, longest, keep):
    """Whether `row` overlaps a kept row of its group that starts before it (`step` -1) or not before it (1)."""
    at = place[row] + step
    while 0 <= at < len(by_place):
        other = by_place[at]
        if transcripts[other] != transcripts[row] or mirnas[other] != mirnas[row]:
            return False
        if starts[other] >= ends[row] or starts[row] - starts[other] >= longest:
            return False
        if keep[other] and starts[row] < ends[other]:
            return True
        at += step
    return False
