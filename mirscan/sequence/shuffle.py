"""Exact dinucleotide shuffles: neighbours occur as often as before (Altschul & Erickson 1985, Mol Biol Evol 2:526)."""

import numpy as np

from mirscan.jit import helper, njit

_N_LETTERS = 5


def shuffle_dinucleotides(codes: np.ndarray, offsets: np.ndarray, seed: int) -> np.ndarray:
    """Shuffled `codes` (total,) uint8 of the sequences codes[offsets[i] : offsets[i + 1]], each drawn uniformly from all that have its
    dinucleotide counts (its first and last letter are the same by necessity). N counts as a fifth letter. Equal seeds give equal draws.

    >>> from mirscan.sequence.alphabet import decode, encode
    >>> decode(shuffle_dinucleotides(encode("ACAGA"), np.array([0, 5]), seed=1)) in ("ACAGA", "AGACA")
    True
    """
    shuffled = np.empty_like(codes)
    _shuffle_all(codes, offsets, seed, shuffled)
    return shuffled


def shuffle_in_place(codes: np.ndarray, bounds: np.ndarray, seeds: np.ndarray) -> None:
    """Shuffle stretches of `codes` (total,) uint8 where they lie: codes[bounds[i, j] : bounds[i, j + 1]] of record i, as seeds[i] says.

    `bounds` (n, stretches + 1) rise along a record; `seeds` (n,) uint32. A record comes out the same whatever stands beside it. A stretch
    keeps its first and last letter, so the dinucleotides across its ends stay, too.

    >>> from mirscan.sequence.alphabet import decode, encode
    >>> codes = encode("GGACAGACC").copy()
    >>> shuffle_in_place(codes, np.array([[2, 7]]), np.array([1], np.uint32))
    >>> decode(codes) in ("GGACAGACC", "GGAGACACC")
    True
    """
    _shuffle_stretches(codes, bounds, seeds)


@njit
def _shuffle_stretches(codes, bounds, seeds):
    longest = 0
    for row in range(len(bounds)):
        for number in range(bounds.shape[1] - 1):
            longest = max(longest, bounds[row, number + 1] - bounds[row, number])
    edges, counts = np.empty((_N_LETTERS, longest), np.uint8), np.zeros(_N_LETTERS, np.int64)
    exits, used = np.zeros(_N_LETTERS, np.int64), np.zeros(_N_LETTERS, np.int64)
    for row in range(len(bounds)):
        np.random.seed(seeds[row])
        for number in range(bounds.shape[1] - 1):
            first, last = bounds[row, number], bounds[row, number + 1]
            if first < last:
                _shuffle_one(codes[first:last], edges, counts, exits, used, codes[first:last])


@njit
def _shuffle_all(codes, offsets, seed, shuffled):
    np.random.seed(seed)
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    # edges[a, :counts[a]]: the letters that follow letter a, in the order in which they will be used.
    edges, counts = np.empty((_N_LETTERS, longest), np.uint8), np.zeros(_N_LETTERS, np.int64)
    exits, used = np.zeros(_N_LETTERS, np.int64), np.zeros(_N_LETTERS, np.int64)
    for row in range(len(offsets) - 1):
        first, last = offsets[row], offsets[row + 1]
        if first < last:
            _shuffle_one(codes[first:last], edges, counts, exits, used, shuffled[first:last])


@helper
def _shuffle_one(sequence, edges, counts, exits, used, shuffled):
    counts[:] = 0
    used[:] = 0
    for place in range(len(sequence) - 1):
        letter = sequence[place]
        edges[letter, counts[letter]] = sequence[place + 1]
        counts[letter] += 1
    end = sequence[-1]
    _draw_exits(edges, counts, end, exits)
    for letter in range(_N_LETTERS):
        n = counts[letter]
        if letter != end and n:
            # The exit is the last edge used, so that the walk cannot be stuck before every edge is used.
            n -= 1
            edges[letter, exits[letter]], edges[letter, n] = edges[letter, n], edges[letter, exits[letter]]
        for place in range(n - 1, 0, -1):
            other = np.random.randint(0, place + 1)
            edges[letter, place], edges[letter, other] = edges[letter, other], edges[letter, place]
    letter = sequence[0]
    shuffled[0] = letter
    for place in range(1, len(sequence)):
        following = edges[letter, used[letter]]
        used[letter] += 1
        shuffled[place] = following
        letter = following


@helper
def _draw_exits(edges, counts, end, exits):
    """A last edge of every letter, drawn again until all of them lead to `end`: uniform over such trees, hence over Euler paths."""
    reaches = False
    while not reaches:
        for letter in range(_N_LETTERS):
            if counts[letter]:
                exits[letter] = np.random.randint(0, counts[letter])
        reaches = True
        for letter in range(_N_LETTERS):
            at, steps = letter, 0
            while counts[letter] and at != end and steps < _N_LETTERS:
                at = edges[at, exits[at]]
                steps += 1
            if counts[letter] and at != end:
                reaches = False
