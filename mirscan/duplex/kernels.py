"""Minimum duplex energy of miRNA x window: the recursion of ViennaRNA's duplexfold, 32 miRNA positions at a time.

c[i, j] = lowest energy of a duplex whose last pair is (miRNA i, target j), all earlier pairs lying at smaller i and larger j. Column j
needs columns right of j only, so a column is one vector over i, and a loop with n miRNA bases is that vector read n + 1 places earlier.
General interior loops cost one step a size, not one a shape (Lyngso, Zuker & Pedersen, Bioinformatics 15:440, 1999): both sides one
longer keeps the asymmetry, so the best loop of size u is that of size u - 2 one place further in, or one of the two most lopsided ones.
Loops that leave two or more target bases unpaired reach at least three columns back, so they are done for three columns at a time:
a third of the loads, which are what the time goes to.
NOT_PAIRED marks cells that hold no duplex; sums with it stay above any real energy (at least -107 kcal/mol) and below 2**15.
"""

import numpy as np

from mirscan.duplex import profiles as at
from mirscan.duplex.lanes import LANES, add, choose_less, fill, load, minimum, read, shift_up, store
from mirscan.duplex.parameters import MAX_LOOP, NOT_PAIRED
from mirscan.jit import helper

# Rows of `work.partial`: three columns each of general loops, target bulges, and 1xn loops with the n on the target.
_GENERAL, _BULGE, _1XN = 0, 3 * LANES, 6 * LANES


@helper
def _target_loops(start, right, tables, work):
    """Bulges of two or more target bases, and 1xn loops with three or more, that end in the column at `start` or one of the next two."""
    columns = work.columns
    bulge0 = bulge1 = bulge2 = one0 = one1 = one2 = fill(np.int16(NOT_PAIRED))
    bulge_n, bulge_n1 = fill(read(tables.long_bulge, 0)), fill(read(tables.long_bulge, 1))
    one_n, one_n1 = fill(read(tables.one_sided, 0)), fill(read(tables.one_sided, 1))
    for n in range(min(MAX_LOOP + 1, right)):
        column = start + (n + 1) * at.COLUMN
        bulge_n2, one_n2 = fill(read(tables.long_bulge, n + 2)), fill(read(tables.one_sided, n + 2))
        outer = load(columns, column + at.FROM_BULGE - 1)
        bulge0, bulge1, bulge2 = (
            minimum(bulge0, add(outer, bulge_n)),
            minimum(bulge1, add(outer, bulge_n1)),
            minimum(bulge2, add(outer, bulge_n2)),
        )
        outer = load(columns, column + at.FROM_1XN - 2)
        one0, one1, one2 = minimum(one0, add(outer, one_n)), minimum(one1, add(outer, one_n1)), minimum(one2, add(outer, one_n2))
        bulge_n, bulge_n1, one_n, one_n1 = bulge_n1, bulge_n2, one_n1, one_n2
    store(work.partial, _BULGE, bulge0)
    store(work.partial, _BULGE + LANES, bulge1)
    store(work.partial, _BULGE + 2 * LANES, bulge2)
    store(work.partial, _1XN, one0)
    store(work.partial, _1XN + LANES, one1)
    store(work.partial, _1XN + 2 * LANES, one2)


@helper
def _grow(inner, target_side, mirna_side, size, tables):
    """Best outer pair plus asymmetry over general loops of `size` bases, from those two bases smaller and the two most lopsided ones."""
    return minimum(inner, add(minimum(target_side, mirna_side), fill(read(tables.lopsided, size))))


@helper
def _general_loops(start, right, length, tables, work):
    """Interior loops with two or more bases on each side and six or more in all, for the same three columns.

    `sizes` row u holds, for the column to the right of `start`, the best outer pair plus asymmetry over loops of u bases; here it moves
    three columns: row v becomes size v + 2, v + 4 and v + 6 one, two and three columns on. Below size 4 the reads meet columns of no
    meaning, which `lopsided` makes too dear to matter.
    """
    columns, sizes = work.columns, work.sizes
    nothing = fill(np.int16(NOT_PAIRED))
    best0 = best1 = best2 = nothing
    # the lower bound keeps the two loads before the loop inside the left margin
    top = max(min(MAX_LOOP - 2, right + length - 5), at.FIRST_SIZE - 1)
    from_target = start + at.COLUMN + at.FROM_GENERAL - 3
    from_mirna0 = start + 3 * at.COLUMN + at.FROM_GENERAL - 1
    from_mirna1 = start + 2 * at.COLUMN + at.FROM_GENERAL - 3
    from_mirna2 = start + at.COLUMN + at.FROM_GENERAL - 5
    target1 = load(columns, from_target + (top + 1) * at.COLUMN)
    target2 = load(columns, from_target + (top + 2) * at.COLUMN)
    for v in range(top, at.FIRST_SIZE - 1, -1):
        target0 = load(columns, from_target + v * at.COLUMN)
        inner = load(sizes, v * at.SIZES_ROW + LANES - 1)
        inner = _grow(inner, target0, load(columns, from_mirna0 - v), v + 2, tables)
        best0 = minimum(best0, add(inner, fill(read(tables.general, v + 2))))
        inner = _grow(shift_up(inner, nothing), target1, load(columns, from_mirna1 - v), v + 4, tables)
        best1 = minimum(best1, add(inner, fill(read(tables.general, v + 4))))
        inner = _grow(shift_up(inner, nothing), target2, load(columns, from_mirna2 - v), v + 6, tables)
        best2 = minimum(best2, add(inner, fill(read(tables.general, v + 6))))
        store(sizes, (v + 6) * at.SIZES_ROW + LANES, inner)
        target1, target2 = target0, target1
    store(work.partial, _GENERAL, best0)
    store(work.partial, _GENERAL + LANES, best1)
    store(work.partial, _GENERAL + 2 * LANES, best2)


@helper
def _small_loops(start, pair, triple, quad, work):
    """Best of: a new duplex, a stack, single-base bulges, and the tabulated 1x1, 1x2, 2x1 and 2x2 loops."""
    columns, pairs, triples, quads = work.columns, work.pairs, work.triples, work.quads
    outer = start + at.COLUMN + at.ENERGY
    best = minimum(load(pairs, pair + at.BEGIN * LANES), add(load(columns, outer - 1), load(pairs, pair + at.STACK * LANES)))
    best = minimum(best, add(load(columns, outer - 2), load(pairs, pair + at.BULGE_MIRNA * LANES)))
    outer = start + 2 * at.COLUMN + at.ENERGY
    best = minimum(best, add(load(columns, outer - 1), load(triples, triple + at.BULGE_TARGET * LANES)))
    best = minimum(best, add(load(columns, outer - 2), load(triples, triple + at.LOOP_1X1 * LANES)))
    best = minimum(best, add(load(columns, outer - 3), load(triples, triple + at.LOOP_2X1 * LANES)))
    outer = start + 3 * at.COLUMN + at.ENERGY
    best = minimum(best, add(load(columns, outer - 2), load(quads, quad + at.LOOP_1X2 * LANES)))
    return minimum(best, add(load(columns, outer - 3), load(quads, quad + at.LOOP_2X2 * LANES)))


@helper
def _large_loops(start, length, pair, partial, tables, work):
    """Best of all other loops: those of `partial`, 2x3, and bulges and 1xn loops with two or more bases on the miRNA."""
    columns, pairs = work.columns, work.pairs
    bulge, one = load(work.partial, _BULGE + partial), load(work.partial, _1XN + partial)
    from_bulge, from_1xn = start + at.COLUMN + at.FROM_BULGE - 1, start + 2 * at.COLUMN + at.FROM_1XN - 1
    for n in range(2, min(MAX_LOOP, length - 2) + 1):
        bulge = minimum(bulge, add(load(columns, from_bulge - n), fill(read(tables.long_bulge, n))))
        one = minimum(one, add(load(columns, from_1xn - n), fill(read(tables.one_sided, n))))
    from_2x3 = minimum(load(columns, start + 3 * at.COLUMN + at.FROM_2X3 - 4), load(columns, start + 4 * at.COLUMN + at.FROM_2X3 - 3))
    general = add(load(work.partial, _GENERAL + partial), load(pairs, pair + at.IN_GENERAL * LANES))
    from_2x3 = add(add(from_2x3, fill(read(tables.loop_2x3, 0))), load(pairs, pair + at.IN_2X3 * LANES))
    bulge = add(bulge, load(pairs, pair + at.IN_BULGE * LANES))
    one = add(one, load(pairs, pair + at.IN_1XN * LANES))
    return minimum(minimum(general, from_2x3), minimum(bulge, one))


@helper
def _store_column(start, energy, outer, work):
    store(work.columns, start + at.ENERGY, energy)
    store(work.columns, start + at.FROM_2X3, add(energy, load(work.outers, outer + at.OUT_2X3 * LANES)))
    store(work.columns, start + at.FROM_BULGE, add(energy, load(work.outers, outer + at.OUT_BULGE * LANES)))
    store(work.columns, start + at.FROM_1XN, add(energy, load(work.outers, outer + at.OUT_1XN * LANES)))
    store(work.columns, start + at.FROM_GENERAL, add(energy, load(work.outers, outer + at.OUT_GENERAL * LANES)))


@helper
def _keep_best(energy, j, outer, work):
    """Notes, for each miRNA position, the best whole duplex that ends there so far, and its column."""
    whole = add(energy, load(work.outers, outer + at.OUT_END * LANES))
    so_far, column = load(work.best, 0), load(work.best, LANES)
    store(work.best, 0, minimum(whole, so_far))
    store(work.best, LANES, choose_less(whole, so_far, fill(np.int16(j)), column))


@helper
def _fold_column(target, j, partial, length, tables, work):
    start = j * at.COLUMN
    pair, outer, triple, quad = at.context_codes(target, j)
    at.make_profiles(pair, outer, triple, quad, length, tables, work)
    pair, outer = pair * at.N_PAIR * LANES, outer * at.N_OUTER * LANES
    triple, quad = triple * at.N_TRIPLE * LANES, quad * at.N_QUAD * LANES
    energy = minimum(_small_loops(start, pair, triple, quad, work), _large_loops(start, length, pair, partial, tables, work))
    nothing = fill(np.int16(NOT_PAIRED))
    energy = choose_less(load(work.pairs, pair + at.BEGIN * LANES), nothing, energy, nothing)
    _store_column(start, energy, outer, work)
    _keep_best(energy, j, outer, work)


@helper
def clear_margin(target_length, work):
    """Makes the columns right of a window hold no pairs; needed before `fold` whenever the window's length changes."""
    for cell in range(target_length * at.COLUMN, (target_length + at.RIGHT_MARGIN) * at.COLUMN, LANES):
        store(work.columns, cell, fill(np.int16(NOT_PAIRED)))


@helper
def fold(length, target, tables, work):
    """Energies of every last pair of one miRNA of `length` bases with one window, left in `work.columns`.

    Returns (energy in 0.01 kcal/mol, i, j) of the best duplex and its last pair; NOT_PAIRED when no pair is possible. The miRNA is the
    one last given to `begin_mirna`. Of equal duplexes, the one ending first on the miRNA, then furthest right on the target, as duplexfold.
    """
    nothing = fill(np.int16(NOT_PAIRED))
    store(work.best, 0, nothing)
    for u in range(4, at.LAST_SIZE + 1):
        store(work.sizes, u * at.SIZES_ROW + LANES, nothing)
    for j in range(target.size - 1, -1, -3):
        right = target.size - 1 - j
        _target_loops(j * at.COLUMN, right, tables, work)
        _general_loops(j * at.COLUMN, right, length, tables, work)
        for back in range(min(3, j + 1)):
            _fold_column(target, j - back, back * LANES, length, tables, work)
    lowest, i_end = np.int64(NOT_PAIRED), 0
    for i in range(length):
        if read(work.best, i) < lowest:
            lowest, i_end = np.int64(read(work.best, i)), i
    return lowest, i_end, np.int64(read(work.best, LANES + i_end))


@helper
def prefix_energy(length, work):
    """Energy of the best duplex among those of the last `fold` that end within the first `length` miRNA bases."""
    lowest = np.int64(NOT_PAIRED)
    for i in range(length):
        lowest = min(lowest, np.int64(read(work.best, i)))
    return lowest
