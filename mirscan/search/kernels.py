"""The scan itself: bases in, rows out. The kernels read the seed table and do not know rules.

A block of starts goes through three loops that stay in the cache: find the non-empty words (one table lookup a base, no branch on the
result), copy their entries, unpack them into columns. np.uintp indices throughout: with signed ones Numba adds a wrap-around test to
every access, 1.6 to 4 times slower in all.
"""

from collections import namedtuple

import numpy as np

from mirscan.jit import helper, njit, read_only
from mirscan.seeds.table import COPY_WIDTH, SeedTable
from mirscan.seeds.words import side_key
from mirscan.sequence.alphabet import N

U = np.uintp
_TABLE_FIELDS = (
    "base", "width", "skip", "known", "filled", "offsets", "entries", "side_keys",
    "shape_rule", "shape_back", "shape_length", "shape_stream", "outranks", "checked",
)  # fmt: skip
KernelTable = namedtuple("KernelTable", (*_TABLE_FIELDS, "n_words", "left", "right", "shape_bits", "any_checked"))
Rows = namedtuple("Rows", ("transcript", "mirna", "start", "end", "seed", "anchor"))
Scratch = namedtuple("Scratch", ("bases", "run_start", "run_first", "run_size", "entry", "offset"))
_CHUNK = 128  # bases that are looked through for an N at once


def kernel_table(table: SeedTable) -> KernelTable:
    """The table as the kernels take it."""
    arrays = (read_only(getattr(table, field)) for field in _TABLE_FIELDS)
    return KernelTable(*arrays, table.n_words, table.left, table.right, U(table.shape_bits), bool(table.checked.any()))


def new_rows(capacity: int) -> Rows:
    """Empty columns for at most `capacity` rows."""
    return Rows(*(np.empty(capacity, dtype=np.int8 if name == "seed" else np.int32) for name in Rows._fields))


def new_scratch(table: SeedTable, block: int, capacity: int) -> Scratch:
    """Work space of one thread for blocks of up to `block` starts and `capacity` rows."""
    n_runs = block * len(table.base)
    return Scratch(
        np.empty(block + table.left + table.right, np.uint8), np.empty(n_runs + 1, np.int32), np.empty(n_runs + 1, np.uint32),
        np.empty(n_runs + 1, np.uint32), np.empty(capacity + COPY_WIDTH, np.uint32), np.empty(capacity + COPY_WIDTH, np.int32),
    )  # fmt: skip


@helper
def _load_bases(codes, first, n, bases):
    """Copy codes[first : first + n]; places outside the array are N."""
    size = len(codes)
    if first >= 0 and first + n <= size:
        for i in range(n):
            bases[i] = codes[first + i]
        return
    for i in range(n):
        bases[i] = codes[first + i] if 0 <= first + i < size else N


@helper
def _find_side(table, stream, unknown, code):
    """Row of a word that holds an N, or -1."""
    if unknown & table.known[stream]:
        return -1
    key = side_key(stream, unknown, code)
    low, high = 0, len(table.side_keys)
    while low < high:
        middle = (low + high) >> 1
        if table.side_keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return table.n_words + low if low < len(table.side_keys) and table.side_keys[low] == key else -1


@helper
def _is_filled(table, row):
    """Whether a word has entries, from a bitmap that fits the L1 cache where the offsets fill the L2."""
    return (U(table.filled[row >> U(3)]) >> (row & U(7))) & U(1)


@helper
def _roll(code, unknown, base):
    return (code << U(2)) | (U(base) & U(3)), (unknown << U(1)) | (U(base) >> U(2))


@helper
def _find_runs_of_one_stream(bases, n, table, run_start, run_row):
    """Write (start, row) of every start whose word has entries; returns their number.

    Every start is written and the counter grows by 0 or 1: a branch on what the table says would be mispredicted at every third base.
    """
    mask, unknown_mask = (U(1) << (U(2) * table.width[0])) - U(1), (U(1) << table.width[0]) - U(1)
    head = U(table.left + table.right)
    code, unknown, runs = U(0), U(0), U(0)
    for i in range(head):
        code, unknown = _roll(code, unknown, bases[i])
    n, first = U(n), U(0)
    while first < n:
        last = min(first + U(_CHUNK), n)
        largest = np.uint8(0)
        for i in range(first, last):
            largest |= bases[i + head]
        if largest < N and unknown == U(0):
            for i in range(first, last):
                code = ((code << U(2)) | U(bases[i + head])) & mask
                run_start[runs] = np.int32(i)
                run_row[runs] = np.uint32(code)
                runs += _is_filled(table, code)
        else:
            for i in range(first, last):
                code, unknown = _roll(code, unknown, bases[i + head])
                code, unknown = code & mask, unknown & unknown_mask
                if unknown:
                    row = _find_side(table, U(0), unknown, code)
                    if row < 0:
                        continue
                    run_start[runs], run_row[runs] = np.int32(i), np.uint32(row)
                    runs += U(1)
                else:
                    run_start[runs], run_row[runs] = np.int32(i), np.uint32(code)
                    runs += _is_filled(table, code)
        first = last
    return runs


@helper
def _find_runs_of_streams(bases, n, table, run_start, run_row):
    """The same for tables of several streams; the runs of one start stand together."""
    head = U(table.left + table.right)
    code, unknown, runs = U(0), U(0), U(0)
    for i in range(head):
        code, unknown = _roll(code, unknown, bases[i])
    for i in range(U(n)):
        code, unknown = _roll(code, unknown, bases[i + head])
        for stream in range(U(len(table.base))):
            skip, width = table.skip[stream], table.width[stream]
            word = (code >> (U(2) * skip)) & ((U(1) << (U(2) * width)) - U(1))
            word_unknown = (unknown >> skip) & ((U(1) << width) - U(1))
            if word_unknown:
                row = _find_side(table, stream, word_unknown, word)
                if row < 0:
                    continue
                run_start[runs], run_row[runs] = np.int32(i), np.uint32(row)
                runs += U(1)
            else:
                row = table.base[stream] + word
                run_start[runs], run_row[runs] = np.int32(i), np.uint32(row)
                runs += _is_filled(table, row)
    return runs


@helper
def _find_runs(n, table, scratch):
    """Write (start, first entry, number of entries) of every start and stream that has any; returns (runs, rows)."""
    run_start, run_first, run_size, offsets = scratch.run_start, scratch.run_first, scratch.run_size, table.offsets
    if len(table.base) == 1:
        runs = _find_runs_of_one_stream(scratch.bases, n, table, run_start, run_first)
    else:
        runs = _find_runs_of_streams(scratch.bases, n, table, run_start, run_first)
    # A loop of its own, before the copies: there a late offset would stall everything behind it.
    rows = U(0)
    for i in range(runs):
        row = U(run_first[i])
        first = offsets[row]
        size = offsets[row + U(1)] - first
        run_first[i], run_size[i] = first, size
        rows += U(size)
    return runs, rows


@helper
def _copy_entries(runs, table, scratch):
    """Copy the entries of all runs in order, with their start; runs of one start (from several streams) are merged."""
    entries, entry, offset = table.entries, scratch.entry, scratch.offset
    rows, start_rows = U(0), U(0)
    previous = np.int32(-1)
    for i in range(runs):
        start, first, size = scratch.run_start[i], U(scratch.run_first[i]), U(scratch.run_size[i])
        if start == previous:
            # Both are sorted: merge from the back, in place.
            a, b, out = rows, size, rows + size
            while b > U(0):
                if a > start_rows and entry[a - U(1)] > entries[first + b - U(1)]:
                    a -= U(1)
                    entry[out - U(1)] = entry[a]
                else:
                    b -= U(1)
                    entry[out - U(1)] = entries[first + b]
                out -= U(1)
            for j in range(size):
                offset[rows + U(j)] = start
        else:
            start_rows, previous = rows, start
            # Four at a time whatever the size: a mispredicted loop exit would cost more than the copies thrown away.
            j = U(0)
            while True:
                for k in range(U(COPY_WIDTH)):
                    entry[rows + j + k] = entries[first + j + k]
                    offset[rows + j + k] = start
                j += U(COPY_WIDTH)
                if j >= size:
                    break
        rows += size
    return rows


@helper
def _unpack(entries, offsets, shift, transcript, table, rows, out):
    """Entries of one transcript into the columns from row `out` on; `shift` makes their offsets relative to its first base."""
    shape_mask, bits = np.uint32((U(1) << table.shape_bits) - U(1)), np.uint32(table.shape_bits)
    out, transcript, shift = U(out), np.int32(transcript), np.int32(shift)
    # Two loops: in one, the compiler gives up on proving that so many columns do not overlap.
    for i in range(U(len(entries))):
        rows.transcript[out + i] = transcript
        rows.mirna[out + i] = np.int32(entries[i] >> bits)
        rows.start[out + i] = offsets[i] + shift
    for i in range(U(len(entries))):
        shape = U(entries[i] & shape_mask)
        start = np.int32(offsets[i] + shift)
        rows.end[out + i] = start + table.shape_length[shape]
        rows.seed[out + i] = table.shape_rule[shape]
        rows.anchor[out + i] = start + table.shape_back[shape]


@helper
def _first_at_or_after(places, low, high, value):
    """Index of the first of the ascending places[low:high] that is not below `value`."""
    while low < high:
        middle = (low + high) >> 1
        if places[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(allocates=False)
def fill_rows(codes, position, stop, table, begin, end, block, scratch, rows):
    """Rows of the sites that start in codes[position:stop], in order, until the columns are full; returns (next position, rows).

    begin, end (n_transcripts,): records in `codes`. The columns must have room for the rows of any one start. Stops between two blocks,
    or two starts where a block alone would not fit.
    """
    capacity = len(rows.start)
    n_rows = np.int64(0)
    transcript = max(_first_at_or_after(begin, 0, len(begin), position + 1) - 1, 0)
    while position < stop:
        n = min(block, stop - position)
        _load_bases(codes, position - table.left, n + table.left + table.right, scratch.bases)
        runs, block_rows = _find_runs(n, table, scratch)
        while np.int64(block_rows) > capacity - n_rows:
            if n_rows > 0:
                return position, n_rows
            n = (n + 1) // 2
            runs, block_rows = _find_runs(n, table, scratch)
        kept = np.int64(_copy_entries(runs, table, scratch))
        if table.any_checked:
            kept = _drop_outranked(codes, position, kept, table, scratch)
        first = 0
        while transcript < len(begin) and begin[transcript] < position + n:
            low = _first_at_or_after(scratch.offset, first, kept, begin[transcript] - position)
            first = _first_at_or_after(scratch.offset, low, kept, end[transcript] - position)
            _unpack(scratch.entry[low:first], scratch.offset[low:first], position - begin[transcript], transcript, table, rows, n_rows)
            n_rows += first - low
            if end[transcript] > position + n:
                break
            transcript += 1
        position += n
    return position, n_rows


@helper
def _drop_outranked(codes, position, n_rows, table, scratch):
    """Drop rows whose place satisfies a stronger shape that is filed in a word of its own; returns how many stay."""
    shape_mask = np.uint32((U(1) << table.shape_bits) - U(1))
    kept = 0
    for row in range(n_rows):
        entry, offset = scratch.entry[row], scratch.offset[row]
        shape = entry & shape_mask
        if table.checked[shape]:
            anchor = position + offset + table.shape_back[shape]
            if _is_outranked(codes, anchor, np.int64(entry >> table.shape_bits), shape, table):
                continue
        scratch.entry[kept] = entry
        scratch.offset[kept] = offset
        kept += 1
    return kept


@helper
def _is_outranked(codes, anchor, mirna, shape, table):
    for other in range(len(table.shape_rule)):
        if table.outranks[other, shape] and _holds(codes, anchor - table.shape_back[other], mirna, other, table):
            return True
    return False


@helper
def _holds(codes, start, mirna, shape, table):
    """Whether the table files this miRNA and shape under the word at this start."""
    stream = table.shape_stream[shape]
    width = np.int64(table.width[stream])
    last = start + table.right - np.int64(table.skip[stream])
    code, unknown = U(0), U(0)
    for i in range(last - width + 1, last + 1):
        base = U(codes[i]) if 0 <= i < len(codes) else U(N)
        code, unknown = _roll(code, unknown, base)
    row = _find_side(table, U(stream), unknown, code) if unknown else np.int64(table.base[stream] + code)
    if row < 0:
        return False
    wanted = (np.int64(mirna) << np.int64(table.shape_bits)) | shape
    low, high = np.int64(table.offsets[row]), np.int64(table.offsets[row + 1])
    end = high
    while low < high:
        middle = (low + high) >> 1
        if np.int64(table.entries[middle]) < wanted:
            low = middle + 1
        else:
            high = middle
    return low < end and np.int64(table.entries[low]) == wanted


@njit(allocates=False)
def count_rows(codes, position, stop, table, block, scratch):
    """Sites that start in codes[position:stop], before rows that only `_drop_outranked` can tell are dropped."""
    total = 0
    while position < stop:
        n = min(block, stop - position)
        _load_bases(codes, position - table.left, n + table.left + table.right, scratch.bases)
        total += np.int64(_find_runs(n, table, scratch)[1])
        position += n
    return total
