"""From the energies that `fold` left behind to the pairs of one best duplex."""

import numpy as np

from mirscan.duplex import profiles as at
from mirscan.duplex.lanes import LANES, read
from mirscan.duplex.parameters import MAX_LOOP
from mirscan.jit import helper


@helper
def _tabulated(i, n_mirna, n_target, codes, work):
    """Energy of a stack, single-base bulge, 1x1, 1x2, 2x1 or 2x2 loop that ends at miRNA position i."""
    pair, _, triple, quad = codes
    if n_target == 0:
        return read(work.pairs, (pair * at.N_PAIR + (at.STACK if n_mirna == 0 else at.BULGE_MIRNA)) * LANES + i)
    if n_target == 1:
        loop = at.BULGE_TARGET if n_mirna == 0 else at.LOOP_1X1 if n_mirna == 1 else at.LOOP_2X1
        return read(work.triples, (triple * at.N_TRIPLE + loop) * LANES + i)
    return read(work.quads, (quad * at.N_QUAD + (at.LOOP_1X2 if n_mirna == 1 else at.LOOP_2X2)) * LANES + i)


@helper
def _through(column, k, i, n_mirna, n_target, codes, tables, work):
    """Energy at (i, j) when its last loop leaves n_mirna and n_target bases unpaired and begins at (k, the column that starts there)."""
    short, long = min(n_mirna, n_target), max(n_mirna, n_target)
    if long <= 1 or (long == 2 and short >= 1):
        return np.int64(read(work.columns, column + at.ENERGY + k)) + _tabulated(i, n_mirna, n_target, codes, work)
    if short == 0:
        outer, inner, loop = at.FROM_BULGE, at.IN_BULGE, np.int64(read(tables.long_bulge, long))
    elif short == 1:
        outer, inner, loop = at.FROM_1XN, at.IN_1XN, np.int64(read(tables.one_sided, long))
    elif short == 2 and long == 3:
        outer, inner, loop = at.FROM_2X3, at.IN_2X3, np.int64(read(tables.loop_2x3, 0))
    else:
        loop = np.int64(read(tables.general, short + long)) + read(tables.lopsided, 4 + long - short)
        outer, inner = at.FROM_GENERAL, at.IN_GENERAL
    return read(work.columns, column + outer + k) + loop + read(work.pairs, (codes[0] * at.N_PAIR + inner) * LANES + i)


@helper
def _outer_pair(i, j, target, tables, work):
    """The pair (k, l) before (i, j) in the best duplex, found in duplexfold's order; (-1, -1) when (i, j) is the first."""
    codes = at.context_codes(target, j)
    energy = read(work.columns, j * at.COLUMN + at.ENERGY + i)
    for n_mirna in range(min(MAX_LOOP, i - 1) + 1):
        k = i - 1 - n_mirna
        for n_target in range(min(MAX_LOOP - n_mirna, target.size - 2 - j) + 1):
            column = (j + 1 + n_target) * at.COLUMN
            if energy == _through(column, k, i, n_mirna, n_target, codes, tables, work):
                return k, j + 1 + n_target
    return -1, -1


@helper
def trace(i, j, target, tables, work, partners):
    """Writes, for each miRNA position, the window position it pairs with in the best duplex whose last pair is (i, j), or -1."""
    partners[:] = -1
    while i >= 0:
        partners[i] = j
        i, j = _outer_pair(i, j, target, tables, work)
