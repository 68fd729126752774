"""What the page of a run holds, out of its files: counts for the charts, the strongest pairs, the cards of the strongest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.errors import RunError
from mirscan.query.finished_run import GENES_VIEW, SITES_VIEW, FinishedRun, quote_path
from mirscan.query.pair import Pair, PairReader, open_pairs
from mirscan.query.select import strength
from mirscan.store.names import BACKGROUND, GENES

# Whose sites a row counts.
TRUE, SHUFFLED = "transcripts", "shuffled transcripts"
# Steps of the scores; pieces of a transcript, fewer where few sites would only show noise.
SCORES = 40
PLACES, PLACES_OF_FEW, FEW_SITES = 50, 20, 100_000
# Rows of the two tables: 150,000 are 1.5 MB in the page, and a browser sorts them at once.
ROWS_BY_MIRNA, ROWS_BY_GENE = 60_000, 90_000
LEAST_A_NAME, MOST_A_NAME = 3, 200
# Pairs looked at for cards, cards, how many of one gene or miRNA, and duplexes drawn on one.
CARD_POOL, N_CARDS, CARDS_OF_A_NAME, DUPLEXES = 400, 30, 2, 4
_TITLES = {"symbol": "gene", "mirna": "miRNA", "predicted_log2fc": "log2 fold change", "n_sites": "sites", "n_apart": "side by side"}
# What only files need.
_HIDDEN = ("gene", "transcript", "n_windows")


@dataclass(frozen=True)
class Column:
    """A column of the tables on the page: its name in GENES, a heading, and the sentence that its files carry."""

    name: str
    title: str
    tip: str


@dataclass(frozen=True)
class Contents:
    """Reads what the page shows; every part is read when it is asked for."""

    run: FinishedRun

    @property
    def rules(self) -> list[str]:
        """Seed rules with sites, strongest first."""
        return [rule for rule, count in self.run.report["result"]["n_by_seed"].items() if count]

    @cached_property
    def reader(self) -> PairReader | None:
        """None where the folder work/ is gone, and the sequences with it."""
        try:
            return open_pairs(self.run)
        except RunError:
            return None

    @property
    def n_places(self) -> int:
        """Equal pieces of a transcript in which sites are counted."""
        return PLACES_OF_FEW if self.run.report["result"]["n_sites"] < FEW_SITES else PLACES

    @property
    def has_regions(self) -> bool:
        """Whether the run knows 5'UTR, CDS and 3'UTR apart."""
        return "region" in self.run.columns[SITES_VIEW]

    def sites_by_type(self) -> list[dict]:
        """Rows of rule, region (where the run knows it) and count."""
        if self.has_regions:
            return self.run.sql(f"SELECT seed AS rule, region, count(*) AS sites FROM {SITES_VIEW} GROUP BY ALL ORDER BY ALL").to_pylist()
        return [{"rule": rule, "sites": self.run.report["result"]["n_by_seed"][rule]} for rule in self.rules]

    def scores(self) -> list[dict]:
        """Rows of `TRUE` or `SHUFFLED` transcripts, rule, lower edge of the bin, and the share of the rule's sites there; empty without a
        model."""
        if not self.run.is_scored:
            return []
        bin_ = f"least(floor(score * {SCORES}), {SCORES - 1})::INT"
        rows = self.run.sql(
            f"SELECT seed AS rule, {bin_} AS bin, count(*) AS sites FROM {SITES_VIEW} WHERE score IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ).to_pylist()
        return [*_shares(rows, TRUE), *self._scores_by_chance()]

    def _scores_by_chance(self) -> list[dict]:
        """The same of shuffled transcripts; empty where no background ran."""
        if not self.has_background:
            return []
        bin_ = f"least(floor(value * {SCORES}), {SCORES - 1})::INT"
        # Level 0 are candidates that a filter dropped.
        kept = f"FROM {self._background} WHERE seed IS NOT NULL AND level > 0"
        rows = self.run.sql(f"SELECT seed AS rule, {bin_} AS bin, sum(n)::BIGINT AS sites {kept} GROUP BY ALL ORDER BY ALL").to_pylist()
        return _shares(rows, SHUFFLED)

    @property
    def has_background(self) -> bool:
        """Whether shuffled transcripts were scanned, too."""
        return BACKGROUND in self.run.files

    @property
    def _background(self) -> str:
        """The BACKGROUND table in SQL."""
        return f"read_parquet({quote_path(self.run.files[BACKGROUND])})"

    def sites_by_chance(self) -> list[dict]:
        """Rows of rule and how many sites one shuffle of all transcripts has; empty where no background ran or regions are told apart."""
        if not self.has_background or self.has_regions:
            return []
        n_shuffles = self.run.report["settings"]["background"]
        kept = f"FROM {self._background} WHERE seed IS NOT NULL AND level > 0"
        return self.run.sql(f"SELECT seed AS rule, sum(n) / {n_shuffles} AS by_chance {kept} GROUP BY ALL ORDER BY ALL").to_pylist()

    def density(self) -> list[dict]:
        """Rows of rule, place on the transcript (0-1) and density (1 where sites were spread evenly); empty where lengths are not known."""
        if self.reader is None:
            return []
        packed, pieces = self.reader.transcriptome, self.n_places
        lengths = pa.table({"transcript": packed.names, "length": pa.array(packed.lengths)})
        bin_ = f'least(floor((start + "end") / 2.0 / length * {pieces}), {pieces - 1})::INT'
        joined = f"{SITES_VIEW} JOIN wanted USING (transcript)"
        counts = f"SELECT seed AS rule, {bin_} AS bin, count(*) AS sites FROM {joined} GROUP BY ALL ORDER BY ALL"
        rows = self.run.sql(counts, wanted=lengths).to_pylist()
        even = {rule: total / pieces for rule, total in _totals(rows).items()}
        return [{"rule": row["rule"], "place": (row["bin"] + 0.5) / pieces, "density": row["sites"] / even[row["rule"]]} for row in rows]

    def columns(self) -> list[Column]:
        """Columns of the two tables: those of GENES that hold something, whatever a run has added to it."""
        schema = pq.read_schema(self.run.files[GENES])
        names = sorted((name for name in self.run.columns[GENES_VIEW] if name not in _HIDDEN), key=_rank_of_column)
        counts = ", ".join(f"count({_something(schema.field(name))}) AS {name}" for name in names)
        known = self.run.sql(f"SELECT {counts} FROM {GENES_VIEW}").to_pylist()[0]
        return [Column(name, _title(name), _description(schema.field(name))) for name in names if known[name]]

    def strongest(self, of: str) -> pa.Table:
        """The strongest rows of every `of` ("mirna" or "gene"), strongest first, with `columns`; as many a name as fit the page."""
        result = self.run.report["result"]
        n_names, n_rows = (result["n_mirnas"], ROWS_BY_MIRNA) if of == "mirna" else (result["n_genes"], ROWS_BY_GENE)
        each = min(max(n_rows // max(n_names, 1), LEAST_A_NAME), MOST_A_NAME)
        names = ", ".join(f"{column.name} := {column.name}" for column in self.columns())
        return self.run.sql(
            f"WITH ranked AS (SELECT *, {strength(self.run)} AS strength FROM {GENES_VIEW}), "
            f"best AS (SELECT unnest(arg_max(struct_pack({names}, strength := strength), strength, {each})) AS pair "
            f"FROM ranked GROUP BY {of}) "
            f"SELECT pair.* FROM best ORDER BY pair.strength DESC, pair.mirna, pair.symbol LIMIT {n_rows}"
        ).drop(["strength"])

    def cards(self) -> list[Pair]:
        """The strongest pairs with their sites, few of one gene or miRNA; empty where the sequences are gone."""
        if self.reader is None:
            return []
        pool = self.run.sql(f"SELECT * FROM {GENES_VIEW} ORDER BY {strength(self.run)} DESC, gene, mirna LIMIT {CARD_POOL}").to_pylist()
        rows = list(_spread(pool))
        sites = self.reader.sites_of(rows) if rows else []
        return [self.reader.describe(row, sites) for row in rows]

    def silent_mirnas(self) -> list[str]:
        """miRNAs without any site."""
        if self.reader is None:
            return []
        found = set(self.run.values(f"SELECT DISTINCT mirna FROM {GENES_VIEW}"))
        return [name for name in self.reader.mirnas.names if name not in found]


def _spread(rows: list[dict]) -> Iterator[dict]:
    """At most `N_CARDS` rows, no more than `CARDS_OF_A_NAME` of a gene or of a miRNA."""
    taken: Counter = Counter()
    for row in rows:
        names = (("gene", row["gene"]), ("mirna", row["mirna"]))
        if all(taken[name] < CARDS_OF_A_NAME for name in names):
            taken.update(names)
            yield row
        if sum(taken.values()) >= 2 * N_CARDS:
            return


def _shares(rows: list[dict], of: str) -> list[dict]:
    """Counts of rules and bins as shares of the rule."""
    totals = _totals(rows)
    return [{"of": of, "rule": row["rule"], "score": row["bin"] / SCORES, "share": row["sites"] / totals[row["rule"]]} for row in rows]


def _totals(rows: list[dict]) -> Counter:
    totals: Counter = Counter()
    for row in rows:
        totals[row["rule"]] += row["sites"]
    return totals


def _rank_of_column(name: str) -> int:
    """Names first, then what pairs are ranked by; the rest keeps its order."""
    return {"symbol": 0, "mirna": 0, "predicted_log2fc": 1, "p_value": 1, "q_value": 1}.get(name, 2)


def _something(field: pa.Field) -> str:
    """SQL that is null where a column says nothing; a count of 0 does not."""
    return f"NULLIF({field.name}, 0)" if pa.types.is_integer(field.type) else field.name


def _title(name: str) -> str:
    return _TITLES.get(name) or name.removeprefix("n_").replace("_m8", "-m8").replace("_a1", "-A1").replace("_", " ")


def _description(field: pa.Field) -> str:
    return ((field.metadata or {}).get(b"description") or b"").decode()
