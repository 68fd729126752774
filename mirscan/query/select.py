"""Filters, order and top N as one SQL statement over a run; the answer is an Arrow table."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from mirscan.errors import InputError
from mirscan.query.finished_run import GENES_VIEW, SITES_VIEW, FinishedRun, open_run
from mirscan.query.names import find_genes, find_mirnas, is_one_of
from mirscan.seeds.rules import BUILT_IN
from mirscan.tables import SITE_WEIGHTS

# NAME:FIRST-LAST, as samtools, IGV and UCSC write it: 1-based, both included; commas between thousands.
_PLACE = re.compile(r"(?P<name>.+?)(:(?P<first>[\d,]+)-(?P<last>[\d,]+))?")
# Columns that a place may be on, the first that the run has and that knows the name.
_PLACES = (("chrom", "genome_start", "genome_end"), ("transcript", "start", "end"))


@dataclass(frozen=True)
class Filters:
    """Which rows are wanted; empty fields want all.

    `genes` and `mirnas` as `find_genes` and `find_mirnas` take them. `types`: seed rules; `place`: NAME:FIRST-LAST on a transcript or
    chromosome, 1-based and inclusive; `regions`: 5UTR, CDS, 3UTR where the run knows them; `min_score`: of a site, or the best of a pair;
    `where`: a condition in SQL on the columns.
    """

    genes: Sequence[str] = ()
    mirnas: Sequence[str] = ()
    types: Sequence[str] = ()
    place: str = ""
    regions: Sequence[str] = ()
    min_score: float = 0.0
    where: str = ""

    @property
    def is_of_sites(self) -> bool:
        """Whether only sites have what is asked for, or one pair is asked for."""
        return bool(self.types or self.place or self.regions or (self.genes and self.mirnas))


def query_run(out: str | os.PathLike, sites: bool | None = None, top: int = 0, **filters) -> pa.Table:
    """Rows of a finished run: pairs of gene and miRNA (GENES), strongest first, or with `sites` its SITES, with the symbol.

    `filters` are the fields of `Filters`; without `sites` their kind decides (`Filters.is_of_sites`). With `top` the N strongest, else
    all, sites in the order of the files. Raises RunError where there is no finished run and InputError for names, columns or SQL that it
    does not know.

    >>> _ = ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out="queried-run", model="none")
    >>> ms.query_run("queried-run", mirnas=["miR-200b-3p"], top=2)["symbol"].to_pylist()
    ['ZEB2', 'ZEB1']
    >>> ms.query_run("queried-run", genes=["ZEB2"], mirnas=["miR-200b-3p"])["seed"].to_pylist()
    ['6mer', '7mer-m8', '8mer', '8mer', '8mer', '8mer', '7mer-A1', '6mer']
    """
    run, wanted = open_run(out), Filters(**filters)
    return select_rows(run, wanted, wanted.is_of_sites if sites is None else sites, top)


def select_rows(run: FinishedRun, wanted: Filters, sites: bool, top: int = 0) -> pa.Table:
    """As `query_run`, of an open run."""
    view = SITES_VIEW if sites else GENES_VIEW
    conditions = [*_conditions(run, wanted, view), *_among_the_first(run, wanted, view, top)]
    where = " AND ".join(f"({condition})" for condition, _ in conditions) or "true"
    parameters = [value for _, values in conditions for value in values]
    order = f"ORDER BY {strongest_first(run, view)}" if top or not sites else ""
    limit = f"LIMIT {top}" if top else ""
    rows = run.sql(f"SELECT * FROM {view} WHERE {where} {order} {limit}", parameters)
    return _with_symbols(run, rows) if sites else rows


def strongest_first(run: FinishedRun, view: str) -> str:
    """The ORDER BY of a view: pairs by `strength`, sites by score and then by type."""
    if view == GENES_VIEW:
        return f"{strength(run)} DESC, gene, mirna"
    rank = f"list_position([{', '.join(repr(name) for name in BUILT_IN)}], seed)"
    return f"score DESC NULLS LAST, {rank} NULLS LAST, transcript, start, mirna"


def strength(run: FinishedRun) -> str:
    """What pairs are ranked by, as one number in SQL: predicted repression, else the combined score, and among equals the types of as many
    sites as fit side by side, the strongest first, as at the end of a scan.
    """
    measure = "-predicted_log2fc" if "predicted_log2fc" in run.columns[GENES_VIEW] else "combined_score"
    types, taken = [], "0"
    for number, weight in enumerate(SITE_WEIGHTS.values(), 1):
        upto = f"least({' + '.join(list(SITE_WEIGHTS)[:number])}, n_apart)"
        types.append(f"{weight} * ({upto} - {taken})")
        taken = upto
    # Neighbouring float32 below 1 are 6e-8 apart, 60,000 here, far above any sum of types.
    return f"coalesce({measure}, 0)::DOUBLE * 1e12 + {' + '.join(types)}"


def _conditions(run: FinishedRun, wanted: Filters, view: str) -> Iterator[tuple[str, Sequence]]:
    """(condition, its parameters) for every filter that is set."""
    if wanted.genes:
        ids = find_genes(run, wanted.genes)
        yield is_one_of("gene", ids), ids
    if wanted.mirnas:
        names = find_mirnas(run, wanted.mirnas)
        yield is_one_of("mirna", names), names
    if wanted.types:
        yield _named_column(run, view, "seed", wanted.types, list(run.report["result"]["n_by_seed"]))
    if wanted.regions:
        yield _named_column(run, view, "region", wanted.regions)
    if wanted.place:
        yield _at_place(run, view, wanted.place)
    if wanted.min_score:
        _need_scores(run)
        yield f"{'score' if view == SITES_VIEW else 'best_score'} >= ?", [wanted.min_score]
    if wanted.where:
        yield wanted.where, []


def _among_the_first(run: FinishedRun, wanted: Filters, view: str, top: int) -> Iterator[tuple[str, Sequence]]:
    """Where miRNAs alone are asked for, the N strongest pairs are among the first N of their miRNA, so the others are not even decoded."""
    ranks_as_ordered = {"rank", "predicted_log2fc"} <= {*run.columns[view]} and "gene_score" not in run.columns[view]
    if top and view == GENES_VIEW and ranks_as_ordered and wanted == Filters(mirnas=wanted.mirnas):
        yield "rank <= ?", [top]


def _named_column(
    run: FinishedRun, view: str, column: str, values: Sequence[str], known: Sequence[str] | None = None
) -> tuple[str, Sequence]:
    _need_columns(run, view, (column,))
    known = known or run.values(f"SELECT DISTINCT {column} FROM {view} ORDER BY 1")
    for value in values:
        if value not in known:
            raise InputError(f"{column} {value!r}: not in this run; expected {', '.join(map(str, known))}")
    return is_one_of(column, values), values


def _at_place(run: FinishedRun, view: str, place: str) -> tuple[str, Sequence]:
    """Overlap with a place; its name is a chromosome or a transcript of the run."""
    _need_columns(run, view, ("transcript", "start", "end"))
    parsed = _PLACE.fullmatch(place)
    name = parsed["name"] if parsed else place
    for column, start, end in _PLACES:
        if column in run.columns[view] and run.values(f"SELECT 1 FROM {view} WHERE {column} = ? LIMIT 1", [name]):
            if parsed["first"] is None:
                return f"{column} = ?", [name]
            first, last = (int(parsed[group].replace(",", "")) for group in ("first", "last"))
            return f'{column} = ? AND "{start}" < ? AND "{end}" >= ?', [name, last, first]
    raise InputError(f"--place {place}: no site on {name!r}; expected NAME:FIRST-LAST with a transcript or chromosome of this run")


def _need_columns(run: FinishedRun, view: str, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in run.columns[view]]
    if missing:
        raise InputError(f"{run.store.root}: its {view} have no column {missing[0]!r}; they have {', '.join(run.columns[view])}")


def _need_scores(run: FinishedRun) -> None:
    if not run.is_scored:
        raise InputError(f"{run.store.root}: scanned with --model none, so there are no scores; leave --min-score out or scan with a model")


def _with_symbols(run: FinishedRun, sites: pa.Table) -> pa.Table:
    """SITES with the gene's symbol behind its id."""
    ids = sites["gene"].unique().to_pylist()
    if not ids:
        names = {}
    else:
        rows = run.sql(f"SELECT DISTINCT gene, symbol FROM {GENES_VIEW} WHERE {is_one_of('gene', ids)}", ids)
        names = dict(zip(rows["gene"].to_pylist(), rows["symbol"].to_pylist(), strict=True))
    symbols = pa.array([names.get(gene) for gene in sites["gene"].to_pylist()], pa.string())
    return sites.add_column(sites.column_names.index("gene") + 1, "symbol", symbols)
