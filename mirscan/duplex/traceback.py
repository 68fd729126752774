"""From the energies that `fold` left behind to the pairs of one best duplex."""

import numpy as np

from mirscan.duplex.lanes import LANES, read
from mirscan.duplex.parameters import MAX_LOOP
from mirscan.duplex.profiles import (
    BULGE_MIRNA, BULGE_TARGET, FROM_1XN, FROM_2X3, FROM_BULGE, FROM_GENERAL, IN_1XN, IN_2X3, IN_BULGE, IN_GENERAL, LOOP_1X1, LOOP_1X2, LOOP_2X1,
    LOOP_2X2, N_COLUMN, STACK, ready_profiles,
)  # fmt: skip
from mirscan.jit import njit


@njit
def _tabulated(i, n_mirna, n_target, profile, work):
    """Energy of a stack, single-base bulge, 1x1, 1x2, 2x1 or 2x2 loop that ends at miRNA position i."""
    pair, triple, quad = profile
    width = work.width
    if n_target == 0:
        return read(work.pairs, pair + (STACK if n_mirna == 0 else BULGE_MIRNA) * width + i)
    if n_target == 1:
        loop = BULGE_TARGET if n_mirna == 0 else LOOP_1X1 if n_mirna == 1 else LOOP_2X1
        return read(work.triples, triple + loop * width + i)
    return read(work.quads, quad + (LOOP_1X2 if n_mirna == 1 else LOOP_2X2) * width + i)


@njit
def _through(cell, i, n_mirna, n_target, profile, tables, work):
    """Energy at (i, j) when its last loop leaves n_mirna and n_target bases unpaired and begins at the pair stored in `cell`."""
    stride = work.width + LANES
    short, long = min(n_mirna, n_target), max(n_mirna, n_target)
    if long <= 1 or (long == 2 and short >= 1):
        return np.int64(read(work.columns, cell)) + _tabulated(i, n_mirna, n_target, profile, work)
    outer, inner, loop = FROM_GENERAL, IN_GENERAL, read(tables.interior, n_mirna + n_target) + read(tables.asymmetry, long - short)
    if short == 0:
        outer, inner, loop = FROM_BULGE, IN_BULGE, np.int64(read(tables.bulge, long))
    elif short == 1:
        outer, inner = FROM_1XN, IN_1XN
    elif short == 2 and long == 3:
        outer, inner = FROM_2X3, IN_2X3
    return read(work.columns, cell + outer * stride) + loop + read(work.pairs, profile[0] + inner * work.width + i)


@njit
def _outer_pair(i, j, target, length, tables, work):
    """The pair (k, l) before (i, j) in the best duplex, found in duplexfold's order; (-1, -1) when (i, j) is the first."""
    step = N_COLUMN * (work.width + LANES)
    pair, _, triple, quad = ready_profiles(target, j, tables, work, length)
    energy = read(work.columns, j * step + LANES + i)
    for n_mirna in range(min(MAX_LOOP, i - 1) + 1):
        k = i - 1 - n_mirna
        for n_target in range(min(MAX_LOOP - n_mirna, target.size - 2 - j) + 1):
            cell = (j + 1 + n_target) * step + LANES + k
            if energy == _through(cell, i, n_mirna, n_target, (pair, triple, quad), tables, work):
                return k, j + 1 + n_target
    return -1, -1


@njit
def trace(i, j, target, length, tables, work, partners):
    """Writes, for each miRNA position, the window position it pairs with in the best duplex whose last pair is (i, j), or -1."""
    partners[:] = -1
    while i >= 0:
        partners[i] = j
        i, j = _outer_pair(i, j, target, length, tables, work)
