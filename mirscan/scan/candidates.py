"""Candidate sites as Arrow batches: bounded memory, one order, whatever the number of threads."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.scan.kernels import KernelTable, Rows, count_rows, fill_rows, kernel_table, new_rows, new_scratch, read_only
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import SeedTable, compile_seed_table, expected_hits_per_base
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import CANDIDATES

CANONICAL = ("8mer", "7mer-m8", "7mer-A1", "6mer")
BATCH_ROWS = 1 << 20
# A block's rows stay in the L2 cache between the kernel's loops.
_BLOCK_ROWS, _MAX_BLOCK = 8192, 8192
_MAX_WINDOW = 1 << 24


def iter_candidates(
    transcriptome: Transcriptome,
    mirnas: MirnaSet,
    table: SeedTable,
    first: int = 0,
    last: int | None = None,
    batch_rows: int = BATCH_ROWS,
    threads: int = 1,
    mask_start: int = 0,
) -> Iterator[pa.RecordBatch]:
    """Candidate sites of transcripts first..last (half-open; all by default) as CANDIDATES batches of at most `batch_rows` rows.

    Rows are ordered by (transcript, start, miRNA, strength of the rule, anchor). Neither `batch_rows` nor `threads` changes them. Indices of the
    dictionary columns `transcript` and `mirna` point into all names of the transcriptome and of `mirnas`; `gene` into the distinct genes.
    Sites that start in the first `mask_start` nt of a transcript are left out.

    Raises InputError where `table` was compiled for another number of miRNAs, or for numbers out of range.
    """
    scan = _Scan.new(transcriptome, mirnas, table, batch_rows, mask_start)
    windows = _windows(scan, *_transcript_range(transcriptome, first, last))
    for rows in _in_order(scan, windows, threads):
        yield scan.batch(rows)


def find_candidates(
    transcriptome: Transcriptome, mirnas: MirnaSet, seeds: str | Sequence[str] = CANONICAL, all_types: bool = False, **options
) -> pa.Table:
    """All candidate sites as one CANDIDATES table: rules by name, group or TOML file (`seeds`), `options` as in `iter_candidates`.

    A place counts once, as its strongest type; with `all_types` every type it satisfies is kept.
    """
    table = compile_seed_table(read_rules(seeds), mirnas, all_types)
    return pa.Table.from_batches(iter_candidates(transcriptome, mirnas, table, **options), schema=CANDIDATES.schema())


def count_candidates(transcriptome: Transcriptome, table: SeedTable, first: int = 0, last: int | None = None) -> int:
    """Number of candidate sites on transcripts first..last, without filters; costs a third of finding them."""
    first, last = _transcript_range(transcriptome, first, last)
    if first == last:
        return 0
    block = _block(table)
    start, stop = int(transcriptome.begin[first]), int(transcriptome.end[last - 1])
    arrays, scratch = kernel_table(table), new_scratch(table, block, 0)
    return int(count_rows(read_only(transcriptome.codes), start, stop, arrays, block, scratch))


@dataclass(frozen=True)
class _Scan:
    """What every window of one scan shares."""

    codes: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    table: SeedTable
    arrays: KernelTable
    block: int
    capacity: int
    mask_start: int
    transcripts: pa.StringArray
    genes: pa.DictionaryArray
    mirnas: pa.StringArray
    seeds: pa.StringArray

    @classmethod
    def new(cls, transcriptome: Transcriptome, mirnas: MirnaSet, table: SeedTable, batch_rows: int, mask_start: int) -> "_Scan":
        if table.n_mirnas != len(mirnas):
            raise InputError(f"seed table was compiled for {table.n_mirnas:,} miRNAs; expected the {len(mirnas):,} given")
        if batch_rows < 1 or mask_start < 0:
            raise InputError(f"batch_rows {batch_rows}, mask_start {mask_start}; expected at least 1 and at least 0")
        return cls(
            read_only(transcriptome.codes),
            read_only(transcriptome.begin),
            read_only(transcriptome.end),
            table,
            kernel_table(table),
            _block(table),
            max(batch_rows, table.max_rows_per_start),
            mask_start,
            transcriptome.names,
            transcriptome.genes.dictionary_encode(),
            pa.array(mirnas.names, pa.string()),
            pa.array(table.rules, pa.string()),
        )

    def fill(self, position: int, stop: int) -> tuple[int, Rows]:
        """Rows of the sites that start in codes[position:stop], up to one batch; and the position to go on from."""
        rows, scratch = new_rows(self.capacity), new_scratch(self.table, self.block, self.capacity)
        position, n = fill_rows(self.codes, position, stop, self.arrays, self.begin, self.end, self.mask_start, self.block, scratch, rows)
        return int(position), Rows(*(column[:n] for column in rows))

    def batch(self, rows: Rows) -> pa.RecordBatch:
        genes = pc.take(self.genes.indices, pa.array(rows.transcript))
        columns = [
            _dictionary(pa.array(rows.transcript), self.transcripts),
            _dictionary(genes, self.genes.dictionary),
            _dictionary(pa.array(rows.mirna), self.mirnas),
            pa.array(rows.start),
            pa.array(rows.end),
            _dictionary(pa.array(rows.seed), self.seeds),
            pa.array(rows.anchor),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=CANDIDATES.schema())


def _dictionary(indices: pa.Array, values: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(indices, values, safe=False)


def _block(table: SeedTable) -> int:
    return int(np.clip(_BLOCK_ROWS / max(expected_hits_per_base(table), 1e-9), 64, _MAX_BLOCK))


def _transcript_range(transcriptome: Transcriptome, first: int, last: int | None) -> tuple[int, int]:
    last = len(transcriptome) if last is None else last
    if not 0 <= first <= last <= len(transcriptome):
        raise InputError(f"transcripts {first} to {last}; expected a range inside 0 to {len(transcriptome)}")
    return first, last


def _windows(scan: _Scan, first: int, last: int) -> list[tuple[int, int]]:
    """Ranges of `codes` that hold about one batch each; they depend on the table and the batch, not on the threads."""
    if first == last:
        return []
    size = int(np.clip(scan.capacity / max(expected_hits_per_base(scan.table), 1e-9), scan.block, _MAX_WINDOW))
    start, stop = int(scan.begin[first]), int(scan.end[last - 1])
    return [(position, min(position + size, stop)) for position in range(start, stop, size)]


def _in_order(scan: _Scan, windows: list[tuple[int, int]], threads: int) -> Iterator[Rows]:
    """Rows of all windows in order. Threads work ahead on the next windows, never on more than there are threads."""
    if threads <= 1:
        filled = ((scan.fill(*window), window[1]) for window in windows)
        yield from _drain(scan, filled)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from _drain(scan, _ahead(scan, windows, threads, pool))


def _ahead(scan, windows, threads, pool):
    pending = deque()
    for window in windows:
        pending.append((pool.submit(scan.fill, *window), window[1]))
        if len(pending) > threads:
            future, stop = pending.popleft()
            yield future.result(), stop
    while pending:
        future, stop = pending.popleft()
        yield future.result(), stop


def _drain(scan: _Scan, filled) -> Iterator[Rows]:
    """A window with more rows than a batch holds goes on where its batch was full."""
    for (position, rows), stop in filled:
        while True:
            if len(rows.start):
                yield rows
            if position >= stop:
                break
            position, rows = scan.fill(position, stop)
