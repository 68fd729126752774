"""Numba kernels of convolutions and dense layers, a few windows at a time; dot_tile.py has the loop inside.

A number of a window depends on that window alone and is added up in one order, so a score has the same bits in any company.
"""

import numpy as np
from numba import types
from numba.extending import overload

from mirscan.jit import helper, njit
from mirscan.scoring.dot_tile import dot_tile


@njit(allocates=False)
def convolve(values, n_windows, form, weights, bias, slope, sums, best, out, rows, vectors):
    """Convolution, max pooling and leaky ReLU (slope 0: ReLU; 1: none) of n_windows windows.

    `values` flat (windows, rows, columns, channels) with zero columns where the convolution reads beyond the map; rows that it reads beyond
    are left out instead. `weights` flat (blocks, kernel rows, terms, V * LANES), twice that for bfloat16; `bias` flat. `out` flat, columns
    at its edges left alone. Work space: `sums` (P, V * LANES), `best` (pooled columns, V * LANES), float32. `form`, in elements: see
    kernel_engine.
    """
    (n_in, window_step, row_step, column_step, kernel_rows, n_terms, row_stride, top) = form[0]
    (n_rows, n_columns, pool_rows, pool_columns) = form[1]
    (out_window, out_row, out_column, out_first) = form[2]
    width = sums.shape[1]
    n_blocks, block_step = bias.shape[0] // width, weights.shape[0] // (bias.shape[0] // width)
    step = block_step // kernel_rows
    for window in range(n_windows):
        for block in range(n_blocks):
            for pooled_row in range(n_rows // pool_rows):
                best[:] = -np.inf
                for row in range(pooled_row * pool_rows, (pooled_row + 1) * pool_rows):
                    first = row * row_stride - top
                    skipped, end = max(0, -first), min(kernel_rows, n_in - first)
                    start = window * window_step + (first + skipped) * row_step
                    for column in range(0, n_columns, len(rows)):
                        dot_tile(values, start + column * column_step, column_step, end - skipped, row_step, n_terms, weights,
                                 block * block_step + skipped * step, bias, block * width, sums, rows, vectors)  # fmt: skip
                        keep_larger(sums, column, n_columns, pool_columns, best)
                goal = out_first + window * out_window + pooled_row * out_row + block * width
                for column in range(best.shape[0]):
                    write_row(best, column, slope, out, np.uintp(goal + column * out_column))


@njit(allocates=False)
def apply_dense(values, n_rows, form, weights, bias, slope, sums, out, rows, vectors):
    """Dense layer and leaky ReLU of n_rows rows of `values` (flat) into `out` (flat); weights as in `convolve`, with one kernel row.

    `form`: (elements from row to row, terms, elements from row to row of `out`, first element of `out`).
    """
    (step, n_terms, out_step, out_first) = form
    width = sums.shape[1]
    n_blocks, block_step = bias.shape[0] // width, weights.shape[0] // (bias.shape[0] // width)
    for first in range(0, n_rows, len(rows)):
        for block in range(n_blocks):
            dot_tile(values, first * step, step, 1, 0, n_terms, weights, block * block_step, bias, block * width, sums, rows, vectors)
            for row in range(min(len(rows), n_rows - first)):
                write_row(sums, row, slope, out, np.uintp(out_first + (first + row) * out_step + block * width))


@helper
def keep_larger(sums, column, n_columns, pool, best):
    """best[c // pool] = the larger of itself and the sums of column c; columns beyond the last are none."""
    for row in range(min(sums.shape[0], n_columns - column)):
        source, goal = sums[row], best[(column + row) // pool]
        for channel in range(np.uintp(source.shape[0])):
            goal[channel] = source[channel] if source[channel] > goal[channel] else goal[channel]


@helper
def write_row(sums, row, slope, out, first):
    """out[first:] = leaky ReLU of a row of sums, as float32, or as bfloat16 where `out` is uint16."""
    source = sums[row]
    goal = out[first : first + np.uintp(source.shape[0])]
    for channel in range(np.uintp(source.shape[0])):
        value = source[channel]
        goal[channel] = stored(value if value > 0.0 else slope * value, goal)


def stored(value, out):
    """A float32 number as `out` keeps it: as it is, or rounded to bfloat16 (to nearest, ties to even)."""


@overload(stored, inline="always")
def _stored(value, out):
    if out.dtype == types.float32:
        return lambda value, out: value

    def rounded(value, out):
        bits = np.float32(value).view(np.uint32)
        return np.uint16((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))

    return rounded
