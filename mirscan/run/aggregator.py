"""The aggregator of a run: its repression model and its method on some of its transcripts, or on shuffles of them."""

import numpy as np

from mirscan.genes.aggregation import GeneAggregator, GeneNames, load_repression
from mirscan.genes.methods import find_method
from mirscan.run.partition import PartContext
from mirscan.sequence.coding import CodingRegions
from mirscan.sequence.transcriptome import Transcriptome


def make_aggregator(context: PartContext, names: GeneNames, transcriptome: Transcriptome, rows: np.ndarray) -> GeneAggregator:
    """The aggregator for sites on `transcriptome` (n records), which `names` names and which has the transcripts `rows` (n,) of the run."""
    settings, known = context.plan.settings, context.known_coding
    coding = known and CodingRegions(known.start[rows], known.end[rows])
    scored_by = settings.model if settings.is_scored else ""
    repression = load_repression(transcriptome, context.mirnas, names.rules, coding, scored_by, context.repression_file)
    return GeneAggregator(
        names,
        settings.is_scored,
        {"mirscan": context.plan.identity["mirscan"], "model": settings.model, **repression.form.metadata},
        repression,
        find_method(settings.gene_method),
        has_regions=context.coding is not None,
        has_null=settings.background > 0,
    )
