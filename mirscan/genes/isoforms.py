"""Rows of GENES as means over the isoforms of a gene, each by its share of the gene's mRNAs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mirscan.genes.aggregation import ISOFORM_SHARE, GeneAggregator, GeneNames
from mirscan.genes.methods import METHODS, REPRESSION, Method
from mirscan.genes.ranking import with_columns
from mirscan.genes.site_features import Places


class IsoformMixer:
    """As a `GeneAggregator`, for genes whose isoforms have shares (n,) that sum to 1; NaN for all of a gene that has none.

    mRNAs add up, so what is left of a gene is the mean of what is left of its isoforms: the predicted change is log2 of the sum of share
    x 2^change. An isoform without a site keeps all, and one of share 0 counts for nothing. `gene_score` is the mean in the same way, where
    the method's strength is a logarithm, else the plain mean. All else in a row describes the isoform that adds most to that (in a tie the
    first), and `isoform_share` is its share. A gene without shares has the row of `GeneAggregator`, with a null.
    """

    def __init__(
        self, names: GeneNames, shares: np.ndarray, make: Callable[[GeneNames], GeneAggregator], method: Method = METHODS[REPRESSION]
    ):
        """`make` gives the aggregator for other names of the same transcripts; it must have been told of shares."""
        gene, has_shares = names.gene_of_transcript, ~np.isnan(shares)
        # Each isoform with a share is counted as a gene of its own.
        starts = np.flatnonzero(has_shares | (np.diff(gene, prepend=-1) != 0))
        self._gene_of_unit = gene[starts]
        unit = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(gene))))
        first = pa.array(self._gene_of_unit)
        self._units = make(replace(names, gene_of_transcript=unit, genes=names.genes.take(first), symbols=names.symbols.take(first)))
        self.schema = self._units.schema
        self._names, self._shares, self._method = names, shares, method
        self._held: list[pa.RecordBatch] = []

    def weigh(self, places: Places) -> np.ndarray:
        """As of `GeneAggregator`."""
        return self._units.weigh(places)

    def add(self, *sites, **more) -> pa.RecordBatch:
        """As of `GeneAggregator`."""
        rows = self._take(self._units.add(*sites, **more))
        gene = rows["gene"].indices.to_numpy()
        # More isoforms of the last gene may come.
        n_whole = int(np.searchsorted(gene, gene[-1])) if len(gene) else 0
        self._held = [rows.slice(n_whole)]
        return self._mix(rows.slice(0, n_whole))

    def finish(self) -> pa.RecordBatch:
        """Rows of the last genes."""
        return self._mix(self._take(self._units.finish()))

    def _take(self, isoforms: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of isoforms behind those that were held, under their genes."""
        gene = self._gene_of_unit[isoforms["gene"].indices.to_numpy()].astype(np.int32)
        named = with_columns(isoforms, {"gene": pa.DictionaryArray.from_arrays(gene, self._names.genes)})
        return pa.concat_batches([*self._held, named])

    def _mix(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """One row for each gene and miRNA of rows of isoforms, in that order."""
        share = self._shares[rows["transcript"].indices.to_numpy()]
        pair = rows["gene"].indices.to_numpy().astype(np.int64) * len(self._names.mirnas) + rows["mirna"].indices.to_numpy()
        _, number, size = np.unique(pair, return_inverse=True, return_counts=True)
        means = self._means(rows)
        added = {name: np.nan_to_num(share, nan=1.0) * mean.put_in(rows[name].to_numpy()) for name, mean in means.items()}
        # What pairs are ranked by comes last.
        order = np.lexsort((-next(reversed(added.values())), number))
        chosen = order[np.cumsum(size) - size]
        one = rows.take(pa.array(chosen))
        has_none = np.isnan(share[chosen])
        columns = {ISOFORM_SHARE: pa.array(share[chosen].astype(np.float32), mask=has_none)}
        for name, mean in means.items():
            mixed = mean.take_out(np.bincount(number, added[name], len(size))).astype(np.float32)
            columns[name] = pa.array(np.where(has_none, one[name].to_numpy(), mixed))
        return with_columns(one, columns)

    def _means(self, rows: pa.RecordBatch) -> dict[str, "_Mean"]:
        """How each column of strengths is averaged."""
        means = {"predicted_log2fc": _OF_CHANGES, "gene_score": _OF_LOGARITHMS if self._method.is_logarithm else _PLAIN}
        return {name: mean for name, mean in means.items() if name in rows.schema.names}


@dataclass(frozen=True)
class _Mean:
    """What is averaged for a value, 0 where there is no site, and the value of such a mean; both (n,) -> (n,) float64."""

    put_in: Callable[[np.ndarray], np.ndarray]
    take_out: Callable[[np.ndarray], np.ndarray]


def _lost(logarithm: np.ndarray) -> np.ndarray:
    """Share of the molecules that are gone, by the natural logarithm of those that are left."""
    return -np.expm1(logarithm.astype(np.float64))


# Plus 0, so that no change is no negative 0.
_OF_CHANGES = _Mean(lambda change: _lost(change * np.log(2)), lambda lost: np.log1p(-lost) / np.log(2) + 0.0)
_OF_LOGARITHMS = _Mean(lambda strength: _lost(-strength), lambda lost: -np.log1p(-lost))
_PLAIN = _Mean(lambda strength: strength.astype(np.float64), lambda mean: mean)
