"""Properties of a site that need no second pass over the sequence: local AU, nearest end, 3' supplementary pairing, previous site."""

import numpy as np

from mirscan.jit import njit
from mirscan.search.kernels import Rows
from mirscan.sequence.alphabet import A, N, U, complement

# Grimson et al. 2007, Mol Cell 27:91: A and U within 30 nt either side count by the inverse of their distance.
AU_REACH = 30
# Same paper: pairs of nt 13-16 count 1, others 0.5; offsets up to 2 nt are free, each further nt costs 0.5. At least two contiguous
# pairs make a run, and the 15 bases upstream of the site are searched, as in the scripts of TargetScan 7 (Agarwal et al. 2015).
SUPPLEMENTARY_FIRST, SUPPLEMENTARY_LAST = 13, 16
THREE_PRIME_FIRST, TARGET_REACH, FREE_OFFSET = 9, 15, 2

# Morgulis et al. 2006, J Comput Biol 13:1028, look at 64 nt, too; theirs is the highest score of any part, ours that of the whole.
DUST_REACH = 28

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
        places = rows.transcript, rows.start, rows.anchor, rows.mirna
        columns["supplementary"] = _supplementary(codes, begin, end, margin, *places, pairs, np.empty(n, np.float32))
    if "previous_distance" in names:
        columns["previous_distance"] = _previous_distance(rows.transcript, rows.mirna, rows.start, len(mirna_codes), np.empty(n, np.int32))
    if "low_complexity" in names:
        columns["low_complexity"] = _dust(codes, begin, end, margin, rows.transcript, rows.start, rows.end, np.empty(n, np.float32))
    return columns


@njit
def _local_au(codes, begin, end, margin, transcripts, starts, ends, anchors, out):
    """Weighted fraction of A and U around each site, 0-1; bases beyond the ends of the transcript do not count.

    Weights fall as 1/distance from the site; where m8 is not under the site the upstream ones begin at 1/2, and where the base opposite
    m1 is, the downstream ones do (Grimson 2007, figure 3B).
    """
    for row in range(len(starts)):
        first, last = begin[transcripts[row]], end[transcripts[row]]
        upstream = 1 if anchors[row] - starts[row] >= 7 else 2
        downstream = 2 if ends[row] > anchors[row] else 1
        found = total = 0.0
        for distance in range(AU_REACH):
            place = first + starts[row] - 1 - distance
            if place >= first - margin:
                total += 1.0 / (distance + upstream)
                if codes[place] == A or codes[place] == U:
                    found += 1.0 / (distance + upstream)
            place = first + ends[row] + distance
            if place < last + margin:
                total += 1.0 / (distance + downstream)
                if codes[place] == A or codes[place] == U:
                    found += 1.0 / (distance + downstream)
        out[row] = found / total if total > 0 else 0.0
    return out


@njit
def _supplementary(codes, begin, end, margin, transcripts, starts, anchors, mirnas, pairs, out):
    """Best run of contiguous Watson-Crick pairs between nt 9 onwards and the 15 bases upstream of the site (not opposite m1-m8)."""
    n_positions = pairs.shape[1]
    for row in range(len(anchors)):
        first, last = begin[transcripts[row]], end[transcripts[row]]
        anchor, mirna = first + anchors[row], mirnas[row]
        reach = anchors[row] - starts[row] + TARGET_REACH
        best = 0.0
        # One diagonal an offset: m_k meets the base at back k - 1 + offset. Positive: bases looped out in the target.
        for offset in range(-n_positions, TARGET_REACH):
            run, length = 0.0, 0
            penalty = max(0.0, (abs(offset) - FREE_OFFSET) / 2)
            for position in range(THREE_PRIME_FIRST, n_positions + 1):
                back = position - 1 + offset
                place = anchor - back
                inside = THREE_PRIME_FIRST - 1 <= back <= reach and first - margin <= place < last + margin
                partner = pairs[mirna, position - 1]
                if inside and partner != N and codes[place] == partner:
                    run += 1.0 if SUPPLEMENTARY_FIRST <= position <= SUPPLEMENTARY_LAST else 0.5
                    length += 1
                    if length >= 2:
                        best = max(best, run - penalty)
                else:
                    run, length = 0.0, 0
        out[row] = best
    return out


@njit
def _dust(codes, begin, end, margin, transcripts, starts, ends, out):
    """DUST score of each site with `DUST_REACH` nt either side: couples of equal triplets by the number of triplets less one, 0 for a
    stretch without repetition; triplets with an N do not count.
    """
    counts = np.zeros(64, np.int64)
    for row in range(len(starts)):
        first = begin[transcripts[row]]
        low = max(first - margin, first + starts[row] - DUST_REACH)
        high = min(end[transcripts[row]] + margin, first + ends[row] + DUST_REACH)
        counts[:] = 0
        n_triplets, couples = 0, 0
        for place in range(low, high - 2):
            one, two, three = codes[place], codes[place + 1], codes[place + 2]
            if one < N and two < N and three < N:
                word = 16 * one + 4 * two + three
                couples += counts[word]
                counts[word] += 1
                n_triplets += 1
        out[row] = couples / (n_triplets - 1) if n_triplets > 1 else 0.0
    return out


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
