"""Scratch memory of the recursion, and energy vectors over the positions of one miRNA for each target 2-, 3- or 4-mer.

As in Smith-Waterman profiles, an entry is made when its k-mer is first met and kept while the miRNA stays the same.
"""

from typing import NamedTuple

import numpy as np

from mirscan.duplex.lanes import LANES, read, write
from mirscan.duplex.parameters import NOT_PAIRED, ContextTables
from mirscan.jit import helper

# Vectors of one profile entry.
BEGIN, IN_GENERAL, IN_1XN, IN_2X3, IN_BULGE, STACK, BULGE_MIRNA, N_PAIR = range(8)
BULGE_TARGET, LOOP_1X1, LOOP_2X1, N_TRIPLE = range(4)
LOOP_1X2, LOOP_2X2, N_QUAD = range(3)
OUT_GENERAL, OUT_1XN, OUT_2X3, OUT_BULGE, OUT_END, N_OUTER = range(6)
# A column of the recursion: five vectors, each with 32 cells of NOT_PAIRED before it, so that a read n + 1 places earlier is safe. They
# hold energies, and energies plus what the pair adds as the outer pair of a kind of loop. Numbers are cells from the column's start to
# lane 0, chosen so that the reads 1, 2 and 3 places earlier that are made most often fall on whole cache lines.
COLUMN = 5 * 64
ENERGY, FROM_2X3, FROM_BULGE, FROM_1XN, FROM_GENERAL = 32, 64 + 32, 128 + 33, 192 + 34, 256 + 35
# Columns of NOT_PAIRED on both sides of the window, for reads past its ends.
LEFT_MARGIN, RIGHT_MARGIN = 2, 33
# Rows of `sizes`: loops of -2 to 34 unpaired bases.
SIZES_ROW, FIRST_SIZE, LAST_SIZE = 64, -2, 34
_N, _END = 4, 5
# First entry of each kind of context in a list of all of them: by pair, by outer pair, by 3-mer, by 4-mer.
_FIRST_OUTER, _FIRST_TRIPLE, _FIRST_QUAD, _N_ENTRIES = 30, 60, 185, 810


class Addresses(NamedTuple):
    """Where the int16 cells of each buffer begin."""

    columns: int
    sizes: int
    partial: int
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
    partial: np.ndarray
    best: np.ndarray
    pairs: np.ndarray
    outers: np.ndarray
    triples: np.ndarray
    quads: np.ndarray
    contexts: np.ndarray
    made: np.ndarray

    def addresses(self) -> Addresses:
        """Valid while this object lives."""
        return Addresses(*(buffer.ctypes.data for buffer in self))._replace(
            columns=self.columns[LEFT_MARGIN * COLUMN :].ctypes.data, sizes=self.sizes[-FIRST_SIZE * SIZES_ROW :].ctypes.data
        )


def _cells(n: int, value: int = 0) -> np.ndarray:
    """n int16 cells from the start of a cache line on."""
    cells = np.full(n + LANES, value, dtype=np.int16)
    skip = -cells.ctypes.data % (2 * LANES) // 2
    return cells[skip : skip + n]


def make_workspace(target_length: int) -> Workspace:
    """Scratch for windows of at most this length."""
    return Workspace(
        columns=_cells((LEFT_MARGIN + target_length + RIGHT_MARGIN) * COLUMN + LANES, NOT_PAIRED),
        sizes=_cells((LAST_SIZE - FIRST_SIZE + 1) * SIZES_ROW, NOT_PAIRED),
        partial=_cells(9 * LANES),
        best=_cells(2 * LANES),
        pairs=_cells(30 * N_PAIR * LANES),
        outers=_cells(30 * N_OUTER * LANES),
        triples=_cells(125 * N_TRIPLE * LANES),
        quads=_cells(625 * N_QUAD * LANES),
        contexts=_cells(5 * LANES),
        made=_cells(_N_ENTRIES),
    )


def table_addresses(tables: ContextTables) -> ContextTables:
    """The same fields, each the address of its table; `tables` must outlive their use."""
    return ContextTables(*(table.ctypes.data for table in tables))


@helper
def begin_mirna(mirna, length, work):
    """Forgets the profiles of the miRNA before, and notes the letters that each vector of the new ones depends on, as numbers.

    Rows: x_i-1 x_i with strand end; x_i-1 x_i; x_i-2..x_i; x_i-3..x_i; x_i x_i+1 with strand end.
    """
    for entry in range(_N_ENTRIES):
        write(work.made, entry, 0)
    before = second = third = _N
    for i in range(LANES):
        here = np.int64(mirna[i]) if i < length else _N
        after = np.int64(mirna[i + 1]) if i + 1 < length else _END
        write(work.contexts, i, (_END if i == 0 else before) * 5 + here)
        write(work.contexts, LANES + i, before * 5 + here)
        write(work.contexts, 2 * LANES + i, second * 25 + before * 5 + here)
        write(work.contexts, 3 * LANES + i, third * 125 + second * 25 + before * 5 + here)
        write(work.contexts, 4 * LANES + i, here * 6 + after)
        third, second, before = second, before, here


@helper
def _fill_vector(profile, vector, table, row, row_size, context, length, work):
    for i in range(length):
        code = read(work.contexts, context * LANES + i)
        write(profile, vector * LANES + i, read(table, row * row_size + code))


@helper
def _fill_inner_or_outer(profile, table, code, n_vectors, context, length, work):
    for kind in range(5):
        # BEGIN decides what may pair, so lanes past the miRNA must say NOT_PAIRED; elsewhere they may keep what they held
        _fill_vector(profile, code * n_vectors + kind, table, kind * 30 + code, 30, context, LANES if kind == BEGIN else length, work)


@helper
def _fill_triple(code, length, tables, work):
    first = code * N_TRIPLE
    _fill_vector(work.triples, first + BULGE_TARGET, tables.bulge_target, code, 25, 1, length, work)
    _fill_vector(work.triples, first + LOOP_1X1, tables.loop_1x1, code, 125, 2, length, work)
    _fill_vector(work.triples, first + LOOP_2X1, tables.loop_2x1, code, 625, 3, length, work)


@helper
def _fill_quad(code, length, tables, work):
    first = code * N_QUAD
    _fill_vector(work.quads, first + LOOP_1X2, tables.loop_1x2, code, 125, 2, length, work)
    _fill_vector(work.quads, first + LOOP_2X2, tables.loop_2x2, code, 625, 3, length, work)


@helper
def _is_new(entry, work):
    new = read(work.made, entry) == 0
    write(work.made, entry, 1)
    return new


@helper
def context_codes(target, j):
    """Profile entries of column j, as numbers: by y_j y_j+1, y_j-1 y_j, 3-mer and 4-mer (any entry where the window has no such k-mer)."""
    right = target.size - 1 - j
    y = np.int64(target[j])
    after = np.int64(target[j + 1]) if right >= 1 else _END
    before = np.int64(target[j - 1]) if j > 0 else _END
    triple = y * 25 + after * 5 + np.int64(target[j + 2]) if right >= 2 else 0
    quad = triple * 5 + np.int64(target[j + 3]) if right >= 3 else 0
    return y * 6 + after, before * 5 + y, triple, quad


@helper
def make_profiles(pair, outer, triple, quad, length, tables, work):
    """Fills the entries that this miRNA has not met."""
    if _is_new(pair, work):
        _fill_inner_or_outer(work.pairs, tables.inner, pair, N_PAIR, 0, length, work)
        if pair % 6 != _END:
            letters = pair // 6 * 5 + pair % 6
            _fill_vector(work.pairs, pair * N_PAIR + STACK, tables.stack, letters, 25, 1, length, work)
            _fill_vector(work.pairs, pair * N_PAIR + BULGE_MIRNA, tables.bulge_mirna, letters, 125, 2, length, work)
    if _is_new(_FIRST_OUTER + outer, work):
        _fill_inner_or_outer(work.outers, tables.outer, outer, N_OUTER, 4, length, work)
    if _is_new(_FIRST_TRIPLE + triple, work):
        _fill_triple(triple, length, tables, work)
    if _is_new(_FIRST_QUAD + quad, work):
        _fill_quad(quad, length, tables, work)
