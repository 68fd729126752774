"""p-values of the pairs of a run, where a background ran, and the tests that their q-values count."""

import numpy as np
import pyarrow as pa

from mirscan.genes.ranking import strength_of
from mirscan.genes.significance import levels_of
from mirscan.run.partition import PartContext


def pair_p_values(context: PartContext, genes: pa.RecordBatch, first: int) -> np.ndarray:
    """p (n,) float32 of rows of GENES, whose transcripts are numbered from `first` on: those of the isoform that each describes."""
    transcript, mirna = (genes[name].indices.to_numpy() for name in ("transcript", "mirna"))
    group = context.strata.stratum[transcript + first].astype(np.int64) * len(context.mirnas) + mirna
    return context.null.pairs.p_values(group, levels_of(strength_of(genes)))


def count_tests(context: PartContext) -> int:
    """Genes that each miRNA could have hit; those without a site have p = 1."""
    return int(context.gene_codes.max()) + 1
