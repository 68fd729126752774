"""How strong a site or a pair is beside those of shuffled transcripts: empirical p-values, and false discovery rates from them.

p = (1 + draws at least as strong) / (1 + draws), which is never 0 (Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39); q by Benjamini and
Hochberg (1995, J R Stat Soc B 57:289). Draws are counted by level, so a null of any size is compact; equal levels are equally strong.
"""

from dataclasses import dataclass

import numpy as np

from mirscan.jit import njit

# A level is the exponent of a float32 and the first bits of its fraction: 64 levels an octave, each 1.6 % wide or less, from 2^-24 to 2^24.
_FRACTION_BITS, _BITS_LEFT_OUT = 6, 17
_LEAST, _MOST = -24, 24
_LEVEL_OF_LEAST = (127 + _LEAST) << _FRACTION_BITS
N_LEVELS = ((_MOST - _LEAST) << _FRACTION_BITS) + 1


def levels_of(values: np.ndarray) -> np.ndarray:
    """Levels (n,) int16 of strengths (n,) from 0 up, which rise with them; 0 for what is 0, below the least, or NaN.

    >>> levels_of(np.array([0, 1, 1.001, 2], np.float32)).tolist()
    [0, 1537, 1537, 1601]
    """
    known = np.nan_to_num(values.astype(np.float32, copy=False), nan=0.0)
    return np.clip((known.view(np.int32) >> _BITS_LEFT_OUT) - (_LEVEL_OF_LEAST - 1), 0, N_LEVELS - 1).astype(np.int16)


def least_of(levels: np.ndarray) -> np.ndarray:
    """The least strength (n,) float32 of each level."""
    bits = (levels.astype(np.int32) + (_LEVEL_OF_LEAST - 1)) << _BITS_LEFT_OUT
    return np.where(levels > 0, bits.view(np.float32), np.float32(0))


def site_levels(score: np.ndarray, seed: np.ndarray, n_rules: int, is_scored: bool) -> np.ndarray:
    """Levels (n,) of sites: by the odds of their scores, or where there are none by their types `seed` (n,), of which 0 is strongest."""
    if not is_scored:
        return (n_rules - seed).astype(np.int16)
    with np.errstate(divide="ignore"):
        return levels_of(score / (1 - score))


@dataclass(frozen=True)
class Null:
    """Draws of `k` groups: the levels of group g are level[first[g] : first[g + 1]], ascending, `at_least` so many of its draws reach
    each, and `n_drawn` (k,) were made, those of no level included.
    """

    first: np.ndarray
    level: np.ndarray
    at_least: np.ndarray
    n_drawn: np.ndarray

    def p_values(self, group: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Empirical p (n,) float32 of things of these groups and levels (n,)."""
        p = np.empty(len(group), np.float32)
        _find_p(group.astype(np.int64), level, self.first, self.level, self.at_least, self.n_drawn, p)
        return p


def make_null(group: np.ndarray, level: np.ndarray, counts: np.ndarray, n_drawn: np.ndarray) -> Null:
    """The null of `counts` (m,) draws at each group and level (m,), ordered by both."""
    first = np.searchsorted(group, np.arange(len(n_drawn) + 1))
    so_far = np.cumsum(counts)
    totals = np.append(0, so_far)[first[1:]]
    return Null(first, level, totals[group] - so_far + counts, n_drawn)


def q_values(group: np.ndarray, p: np.ndarray, n_tests: int | np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """False discovery rates (n,) float32 of things with p-values (n,) float32, within each group (n,) of numbers from 0.

    `n_tests`: how many were tested in each group, those that are not listed and have p = 1 included. `counts` (n,): how many things each
    entry stands for, by default one.

    >>> q_values(np.zeros(3, int), np.array([0.01, 0.03, 0.02], np.float32), 4).round(3)
    array([0.04, 0.04, 0.04], dtype=float32)
    """
    # Bits of a float32 from 0 up rise with it.
    order = np.argsort(group.astype(np.uint64) << np.uint64(32) | p.view(np.uint32).astype(np.uint64), kind="stable")
    tests = np.broadcast_to(np.asarray(n_tests, np.float64), int(group.max(initial=-1)) + 1)
    counts = np.ones(len(p), np.int64) if counts is None else counts
    q = np.empty(len(p), np.float32)
    _find_q(order, group.astype(np.int64), p, counts, tests, q)
    return q


@njit
def _find_p(group, level, first, null_level, at_least, n_drawn, out):
    for row in range(len(group)):
        low, end = first[group[row]], first[group[row] + 1]
        place = low + np.searchsorted(null_level[low:end], level[row])
        reached = at_least[place] if place < end else 0
        if level[row] == 0:
            # Draws without a site, which are not listed, are as strong.
            reached = n_drawn[group[row]]
        out[row] = (1.0 + reached) / (1.0 + n_drawn[group[row]])


@njit
def _find_q(order, group, p, counts, n_tests, out):
    """Go up to the end of a group for its ranks, then down with the least of p x tests / rank."""
    begin = 0
    while begin < len(order):
        end, rank = begin, 0
        while end < len(order) and group[order[end]] == group[order[begin]]:
            rank += counts[order[end]]
            end += 1
        least = 1.0
        for place in range(end - 1, begin - 1, -1):
            row = order[place]
            least = min(least, p[row] * n_tests[group[row]] / rank)
            out[row] = least
            rank -= counts[row]
        begin = end
