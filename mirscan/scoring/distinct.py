"""Each (miRNA, window) pair once.

Isoforms and paralogues repeat windows by the million, and a network gives them the same score every time.
"""

from dataclasses import dataclass

import numpy as np

from mirscan.jit import helper, njit


@dataclass(frozen=True)
class DistinctPairs:
    """The distinct pairs of n given ones, grouped by miRNA.

    `mirnas` (k,) and `rows` (m,) are row numbers of the input: one for each distinct miRNA, one for each distinct pair. `mirna_of` (m,)
    int32 counts into `mirnas` and rises. `pair_of` (n,) int32 leads from each given pair to its distinct one.
    """

    mirnas: np.ndarray
    rows: np.ndarray
    mirna_of: np.ndarray
    pair_of: np.ndarray


def find_distinct(mirna_codes: np.ndarray, target_codes: np.ndarray) -> DistinctPairs:
    """Distinct pairs of `mirna_codes` (n, M) and `target_codes` (n, L) uint8; exact, equal rows are compared letter by letter."""
    n = len(mirna_codes)
    table = np.empty(1 << max(4, (2 * n - 1).bit_length()), np.int32)
    no_label = np.zeros(n, np.int32)
    mirna_of, mirnas = np.empty(n, np.int32), np.empty(n, np.int32)
    n_mirnas = number_rows(np.ascontiguousarray(mirna_codes), no_label, table, mirna_of, mirnas)
    pair_of, rows = np.empty(n, np.int32), np.empty(n, np.int32)
    n_pairs = number_rows(np.ascontiguousarray(target_codes), mirna_of, table, pair_of, rows)
    rows = rows[:n_pairs]
    order = np.argsort(mirna_of[rows], kind="stable")
    place = np.empty(n_pairs, np.int32)
    place[order] = np.arange(n_pairs, dtype=np.int32)
    rows = rows[order]
    return DistinctPairs(mirnas[:n_mirnas], rows, mirna_of[rows], place[pair_of])


@njit(allocates=False)
def number_rows(codes, labels, table, number_of, first_row):
    """Number distinct (label, row of codes) in order of appearance; `first_row[number]` is the row it was first seen in. Returns how many.

    `table` is the work space of an open-addressed hash table, its size a power of two above n; it holds numbers, -1 where free.
    """
    mask = np.uint64(table.shape[0] - 1)
    table[:] = -1
    n_distinct = 0
    for row in range(codes.shape[0]):
        # FNV-1a, 64 bits
        code = np.uint64(14695981039346656037) ^ np.uint64(labels[row])
        for column in range(codes.shape[1]):
            code = (code ^ np.uint64(codes[row, column])) * np.uint64(1099511628211)
        slot = (code ^ (code >> np.uint64(29))) & mask
        while True:
            number = table[slot]
            if number < 0:
                table[slot] = n_distinct
                first_row[n_distinct] = row
                number_of[row] = n_distinct
                n_distinct += 1
                break
            known = first_row[number]
            if labels[known] == labels[row] and _is_equal(codes[known], codes[row]):
                number_of[row] = number
                break
            slot = (slot + np.uint64(1)) & mask
    return n_distinct


@helper
def _is_equal(left, right):
    for column in range(left.shape[0]):  # noqa: SIM110  (Numba compiles no generators)
        if left[column] != right[column]:
            return False
    return True
