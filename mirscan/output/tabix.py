"""Indexes of BED in BGZF, .tbi and .csi, from where the rows were written rather than by reading them again.

Tabix and CSI specifications of samtools.github.io/hts-specs; bins as in section 5.3 of the SAM specification.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mirscan.jit import helper, njit
from mirscan.output.bgzf import END, BgzfBlocks
from mirscan.output.files import whole_file

# Rows next to each other on one sequence whose first bases lie in one window, and whose last bases do: windows (of 16,384 nt) of the
# first and of the last base, the bytes from the first row to behind the last, and how many rows they are.
RUN = np.dtype([("sequence", "<i4"), ("first", "<i4"), ("last", "<i4"), ("begin", "<u8"), ("end", "<u8"), ("rows", "<u8")])
WINDOW_BITS = 14
# Levels of bins below the one that holds all: .tbi ends at 512 Mb, .csi (as htslib makes it) at 4 Gb.
TBI_DEPTH, CSI_DEPTH = 5, 6
TBI_WINDOWS = 1 << 3 * TBI_DEPTH
# BED: 0-based half-open, columns of sequence, start and end, comments begin with #, no lines to skip.
_COLUMNS = struct.pack("<6i", 0x10000, 1, 2, 3, ord("#"), 0)


class IndexedBlocks:
    """Lines appended to a file as BGZF blocks, without the one that ends a file, noting where those of each place lie."""

    def __init__(self, file: BinaryIO):
        self._blocks, self._n_bytes = BgzfBlocks(file), 0
        self._runs: list[np.ndarray] = []

    def write(self, text: np.ndarray, row_ends: np.ndarray, sequence: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
        """Append the text of rows (n,), given also by where each ends in it, its sequence and its place in nt."""
        self._runs.append(find_runs(sequence, start, end, row_ends + self._n_bytes, self._n_bytes))
        self._blocks.write(text)
        self._n_bytes += len(text)

    def close(self) -> np.ndarray:
        """Write the last block, the file stays open; return the runs of all rows in virtual offsets."""
        self._blocks.close()
        runs = join_runs(self._runs)
        for name in ("begin", "end"):
            runs[name] = self._blocks.virtual_offsets(runs[name].astype(np.int64))
        return runs


def find_runs(sequence: np.ndarray, start: np.ndarray, end: np.ndarray, row_ends: np.ndarray, begin: int) -> np.ndarray:
    """Runs of rows (n,) given by sequence, place in nt and where their text ends; that of the first begins at byte `begin`."""
    first, last = start >> WINDOW_BITS, (end - 1) >> WINDOW_BITS
    heads = np.flatnonzero(_changes(sequence, first, last))
    runs = np.empty(len(heads), RUN)
    runs["sequence"], runs["first"], runs["last"] = sequence[heads], first[heads], last[heads]
    tails = np.append(heads[1:], len(start))[: len(heads)]
    runs["begin"], runs["end"], runs["rows"] = np.append(begin, row_ends)[heads], row_ends[tails - 1], tails - heads
    return runs


def join_runs(runs: Sequence[np.ndarray]) -> np.ndarray:
    """Runs of stretches that follow each other as one array; one that goes on in the next stretch is one run."""
    every = np.concatenate([*runs, np.empty(0, RUN)])
    heads = np.flatnonzero(_changes(every["sequence"], every["first"], every["last"]))
    joined = every[heads]
    joined["end"] = every["end"][np.append(heads[1:], len(every))[: len(heads)] - 1]
    joined["rows"] = np.diff(np.append(0, np.cumsum(every["rows"]))[np.append(heads, len(every))])
    return joined


def shift_runs(runs: np.ndarray, sequences: int, n_bytes: int) -> np.ndarray:
    """Runs of a stretch, in virtual offsets, as they are when `sequences` and `n_bytes` of the file come before it."""
    shifted = runs.copy()
    shifted["sequence"] += sequences
    for name in ("begin", "end"):
        shifted[name] += np.uint64(n_bytes << 16)
    return shifted


def write_index(runs: np.ndarray, names: Sequence[str], path: str | os.PathLike) -> Path:
    """Write the index of the file `path` beside it and return its path: `.tbi`, which every browser reads, or `.csi` where it must be.

    `runs` of the whole file in virtual offsets; `names` of the sequences.
    """
    is_long = bool(runs["last"].max(initial=0) >= TBI_WINDOWS)
    used, first_run, sequence = np.unique(runs["sequence"], return_index=True, return_inverse=True)
    order = np.argsort(first_run)
    rank = np.empty(len(used), np.int64)
    rank[order] = np.arange(len(used))
    texts = b"".join(names[number].encode() + b"\0" for number in used[order].tolist())
    columns = _COLUMNS + struct.pack("<i", len(texts)) + texts
    body = _pack_bins(runs, rank[sequence], len(used), CSI_DEPTH if is_long else TBI_DEPTH, is_long)
    csi_head = b"CSI\1" + struct.pack("<3i", WINDOW_BITS, CSI_DEPTH, len(columns)) + columns + struct.pack("<i", len(used))
    head = csi_head if is_long else b"TBI\1" + struct.pack("<i", len(used)) + columns
    index = Path(f"{os.fspath(path)}{'.csi' if is_long else '.tbi'}")
    with whole_file(index) as file:
        blocks = BgzfBlocks(file)
        blocks.write(head + body)
        blocks.close()
        file.write(END)
    return index


def _changes(*columns: np.ndarray) -> np.ndarray:
    """Whether a row differs from the one before it in some column (n,); the first does."""
    changes = np.ones(len(columns[0]), bool)
    if len(changes):
        np.logical_or.reduce([column[1:] != column[:-1] for column in columns], out=changes[1:])
    return changes


def _pack_bins(runs: np.ndarray, sequence: np.ndarray, n_sequences: int, depth: int, is_csi: bool) -> bytes:
    """Bins with their chunks, and the linear index, of each sequence (numbered as the index names them)."""
    first, last = runs["first"].astype(np.int64), runs["last"].astype(np.int64)
    offsets, linear = _linear_index(sequence, n_sequences, first, last, runs["begin"])
    bins, bin_window = _bins(first, last, depth)
    order = np.lexsort((runs["begin"], bins, sequence))
    lowest = linear[offsets[sequence] + bin_window]
    columns = [
        column[order] for column in (sequence, bins, lowest, *(np.ascontiguousarray(runs[name]) for name in ("begin", "end", "rows")))
    ]
    out = np.empty(56 * n_sequences + 40 * len(runs) + 8 * len(linear), np.uint8)
    # The bin behind the last one is none: it holds where a sequence's rows lie and how many they are, and programs ask for it.
    count_bin = ((1 << 3 * depth + 3) - 1) // 7 + 1
    return out[: _pack(*columns, offsets, linear, count_bin, is_csi, out)].tobytes()


def _bins(first: np.ndarray, last: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest bin that holds windows `first` to `last`, and the first window of that bin, all (n,)."""
    bits = np.zeros_like(first)
    while (is_split := first >> bits != last >> bits).any():
        bits[is_split] += 3
    bins_above = ((1 << 3 * depth - bits) - 1) // 7
    return bins_above + (first >> bits), first >> bits << bits


def _linear_index(sequence, n_sequences: int, first, last, begin) -> tuple[np.ndarray, np.ndarray]:
    """(offsets (n_sequences + 1,), linear): from `linear[offsets[s] + w]` on lie all rows of sequence s that reach window w or later."""
    n_windows = np.zeros(n_sequences, np.int64)
    np.maximum.at(n_windows, sequence, last + 1)
    offsets = np.concatenate(([0], np.cumsum(n_windows)))
    linear = np.full(offsets[-1], np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(linear, offsets[sequence] + first, begin)
    # A site is shorter than a window, so the windows of its two ends are all it touches.
    np.minimum.at(linear, offsets[sequence] + last, begin)
    # A window without rows takes the offset of the next: sequences follow each other in the file, the last window of each has rows.
    return offsets, np.ascontiguousarray(np.minimum.accumulate(linear[::-1])[::-1])


@helper
def _put_number(out, at, value, n_bytes):
    for place in range(n_bytes):
        out[at + place] = (value >> np.uint64(8 * place)) & np.uint64(255)
    return at + n_bytes


@helper
def _put_bin(out, at, number, lowest, n_chunks, is_csi):
    at = _put_number(out, at, np.uint64(number), 4)
    if is_csi:
        at = _put_number(out, at, lowest, 8)
    return _put_number(out, at, np.uint64(n_chunks), 4)


@helper
def _put_chunk(out, at, begin, end):
    return _put_number(out, _put_number(out, at, begin, 8), end, 8)


@njit(allocates=False)
def _pack(sequence, bins, lowest, begin, end, rows, offsets, linear, count_bin, is_csi, out):
    """Write chunks ordered by sequence, bin and place into `out` (uint8, large enough); return the bytes written."""
    at, chunk = 0, 0
    for s in range(len(offsets) - 1):
        lowest_begin, highest_end, n_rows = begin[chunk], end[chunk], np.uint64(0)
        n_bins, n_bins_at = 1, at
        at += 4
        while chunk < len(sequence) and sequence[chunk] == s:
            stop = chunk
            while stop < len(sequence) and sequence[stop] == s and bins[stop] == bins[chunk]:
                stop += 1
            at = _put_bin(out, at, bins[chunk], lowest[chunk], stop - chunk, is_csi)
            for place in range(chunk, stop):
                at = _put_chunk(out, at, begin[place], end[place])
                lowest_begin, highest_end = min(lowest_begin, begin[place]), max(highest_end, end[place])
                n_rows += rows[place]
            n_bins += 1
            chunk = stop
        at = _put_bin(out, at, count_bin, np.uint64(0), 2, is_csi)
        at = _put_chunk(out, at, lowest_begin, highest_end)
        at = _put_chunk(out, at, n_rows, np.uint64(0))
        _put_number(out, n_bins_at, np.uint64(n_bins), 4)
        if not is_csi:
            at = _put_number(out, at, np.uint64(offsets[s + 1] - offsets[s]), 4)
            for window in range(offsets[s], offsets[s + 1]):
                at = _put_number(out, at, linear[window], 8)
    return at
