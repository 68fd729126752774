"""Two finished runs side by side: what one finds and the other does not, and whether they rank the genes of a miRNA alike."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.query.finished_run import GENES_VIEW, FinishedRun, open_run, quote_path
from mirscan.query.select import strength
from mirscan.store.names import GENES

# Every pair of either run. Ranks are within the miRNA and the run, 1 the strongest; equals share the mean of theirs.
_JOINED = """
WITH first AS (SELECT gene, any_value(symbol) AS symbol, mirna, max({strength_a}) AS strength
           FROM {view} GROUP BY gene, mirna),
     second AS (SELECT gene, any_value(symbol) AS symbol, mirna, max({strength_b}) AS strength
           FROM read_parquet({other}) GROUP BY gene, mirna),
     a AS (SELECT *, {rank} AS rank FROM first),
     b AS (SELECT *, {rank} AS rank FROM second)
SELECT gene, coalesce(a.symbol, b.symbol) AS symbol, mirna, a.rank AS rank_a, b.rank AS rank_b
FROM a FULL JOIN b USING (gene, mirna)
ORDER BY mirna, least(coalesce(rank_a, 1e18), coalesce(rank_b, 1e18)), gene
"""
_RANK = "rank() OVER (PARTITION BY mirna ORDER BY strength DESC) + (count(*) OVER (PARTITION BY mirna, strength) - 1) / 2.0"


@dataclass(frozen=True)
class Comparison:
    """`pairs`: gene, symbol, mirna, rank_a, rank_b (within the miRNA, null where a run has no site), by miRNA and the better rank.

    `mirnas`, one row each: how many pairs of both and of either alone, Spearman's correlation of the ranks of those of both (null for
    fewer than three), and of the `top` strongest of each run how many are among those of the other.
    """

    pairs: pa.Table
    mirnas: pa.Table
    top: int

    @property
    def spearman(self) -> float | None:
        """Median over the miRNAs of Spearman's correlation, None where no miRNA has three genes in common."""
        values = self.mirnas["spearman"].drop_null().to_numpy()
        return float(np.median(values)) if len(values) else None

    def changed(self, gained: bool) -> pa.Table:
        """Pairs among the `top` of their miRNA in the second run and not the first (`gained`), or the other way round, strongest first."""
        old, new = (self.ranks(name) for name in (("rank_a", "rank_b") if gained else ("rank_b", "rank_a")))
        rows = np.flatnonzero((new <= self.top) & ~(old <= self.top))
        return self.pairs.take(pa.array(rows[np.argsort(new[rows], kind="stable")]))

    def ranks(self, name: str) -> np.ndarray:
        """Column `rank_a` or `rank_b` (pairs,), NaN where the run has no site."""
        return self.pairs[name].to_numpy(zero_copy_only=False)


def compare_runs(a: str | os.PathLike, b: str | os.PathLike, top: int = 100) -> Comparison:
    """The pairs of gene and miRNA of two finished runs, ranked within each miRNA by what the runs are ranked by (`strength`).

    Genes meet by id and miRNAs by name. Raises RunError where a run is not finished and InputError where they have no miRNA in common.

    >>> for rules in ("canonical", "8mer"):
    ...     _ = ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out=f"by-{rules}", seeds=rules, model="none")
    >>> comparison = ms.compare_runs("by-canonical", "by-8mer", top=5)
    >>> comparison.mirnas.slice(0, 1).select(["mirna", "n_both", "n_only_a", "n_only_b"]).to_pylist()
    [{'mirna': 'hsa-let-7a-5p', 'n_both': 11, 'n_only_a': 66, 'n_only_b': 0}]
    """
    if top < 1:
        raise InputError(f"top {top}: expected 1 or more")
    first, second = open_run(a), open_run(b)
    pairs = first.sql(_statement(first, second))
    mirnas = _by_mirna(pairs, top)
    if not sum(mirnas["n_both"].to_pylist()):
        names = [run.values(f"SELECT mirna FROM {GENES_VIEW} LIMIT 1") for run in (first, second)]
        raise InputError(f"{a} and {b}: no gene and miRNA in common (miRNAs {names[0]} and {names[1]}); expected runs with the same names")
    return Comparison(pairs, mirnas, top)


def _statement(first: FinishedRun, second: FinishedRun) -> str:
    return _JOINED.format(
        strength_a=strength(first), strength_b=strength(second), view=GENES_VIEW, other=quote_path(second.files[GENES]), rank=_RANK
    )


def _by_mirna(pairs: pa.Table, top: int) -> pa.Table:
    names = pairs["mirna"].combine_chunks().cast(pa.string()).dictionary_encode()
    rank_a, rank_b = (pairs[name].to_numpy(zero_copy_only=False) for name in ("rank_a", "rank_b"))
    # Rows are ordered by miRNA.
    cuts = np.flatnonzero(np.diff(names.indices.to_numpy())) + 1
    rows = [_describe(name, a, b, top) for name, a, b in zip(names.dictionary.to_pylist(), *_split(cuts, rank_a, rank_b), strict=True)]
    return pa.Table.from_pylist(rows, schema=_MIRNAS)


_MIRNAS = pa.schema(
    {
        "mirna": pa.string(),
        **dict.fromkeys(("n_both", "n_only_a", "n_only_b"), pa.int64()),
        "spearman": pa.float64(),
        "n_top_both": pa.int64(),
    }
)


def _split(cuts: np.ndarray, *columns: np.ndarray):
    return (np.split(column, cuts) for column in columns)


def _describe(name: str, a: np.ndarray, b: np.ndarray, top: int) -> dict:
    in_a, in_b = ~np.isnan(a), ~np.isnan(b)
    both = in_a & in_b
    return {
        "mirna": name,
        "n_both": int(both.sum()),
        "n_only_a": int((in_a & ~in_b).sum()),
        "n_only_b": int((in_b & ~in_a).sum()),
        "spearman": _spearman(a[both], b[both]),
        "n_top_both": int(((a <= top) & (b <= top)).sum()),
    }


def _spearman(a: np.ndarray, b: np.ndarray) -> float | None:
    """Correlation of the ranks among these pairs; None for fewer than three, or where all of one run are equal."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def draw_comparison(comparison: Comparison, names: tuple[str, str], path: str | os.PathLike) -> None:
    """Picture (PNG or SVG): ranks of the pairs of both runs against each other, and how many of the N strongest they share, over N."""
    from mirscan.evaluation.curves import new_figure, save_figure

    figure, (ranks, overlap) = new_figure(2, width=9)
    a, b = comparison.ranks("rank_a"), comparison.ranks("rank_b")
    both = ~(np.isnan(a) | np.isnan(b))
    image = ranks.hexbin(a[both], b[both], xscale="log", yscale="log", bins="log", gridsize=40, cmap="viridis", linewidths=0)
    figure.colorbar(image, ax=ranks, label="pairs")
    ranks.set(xlabel=f"rank within the miRNA, {names[0]}", ylabel=f"rank, {names[1]}", title="genes with sites in both")
    sizes = np.unique(np.geomspace(1, max(2, np.nanmax(np.fmax(a, b))), 60).astype(int))
    shares = [2 * np.sum((a <= n) & (b <= n)) / max(1, np.sum(a <= n) + np.sum(b <= n)) for n in sizes]
    overlap.plot(sizes, shares, color="#4477aa")
    overlap.set(
        xscale="log", ylim=(0, 1.02), xlabel="N strongest genes of each miRNA", ylabel="part shared", title="overlap of the strongest"
    )
    save_figure(figure, Path(path))
