"""GENES in stretches: rows without their ranks from the sites of whole genes; when all pairs are ranked, these as columns and text."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.genes.aggregation import GeneAggregator, name_genes
from mirscan.genes.isoforms import IsoformMixer
from mirscan.genes.ranking import strength_of, with_columns
from mirscan.genes.site_features import Places
from mirscan.output.bgzf import BgzfBlocks
from mirscan.output.files import whole_file
from mirscan.output.genes import GenesText
from mirscan.output.parquet import ParquetRows
from mirscan.run.aggregator import make_gene_aggregator
from mirscan.run.gene_stretches import GeneStretch, cut_gene
from mirscan.run.pair_significance import pair_p_values
from mirscan.run.partition import PartContext
from mirscan.run.ranks import pair_kind, pairs_of, rank_kind, read_ranks, write_pairs
from mirscan.run.site_columns import BATCH_ROWS, find_codes
from mirscan.store.names import genes_ranks, genes_strengths, genes_table, genes_text, part_cut_sites, part_windows

N_TOP = 10


@dataclass
class PairTally:
    """Counts of GENES rows, names of genes, and the strongest rows as (strength, dict), strongest first."""

    n_pairs: int = 0
    genes: set[str] = field(default_factory=set)
    top: list[tuple[float, dict]] = field(default_factory=list)

    def note(self, batch: pa.RecordBatch) -> None:
        """Take in rows of GENES; the first wins a tie."""
        strength = strength_of(batch)
        weakest = self.top[-1][0] if len(self.top) == N_TOP else -np.inf
        # Those at least as strong as the tenth, some of which may be equals.
        tenth = np.partition(strength, -N_TOP)[-N_TOP] if len(strength) > N_TOP else -np.inf
        better = np.flatnonzero((strength > weakest) & (strength >= tenth))
        best = better[np.argsort(-strength[better], kind="stable")[:N_TOP]]
        top = [(float(strength[row]), batch.slice(row, 1).to_pylist()[0]) for row in best]
        # By name: regions of a gene are counted apart, and are one gene.
        genes = batch["gene"].indices.to_numpy()
        is_first = np.append(True, genes[1:] != genes[:-1])[: len(genes)]
        names = batch["gene"].dictionary.take(pa.array(genes[is_first])).to_pylist()
        self.add(PairTally(len(batch), set(names), top))

    def add(self, other: "PairTally") -> None:
        """Take in what was counted of later rows."""
        self.n_pairs += other.n_pairs
        self.genes |= other.genes
        self.top = sorted((*self.top, *other.top), key=lambda pair: -pair[0])[:N_TOP]


def open_aggregator(context: PartContext, first: int, last: int) -> GeneAggregator | IsoformMixer:
    """What turns sites on transcripts `first` to `last` (half-open), numbered from the first on, into rows of GENES."""
    rows = np.arange(first, last)
    packed = context.transcriptome.take(rows)
    codes = pa.array(context.gene_codes[first:last]).dictionary_encode().indices.to_numpy()
    regions = packed.regions if context.transcriptome.is_of_regions else None
    mirnas = pa.array(context.mirnas.names)
    names = name_genes(packed.names, packed.genes, packed.symbols, mirnas, context.table.rules, codes, regions)
    names = replace(names, family_conservation=context.family_conservation)
    return make_gene_aggregator(context, names, packed, rows)


def gene_schema(context: PartContext) -> pa.Schema:
    """GENES as this run has it."""
    return open_aggregator(context, 0, 0).schema


@contextmanager
def gene_rows(context: PartContext, stretch: GeneStretch, table: Path, strengths: Path) -> Iterator:
    """Takes in sites, and writes those rows of GENES that are of `stretch`, without ranks, and what they will be ranked by."""
    genes = open_aggregator(context, stretch.first, stretch.last)
    windows = WindowCounts(context, stretch) if context.plan.settings.drops_rows else None
    late = rank_kind(context).names
    schema = pa.schema([field for field in genes.schema if field.name not in late], genes.schema.metadata)
    pairs = [np.empty(0, pair_kind(context))]
    with ParquetRows(table, schema) as rows:

        def put(batch: pa.RecordBatch) -> None:
            if context.plan.background:
                batch = with_columns(batch, {"p_value": pa.array(pair_p_values(context, batch, stretch.first))})
            rows.write(batch.select(schema.names).replace_schema_metadata(schema.metadata))
            pairs.append(pairs_of(context, batch))

        def write(sites: Places) -> None:
            own = sites.of_transcripts(stretch.first, stretch.last)
            put(genes.add(*own, windows and windows.look_up(own.transcript, own.mirna)))

        yield write
        put(genes.finish())
    write_pairs(context, strengths, np.concatenate(pairs))


def join_cut_gene(context: PartContext, number: int) -> None:
    """Make the rows of the gene that ends in part `number` and begins before it."""
    store, stretch = context.store, context.gene_stretches[cut_gene(number)]
    names = genes_table(stretch.name), genes_strengths(stretch.name)
    paths = [store.scratch(name) for name in names]
    with gene_rows(context, stretch, *paths) as write:
        for part in stretch.parts:
            with pq.ParquetFile(store.local(part_cut_sites(part))) as file:
                for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                    write(Places(*(column.to_numpy(zero_copy_only=False) for column in batch.columns)))
    for path, name in zip(paths, names, strict=True):
        store.publish(path, name, is_lasting=False)


def write_ranked(context: PartContext, number: int) -> PairTally:
    """Write the ranks of stretch `number` as columns, and its whole rows as text."""
    store, name, tally = context.store, list(context.gene_stretches)[number], PairTally()
    ranks_name, text_name = genes_ranks(name), genes_text(name)
    columns, lines = store.scratch(ranks_name), store.scratch(text_name)
    schema = gene_schema(context)
    text = GenesText(schema)
    with (
        pq.ParquetFile(store.local(genes_table(name))) as table,
        ParquetRows(columns, pa.schema([schema.field(column) for column in rank_kind(context).names])) as ranks,
        whole_file(lines) as file,
    ):
        blocks = BgzfBlocks(file)
        for batch in _ranked_batches(context, number, table, schema):
            ranks.write(batch.select(rank_kind(context).names).replace_schema_metadata(None))
            for chunk in text.format(batch):
                blocks.write(chunk)
            tally.note(batch)
        blocks.close()
    for path, target in ((columns, ranks_name), (lines, text_name)):
        store.publish(path, target, is_lasting=False)
    return tally


def _ranked_batches(context: PartContext, number: int, table: pq.ParquetFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a stretch with their ranks, a row group at a time; they are about as many as pairs in a part."""
    names, batches = pa.array(context.mirnas.names), table.read(use_threads=False).to_batches()
    mirna = [find_codes(batch["mirna"], names) for batch in batches]
    ranks = read_ranks(context, number, np.concatenate([np.empty(0, np.int32), *mirna]))
    first = 0
    for batch in batches:
        rows = ranks[first : first + len(batch)]
        columns = {name: pa.array(np.ascontiguousarray(rows[name])) for name in rows.dtype.names}
        yield pa.record_batch([columns[name] if name in columns else batch[name] for name in schema.names], schema=schema)
        first += len(batch)


class WindowCounts:
    """Candidates of each miRNA on the transcripts of a stretch before the filter, added up over its parts."""

    def __init__(self, context: PartContext, stretch: GeneStretch):
        self._n_mirnas = len(context.mirnas)
        tables = pa.concat_tables(pq.read_table(context.store.local(part_windows(number))) for number in stretch.parts)
        transcript, mirna, counts = (tables[name].to_numpy() for name in ("transcript", "mirna", "n_windows"))
        is_own = (transcript >= stretch.first) & (transcript < stretch.last)
        pairs = (transcript[is_own].astype(np.int64) - stretch.first) * self._n_mirnas + mirna[is_own]
        self._pairs, place = np.unique(pairs, return_inverse=True)
        self._counts = np.bincount(place, counts[is_own], len(self._pairs)).astype(np.int32)

    def look_up(self, transcript: np.ndarray, mirna: np.ndarray) -> np.ndarray:
        """(n,) int32 of pairs; transcripts are numbered from the first on."""
        return self._counts[np.searchsorted(self._pairs, transcript.astype(np.int64) * self._n_mirnas + mirna)]
