"""Many short lists of intervals as three arrays, and what is done to all of them at once."""

from dataclasses import dataclass

import numpy as np

# Farther than any contig is long, so that lists shifted by it never touch: 2^34 x 2^28 lists fit 63 bits.
FAR = 1 << 34


@dataclass(frozen=True)
class Intervals:
    """`n` lists of half-open intervals: list i is `start[first[i] : first[i + 1]]` and `end` alike, ascending and apart.

    `first` (n + 1,), `start`, `end` (total,) are int64.
    """

    first: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def counts(self) -> np.ndarray:
        """Intervals of each list (n,)."""
        return np.diff(self.first)

    @property
    def lists(self) -> np.ndarray:
        """The list that each interval belongs to (total,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def lengths(self) -> np.ndarray:
        """Bases in each list (n,)."""
        total = np.concatenate(([0], np.cumsum(self.end - self.start)))
        return total[self.first[1:]] - total[self.first[:-1]]

    @property
    def lowest(self) -> np.ndarray:
        """First base of each list (n,); 0 where it is empty."""
        return _pick(self.start, self.first[:-1], self.counts > 0)

    @property
    def highest(self) -> np.ndarray:
        """One past the last base of each list (n,); 0 where it is empty."""
        return _pick(self.end, self.first[1:] - 1, self.counts > 0)

    def take(self, indices: np.ndarray) -> "Intervals":
        """The lists at these positions, in this order."""
        counts = self.counts[indices]
        first = np.concatenate(([0], np.cumsum(counts)))
        source = np.arange(first[-1]) + np.repeat(self.first[indices] - first[:-1], counts)
        return Intervals(first, self.start[source], self.end[source])

    def clip(self, low: np.ndarray, high: np.ndarray) -> "Intervals":
        """What of list i lies from `low[i]` to before `high[i]`."""
        lists = self.lists
        start, end = np.maximum(self.start, low[lists]), np.minimum(self.end, high[lists])
        is_left = start < end
        return Intervals(_offsets(lists[is_left], len(self)), start[is_left], end[is_left])

    def where(self, condition: np.ndarray, other: "Intervals") -> "Intervals":
        """List i of these where `condition[i]`, else of `other`."""
        both = Intervals(
            np.concatenate((self.first, other.first[1:] + self.first[-1])),
            np.concatenate((self.start, other.start)),
            np.concatenate((self.end, other.end)),
        )
        return both.take(np.arange(len(self)) + np.where(condition, 0, len(self)))


def join_intervals(lists: np.ndarray, start: np.ndarray, end: np.ndarray, n: int) -> Intervals:
    """Intervals in any order, each of the list that `lists` names; those that overlap or touch become one."""
    order = np.lexsort((start, lists))
    lists, start = lists[order], start[order] + lists[order] * FAR
    reach = np.maximum.accumulate(end[order] + lists * FAR)
    is_first = np.ones(len(start), bool)
    is_first[1:] = start[1:] > reach[:-1]
    firsts = np.flatnonzero(is_first)
    lasts = np.append(firsts[1:], len(start)) - 1
    shift = lists[firsts] * FAR
    return Intervals(_offsets(lists[firsts], n), start[firsts] - shift, reach[lasts[: len(firsts)]] - shift)


def find_overlaps(lists: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Positions of the intervals that overlap one of their list that begins before them."""
    order = np.lexsort((start, lists))
    shift = lists[order] * FAR
    reach = np.maximum.accumulate(end[order] + shift)
    return np.sort(order[1:][start[order][1:] + shift[1:] < reach[:-1]])


def find_outside(intervals: Intervals, lists: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Positions of the intervals given that do not lie within one of their list in `intervals`."""
    begins = intervals.start + intervals.lists * FAR
    at = np.searchsorted(begins, start + lists * FAR, side="right") - 1
    known = np.append(intervals.end + intervals.lists * FAR, -1)
    return np.flatnonzero((at < 0) | (end + lists * FAR > known[at]))


def _offsets(lists: np.ndarray, n: int) -> np.ndarray:
    return np.searchsorted(lists, np.arange(n + 1)).astype(np.int64)


def _pick(values: np.ndarray, at: np.ndarray, is_there: np.ndarray) -> np.ndarray:
    picked = np.zeros(len(at), np.int64)
    picked[is_there] = values[at[is_there]]
    return picked
