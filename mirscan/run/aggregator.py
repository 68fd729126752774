"""The aggregator of a run: its repression model and its method on its transcripts, or on shuffles of them."""

from mirscan.genes.aggregation import GeneAggregator, GeneNames, load_repression
from mirscan.genes.methods import find_method
from mirscan.run.inputs import open_run_repression
from mirscan.run.partition import PartContext
from mirscan.sequence.coding import CodingRegions, coding_of_regions
from mirscan.sequence.transcriptome import Transcriptome


def make_aggregator(
    context: PartContext,
    names: GeneNames,
    transcriptome: Transcriptome,
    coding: CodingRegions | None,
    metadata: dict[str, str] | None = None,
) -> GeneAggregator:
    """The aggregator for sites on `transcriptome` with the coding sequences `coding`, which `names` names."""
    settings = context.plan.settings
    scored_by = settings.model if settings.is_scored else ""
    known = coding or coding_of_regions(transcriptome)
    repression = load_repression(transcriptome, context.mirnas, names.rules, known, scored_by, open_run_repression(context.store))
    return GeneAggregator(
        names,
        settings.is_scored,
        {**(metadata or {}), **repression.form.metadata},
        repression,
        find_method(settings.gene_method),
        has_regions=coding is not None,
        has_null=settings.background > 0,
    )
