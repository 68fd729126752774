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


class PairRanks:
    """Takes in pairs as they stream by, and ranks them when all are there; 6 to 8 bytes a pair, 16 for the moment of ranking."""

    def __init__(self):
        self._mirnas: list[np.ndarray] = []
        self._strengths: list[np.ndarray] = []
        self._sizes = np.zeros(0, np.int64)

    def add(self, genes: pa.RecordBatch) -> None:
        """Take in the pairs of a GENES batch; all batches share their dictionaries."""
        mirna, n_mirnas = genes["mirna"].indices.to_numpy(), len(genes["mirna"].dictionary)
        # A copy, also because what arrives may be a window on much larger columns.
        self._mirnas.append(mirna.astype(np.min_scalar_type(n_mirnas)))
        self._strengths.append(strength_of(genes))
        self._sizes = np.bincount(mirna, minlength=n_mirnas) + (self._sizes if len(self._sizes) else 0)

    def rank(self) -> tuple[np.ndarray, np.ndarray]:
        """(rank, percentile) of all pairs in the order in which they came; equals share the best rank."""
        mirna, self._mirnas = np.concatenate([*self._mirnas, np.empty(0, np.uint8)]), []
        strength, self._strengths = np.concatenate([*self._strengths, np.empty(0, np.float32)]), []
        ends = np.cumsum(self._sizes)
        rows = group_rows(mirna, ends - self._sizes, np.empty(len(mirna), np.int32 if len(mirna) < 1 << 31 else np.int64))
        del mirna
        # A rank takes the place of its strength.
        rank, percentile = strength.view(np.int32), np.empty(len(rows), np.float32)
        for size, end in zip(self._sizes.tolist(), ends.tolist(), strict=True):
            here = rows[end - size : end]
            better = _count_better(strength[here])
            rank[here], percentile[here] = better + 1, 100 * (1 - better / max(size, 1))
        return rank, percentile


def rank_pairs(genes: pa.Table) -> pa.Table:
    """GENES with rank and percentile."""
    ranks = PairRanks()
    batches = genes.combine_chunks().to_batches()
    for batch in batches:
        ranks.add(batch)
    columns = dict(zip(("rank", "percentile"), map(pa.array, ranks.rank()), strict=True))
    return pa.Table.from_batches([with_columns(batch, columns) for batch in batches], genes.schema)


def with_columns(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """The batch with these columns (n,) in place of those of the same names."""
    return pa.record_batch([columns.get(name, batch[name]) for name in batch.schema.names], schema=batch.schema)


def _count_better(strength: np.ndarray) -> np.ndarray:
    """How many of these are greater than each (n,)."""
    order = np.argsort(-strength, kind="stable")
    falling = strength[order]
    place = np.arange(len(order))
    better = np.empty(len(order), np.int64)
    better[order] = np.maximum.accumulate(np.where(np.append(True, falling[1:] != falling[:-1])[: len(order)], place, 0))
    return better


@njit
def group_rows(group, next_place, rows):
    """Fill `rows` (n,) with the numbers of the rows, group by group, each in order; `next_place` is where each group begins, and moves."""
    for row in range(len(group)):
        rows[next_place[group[row]]] = row
        next_place[group[row]] += 1
    return rows
