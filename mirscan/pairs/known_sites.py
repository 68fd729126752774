"""Where the positives' sites lie on transcripts, and which windows reach into them."""

from dataclasses import dataclass

import numpy as np

from mirscan.jit import njit
from mirscan.pairs.positives import Positives
from mirscan.sequence.alphabet import N, encode
from mirscan.sequence.transcriptome import Transcriptome

# A site is looked up by the word in its middle: 11 letters are 4 million lists, so chance hits are few; they are checked.
_WORD = 11


@dataclass(frozen=True)
class KnownSites:
    """Every place where a positive's site stands: rows of `row` (n,), the positive, and begin .. end (n,) in the packed codes."""

    row: np.ndarray
    begin: np.ndarray
    end: np.ndarray


def find_known_sites(positives: Positives, transcriptome: Transcriptome) -> KnownSites:
    """All places of the positives' sites on the transcripts, letter for letter; a site with an N, or below 11 nt, is not found."""
    sequences = [encode(site) for site in positives.sites.to_pylist()]
    lengths = np.array([len(sequence) for sequence in sequences])
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    letters = np.concatenate(sequences)
    words = np.array([_word(sequence) for sequence in sequences])
    order = np.argsort(words, kind="stable")
    order = order[words[order] >= 0]
    codes = np.asarray(transcriptome.codes)
    starts = np.zeros(4**_WORD + 1, np.int32)
    np.cumsum(np.bincount(words[order], minlength=4**_WORD), out=starts[1:])
    middle = np.maximum(0, (lengths - _WORD) // 2)
    found = np.empty((1 << 16, 2), np.int64)
    n = _find_sites(codes, starts, order, middle, letters, offsets, found)
    if n > len(found):
        found = np.empty((n, 2), np.int64)
        _find_sites(codes, starts, order, middle, letters, offsets, found)
    site, begin = found[:n].T
    by_site = np.argsort(positives.site, kind="stable")
    first, size = np.searchsorted(positives.site[by_site], site), np.bincount(positives.site)[site]
    places = np.repeat(np.arange(n), size)
    within = np.arange(len(places)) - np.repeat(np.cumsum(size) - size, size)
    return KnownSites(by_site[first[places] + within], begin[places], begin[places] + lengths[site[places]])


def _word(sequence: np.ndarray) -> int:
    """Code of the word in the middle; -1 where it holds an N or the sequence is shorter."""
    first = (len(sequence) - _WORD) // 2
    word = sequence[max(0, first) : max(0, first) + _WORD]
    if len(word) < _WORD or (word >= N).any():
        return -1
    return int(np.dot(word.astype(np.int64), 4 ** np.arange(_WORD - 1, -1, -1)))


@njit
def _find_sites(codes, starts, order, middle, letters, offsets, found):
    """Fills `found` (site, begin) as far as it goes; returns the number of places."""
    mask = (1 << (2 * _WORD)) - 1
    word = run = n = 0
    for position in range(len(codes)):
        code = codes[position]
        run = run + 1 if code < N else 0
        word = ((word << 2) | (code & 3)) & mask
        if run < _WORD:
            continue
        for slot in range(starts[word], starts[word + 1]):
            site = order[slot]
            begin = position - _WORD + 1 - middle[site]
            length = offsets[site + 1] - offsets[site]
            if begin < 0 or begin + length > len(codes):
                continue
            same = True
            for place in range(length):
                if codes[begin + place] != letters[offsets[site] + place] or codes[begin + place] == N:
                    same = False
                    break
            if same:
                if n < len(found):
                    found[n, 0], found[n, 1] = site, begin
                n += 1
    return n


@dataclass(frozen=True)
class Occupied:
    """Intervals in the packed codes by group (a family), sorted by begin: those of group g are first[g] .. first[g + 1].

    `reach` (n,) is the largest end of a group's intervals so far, so one search tells whether a window overlaps any.
    """

    first: np.ndarray
    begin: np.ndarray
    reach: np.ndarray

    def overlaps(self, group: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Which windows (n,) begin .. end overlap an interval of their group by a base or more."""
        hit = np.empty(len(group), np.bool_)
        _overlaps(self.first, self.begin, self.reach, group, begin, end, hit)
        return hit


def occupy(group: np.ndarray, begin: np.ndarray, end: np.ndarray, n_groups: int) -> Occupied:
    """The intervals (n,) in the form that `overlaps` searches."""
    order = np.lexsort((begin, group))
    group, begin, end = group[order], begin[order].astype(np.int64), end[order]
    first = np.searchsorted(group, np.arange(n_groups + 1))
    # Ends of a later group start anew: the offset keeps one running maximum from crossing groups.
    offset = group.astype(np.int64) * (int(end.max(initial=0)) + 1)
    return Occupied(first, begin, np.maximum.accumulate(end + offset) - offset if len(end) else end.astype(np.int64))


@njit
def _overlaps(first, begins, reach, group, begin, end, hit):
    for row in range(len(group)):
        low, high = first[group[row]], first[group[row] + 1]
        start = low
        while low < high:
            middle = (low + high) // 2
            if begins[middle] < end[row]:
                low = middle + 1
            else:
                high = middle
        hit[row] = low > start and reach[low - 1] > begin[row]
