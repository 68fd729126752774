"""Minimum duplex energy of miRNA x window: the recursion of ViennaRNA's duplexfold, 32 miRNA positions at a time.

c[i, j] = lowest energy of a duplex whose last pair is (miRNA i, target j), all earlier pairs lying at smaller i and larger j. Column j needs
columns right of j only, so a column is one vector over i, and a loop with n miRNA bases is the same vector read n + 1 places earlier.
General interior loops cost one step a size, not one a shape (Lyngso, Zuker & Pedersen, Bioinformatics 15:440, 1999): both sides one
longer keeps the asymmetry, so the best loop of size u is that of size u - 2 one place further in, or one of the two most lopsided ones.
"""

import numpy as np

from mirscan.duplex.lanes import LANES, add, choose_less, fill, load, minimum, read, store
from mirscan.duplex.parameters import MAX_LOOP, NOT_PAIRED
from mirscan.duplex.profiles import (
    BEGIN, BULGE_MIRNA, BULGE_TARGET, FROM_1XN, FROM_2X3, FROM_BULGE, FROM_GENERAL, IN_1XN, IN_2X3, IN_BULGE, IN_GENERAL, LOOP_1X1, LOOP_1X2,
    LOOP_2X1, LOOP_2X2, N_COLUMN, OUT_END, STACK, ready_profiles,
)  # fmt: skip
from mirscan.jit import njit


@njit
def _lower(left, cells, offset, energy):
    """The smaller of `left` and the lanes at `offset` plus one number."""
    return minimum(left, add(load(cells, offset), fill(energy)))


@njit
def _small_loops(at, right, step, pair, triple, quad, work):
    """Best of: a new duplex, a stack, single-base bulges, and the tabulated 1x1, 1x2, 2x1, 2x2 and 2x3 loops."""
    width, columns, pairs, triples, quads = work.width, work.columns, work.pairs, work.triples, work.quads
    best = load(pairs, pair + BEGIN * width)
    if right >= 1:
        best = minimum(best, add(load(columns, at + step - 1), load(pairs, pair + STACK * width)))
        best = minimum(best, add(load(columns, at + step - 2), load(pairs, pair + BULGE_MIRNA * width)))
    if right >= 2:
        column = at + 2 * step
        best = minimum(best, add(load(columns, column - 1), load(triples, triple + BULGE_TARGET * width)))
        best = minimum(best, add(load(columns, column - 2), load(triples, triple + LOOP_1X1 * width)))
        best = minimum(best, add(load(columns, column - 3), load(triples, triple + LOOP_2X1 * width)))
    if right >= 3:
        column = at + 3 * step
        best = minimum(best, add(load(columns, column - 2), load(quads, quad + LOOP_1X2 * width)))
        best = minimum(best, add(load(columns, column - 3), load(quads, quad + LOOP_2X2 * width)))
    return best


@njit
def _best_bulge(at, right, step, stride, length, bulge, columns):
    """Best bulge of two or more bases on either strand, without the terms of its inner pair."""
    best = fill(np.int16(NOT_PAIRED))
    if right >= 1:
        column = at + step + FROM_BULGE * stride - 1
        for n in range(2, min(MAX_LOOP, length - 2) + 1):
            best = _lower(best, columns, column - n, read(bulge, n))
        for n in range(2, min(MAX_LOOP, right - 1) + 1):
            best = _lower(best, columns, column + n * step, read(bulge, n))
    return best


@njit
def _best_1xn(at, right, step, stride, length, one_sided, columns):
    """Best 1xn or nx1 loop, n >= 3, without the terms of its inner pair."""
    best = fill(np.int16(NOT_PAIRED))
    if right >= 2:
        column = at + 2 * step + FROM_1XN * stride - 1
        for n in range(3, min(MAX_LOOP - 1, length - 2) + 1):
            best = _lower(best, columns, column - n, read(one_sided, n))
        column = at + step + FROM_1XN * stride - 2
        for n in range(3, min(MAX_LOOP - 1, right - 1) + 1):
            best = _lower(best, columns, column + n * step, read(one_sided, n))
    return best


@njit
def _best_2x3(at, right, step, stride, tables, columns):
    """Best 2x3 or 3x2 loop, without the terms of its inner pair."""
    best = fill(np.int16(NOT_PAIRED))
    energy = np.int16(read(tables.interior, 5) + read(tables.asymmetry, 1))
    if right >= 3:
        best = _lower(best, columns, at + 3 * step + FROM_2X3 * stride - 4, energy)
    if right >= 4:
        best = _lower(best, columns, at + 4 * step + FROM_2X3 * stride - 3, energy)
    return best


@njit
def _best_general(at, right, step, stride, row, length, tables, work):
    """Best interior loop with two or more bases on each side and six or more in all, without the terms of its inner pair.

    `sizes` row u holds, for the column to the right, the best outer pair plus asymmetry over loops of u bases; here it moves one column.
    """
    columns, sizes = work.columns, work.sizes
    best = fill(np.int16(NOT_PAIRED))
    target_side = at - step + FROM_GENERAL * stride - 3
    mirna_side = at + 3 * step + FROM_GENERAL * stride + 1
    for u in range(min(MAX_LOOP, length + right - 3), 3, -1):
        outer = fill(np.int16(NOT_PAIRED))
        if u <= right + 1:
            outer = load(columns, target_side + u * step)
        if u < length and right >= 3:
            outer = minimum(outer, load(columns, mirna_side - u))
        outer = add(outer, fill(read(tables.asymmetry, u - 4)))
        if u >= 6:
            outer = minimum(outer, load(sizes, row + (u - 2) * stride - 1))
            best = minimum(best, add(outer, fill(read(tables.interior, u))))
        store(sizes, row + u * stride, outer)
    return best


@njit
def _best_energy(at, right, step, stride, first, length, profile, tables, work):
    """Lanes of c[., j]: the best way to reach each pair of the column."""
    width, columns, pairs = work.width, work.columns, work.pairs
    pair, triple, quad = profile
    energy = _small_loops(at, right, step, pair, triple, quad, work)
    loops = _best_bulge(at, right, step, stride, length, tables.bulge, columns)
    energy = minimum(energy, add(loops, load(pairs, pair + IN_BULGE * width)))
    loops = _best_1xn(at, right, step, stride, length, tables.one_sided, columns)
    energy = minimum(energy, add(loops, load(pairs, pair + IN_1XN * width)))
    loops = _best_2x3(at, right, step, stride, tables, columns)
    energy = minimum(energy, add(loops, load(pairs, pair + IN_2X3 * width)))
    loops = _best_general(at, right, step, stride, LANES + first, length, tables, work)
    energy = minimum(energy, add(loops, load(pairs, pair + IN_GENERAL * width)))
    not_paired = fill(np.int16(NOT_PAIRED))
    return choose_less(load(pairs, pair + BEGIN * width), not_paired, energy, not_paired)


@njit
def _keep_best(energy, j, first, end, work):
    """Notes, for each miRNA position, the best whole duplex that ends there so far, and its column."""
    whole = add(energy, end)
    so_far, column = load(work.best, first), load(work.best, work.width + first)
    store(work.best, first, minimum(whole, so_far))
    store(work.best, work.width + first, choose_less(whole, so_far, fill(np.int16(j)), column))


@njit
def fold(length, target, tables, work):
    """Energies of every last pair of one miRNA of `length` bases with one window, left in `work.columns`.

    Returns (energy in 0.01 kcal/mol, i, j) of the best duplex and its last pair; NOT_PAIRED when no pair is possible. The miRNA is the
    one last given to `begin_mirna`. Of equal duplexes, the one ending first on the miRNA, then furthest right on the target, as duplexfold.
    """
    width, stride = work.width, work.width + LANES
    step = N_COLUMN * stride
    not_paired = fill(np.int16(NOT_PAIRED))
    for first in range(0, width, LANES):
        store(work.best, first, not_paired)
        for u in range(4, MAX_LOOP + 1):
            store(work.sizes, u * stride + LANES + first, not_paired)
    for j in range(target.size - 1, -1, -1):
        pair, outer, triple, quad = ready_profiles(target, j, tables, work, length)
        # from the last block to the first, since `sizes` is shifted in place
        for first in range(width - LANES, -1, -LANES):
            at = j * step + LANES + first
            profile = pair + first, triple + first, quad + first
            energy = _best_energy(at, target.size - 1 - j, step, stride, first, length, profile, tables, work)
            store(work.columns, at, energy)
            for kind in range(4):
                store(work.columns, at + (FROM_GENERAL + kind) * stride, add(energy, load(work.outers, outer + kind * width + first)))
            _keep_best(energy, j, first, load(work.outers, outer + OUT_END * width + first), work)
    lowest, i_end = np.int64(NOT_PAIRED), 0
    for i in range(length):
        if read(work.best, i) < lowest:
            lowest, i_end = np.int64(read(work.best, i)), i
    return lowest, i_end, np.int64(read(work.best, width + i_end))


@njit
def prefix_energy(length, work):
    """Energy of the best duplex among those of the last `fold` that end within the first `length` miRNA bases."""
    lowest = np.int64(NOT_PAIRED)
    for i in range(length):
        lowest = min(lowest, np.int64(read(work.best, i)))
    return lowest
