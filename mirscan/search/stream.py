"""Windows of the packed transcripts -> rows, in order, in bounded memory, on any number of threads."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mirscan.jit import read_only
from mirscan.search.features import compute_features
from mirscan.search.filters import Regions, Shown, keep_apart, select_rows, show_letters
from mirscan.search.kernels import KernelTable, Rows, count_rows, fill_rows, kernel_table, new_rows, new_scratch
from mirscan.seeds.table import SeedTable, expected_hits_per_base
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome

# A block's rows stay in the cache between the loops of the kernel; 512 to 8192 starts measured alike.
_BLOCK_ROWS, _MAX_BLOCK = 4096, 4096
_MAX_WINDOW = 1 << 24

Part = tuple[Rows, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Scan:
    """What every window of one scan shares; `fill` and `finish` may run in any thread.

    Matches are looked for in `shown`; features see all of `codes`.
    """

    codes: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    margin: int
    mirna_codes: np.ndarray
    table: SeedTable
    arrays: KernelTable
    block: int
    batch_rows: int
    shown: Shown
    min_distance: int
    regions: Regions | None
    features: tuple[str, ...]

    @property
    def looks_back(self) -> bool:
        """Whether sites of one transcript must be seen together, so that windows are cut between transcripts only."""
        return self.min_distance > 0 or "previous_distance" in self.features

    def fill(self, position: int, stop: int) -> tuple[int, Rows]:
        """Rows of sites that start in codes[position:stop], up to one batch; and the position to go on from."""
        capacity = max(self.batch_rows, self.table.max_rows_per_start)
        rows, scratch = new_rows(capacity), new_scratch(self.table, self.block, capacity)
        shown, offset = self.shown, self.shown.offset
        position, n = fill_rows(
            shown.codes, position - offset, stop - offset, self.arrays, shown.begin, shown.end, self.block, scratch, rows
        )
        return int(position) + offset, Rows(*(column[:n] for column in rows))

    def fill_all(self, position: int, stop: int) -> tuple[int, Rows]:
        """All rows of sites that start in codes[position:stop], whatever their number."""
        parts = []
        while position < stop:
            position, rows = self.fill(position, stop)
            parts.append(rows)
        return position, parts[0] if len(parts) == 1 else Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def finish(self, rows: Rows) -> list[Part]:
        """Filter the rows, add the features, and cut what is longer than a batch."""
        if self.min_distance > 0:
            rows = select_rows(rows, keep_apart(rows, self.min_distance))
        columns = compute_features(self.features, rows, self.codes, self.begin, self.end, self.margin, self.mirna_codes)
        cuts = range(0, len(rows.start), self.batch_rows)
        return [
            (Rows(*(c[at : at + self.batch_rows] for c in rows)), {name: c[at : at + self.batch_rows] for name, c in columns.items()})
            for at in cuts
        ]

    def process(self, position: int, stop: int) -> tuple[int, list[Part]]:
        """One step of a window: finished batches and the position to go on from."""
        position, rows = (self.fill_all if self.looks_back else self.fill)(position, stop)
        return position, self.finish(rows)


def new_scan(
    transcriptome: Transcriptome,
    mirnas: MirnaSet,
    table: SeedTable,
    batch_rows: int,
    places: tuple[int, int],
    mask_start: int = 0,
    regions: Regions | None = None,
    min_distance: int = 0,
    features: tuple[str, ...] = (),
) -> Scan:
    """A Scan of these inputs for sites that start in codes[places[0]:places[1]]."""
    codes, begin, end = read_only(transcriptome.codes), read_only(transcriptome.begin), read_only(transcriptome.end)
    return Scan(
        codes,
        begin,
        end,
        transcriptome.margin,
        read_only(mirnas.codes),
        table,
        kernel_table(table),
        block_size(table),
        batch_rows,
        show_letters(codes, begin, end, *places, mask_start, regions),
        min_distance,
        regions,
        features,
    )


def block_size(table: SeedTable) -> int:
    """Starts a block of the kernel takes, so that its rows stay in the cache."""
    return int(np.clip(_BLOCK_ROWS / max(expected_hits_per_base(table), 1e-9), 64, _MAX_BLOCK))


def split_windows(scan: Scan, start: int, stop: int) -> list[tuple[int, int]]:
    """Ranges of `codes` from start to stop that hold about one batch each; they do not depend on the threads."""
    if start == stop:
        return []
    size = int(np.clip(scan.batch_rows / max(expected_hits_per_base(scan.table), 1e-9), scan.block, _MAX_WINDOW))
    cuts = list(range(start, stop, size))
    if scan.looks_back:
        # Whole transcripts: memory then follows the longest one where it alone exceeds a batch.
        nearest = np.searchsorted(scan.begin, cuts, side="right") - 1
        cuts = sorted({int(scan.begin[number]) for number in nearest})
    windows = list(zip(cuts, [*cuts[1:], stop], strict=True))
    return windows if scan.regions is None else [window for window in windows if _has_regions(scan, *window)]


def _has_regions(scan: Scan, position: int, stop: int) -> bool:
    """Whether a region reaches into codes[position:stop]."""
    regions = scan.regions
    first, last = np.searchsorted(scan.begin, position, side="right") - 1, np.searchsorted(scan.begin, stop)
    numbers = np.arange(regions.first[first], regions.first[last])
    begin = scan.begin[np.searchsorted(regions.first, numbers, side="right") - 1]
    return bool(np.any((begin + regions.starts[numbers] < stop) & (begin + regions.ends[numbers] > position)))


def stream_parts(scan: Scan, windows: list[tuple[int, int]], threads: int) -> Iterator[Part]:
    """Batches of all windows in order. Threads work ahead, each on one step of one window, so memory is about a batch a thread."""
    if threads <= 1:
        yield from _drain(scan, ((scan.process(*window), window[1]) for window in windows))
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from _drain(scan, _work_ahead(scan, windows, threads, pool.submit))


def _work_ahead(scan: Scan, windows: list[tuple[int, int]], threads: int, submit: Callable) -> Iterator:
    pending: deque = deque()
    for window in windows:
        pending.append((submit(scan.process, *window), window[1]))
        if len(pending) > threads:
            future, stop = pending.popleft()
            yield future.result(), stop
    for future, stop in pending:
        yield future.result(), stop


def _drain(scan: Scan, steps: Iterator) -> Iterator[Part]:
    """A window with more rows than a batch goes on where the batch was full."""
    for (position, parts), stop in steps:
        yield from parts
        while position < stop:
            position, parts = scan.process(position, stop)
            yield from parts


def count_range(transcriptome: Transcriptome, table: SeedTable, first: int, last: int) -> int:
    """Sites on transcripts first..last before filters; one that only the scan can resolve is not yet left out."""
    if first == last:
        return 0
    block, codes, arrays = block_size(table), read_only(transcriptome.codes), kernel_table(table)
    scratch = new_scratch(table, block, 0)
    # Between circles there are letters, so each is counted by itself.
    step = 1 if transcriptome.margin else last - first
    ranges = [(int(transcriptome.begin[at]), int(transcriptome.end[at + step - 1])) for at in range(first, last, step)]
    return sum(int(count_rows(codes, *places, arrays, block, scratch)) for places in ranges)
