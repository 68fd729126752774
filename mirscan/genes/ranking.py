"""Rank and percentile of each gene among those of its miRNA: the one thing about a pair that takes all pairs."""

import numpy as np
import pyarrow as pa

from mirscan.jit import njit

_STRENGTHS = ("gene_score", "predicted_log2fc")


def strength_of(genes: pa.Table | pa.RecordBatch) -> np.ndarray:
    """What pairs are ranked by (n,) float32, greater is stronger: the gene score of a method, else the predicted repression."""
    name = next(name for name in _STRENGTHS if name in genes.schema.names)
    values = genes[name]
    values = (values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values).to_numpy(zero_copy_only=False)
    return values if name == "gene_score" else -values


def rank_among(mirna: np.ndarray, strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rank int32, percentile float32) of pairs (n,) among those of their miRNA, a number from 0 up; equals share the best rank."""
    sizes = np.bincount(mirna)
    ends = np.cumsum(sizes)
    rows = group_rows(mirna, ends - sizes, np.empty(len(mirna), np.int32 if len(mirna) < 1 << 31 else np.int64))
    for size, end in zip(sizes.tolist(), ends.tolist(), strict=True):
        here = rows[end - size : end]
        # Equals may stand in any order, as they share their place: the sort that keeps it takes twice as long.
        rows[end - size : end] = here[np.argsort(-strength[here])]
    return _rank_groups(rows, ends, strength, np.empty(len(rows), np.int32), np.empty(len(rows), np.float32))


def rank_pairs(genes: pa.Table) -> pa.Table:
    """GENES with rank and percentile."""
    ranks = rank_among(genes["mirna"].combine_chunks().indices.to_numpy(), strength_of(genes))
    for name, values in zip(("rank", "percentile"), ranks, strict=True):
        genes = genes.set_column(genes.schema.get_field_index(name), genes.schema.field(name), pa.array(values))
    return genes


def with_columns(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """The batch with these columns (n,) in place of those of the same names."""
    return pa.record_batch([columns.get(name, batch[name]) for name in batch.schema.names], schema=batch.schema)


@njit
def group_rows(group, next_place, rows):
    """Fill `rows` (n,) with the numbers of the rows, group by group, each in order; `next_place` is where each group begins, and moves."""
    for row in range(len(group)):
        rows[next_place[group[row]]] = row
        next_place[group[row]] += 1
    return rows


@njit
def _rank_groups(rows, ends, strength, rank, percentile):
    """Fill ranks and percentiles (n,) of the `rows` of each group, which end at `ends` and lie from the strongest on."""
    first = 0
    for end in ends:
        better = 0
        for place in range(first, end):
            if place > first and strength[rows[place]] != strength[rows[place - 1]]:
                better = place - first
            rank[rows[place]] = better + 1
            percentile[rows[place]] = 100 * (1 - better / (end - first))
        first = end
    return rank, percentile
