"""What takes the pairs of all parts: rank, percentile and q-value among those of the miRNA. Gathered by miRNA, handed back by stretch."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.genes.ranking import rank_among, strength_of
from mirscan.genes.significance import q_values
from mirscan.run.pair_significance import count_tests
from mirscan.run.partition import PartContext
from mirscan.run.pieces import gather_piece, write_pieces
from mirscan.store.names import genes_strengths, mirna_ranks

_PAIR, _PAIR_WITH_NULL = [("mirna", "<i4"), ("strength", "<f4")], [("p_value", "<f4")]
_RANK, _RANK_WITH_NULL = [("rank", "<i4"), ("percentile", "<f4")], [("q_value", "<f4")]
# As many ranges of miRNAs at most: enough for as many cores, and few enough files.
MOST_RANGES = 64


def pair_kind(context: PartContext) -> np.dtype:
    """What of a pair is gathered."""
    return np.dtype(_PAIR + (_PAIR_WITH_NULL if context.plan.background else []))


def rank_kind(context: PartContext) -> np.dtype:
    """The columns of GENES that take the pairs of all parts."""
    return np.dtype(_RANK + (_RANK_WITH_NULL if context.plan.background else []))


def count_ranges(context: PartContext) -> int:
    """How many ranges of miRNAs are ranked, each by itself."""
    return min(len(context.mirnas), len(context.gene_stretches), MOST_RANGES)


def pairs_of(context: PartContext, genes: pa.RecordBatch) -> np.ndarray:
    """Rows of GENES as pairs (n,) of `pair_kind`."""
    pairs = np.empty(len(genes), pair_kind(context))
    pairs["mirna"], pairs["strength"] = genes["mirna"].indices.to_numpy(), strength_of(genes)
    if context.plan.background:
        pairs["p_value"] = genes["p_value"].to_numpy()
    return pairs


def write_pairs(context: PartContext, path: Path, pairs: np.ndarray) -> None:
    """Put aside the pairs (n,) of a stretch."""
    order, ends = _by_range(context, pairs["mirna"])
    write_pieces(path, pairs[order], ends)


def rank_range(context: PartContext, number: int) -> None:
    """Rank the pairs of all stretches whose miRNA lies in range `number`."""
    store, names = context.store, [genes_strengths(stretch) for stretch in context.gene_stretches]
    pieces = gather_piece(store, names, number, count_ranges(context), pair_kind(context))
    pairs = np.concatenate(pieces)
    ranks = np.empty(len(pairs), rank_kind(context))
    ranks["rank"], ranks["percentile"] = rank_among(pairs["mirna"], pairs["strength"])
    if context.plan.background:
        ranks["q_value"] = q_values(pairs["mirna"], np.ascontiguousarray(pairs["p_value"]), count_tests(context))
    scratch = store.scratch(mirna_ranks(number))
    write_pieces(scratch, ranks, np.cumsum([len(piece) for piece in pieces]))
    store.publish(scratch, mirna_ranks(number), is_lasting=False)


def read_ranks(context: PartContext, number: int, mirna: np.ndarray) -> np.ndarray:
    """Ranks (n,) of `rank_kind` of the pairs of stretch `number`, given by their miRNA (n,)."""
    names, kind = [mirna_ranks(place) for place in range(count_ranges(context))], rank_kind(context)
    ranks = np.empty(len(mirna), kind)
    ranks[_by_range(context, mirna)[0]] = np.concatenate(gather_piece(context.store, names, number, len(context.gene_stretches), kind))
    return ranks


def _by_range(context: PartContext, mirna: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(order (n,) that brings the pairs of each range of miRNAs together, where each range ends)."""
    n_ranges = count_ranges(context)
    number = (np.arange(len(context.mirnas)) * n_ranges // len(context.mirnas)).astype(np.uint8)[mirna]
    return np.argsort(number, kind="stable"), np.cumsum(np.bincount(number, minlength=n_ranges))
