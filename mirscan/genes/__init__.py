"""SITES -> GENES: one row a gene and miRNA."""

from mirscan.genes.aggregation import GeneAggregator, aggregate_genes

__all__ = ["GeneAggregator", "aggregate_genes"]
