"""Parts -> BED, gene tables and run.json: one pass in order, memory by the batch."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirscan.errors import RunError
from mirscan.genes.aggregation import GeneAggregator, GeneNames, name_genes
from mirscan.genes.site_features import Places
from mirscan.output.bed import BedWriter
from mirscan.output.genome_bed import GenomeBedWriter, SiteNames
from mirscan.run.aggregator import make_aggregator
from mirscan.run.browser_files import publish_sequences
from mirscan.run.gene_files import GeneFiles
from mirscan.run.pair_significance import PairSignificance
from mirscan.run.partition import PartContext
from mirscan.run.plan import ScanPlan
from mirscan.run.progress import SCAN
from mirscan.run.stages import STAGES
from mirscan.store.names import BED, BED_INDEX, BED_INDEX_LONG, GENES, GENES_TEXT, part_sites, part_windows
from mirscan.store.protocol import Store

BATCH_ROWS = 1 << 17
COLUMNS = ("transcript", "mirna", "start", "end", "seed", "score")


@dataclass
class Finished:
    """What the pass over the sites found; `top` holds GENES rows as dicts, strongest first."""

    n_sites: int = 0
    n_pairs: int = 0
    n_genes: int = 0
    top: list[dict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def finish_run(context: PartContext, rows_done: Callable[[int], None] = lambda rows: None) -> Finished:
    """Write BED and gene tables of a run whose parts are all done.

    Raises RunError listing the parts that are missing or damaged, and writes nothing then.
    """
    started = time.monotonic()
    store, plan = context.store, context.plan
    damage = STAGES[SCAN].list_damage(store, plan)
    if damage:
        listed = "; ".join(f"part {number}: {what}" for number, what in list(damage.items())[:5])
        more = f" and {len(damage) - 5} more" if len(damage) > 5 else ""
        raise RunError(
            f"{store.root}: {len(damage)} of {len(plan.parts)} parts are not whole ({listed}{more}). "
            f"`mirscan resume {store.root}` makes them anew."
        )
    finished = Finished(seconds={"check": time.monotonic() - started})
    scratch = {name: store.scratch(name) for name in (BED, GENES, GENES_TEXT)}
    _write_all(context, scratch, finished, rows_done)
    started = time.monotonic()
    _publish(store, scratch)
    publish_sequences(context)
    finished.seconds["publish"] = time.monotonic() - started
    return finished


def _write_all(context: PartContext, scratch: dict[str, Path], finished: Finished, rows_done: Callable[[int], None]) -> None:
    names = name_sites(context)
    metadata = {"mirscan": context.plan.identity["mirscan"], "model": context.plan.settings.model}
    genes = make_aggregator(context, names, context.transcriptome, context.coding, metadata)
    started = time.monotonic()
    with ExitStack() as stack:
        bed = stack.enter_context(_bed_writer(context, names, scratch[BED]))
        between = context.store.scratch("genes.arrow")
        files = stack.enter_context(
            GeneFiles(between, scratch[GENES], scratch[GENES_TEXT], genes.schema, names.regions, PairSignificance.of(context))
        )
        for columns, windows, weights in _weigh_ahead(genes, iter_sites(context, names), context.threads):
            bed.write(*columns)
            files.write(genes.add(*columns, windows, weights))
            finished.n_sites += len(columns[0])
            rows_done(finished.n_sites)
        files.write(genes.finish())
        finished.seconds["bed and genes"] = time.monotonic() - started
        started = time.monotonic()
    finished.seconds["index"] = time.monotonic() - started
    finished.n_pairs, finished.n_genes, finished.top = files.n_pairs, files.n_genes, files.top


def _bed_writer(context: PartContext, names: GeneNames, path: Path) -> BedWriter | GenomeBedWriter:
    """BED on the genome where the places of the transcripts are known, else on the transcripts."""
    if context.projection is None:
        lengths = context.transcriptome.lengths if context.plan.settings.circular else None
        return BedWriter(path, names.transcripts.to_pylist(), names.mirnas.to_pylist(), names.rules, lengths)
    return GenomeBedWriter(path, context.projection, site_names(names))


def site_names(names: GeneNames) -> SiteNames:
    """The names as lists, for text."""
    words = (column.to_pylist() for column in (names.genes, names.transcripts))
    return SiteNames(names.mirnas.to_pylist(), names.rules, *words, names.gene_of_transcript)


def _weigh_ahead(genes: GeneAggregator, batches: Iterator, threads: int) -> Iterator:
    """The batches in order with the weights of their sites, which `threads` threads compute some batches ahead."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        for columns, windows in batches:
            waiting.append((columns, windows, pool.submit(genes.weigh, Places(*columns))))
            if len(waiting) > threads:
                columns, windows, weights = waiting.popleft()
                yield columns, windows, weights.result()
        for columns, windows, weights in waiting:
            yield columns, windows, weights.result()


def name_sites(context: PartContext) -> GeneNames:
    packed = context.transcriptome
    regions = packed.regions if packed.is_of_regions else None
    mirnas = pa.array(context.mirnas.names)
    return name_genes(packed.names, packed.genes, packed.symbols, mirnas, context.table.rules, packed.gene_codes, regions)


def iter_sites(context: PartContext, names) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray | None]]:
    """All sites in order as arrays (transcript, mirna, start, end, seed, score), with the windows considered for each row's pair."""
    store, plan = context.store, context.plan
    counts = _WindowCounts(store, plan, context.transcriptome.lengths, len(names.mirnas)) if plan.settings.drops_rows else None
    for number, part in enumerate(plan.parts):
        first = part.first
        if counts is not None:
            counts.open_part(number)
        with pq.ParquetFile(store.local(part_sites(number))) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(COLUMNS), use_threads=False):
                transcript = _codes(batch["transcript"], names.transcripts.slice(first, part.last - first)) + np.int32(first)
                mirna = _codes(batch["mirna"], names.mirnas)
                seed = _codes(batch["seed"], pa.array(names.rules))
                places = (batch["start"].to_numpy(), batch["end"].to_numpy())
                score = batch["score"].to_numpy(zero_copy_only=False)
                yield (transcript, mirna, *places, seed, score), counts and counts.look_up(transcript, mirna)


def _codes(column: pa.DictionaryArray, names: pa.Array) -> np.ndarray:
    """Indices of `column` (n,) into `names`, int32; most files carry the names in just that order."""
    indices = column.indices.to_numpy().astype(np.int32, copy=False)
    if column.dictionary.equals(names):
        return indices
    return pc.index_in(column.dictionary, names).to_numpy()[indices]


class _WindowCounts:
    """Candidates of each transcript and miRNA before the filter, part by part; those of a transcript that is cut are added up."""

    def __init__(self, store: Store, plan: ScanPlan, lengths: np.ndarray, n_mirnas: int):
        self._store, self._plan, self._lengths, self._n_mirnas = store, plan, lengths, n_mirnas
        # Counts (n_mirnas,) of the transcripts that are cut in the open part.
        self._cut: dict[int, np.ndarray] = {}

    def open_part(self, number: int) -> None:
        """Read the counts of part `number`; parts are opened in order."""
        self._pairs, self._counts = self._read(number)
        cut = self._plan.parts[number].cut_transcripts(self._lengths)
        self._cut = {
            transcript: self._cut[transcript] if transcript in self._cut else self._add_up(transcript, number) for transcript in cut
        }

    def look_up(self, transcript: np.ndarray, mirna: np.ndarray) -> np.ndarray:
        """(n,) int32 of rows of the open part."""
        counts = self._counts[np.searchsorted(self._pairs, transcript.astype(np.int64) * self._n_mirnas + mirna)]
        for cut, totals in self._cut.items():
            counts = np.where(transcript == cut, totals[mirna], counts)
        return counts

    def _add_up(self, transcript: int, number: int) -> np.ndarray:
        """Counts (n_mirnas,) int32 of a transcript whose first piece lies in part `number`."""
        totals = np.zeros(self._n_mirnas, np.int32)
        while number < len(self._plan.parts) and self._plan.parts[number].first <= transcript:
            pairs, counts = self._read(number)
            is_here = pairs // self._n_mirnas == transcript
            totals[pairs[is_here] % self._n_mirnas] += counts[is_here]
            number += 1
        return totals

    def _read(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        table = pq.read_table(self._store.local(part_windows(number)))
        transcript, mirna, counts = (table[name].to_numpy() for name in ("transcript", "mirna", "n_windows"))
        return transcript.astype(np.int64) * self._n_mirnas + mirna, counts


def _publish(store: Store, scratch: dict[str, Path]) -> None:
    for name, path in scratch.items():
        store.publish(path, name)
    for suffix, name in ((".tbi", BED_INDEX), (".csi", BED_INDEX_LONG)):
        index = Path(f"{scratch[BED]}{suffix}")
        if index.exists():
            store.publish(index, name)
        else:
            store.remove(name)
