"""Bit planes of a stretch of letters: 64 letters a word, so that any window of it is two shifts away."""

import numpy as np

from mirscan.jit import helper
from mirscan.sequence.alphabet import N

WORD = 64
# Columns of the planes: the two bits of each code, 0 for an N, and whether it is a letter at all.
HIGH, LOW, KNOWN = range(3)
_ONE, _WORD = np.uint64(1), np.uint64(WORD)


@helper(allocates=True)
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


@helper
def read_planes(planes, first):
    """(high, low, known) of 64 letters from letter `first` on, as bits from the lowest; `first` is from -64 to one past the last letter."""
    word, shift = first // WORD + 1, np.uint64(first % WORD)
    # In two steps, as a word cannot move by all its bits. Without a branch Numba counts no references, which takes longer than all else.
    rest = _WORD - _ONE - shift
    high = planes[word, HIGH] >> shift | planes[word + 1, HIGH] << _ONE << rest
    low = planes[word, LOW] >> shift | planes[word + 1, LOW] << _ONE << rest
    known = planes[word, KNOWN] >> shift | planes[word + 1, KNOWN] << _ONE << rest
    return high, low, known
