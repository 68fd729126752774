"""One row a gene and miRNA, from a table or from a stream of sites."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.genes import kernels
from mirscan.tables import GENES

KIND_OF_RULE = {"8mer": kernels.N_8MER, "7mer-m8": kernels.N_7MER_M8, "7mer-A1": kernels.N_7MER_A1, "6mer": kernels.N_6MER}
COUNT_NAMES = ("n_sites", "n_8mer", "n_7mer_m8", "n_7mer_a1", "n_6mer", "n_other", "n_apart")


@dataclass(frozen=True)
class GeneNames:
    """What the indices of sites mean: transcripts with the gene of each (n,), genes with their symbols, miRNAs, rules.

    Where `regions` (n,) says what of it each transcript is, the regions of a gene are counted as genes of the same name.
    """

    transcripts: pa.StringArray
    gene_of_transcript: np.ndarray
    genes: pa.StringArray
    symbols: pa.StringArray
    mirnas: pa.StringArray
    rules: Sequence[str]
    regions: pa.StringArray | None = None


def name_genes(
    transcripts: pa.StringArray,
    genes: pa.StringArray,
    symbols: pa.StringArray,
    mirnas: pa.StringArray,
    rules: Sequence[str],
    codes: np.ndarray | None = None,
    regions: pa.StringArray | None = None,
) -> GeneNames:
    """GeneNames of transcripts with their gene and symbol (n,); a gene's symbol is that of its first transcript.

    `codes` (n,) number the genes in order of first appearance where names alone do not tell them apart.
    """
    codes = genes.dictionary_encode().indices.to_numpy() if codes is None else codes
    first = pa.array(np.unique(codes, return_index=True)[1])
    return GeneNames(transcripts, codes, genes.take(first), symbols.take(first), mirnas, tuple(rules), regions)


class GeneAggregator:
    """Turns sites into GENES rows while they stream by, ordered by transcript and start.

    Isoforms of a gene must follow each other. A row describes one isoform, the one with the highest combined score (without
    scores: with most 8mers, then 7mer-m8, 7mer-A1, 6mer, others; the first in a tie), so no site is counted twice. The
    combined score is 1 - product of (1 - score) over that choice of non-overlapping sites that makes it greatest.
    """

    def __init__(self, names: GeneNames, is_scored: bool, metadata: dict[str, str] | None = None):
        self._regions = None if names.regions is None else names.regions.dictionary_encode()
        self.schema = GENES.schema(metadata, optional=() if names.regions is None else ("region",))
        self._names = names
        self._is_scored = is_scored
        self._symbols = names.symbols.dictionary_encode()
        self._kinds = np.array([KIND_OF_RULE.get(rule, kernels.N_OTHER) for rule in names.rules], dtype=np.int8)
        self._open = kernels.new_open(len(names.mirnas))

    def add(self, transcript, mirna, start, end, seed, score, windows=None) -> pa.RecordBatch:
        """Take in sites given as arrays (n,), return the rows of all genes that ended.

        `transcript`, `mirna`, `seed` are indices into the names; `score` is 0-1, ignored where there are none; `windows` is
        the number of candidates of this miRNA on this transcript, by default the number of its sites.
        """
        n = len(start)
        rows = kernels.new_rows(n + len(self._names.mirnas))
        # Zero means not counted: the kernel then takes the number of sites.
        windows = np.zeros(n, np.int32) if windows is None else windows
        arrays = (transcript, mirna, start, end, self._kinds[seed], score, windows, self._names.gene_of_transcript)
        return self._batch(rows, kernels.add_sites(*arrays, self._is_scored, self._open, rows))

    def finish(self) -> pa.RecordBatch:
        """Rows of the last gene."""
        rows = kernels.new_rows(len(self._names.mirnas))
        return self._batch(rows, kernels.finish_sites(self._is_scored, self._open, rows))

    def _batch(self, rows: kernels.Rows, n: int) -> pa.RecordBatch:
        names = self._names
        gene = pa.array(rows.gene[:n])
        symbol = self._symbols.indices.take(gene)
        columns = {
            "gene": pa.DictionaryArray.from_arrays(gene, names.genes),
            "symbol": pa.DictionaryArray.from_arrays(symbol, self._symbols.dictionary),
            "mirna": pa.DictionaryArray.from_arrays(rows.mirna[:n], names.mirnas),
            "transcript": pa.DictionaryArray.from_arrays(rows.transcript[:n], names.transcripts),
            "best_score": pa.array(rows.best[:n]) if self._is_scored else pa.nulls(n, pa.float32()),
            "combined_score": pa.array(rows.combined[:n]) if self._is_scored else pa.nulls(n, pa.float32()),
            "n_windows": pa.array(rows.windows[:n]),
        }
        if self._regions is not None:
            columns["region"] = self._regions.take(columns["transcript"].indices)
        columns |= {name: pa.array(np.ascontiguousarray(rows.counts[:n, column])) for column, name in enumerate(COUNT_NAMES)}
        return pa.record_batch([columns[name] for name in self.schema.names], schema=self.schema)


def aggregate_genes(sites: pa.Table) -> pa.Table:
    """GENES of a SITES table whose rows are ordered by transcript and start; genes in order of first appearance.

    See `GeneAggregator` for the isoform and the combined score. `symbol` is the gene and `n_windows` the number of sites,
    since the table tells no more. Raises InputError where only some of the scores are null.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1"], ["GGCTACCTCAGGGGGGGGGGCTACCTCG"], genes=["G1"])
    >>> mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    >>> sites = ms.score_candidates(ms.find_candidates(transcriptome, mirnas), transcriptome, mirnas, model="duplex")
    >>> ms.aggregate_genes(sites).select(["gene", "mirna", "n_8mer", "n_7mer_m8"]).to_pylist()
    [{'gene': 'G1', 'mirna': 'let-7', 'n_8mer': 1, 'n_7mer_m8': 1}]
    """
    sites = sites.unify_dictionaries()
    transcript, gene, mirna, seed = (_dictionary(sites, name) for name in ("transcript", "gene", "mirna", "seed"))
    n_null = sites["score"].null_count
    if 0 < n_null < len(sites):
        raise InputError(f"{n_null:,} of {len(sites):,} sites have no score; expected a score for every site or for none")
    codes = transcript.indices.to_numpy()
    order = _order_of_genes(gene.indices.to_numpy(), codes)
    columns = [codes, mirna.indices.to_numpy(), *(sites[name].to_numpy() for name in ("start", "end")), seed.indices.to_numpy()]
    score = sites["score"].to_numpy().astype(np.float32, copy=False)
    gene_of_transcript = np.zeros(len(transcript.dictionary), dtype=np.int32)
    gene_of_transcript[codes] = gene.indices.to_numpy()
    names = GeneNames(
        transcript.dictionary, gene_of_transcript, gene.dictionary, gene.dictionary, mirna.dictionary, seed.dictionary.to_pylist()
    )
    aggregator = GeneAggregator(names, is_scored=n_null == 0 and len(sites) > 0)
    batches = [aggregator.add(*(column[order] for column in (*columns, score))), aggregator.finish()]
    return pa.Table.from_batches(batches, aggregator.schema).combine_chunks()


def _dictionary(sites: pa.Table, name: str) -> pa.DictionaryArray:
    column = sites[name].combine_chunks()
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def _order_of_genes(genes: np.ndarray, transcripts: np.ndarray) -> np.ndarray | slice:
    """Row order that brings each gene's isoforms together, genes and isoforms in order of first appearance."""
    _, first, inverse = np.unique(genes, return_index=True, return_inverse=True)
    appearance = first[inverse]
    if np.all(np.diff(appearance) >= 0):
        return slice(None)
    return np.lexsort((np.arange(len(genes)), appearance))
