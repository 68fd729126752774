"""Properties of a site that need no second pass over the sequence: local AU, nearest end, 3' supplementary pairing, previous site."""

from functools import cache

import numpy as np

from mirscan.jit import helper, njit
from mirscan.search.kernels import Rows
from mirscan.search.planes import HIGH, KNOWN, LOW, make_planes, read_planes
from mirscan.sequence.alphabet import N, complement

# Grimson et al. 2007, Mol Cell 27:91: A and U within 30 nt either side count by the inverse of their distance.
AU_REACH = 30
# Same paper: pairs of nt 13-16 count 1, others 0.5; offsets up to 2 nt are free, each further nt costs 0.5. At least two contiguous
# pairs make a run, and the 15 bases upstream of the site are searched, as in the scripts of TargetScan 7 (Agarwal et al. 2015).
SUPPLEMENTARY_FIRST, SUPPLEMENTARY_LAST = 13, 16
THREE_PRIME_FIRST, TARGET_REACH, FREE_OFFSET = 9, 15, 2
_N_CENTRAL = SUPPLEMENTARY_LAST - SUPPLEMENTARY_FIRST + 1

# Morgulis et al. 2006, J Comput Biol 13:1028, look at 64 nt, too; theirs is the highest score of any part, ours that of the whole.
DUST_REACH = 28

# Pairs of a target with nt 9 onwards as bits from the highest down. Of the first 16, which is all of a usual miRNA, scores are tabled.
_TOP, _TABLED = 63, 16
_ONE, _UNTABLED = np.uint64(1), np.uint64(_TOP + 1 - _TABLED)
FEATURES = ("local_au", "end_distance", "supplementary", "previous_distance", "low_complexity")


def compute_features(
    names: tuple[str, ...], rows: Rows, codes: np.ndarray, begin: np.ndarray, end: np.ndarray, margin: int, mirna_codes: np.ndarray
) -> dict[str, np.ndarray]:
    """The named feature columns, (n_rows,) each, in the order of `FEATURES`.

    codes, begin, end, margin: the packed transcripts. mirna_codes (n_mirnas, length): 5'->3', padded with N. `previous_distance` looks at
    the rows given: these must hold all sites of each of their transcripts.
    """
    n = len(rows.start)
    columns = {}
    if "local_au" in names:
        places = rows.transcript, rows.start, rows.end, rows.anchor
        columns["local_au"] = _local_au(codes, begin, end, margin, *places, np.empty(n, np.float32))
    if "end_distance" in names:
        lengths = (end - begin)[rows.transcript]
        columns["end_distance"] = np.minimum(rows.start, lengths - rows.end).astype(np.int32)
    if "supplementary" in names:
        pairs = complement(mirna_codes)
        places = rows.transcript, rows.start, rows.end, rows.anchor, rows.mirna
        columns["supplementary"] = _supplementary(codes, begin, end, margin, *places, pairs, _run_scores(), np.empty(n, np.float32))
    if "previous_distance" in names:
        columns["previous_distance"] = _previous_distance(rows.transcript, rows.mirna, rows.start, len(mirna_codes), np.empty(n, np.int32))
    if "low_complexity" in names:
        columns["low_complexity"] = _dust(codes, begin, end, margin, rows.transcript, rows.start, rows.end, np.empty(n, np.float32))
    return columns


def _au_sums() -> np.ndarray:
    """(2 classes, 2 sides, _PIECES, 64): the weights of the A and U that a piece of a window has, by its bits.

    Class 0 counts distances from 1, class 1 from 2; upstream (side 0) the last letter of a window is the nearest, downstream the first.
    """
    sums = np.zeros((2, 2, _PIECES, 1 << _PIECE))
    bits = (np.arange(1 << _PIECE)[:, None] >> np.arange(_PIECE)) & 1
    for first in range(2):
        weights = 1 / (np.arange(AU_REACH) + 1.0 + first)
        for side, ordered in enumerate((weights[::-1], weights)):
            sums[first, side] = ordered.reshape(_PIECES, _PIECE) @ bits.T
    return sums


_PIECE = 6
_PIECES = AU_REACH // _PIECE
_AU_SUMS = _au_sums()
# By class and number of letters: what they would weigh if all were A or U.
_AU_TOTALS = np.cumsum([[0.0, *(1 / (d + 1 + first) for d in range(AU_REACH))] for first in range(2)], axis=1)


@helper
def _stretch(row, transcripts, starts, ends):
    """(stop, low, high): rows row to stop are of one transcript, and lie within low and high."""
    stop, low, high = row + 1, starts[row], ends[row]
    while stop < len(starts) and transcripts[stop] == transcripts[row]:
        low, high = min(low, starts[stop]), max(high, ends[stop])
        stop += 1
    return stop, low, high


@helper(allocates=True)
def _planes_of(row, transcripts, starts, ends, codes, begin, end, margin):
    """(stop, planes, place of their first letter) of what lies around rows row to stop, which are of one transcript."""
    stop, low, high = _stretch(row, transcripts, starts, ends)
    first, last = begin[transcripts[row]] - margin, end[transcripts[row]] + margin
    low = max(begin[transcripts[row]] + low - AU_REACH, first)
    return stop, make_planes(codes[low : max(low, min(begin[transcripts[row]] + high + AU_REACH, last))]), low


@njit
def _local_au(codes, begin, end, margin, transcripts, starts, ends, anchors, out):
    """Weighted fraction of A and U around each site, 0-1; bases beyond the ends of the transcript do not count.

    Weights fall as 1/distance from the site; where m8 is not under the site the upstream ones begin at 1/2, and where the base opposite
    m1 is, the downstream ones do (Grimson 2007, figure 3B).
    """
    stop = 0
    for row in range(len(starts)):
        if row == stop:
            stop, planes, low = _planes_of(row, transcripts, starts, ends, codes, begin, end, margin)
            first, length = begin[transcripts[row]] - low, end[transcripts[row]] - begin[transcripts[row]]
        upstream = 0 if anchors[row] - starts[row] >= 7 else 1
        downstream = 1 if ends[row] > anchors[row] else 0
        found = _au_weight(planes, first + starts[row] - AU_REACH, _AU_SUMS[upstream, 0])
        found += _au_weight(planes, first + ends[row], _AU_SUMS[downstream, 1])
        total = _AU_TOTALS[upstream, max(0, min(AU_REACH, starts[row] + margin))]
        total += _AU_TOTALS[downstream, max(0, min(AU_REACH, length + margin - ends[row]))]
        out[row] = found / total if total > 0 else 0.0
    return out


@helper
def _au_weight(planes, place, sums):
    """What the A and U of the `AU_REACH` letters from `place` on weigh."""
    high, low, known = read_planes(planes, place)
    bits = ~(high ^ low) & known
    weight = 0.0
    for piece in range(_PIECES):
        weight += sums[piece, bits & _PIECE_MASK]
        bits >>= _PIECE_WIDTH
    return weight


_PIECE_MASK, _PIECE_WIDTH = np.uint64((1 << _PIECE) - 1), np.uint64(_PIECE)


@njit
def _supplementary(codes, begin, end, margin, transcripts, starts, ends, anchors, mirnas, pairs, scores, out):
    """Best run of contiguous Watson-Crick pairs between nt 9 onwards and the 15 bases upstream of the site (not opposite m1-m8)."""
    lengths, tails = _read_tails(pairs)
    stop = 0
    for row in range(len(anchors)):
        if row == stop:
            stop, planes, low = _planes_of(row, transcripts, starts, ends, codes, begin, end, margin)
        mirna, width = mirnas[row], anchors[row] - starts[row] + TARGET_REACH + 2 - THREE_PRIME_FIRST
        target = read_planes(planes, begin[transcripts[row]] - low + starts[row] - TARGET_REACH)
        tail = tails[mirna, HIGH], tails[mirna, LOW], tails[mirna, KNOWN]
        out[row] = _best_run(target, width, tail, lengths[mirna], scores) / 2 if width > 1 else 0.0
    return out


@helper(allocates=True)
def _read_tails(pairs):
    """(lengths (n,), planes (n, 3)) of what miRNAs have from nt 9 on, which is the highest bit, and below it the next."""
    lengths, tails = np.zeros(len(pairs), np.int64), np.zeros((len(pairs), 3), np.uint64)
    for mirna in range(len(pairs)):
        known = np.flatnonzero(pairs[mirna] != N)
        lengths[mirna] = max(0, known[-1] + 2 - THREE_PRIME_FIRST) if len(known) else 0
        if lengths[mirna]:
            planes = make_planes(pairs[mirna, THREE_PRIME_FIRST - 1 : THREE_PRIME_FIRST - 1 + lengths[mirna]][::-1])
            # One by one: assigning a row makes Numba compile its text of shapes that differ, which takes a second and a half.
            for plane in range(3):
                tails[mirna, plane] = planes[1, plane] << np.uint64(_TOP + 1 - lengths[mirna])
    return lengths, tails


@helper
def _best_run(target, width, tail, length, scores):
    """Twice the best score of a run between the first `width` letters of `target`, of which the last meets nt 9 where there is no offset,
    and the `tail` of a miRNA; from the least offset on, so that the penalty rises and soon no run could make up for it.
    """
    above = np.uint64(_TOP + 1 - width)
    high, low, known = target[HIGH] << above, target[LOW] << above, target[KNOWN] << above
    best = 0
    for away in range(max(length, width)):
        penalty, longest = max(0, away - FREE_OFFSET), min(min(length, width), max(length, width) - away)
        if longest + _N_CENTRAL - penalty <= best:
            break
        shift = np.uint64(away)
        up = _score(_pairs(high << shift, low << shift, known << shift, tail), scores)
        down = _score(_pairs(high >> shift, low >> shift, known >> shift, tail), scores)
        best = max(best, max(up, down) - penalty)
    return best


@helper
def _pairs(high, low, known, tail):
    return known & tail[KNOWN] & ~((high ^ tail[HIGH]) | (low ^ tail[LOW]))


@helper
def _score(paired, scores):
    number = paired >> _UNTABLED
    return np.int64(scores[number]) if paired == number << _UNTABLED else _score_runs(paired)


@helper
def _score_runs(paired):
    """Twice the score of the best run of pairs, by the definition."""
    best, score, size = 0, 0, 0
    for place in range(_TOP + 1):
        if paired >> np.uint64(_TOP - place) & _ONE:
            size += 1
            score += 2 if SUPPLEMENTARY_FIRST <= place + THREE_PRIME_FIRST <= SUPPLEMENTARY_LAST else 1
            best = max(best, score) if size > 1 else best
        else:
            score, size = 0, 0
    return best


@cache
def _run_scores() -> np.ndarray:
    """What `_score_runs` gives for pairs of the first `_TABLED` positions alone, int8."""
    return _table_scores(np.empty(1 << _TABLED, np.int8))


@njit
def _table_scores(scores):
    for number in range(len(scores)):
        scores[number] = _score_runs(np.uint64(number) << _UNTABLED)
    return scores


@njit
def _dust(codes, begin, end, margin, transcripts, starts, ends, out):
    """DUST score of each site with `DUST_REACH` nt either side: couples of equal triplets by the number of triplets less one, 0 for a
    stretch without repetition; triplets with an N do not count.

    The stretch of a site is made from that of the one before by what it gains and loses.
    """
    counts = np.zeros(64, np.int64)
    low = high = triplets = couples = 0
    for row in range(len(starts)):
        first = begin[transcripts[row]]
        new_low = max(first - margin, first + starts[row] - DUST_REACH)
        new_high = max(new_low, min(end[transcripts[row]] + margin, first + ends[row] + DUST_REACH) - 2)
        if new_low >= high or new_high <= low:
            counts[:] = 0
            low, high, triplets, couples = new_low, new_low, 0, 0
        for places, step in (((new_low, low), 1), ((high, new_high), 1), ((low, new_low), -1), ((new_high, high), -1)):
            for place in range(places[0], places[1]):
                word = _triplet(codes, place)
                if word >= 0:
                    couples += counts[word] if step > 0 else 1 - counts[word]
                    counts[word] += step
                    triplets += step
        low, high = new_low, new_high
        out[row] = couples / (triplets - 1) if triplets > 1 else 0.0
    return out


@helper
def _triplet(codes, place):
    """Number of the triplet at a place, -1 for one with an N."""
    one, two, three = codes[place], codes[place + 1], codes[place + 2]
    return 16 * one + 4 * two + three if one < N and two < N and three < N else -1


@njit
def _previous_distance(transcripts, mirnas, starts, n_mirnas, out):
    """Start of each site minus the start of the one before it of the same miRNA and transcript; -1 for the first."""
    last_start = np.zeros(n_mirnas, np.int32)
    last_transcript = np.full(n_mirnas, -1, np.int64)
    for row in range(len(starts)):
        mirna = mirnas[row]
        out[row] = starts[row] - last_start[mirna] if last_transcript[mirna] == transcripts[row] else -1
        last_start[mirna], last_transcript[mirna] = starts[row], transcripts[row]
    return out
