"""Rank and percentile of each gene among those of its miRNA: the one thing about a pair that takes all pairs."""

import numpy as np
import pyarrow as pa

_STRENGTHS = ("gene_score", "predicted_log2fc")


def strength_of(genes: pa.Table | pa.RecordBatch) -> np.ndarray:
    """What pairs are ranked by (n,) float32, greater is stronger: the gene score of a method, else the predicted repression."""
    name = next(name for name in _STRENGTHS if name in genes.schema.names)
    values = genes[name]
    values = (values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values).to_numpy(zero_copy_only=False)
    return values if name == "gene_score" else -values


class PairRanks:
    """Takes in pairs as they stream by, and ranks them when all are there; 8 bytes a pair, some 40 for the moment of ranking."""

    def __init__(self):
        self._mirnas: list[np.ndarray] = []
        self._strengths: list[np.ndarray] = []

    def add(self, genes: pa.RecordBatch) -> None:
        """Take in the pairs of a GENES batch; all batches share their dictionaries."""
        self._mirnas.append(genes["mirna"].indices.to_numpy())
        self._strengths.append(strength_of(genes))

    def rank(self) -> tuple[np.ndarray, np.ndarray]:
        """(rank, percentile) of all pairs in the order in which they came; equals share the best rank."""
        mirna = np.concatenate([*self._mirnas, np.empty(0, np.int32)])
        strength = np.concatenate([*self._strengths, np.empty(0, np.float32)])
        self._mirnas, self._strengths = [], []
        # One key of 64 bits sorts by miRNA, then the strongest first: bits of a float32, turned so that they rise as it falls.
        bits = (strength + np.float32(0)).view(np.uint32)
        falling = np.where(bits >> 31, bits, ~bits & np.uint32(0x7FFFFFFF))
        keys = mirna.astype(np.uint64) << np.uint64(32) | falling.astype(np.uint64)
        order = np.argsort(keys, kind="stable")
        return _ranks(keys[order], order)


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


def _ranks(keys: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of rows `order` (n,) whose sorted keys are `keys` (n,)."""
    n = len(keys)
    place = np.arange(n)
    mirna = keys >> np.uint64(32)
    first_of_mirna = np.maximum.accumulate(np.where(np.append(True, mirna[1:] != mirna[:-1])[:n], place, 0))
    first_of_tie = np.maximum.accumulate(np.where(np.append(True, keys[1:] != keys[:-1])[:n], place, 0))
    size = np.diff(np.append(np.unique(first_of_mirna), n))
    rank, percentile = np.empty(n, np.int32), np.empty(n, np.float32)
    rank[order] = first_of_tie - first_of_mirna + 1
    percentile[order] = 100 * (1 - (first_of_tie - first_of_mirna) / np.repeat(size, size))
    return rank, percentile
