"""The sites of one part: candidates -> scores -> Parquet. Knows nothing of who calls it, or where."""

import contextlib
import gc
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.errors import RunError
from mirscan.genes.repression import Source
from mirscan.genes.site_features import LOG_ODDS
from mirscan.genes.strata import Strata, count_strata, make_strata
from mirscan.genome.conservation import BaseValues
from mirscan.genome.projection import Projection, project_transcriptome
from mirscan.output.genome_bed import SiteNames, cut_genome
from mirscan.output.parquet import ParquetRows
from mirscan.run.copies import count_copies, hide_copies, is_like_before, repeat_rows
from mirscan.run.gene_stretches import GeneStretch, stretch_genes
from mirscan.run.inputs import (
    compile_run_table,
    open_run_classes,
    open_run_coding,
    open_run_conservation,
    open_run_mirnas,
    open_run_model,
    open_run_prefilter,
    open_run_regions,
    open_run_repression,
    open_run_shares,
    open_run_sources,
    open_run_transcriptome,
)
from mirscan.run.null_counts import RunNull, read_null
from mirscan.run.plan import Part, ScanPlan, load_plan
from mirscan.run.sealed import unseal
from mirscan.run.sites import SiteBuilder, whole_transcripts
from mirscan.search.candidates import iter_candidates
from mirscan.search.filters import Regions
from mirscan.sequence.coding import CodingRegions, coding_of_regions
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.store.checksums import describe_file, find_change
from mirscan.store.names import BACKGROUND, part_record, part_sites, part_windows
from mirscan.store.opening import open_store
from mirscan.store.protocol import Store
from mirscan.tables import GENOME_PLACE, SITES

# Candidates in memory at once: about 30 bytes each without a model, and 80 more with windows.
BATCH_PLAIN, BATCH_SCORED = 1 << 19, 1 << 18
# The genome is cut into as many ranges as there are parts, so that one holds about as many sites as a part, up to this many.
MOST_RANGES = 1024
# (bases scanned, rows written) of the part so far.
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class PartContext:
    """What a process keeps for all its parts: plan, mapped transcripts, miRNAs, seed table, and the network.

    `threads` is the number of cores this process may use; with more than one, files are encoded beside the computation.
    """

    store: Store
    plan: ScanPlan
    threads: int = 1
    # Of parts that a process makes side by side, one at a time is scanned and scored where a network takes all its threads.
    scoring: threading.Lock = field(default_factory=threading.Lock, compare=False)

    @cached_property
    def transcriptome(self) -> Transcriptome:
        return open_run_transcriptome(self.store)

    @cached_property
    def projection(self) -> Projection | None:
        """The way from transcripts to the genome; None where some place is unknown, and for circles, which end where they begin."""
        return None if self.plan.settings.circular else project_transcriptome(self.transcriptome)

    @cached_property
    def mirnas(self) -> MirnaSet:
        return open_run_mirnas(self.store)

    @cached_property
    def table(self):
        return compile_run_table(self.plan.settings, self.mirnas, self.store)

    @cached_property
    def regions(self) -> Regions | None:
        return open_run_regions(self.plan.settings, self.store, self.transcriptome)

    @cached_property
    def coding(self) -> CodingRegions | None:
        return open_run_coding(self.plan.settings, self.store, self.transcriptome)

    @cached_property
    def family_conservation(self) -> pa.Array | None:
        return open_run_classes(self.store)

    @cached_property
    def conservation(self) -> BaseValues | None:
        return open_run_conservation(self.plan.settings, self.store, self.transcriptome)

    @cached_property
    def isoform_shares(self) -> np.ndarray | None:
        return open_run_shares(self.plan.settings, self.store)

    @cached_property
    def is_copy(self) -> np.ndarray:
        """Transcripts (n,) that are the same bases as the one before them, so that one stands for both."""
        return is_like_before(self.transcriptome) if self.projection is not None else np.zeros(len(self.transcriptome), bool)

    @cached_property
    def strata(self) -> Strata:
        """Transcripts alike, whose shuffles are draws for each of them; `sizes` counts those that are shuffled."""
        packed, draws = self.transcriptome, self.plan.settings.background
        length = packed.lengths if self.coding is None else packed.lengths - self.coding.end
        made = make_strata(packed, length, count_strata(int((~self.is_copy).sum()), draws, len(self.mirnas)))
        original = np.maximum.accumulate(np.where(self.is_copy, 0, np.arange(len(packed))))
        stratum = made.stratum[original]
        return Strata(stratum, np.bincount(stratum[~self.is_copy], minlength=len(made.sizes)))

    @cached_property
    def null(self) -> RunNull | None:
        """What p-values are looked up in, once all parts of the background are done; None where none is wanted."""
        draws = self.plan.settings.background
        return read_null(self.store.local(BACKGROUND), len(self.mirnas), self.strata.sizes * draws) if draws else None

    @cached_property
    def scorer(self):
        if not self.plan.settings.is_scored:
            return None
        from mirscan.scoring import load_scorer

        settings = self.plan.settings
        return load_scorer(
            open_run_model(settings, self.store),
            precision=settings.precision,
            batch_size=settings.batch_size,
            threads=self.threads,
            prefilter=open_run_prefilter(settings, self.store),
        )

    def forget_network(self) -> None:
        """Give the network's memory back: what follows the parts needs none."""
        if self.__dict__.pop("scorer", None) is not None:
            # Networks and their graphs are rings of references, which would stay until Python happens to look for such.
            gc.collect()

    @cached_property
    def gene_codes(self) -> np.ndarray:
        """A number for the gene of each transcript (n,); isoforms of a gene follow each other."""
        return self.transcriptome.gene_codes

    @cached_property
    def gene_stretches(self) -> dict[str, GeneStretch]:
        """Which genes are counted together, by name, in the order of GENES."""
        return stretch_genes(self.plan.parts, self.gene_codes)

    @cached_property
    def genome_cuts(self) -> np.ndarray:
        """Places between the ranges of the genome that are sorted each by itself."""
        return cut_genome(self.projection, min(len(self.plan.parts), MOST_RANGES))

    @cached_property
    def site_names(self) -> SiteNames:
        """The names as lists, for text."""
        first = pa.array(np.unique(self.gene_codes, return_index=True)[1])
        packed = self.transcriptome
        return SiteNames(
            self.mirnas.names, self.table.rules, packed.genes.take(first).to_pylist(), packed.names.to_pylist(), self.gene_codes
        )

    @cached_property
    def known_coding(self) -> CodingRegions | None:
        """The coding sequences of all transcripts, as --cds or the names of cut regions tell them."""
        return self.coding or coding_of_regions(self.transcriptome)

    @cached_property
    def repression_file(self) -> str:
        return open_run_repression(self.store)

    @cached_property
    def sources(self) -> dict[str, Source]:
        return open_run_sources(self.plan.settings, self.plan.identity, self.store)

    def warm_up(self) -> None:
        """Load now what every job needs."""
        _ = self.transcriptome, self.projection, self.mirnas, self.table, self.gene_stretches, self.repression_file

    @cached_property
    def schema(self) -> pa.Schema:
        """SITES with the model, what decides its scores, and the version in the metadata."""
        settings = self.plan.settings
        place = () if self.projection is None else tuple(column.name for column in GENOME_PLACE)
        if not self.transcriptome.is_of_regions:
            place = tuple(name for name in place if name != "region")
        metadata = {"mirscan": self.plan.identity["mirscan"], "model": settings.model}
        metadata |= {"scores_sha256": self.sources[LOG_ODDS].sha256} if settings.is_scored else {}
        return SITES.schema(metadata, optional=(*settings.site_columns, *place))


def open_context(out: str, threads: int = 1) -> PartContext:
    """The context of the run at `out`; raises RunError where nothing is planned there."""
    store = open_store(out)
    plan = load_plan(store)
    if plan is None:
        raise RunError(f"{out}: not a run of mirscan; expected a folder that `mirscan scan --out` made")
    return PartContext(store, plan, threads)


def make_sites(context: PartContext, number: int, report: Report | None = None) -> dict:
    """Find, score and write the sites of part `number`; return what its record says of them."""
    part, store = context.plan.parts[number], context.store
    settings = context.plan.settings
    builder = SiteBuilder(
        context.transcriptome,
        context.mirnas,
        context.schema,
        part,
        settings,
        context.scorer,
        context.projection,
        context.coding,
        context.null and context.null.sites,
        context.conservation,
    )
    scored_before = _scorer_counts(context)
    scratch = store.scratch(part_sites(number))
    with ParquetRows(scratch, context.schema, background=context.threads > 1) as rows:
        for candidates in _iter_candidates(context, part):
            rows.write(builder.build(candidates))
            if report and len(candidates):
                report(_bases_before(context, part, candidates), rows.n_rows)
    record = {"part": number, "rows": rows.n_rows, **builder.counts(), **describe_file(scratch)}
    store.publish(scratch, part_sites(number))
    if settings.drops_rows:
        record["windows"] = _publish_windows(store, number, builder.windows())
    if context.scorer is not None:
        record["scorer"] = context.scorer.describe()
        record["scoring"] = {name: count - scored_before[name] for name, count in _scorer_counts(context).items()}
    return record


def find_candidates(context: PartContext, part: Part, regions: Regions | None, transcriptome: Transcriptome) -> Iterator[pa.RecordBatch]:
    """Candidates of the run on a part of these transcripts, its own or others."""
    settings = context.plan.settings
    batches = iter_candidates(
        transcriptome,
        context.mirnas,
        context.table,
        first=part.first,
        last=part.last,
        start=part.start,
        stop=part.stop,
        batch_rows=BATCH_SCORED if settings.is_scored else BATCH_PLAIN,
        threads=context.threads,
        mask_start=settings.mask_start,
        min_distance=settings.min_distance,
        regions=regions,
        features=settings.scan_features,
    )
    return whole_transcripts(batches) if settings.joins_overlaps else batches


def find_damage(store: Store, number: int) -> str | None:
    """What is wrong with a part on disk, None if it is done and whole."""
    try:
        record = unseal(store.read(part_record(number)))
        files = [(part_sites(number), record)] + ([(part_windows(number), record["windows"])] if "windows" in record else [])
        return next((change for name, expected in files if (change := find_change(store, name, expected))), None)
    except FileNotFoundError:
        return f"{part_record(number)} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{part_record(number)} is damaged"


def peak_memory_mb() -> int:
    """Highest resident memory of this process so far, in MB."""
    with contextlib.suppress(OSError):
        # Not getrusage, which on Linux remembers what the program that started this one had.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts in bytes, others in KiB.
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)


def _iter_candidates(context: PartContext, part: Part) -> Iterator[pa.RecordBatch]:
    if context.projection is None:
        return find_candidates(context, part, context.regions, context.transcriptome)
    n_copies = count_copies(context.transcriptome, part)
    regions = hide_copies(n_copies, context.transcriptome.lengths, context.regions)
    return repeat_rows(find_candidates(context, part, regions, context.transcriptome), n_copies)


def _scorer_counts(context: PartContext) -> dict[str, int]:
    """Pairs asked for, computed, cut by a prefilter and so on, since this process began."""
    return {} if context.scorer is None else asdict(context.scorer.counts)


def _bases_before(context: PartContext, part: Part, candidates: pa.RecordBatch) -> int:
    last = candidates["transcript"].indices[-1].as_py()
    return int(context.transcriptome.lengths[part.first : last].sum()) + candidates["start"][-1].as_py() - part.start


def _publish_windows(store: Store, number: int, windows: pa.Table) -> dict:
    scratch = store.scratch(part_windows(number))
    pq.write_table(windows, scratch)
    described = describe_file(scratch)
    store.publish(scratch, part_windows(number))
    return described
