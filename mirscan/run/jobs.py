"""What there is to do in a run, as jobs that any process can take, in rounds of which each needs all of the round before."""

from typing import Any, NamedTuple

from mirscan.run.background import process_background, publish_background
from mirscan.run.browser_files import publish_sequences
from mirscan.run.gene_stretches import cut_gene
from mirscan.run.gene_tables import join_cut_gene, write_ranked
from mirscan.run.genome_ranges import merge_range
from mirscan.run.partition import PartContext, Report
from mirscan.run.ranks import count_ranges, rank_range
from mirscan.run.site_significance import add_q_values, find_rates
from mirscan.run.stretches import process_part
from mirscan.store.names import background_failure, part_failure

BACKGROUND, NULL, PART, CUT_GENE, SITE_RATES = "background part", "background", "part", "cut gene", "q-values of sites"
RANKS, SITE_Q, GENES, RANGE, SEQUENCES = "ranks", "q-values of part", "genes", "range of the genome", "sequences"
# What does a job of each kind, given the context and its number; parts also tell a `Report` how far they are.
WORK = {
    BACKGROUND: process_background,
    NULL: lambda context, number: publish_background(context),
    PART: process_part,
    CUT_GENE: join_cut_gene,
    SITE_RATES: lambda context, number: find_rates(context),
    RANKS: rank_range,
    SITE_Q: add_q_values,
    GENES: write_ranked,
    RANGE: merge_range,
    SEQUENCES: lambda context, number: publish_sequences(context),
}
# Name of the note of a part that failed, for `mirscan status`.
FAILURES = {BACKGROUND: background_failure, PART: part_failure}


class Job(NamedTuple):
    """One of the jobs of a kind."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def jobs_of(kind: str, n: int) -> list[Job]:
    """All jobs of a kind."""
    return [Job(kind, number) for number in range(n)]


def do_job(context: PartContext, job: Job, report: Report | None = None) -> Any:
    """Do a job; return what its function returns."""
    return WORK[job.kind](context, job.number, *((report,) if job.kind in FAILURES else ()))


def part_round(parts: list[Job]) -> list[Job]:
    """These parts, and behind them what needs none: with the last parts at work there are cores without one."""
    return [*parts, *jobs_of(SEQUENCES, 1)]


def later_rounds(context: PartContext) -> list[list[Job]]:
    """What is left to do when all parts are done; it costs no scan and no scores."""
    n_parts, has_null = len(context.plan.parts), bool(context.plan.background)
    cut = [job for job in jobs_of(CUT_GENE, n_parts) if cut_gene(job.number) in context.gene_stretches]
    ranges = [] if context.projection is None else jobs_of(RANGE, len(context.genome_cuts) + 1)
    rounds = [
        [*cut, *jobs_of(SITE_RATES, has_null)],
        [*jobs_of(RANKS, count_ranges(context)), *jobs_of(SITE_Q, n_parts * has_null)],
        [*jobs_of(GENES, len(context.gene_stretches)), *ranges],
    ]
    return [jobs for jobs in rounds if jobs]
