"""p- and q-values of the pairs of a run, while its GENES stream by."""

import numpy as np
import pyarrow as pa

from mirscan.genes.ranking import strength_of, with_columns
from mirscan.genes.significance import Null, levels_of, q_values
from mirscan.run.partition import PartContext


class PairSignificance:
    """Gives pairs their p-values as they come, and q-values when all are there; 8 bytes a pair.

    `n_tests`: genes that each miRNA could have hit; those without a site have p = 1.
    """

    def __init__(self, null: Null, stratum: np.ndarray, n_mirnas: int, n_tests: int):
        self._null, self._stratum, self._n_mirnas, self._n_tests = null, stratum, n_mirnas, n_tests
        self._mirnas: list[np.ndarray] = []
        self._p: list[np.ndarray] = []

    @classmethod
    def of(cls, context: PartContext) -> "PairSignificance | None":
        """That of a run; None without a background."""
        if context.null is None:
            return None
        n_genes = int(context.transcriptome.gene_codes.max()) + 1
        return cls(context.null.pairs, context.strata.stratum, len(context.mirnas), n_genes)

    def add(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch of GENES with its p-values: those of the isoform that each row describes."""
        transcript, mirna = (batch[name].indices.to_numpy() for name in ("transcript", "mirna"))
        group = self._stratum[transcript].astype(np.int64) * self._n_mirnas + mirna
        p = self._null.p_values(group, levels_of(strength_of(batch)))
        self._mirnas.append(mirna)
        self._p.append(p)
        return with_columns(batch, {"p_value": pa.array(p)})

    def q_values(self) -> np.ndarray:
        """q-values (n,) float32 of all pairs in the order in which they came."""
        mirna, p = np.concatenate([*self._mirnas, np.empty(0, np.int32)]), np.concatenate([*self._p, np.empty(0, np.float32)])
        return q_values(mirna, p, self._n_tests)
