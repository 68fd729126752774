"""One row a gene and miRNA, from a table or from a stream of sites."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.genes import kernels
from mirscan.genes.methods import FOOTPRINT, METHODS, REPRESSION, Method, surprise
from mirscan.genes.repression import Form, Source, Sources, read_repression_model
from mirscan.genes.site_features import LOG_ODDS, Places, SiteFeatures
from mirscan.genome.conservation import BaseValues
from mirscan.jit import read_only
from mirscan.sequence.coding import THREE_UTR, CodingRegions, whole_as_utr
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import GENES, PAIR_SIGNIFICANCE

KIND_OF_RULE = {"8mer": kernels.N_8MER, "7mer-m8": kernels.N_7MER_M8, "7mer-A1": kernels.N_7MER_A1, "6mer": kernels.N_6MER}
COUNT_NAMES = ("n_sites", "n_8mer", "n_7mer_m8", "n_7mer_a1", "n_6mer", "n_other", "n_apart", "n_5utr", "n_cds", "n_3utr")
SIGNIFICANCE = tuple(column.name for column in PAIR_SIGNIFICANCE)
REGION_COUNTS = COUNT_NAMES[-3:]
ISOFORM_SHARE = "isoform_share"
# Sums of weights, and how far apart the starts of sites that count to one lie at least. Of isoforms the last sum decides first.
_COMBINED, _EFFECT, _METHOD = "combined_score", "predicted_log2fc", "gene_score"
_REACH = {_COMBINED: 0, _EFFECT: FOOTPRINT, _METHOD: FOOTPRINT}


@dataclass(frozen=True)
class GeneNames:
    """What the indices of sites mean: transcripts with the gene of each (n,), genes with their symbols, miRNAs, rules.

    Where `regions` (n,) says what of it each transcript is, the regions of a gene are counted as genes of the same name. Where
    `family_conservation` says how conserved the family of each miRNA is, rows repeat it.
    """

    transcripts: pa.StringArray
    gene_of_transcript: np.ndarray
    genes: pa.StringArray
    symbols: pa.StringArray
    mirnas: pa.StringArray
    rules: Sequence[str]
    regions: pa.StringArray | None = None
    family_conservation: pa.Array | None = None


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


@dataclass(frozen=True)
class Repression:
    """What predicts the effect of a site: a form of the repression model and the features of the scanned transcripts."""

    form: Form
    features: SiteFeatures


def load_repression(
    transcriptome: Transcriptome,
    mirnas: MirnaSet,
    rules: Sequence[str],
    coding: CodingRegions | None = None,
    sources: Sources = MappingProxyType({}),
    model: str = REPRESSION,
    conservation: BaseValues | None = None,
) -> Repression:
    """The form of a repression model (a name or a file) that fits a scan; `sources`: the files behind its scores and `conservation`."""
    form = read_repression_model(model).choose(coding is not None, sources)
    known = whole_as_utr(transcriptome.lengths) if coding is None else coding
    return Repression(form, SiteFeatures(transcriptome, known, mirnas.codes, rules, conservation))


class GeneAggregator:
    """Turns sites into GENES rows while they stream by, ordered by transcript and start.

    Isoforms of a gene must follow each other. A row describes one isoform, the one with the strongest prediction (in a tie the highest
    combined score, then most 8mers, 7mer-m8, 7mer-A1, 6mer, others; the first if all are equal), so no site is counted twice. Sums are over
    that choice of sites that makes them greatest: sites that do not overlap for the combined score, 1 - product of (1 - score), and sites
    at least `FOOTPRINT` apart for predictions. `rank` and `percentile` are null: they need all rows, see `ranking`; so are `p_value` and
    `q_value`, which `has_null` adds, and `isoform_share`, which `has_shares` does, see `isoforms`.
    """

    def __init__(
        self,
        names: GeneNames,
        is_scored: bool,
        metadata: dict[str, str] | None = None,
        repression: Repression | None = None,
        method: Method = METHODS[REPRESSION],
        has_regions: bool = False,
        has_null: bool = False,
        has_shares: bool = False,
    ):
        is_wanted = {_COMBINED: is_scored, _EFFECT: repression is not None, _METHOD: method.weigh is not None}
        self._sums = [name for name in _REACH if is_wanted[name]]
        self._regions = None if names.regions is None else names.regions.dictionary_encode()
        optional = [
            *(_METHOD,) * is_wanted[_METHOD],
            *(SIGNIFICANCE if has_null else ()),
            *(REGION_COUNTS if has_regions else ()),
            *(ISOFORM_SHARE,) * has_shares,
            *("family_conservation",) * (names.family_conservation is not None),
            *("region",) * (self._regions is not None),
        ]
        self.schema = GENES.schema(metadata, tuple(optional))
        self._names, self._is_scored, self._repression, self._method = names, is_scored, repression, method
        self._counts_regions = has_regions and repression is not None
        self._symbols = names.symbols.dictionary_encode()
        self._kinds = np.array([KIND_OF_RULE.get(rule, kernels.N_OTHER) for rule in names.rules], dtype=np.int8)
        self._reach = np.array([_REACH[name] for name in self._sums], np.int32)
        self._open = kernels.new_open(len(names.mirnas), len(self._reach))

    def add(self, transcript, mirna, start, end, seed, score, windows=None, weights=None) -> pa.RecordBatch:
        """Take in sites given as arrays (n,), return the rows of all genes that ended.

        `transcript`, `mirna`, `seed` are indices into the names; `score` is 0-1, ignored where there are none; `windows` is
        the number of candidates of this miRNA on this transcript, by default the number of its sites. `weights` as `weigh` gives them for
        these sites, by default computed here.
        """
        n = len(start)
        rows = kernels.new_rows(n + len(self._names.mirnas), len(self._reach))
        # Zero means not counted: the kernel then takes the number of sites.
        windows = np.zeros(n, np.int32) if windows is None else windows
        places = Places(transcript, mirna, start, end, seed, score)
        weights = self.weigh(places) if weights is None else weights
        region = self._repression.features.regions(places) if self._counts_regions else np.full(n, THREE_UTR, np.int8)
        arrays = (transcript, mirna, start, end, self._kinds[seed], region, score, weights, self._reach, windows)
        return self._batch(rows, kernels.add_sites(*map(read_only, arrays), self._names.gene_of_transcript, self._open, rows))

    def finish(self) -> pa.RecordBatch:
        """Rows of the last gene."""
        rows = kernels.new_rows(len(self._names.mirnas), len(self._reach))
        return self._batch(rows, kernels.finish_sites(self._open, rows))

    def weigh(self, places: Places) -> np.ndarray:
        """What each site adds to each sum (sums, n). Nearly all of the work, and it looks at no other site: threads may do it ahead."""
        weights = np.empty((len(self._sums), len(places.start)))
        for number, name in enumerate(self._sums):
            weights[number] = self._weigh_for(name, places)
        return weights

    def _weigh_for(self, name: str, places: Places) -> np.ndarray:
        if name == _EFFECT:
            return self._repression.form.effects(self._repression.features, places)
        return surprise(places.score) if name == _COMBINED else self._method.weigh(places.score)

    def _batch(self, rows: kernels.Rows, n: int) -> pa.RecordBatch:
        names = self._names
        gene = pa.array(rows.gene[:n])
        symbol = self._symbols.indices.take(gene)
        columns = {
            "gene": _named(gene, names.genes),
            "symbol": _named(symbol, self._symbols.dictionary),
            "mirna": _named(pa.array(rows.mirna[:n]), names.mirnas),
            "transcript": _named(pa.array(rows.transcript[:n]), names.transcripts),
            "n_windows": pa.array(rows.windows[:n]),
            "rank": pa.nulls(n, pa.int32()),
            "percentile": pa.nulls(n, pa.float32()),
            **{name: pa.nulls(n, pa.float32()) for name in (*SIGNIFICANCE, ISOFORM_SHARE)},
        }
        if names.family_conservation is not None:
            columns["family_conservation"] = names.family_conservation.take(columns["mirna"].indices)
        if self._regions is not None:
            columns["region"] = self._regions.take(columns["transcript"].indices)
        columns |= {name: pa.array(np.ascontiguousarray(rows.counts[:n, column])) for column, name in enumerate(COUNT_NAMES)}
        columns |= self._predictions(rows, n)
        return pa.record_batch([columns[name] for name in self.schema.names], schema=self.schema)

    def _predictions(self, rows: kernels.Rows, n: int) -> dict[str, pa.Array]:
        best, sums = rows.best[:n], dict(zip(self._sums, rows.sums[:, :n], strict=True))
        settle = {
            _COMBINED: lambda total: -np.expm1(-total),
            _EFFECT: lambda total: self._repression.form.fold_changes(total),
            _METHOD: lambda total: self._method.settle(total, best),
        }
        values = {name: settle[name](sums[name]) if name in sums else None for name in settle}
        values["best_score"] = best if self._is_scored else None
        nothing = pa.nulls(n, pa.float32())
        return {name: nothing if value is None else pa.array(value.astype(np.float32)) for name, value in values.items()}


def _named(indices: pa.Array, names: pa.Array) -> pa.DictionaryArray:
    # All lie within the names: a look at each would cost as much as all the rest.
    return pa.DictionaryArray.from_arrays(indices, names, safe=False)


def aggregate_genes(
    sites: pa.Table,
    transcriptome: Transcriptome | None = None,
    mirnas: MirnaSet | None = None,
    coding: CodingRegions | None = None,
    model: str = REPRESSION,
) -> pa.Table:
    """GENES of a SITES table whose rows are ordered by transcript and start; genes in order of first appearance.

    With the `transcriptome` and `mirnas` of the sites the repression model predicts a log2 fold change and ranks the genes of each miRNA;
    `coding` as `read_coding` gives it; conservation is read in runs alone. See `GeneAggregator` for the isoform and the sums. `symbol` is
    the gene and `n_windows` the number of sites, since the table tells no more. Raises InputError where only some of the scores are null.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1"], ["GGCTACCTCAGGGGGGGGGGCTACCTCG"], genes=["G1"])
    >>> mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    >>> sites = ms.score_candidates(ms.find_candidates(transcriptome, mirnas), transcriptome, mirnas, model="duplex")
    >>> genes = ms.aggregate_genes(sites, transcriptome, mirnas)
    >>> genes.select(["gene", "mirna", "n_8mer", "n_7mer_m8", "rank"]).to_pylist()
    [{'gene': 'G1', 'mirna': 'let-7', 'n_8mer': 1, 'n_7mer_m8': 1, 'rank': 1}]
    >>> genes["predicted_log2fc"][0].as_py() < 0
    True
    """
    from mirscan.genes.ranking import rank_pairs

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
    is_scored = n_null == 0 and len(sites) > 0
    repression = _match(transcriptome, mirnas, coding, names, _sources_of(sites) if is_scored else {}, model)
    aggregator = GeneAggregator(names, is_scored, repression=repression, has_regions=coding is not None)
    batches = [aggregator.add(*(column[order] for column in (*columns, score))), aggregator.finish()]
    genes = pa.Table.from_batches(batches, aggregator.schema).combine_chunks()
    return genes if repression is None else rank_pairs(genes)


def _sources_of(sites: pa.Table) -> Sources:
    """The network behind the scores of a table, where it says so."""
    said = {name.decode(): text.decode() for name, text in (sites.schema.metadata or {}).items()}
    return {LOG_ODDS: Source(said["model"], said["scores_sha256"])} if "scores_sha256" in said else {}


def _match(transcriptome, mirnas, coding, names: GeneNames, sources: Sources, model: str) -> Repression | None:
    """The repression model on the transcripts and miRNAs in the order in which the sites number them."""
    if transcriptome is None or mirnas is None:
        return None
    rows = [_positions(wanted, have, what) for wanted, have, what in (
        (names.transcripts, transcriptome.names.to_pylist(), "transcript"), (names.mirnas, mirnas.names, "miRNA")
    )]  # fmt: skip
    coding = None if coding is None else coding.take(rows[0])
    return load_repression(transcriptome.take(rows[0]), mirnas.take(rows[1]), names.rules, coding, sources, model)


def _positions(wanted: pa.Array, have: Sequence[str], what: str) -> np.ndarray:
    places = {name: place for place, name in enumerate(have)}
    missing = next((name for name in wanted.to_pylist() if name not in places), None)
    if missing is not None:
        raise InputError(f"{what} {missing!r} of the sites is not among the {len(places):,} given; expected those that were scanned")
    return np.array([places[name] for name in wanted.to_pylist()], np.int64)


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
