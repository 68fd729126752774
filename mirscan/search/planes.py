"""Bit planes of a stretch of letters: 64 letters a word, so that any window of it is two shifts away."""

import numpy as np

from mirscan.jit import njit
from mirscan.sequence.alphabet import N

WORD = 64
# Columns of the planes: the two bits of each code, 0 for an N, and whether it is a letter at all.
HIGH, LOW, KNOWN = range(3)
_ONE, _WORD = np.uint64(1), np.uint64(WORD)


@njit
def make_planes(codes):
    """(words, 3) uint64 of codes (n,), bit k of word w for letter 64 w + k; one word of nothing before and one behind."""
    planes = np.zeros((len(codes) // WORD + 3, 3), np.uint64)
    for place in range(len(codes)):
        code = codes[place]
        if code != N:
            bit, word = _ONE << np.uint64(place % WORD), 1 + place // WORD
            planes[word, KNOWN] |= bit
            if code & 2:
                planes[word, HIGH] |= bit
            if code & 1:
                planes[word, LOW] |= bit
    return planes


@njit
def read_planes(planes, first):
    """(high, low, known) of 64 letters from letter `first` on, as bits from the lowest; `first` is at least -64."""
    word, shift = first // WORD + 1, np.uint64(first % WORD)
    high, low, known = planes[word, HIGH] >> shift, planes[word, LOW] >> shift, planes[word, KNOWN] >> shift
    if shift > 0 and word + 1 < len(planes):
        rest = _WORD - shift
        high |= planes[word + 1, HIGH] << rest
        low |= planes[word + 1, LOW] << rest
        known |= planes[word + 1, KNOWN] << rest
    return high, low, known
