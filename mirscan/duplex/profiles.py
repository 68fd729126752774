"""Scratch memory of the recursion, and energy vectors over the positions of one miRNA for each target 2-, 3- or 4-mer.

As in Smith-Waterman profiles, an entry is made when its k-mer is first met and kept while the miRNA stays the same.
"""

from typing import NamedTuple

import numpy as np

from mirscan.duplex.lanes import LANES, read, write
from mirscan.duplex.parameters import MAX_LOOP, NOT_PAIRED, ContextTables
from mirscan.jit import njit

# Vectors of one profile entry.
BEGIN, STACK, BULGE_MIRNA, IN_GENERAL, IN_1XN, IN_2X3, IN_BULGE, N_PAIR = range(8)
BULGE_TARGET, LOOP_1X1, LOOP_2X1, N_TRIPLE = range(4)
LOOP_1X2, LOOP_2X2, N_QUAD = range(3)
OUT_GENERAL, OUT_1XN, OUT_2X3, OUT_BULGE, OUT_END, N_OUTER = range(6)
# Vectors of one column: energies, and energies plus what the pair adds as the outer pair of each kind of loop.
ENERGY, FROM_GENERAL, FROM_1XN, FROM_2X3, FROM_BULGE, N_COLUMN = range(6)
_N, _END = 4, 5
# First entry of each kind of context in a list of all of them: by pair, by outer pair, by 3-mer, by 4-mer.
_FIRST_OUTER, _FIRST_TRIPLE, _FIRST_QUAD, _N_ENTRIES = 30, 60, 185, 810


class Addresses(NamedTuple):
    """Where the int16 cells of each table or buffer begin; `width` lanes hold the miRNA.

    Every column vector has LANES cells of NOT_PAIRED before it, so that reading it n + 1 places earlier is safe.
    """

    width: int
    columns: int
    sizes: int
    best: int
    pairs: int
    outers: int
    triples: int
    quads: int
    contexts: int
    made: int


class Workspace(NamedTuple):
    """The buffers behind Addresses, in the same order."""

    columns: np.ndarray
    sizes: np.ndarray
    best: np.ndarray
    pairs: np.ndarray
    outers: np.ndarray
    triples: np.ndarray
    quads: np.ndarray
    contexts: np.ndarray
    made: np.ndarray

    def addresses(self) -> Addresses:
        return Addresses(self.best.size // 2, *(buffer.ctypes.data for buffer in self))


def make_workspace(mirna_length: int, target_length: int) -> Workspace:
    """Scratch for pairs of at most these lengths."""
    width = -(-max(mirna_length, 1) // LANES) * LANES
    stride = width + LANES

    def cells(n: int, value: int = 0) -> np.ndarray:
        return np.full(n, value, dtype=np.int16)

    return Workspace(
        columns=cells(max(target_length, 1) * N_COLUMN * stride, NOT_PAIRED),
        sizes=cells((MAX_LOOP + 1) * stride, NOT_PAIRED),
        best=cells(2 * width),
        pairs=cells(30 * N_PAIR * width),
        outers=cells(30 * N_OUTER * width),
        triples=cells(125 * N_TRIPLE * width),
        quads=cells(625 * N_QUAD * width),
        contexts=cells(5 * width),
        made=cells(_N_ENTRIES),
    )


def table_addresses(tables: ContextTables) -> ContextTables:
    """The same fields, each the address of its table; `tables` must outlive their use."""
    return ContextTables(*(table.ctypes.data for table in tables))


@njit
def begin_mirna(mirna, length, work):
    """Forgets the profiles of the miRNA before, and notes the letters that each vector of the new ones depends on, as numbers.

    Rows: x_i-1 x_i with strand end; x_i-1 x_i; x_i-2..x_i; x_i-3..x_i; x_i x_i+1 with strand end.
    """
    for entry in range(_N_ENTRIES):
        write(work.made, entry, 0)
    before = second = third = _N
    for i in range(work.width):
        here = np.int64(mirna[i]) if i < length else _N
        after = np.int64(mirna[i + 1]) if i + 1 < length else _END
        write(work.contexts, i, (_END if i == 0 else before) * 5 + here)
        write(work.contexts, work.width + i, before * 5 + here)
        write(work.contexts, 2 * work.width + i, second * 25 + before * 5 + here)
        write(work.contexts, 3 * work.width + i, third * 125 + second * 25 + before * 5 + here)
        write(work.contexts, 4 * work.width + i, here * 6 + after)
        third, second, before = second, before, here


@njit
def _fill_vector(profile, vector, table, row, row_size, context, length, work):
    for i in range(length):
        code = read(work.contexts, context * work.width + i)
        write(profile, vector * work.width + i, read(table, row * row_size + code))


@njit
def _fill_pair(code, tables, work, length):
    first = code * N_PAIR
    _fill_vector(work.pairs, first + BEGIN, tables.begin, code, 30, 0, work.width, work)
    for kind in range(4):
        _fill_vector(work.pairs, first + IN_GENERAL + kind, tables.inner, kind * 30 + code, 30, 0, length, work)
    if code % 6 != _END:
        letters = code // 6 * 5 + code % 6
        _fill_vector(work.pairs, first + STACK, tables.stack, letters, 25, 1, length, work)
        _fill_vector(work.pairs, first + BULGE_MIRNA, tables.bulge_mirna, letters, 125, 2, length, work)


@njit
def _fill_outer(code, tables, work, length):
    for kind in range(N_OUTER):
        _fill_vector(work.outers, code * N_OUTER + kind, tables.outer, kind * 30 + code, 30, 4, length, work)


@njit
def _fill_triple(code, tables, work, length):
    first = code * N_TRIPLE
    _fill_vector(work.triples, first + BULGE_TARGET, tables.bulge_target, code, 25, 1, length, work)
    _fill_vector(work.triples, first + LOOP_1X1, tables.loop_1x1, code, 125, 2, length, work)
    _fill_vector(work.triples, first + LOOP_2X1, tables.loop_2x1, code, 625, 3, length, work)


@njit
def _fill_quad(code, tables, work, length):
    first = code * N_QUAD
    _fill_vector(work.quads, first + LOOP_1X2, tables.loop_1x2, code, 125, 2, length, work)
    _fill_vector(work.quads, first + LOOP_2X2, tables.loop_2x2, code, 625, 3, length, work)


@njit
def _is_new(entry, work):
    new = read(work.made, entry) == 0
    write(work.made, entry, 1)
    return new


@njit
def ready_profiles(target, j, tables, work, length):
    """Offsets of the profile entries that column j reads: pair, outer, triple, quad (the last two 0 where the window ends)."""
    right = target.size - 1 - j
    y = np.int64(target[j])
    pair = y * 6 + (np.int64(target[j + 1]) if right >= 1 else _END)
    outer = (np.int64(target[j - 1]) if j > 0 else _END) * 5 + y
    triple = quad = 0
    if _is_new(pair, work):
        _fill_pair(pair, tables, work, length)
    if _is_new(_FIRST_OUTER + outer, work):
        _fill_outer(outer, tables, work, length)
    if right >= 2:
        triple = y * 25 + np.int64(target[j + 1]) * 5 + np.int64(target[j + 2])
        if _is_new(_FIRST_TRIPLE + triple, work):
            _fill_triple(triple, tables, work, length)
    if right >= 3:
        quad = triple * 5 + np.int64(target[j + 3])
        if _is_new(_FIRST_QUAD + quad, work):
            _fill_quad(quad, tables, work, length)
    width = work.width
    return pair * N_PAIR * width, outer * N_OUTER * width, triple * N_TRIPLE * width, quad * N_QUAD * width
