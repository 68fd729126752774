"""The aggregator of a run: its repression model and its method on some of its transcripts, or on shuffles of them."""

import numpy as np

from mirscan.genes.aggregation import GeneAggregator, GeneNames, load_repression
from mirscan.genes.isoforms import IsoformMixer
from mirscan.genes.methods import find_method
from mirscan.run.partition import PartContext
from mirscan.sequence.transcriptome import Transcriptome


def make_gene_aggregator(
    context: PartContext, names: GeneNames, transcriptome: Transcriptome, rows: np.ndarray
) -> GeneAggregator | IsoformMixer:
    """What makes the rows of GENES from sites on the transcripts `rows` (n,) of the run, by the run's rule for isoforms."""
    shares = context.isoform_shares
    if shares is None:
        return make_aggregator(context, names, transcriptome, rows)
    method = find_method(context.plan.settings.gene_method)
    return IsoformMixer(names, shares[rows], lambda units: make_aggregator(context, units, transcriptome, rows), method)


def make_aggregator(context: PartContext, names: GeneNames, transcriptome: Transcriptome, rows: np.ndarray) -> GeneAggregator:
    """The aggregator for sites on `transcriptome` (n records), which `names` names and which has the transcripts `rows` (n,) of the run."""
    settings, known = context.plan.settings, context.known_coding
    coding = known and known.take(rows)
    conservation = context.conservation and context.conservation.take(rows)
    known_files = context.sources, context.repression_file, conservation
    repression = load_repression(transcriptome, context.mirnas, names.rules, coding, *known_files)
    metadata = {"mirscan": context.plan.identity["mirscan"], "model": settings.model, "isoform_rule": settings.isoform_rule}
    return GeneAggregator(
        names,
        settings.is_scored,
        metadata | repression.form.metadata,
        repression,
        find_method(settings.gene_method),
        has_regions=context.coding is not None,
        has_null=settings.background > 0,
        has_shares=settings.isoform_weights is not None,
    )
