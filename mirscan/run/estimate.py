"""What a scan would cost, before it starts: candidates counted exactly, scores timed for a second on real candidates."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from mirscan.cores import usable_cores
from mirscan.notices import Notices, counted
from mirscan.run.inputs import check_settings, compile_run_table, prefilter_of, read_run_mirnas, read_targets, spooled_pipes
from mirscan.run.partition import BATCH_SCORED
from mirscan.run.settings import ACCESSIBILITY, DEFAULT_SEEDS, ScanSettings, make_settings
from mirscan.search.candidates import count_candidates, find_candidates
from mirscan.search.filters import read_regions
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome

# Measured on human 3'UTRs, one core of an EPYC: starting a scan; reading a base and writing it as FASTA and for the parts; finding a site
# and writing it to Parquet, BED and the gene tables; getting ready to score.
START_SECONDS, SECONDS_PER_BASE, SECONDS_PER_SITE, SCORER_SECONDS = 1.0, 3.2e-8, 6.9e-7, 0.3
# The copies of the transcripts and the lines that name them; a site in Parquet, BED and gene tables without and with scores.
BYTES_PER_BASE, BYTES_PER_TRANSCRIPT, BYTES_PER_SITE, BYTES_PER_SCORED_SITE = 1.35, 60, 31, 50
# RNAplfold's windows of 80 nt with pairs within 40 nt, ViennaRNA 2.8, on a core of 2 GHz.
SECONDS_PER_FOLDED_BASE = 77e-6
# Two cores score 1.76 to 2 times as fast as one, as threads of one process or as two.
PARALLEL_SHARE = 0.88
# A fifth of what an H200 does in bfloat16 by its data sheet (989 TFLOP/s), for networks this small an optimistic share, and the windows
# that sixteen cores beside it find, cut and give duplex energies in a second: the smaller of the two limits a GPU.
GPU_MFLOP_PER_SECOND, GPU_WINDOWS_PER_SECOND = 2e8, 2e6
MEASURE_SECONDS = 1.0
SAMPLE_ROWS, CHUNK_ROWS = 65_536, 8_192
# Fewer miRNAs would make the sample too narrow.
LEAST_MIRNAS = 32
STRICTER_SEEDS = ("8mer", "7mer-m8", "7mer-A1")


@dataclass(frozen=True)
class Cost:
    """What a scan takes here: seconds of one core that only one process can work on, those that all cores share, and bytes of disk."""

    alone: float
    shared: float
    bytes: float

    @property
    def seconds(self) -> float:
        """Seconds of one core in all."""
        return self.alone + self.shared

    def on(self, cores: int) -> float:
        """Seconds on the clock with so many cores."""
        return self.alone + self.shared / (1 if cores == 1 else cores * PARALLEL_SHARE)


def estimate_cost(asked: ScanSettings, transcriptome: Transcriptome, n: int, rate: float | None) -> Cost:
    """Cost of a scan with `n` candidates that are scored at `rate` windows/s of one core, or not at all."""
    alone = START_SECONDS + transcriptome.n_bases * SECONDS_PER_BASE + (SCORER_SECONDS if asked.is_scored else 0)
    shared = n * (SECONDS_PER_SITE + (1 / rate if rate else 0))
    copies = transcriptome.n_bases * BYTES_PER_BASE + len(transcriptome) * BYTES_PER_TRANSCRIPT
    return Cost(alone, shared, copies + n * (BYTES_PER_SCORED_SITE if asked.is_scored else BYTES_PER_SITE))


def estimate_scan(mirnas: str | os.PathLike, transcripts: str | os.PathLike | Sequence[str | os.PathLike] = (), **settings) -> list[str]:
    """Lines that say what this scan would take here and on a GPU, and what would make it cheaper; `settings` as of ScanSettings.

    Nothing is written. Raises InputError and ModelError as `scan` does.
    """
    with spooled_pipes(make_settings(mirnas, transcripts, **settings)) as asked:
        check_settings(asked)
        mirna_set, _ = read_run_mirnas(asked, Notices())
        transcriptome = read_targets(asked)
        n = count_candidates(transcriptome, compile_run_table(asked, mirna_set))
        sizes = (
            f"{counted(len(transcriptome), 'transcript')}, {counted(transcriptome.n_bases, 'base')} x {counted(len(mirna_set), 'miRNA')}"
        )
        lines = [f"{sizes}: {counted(n, 'candidate site')}"]
        rate = None
        if asked.is_scored and n:
            rate, mflop = measure_scores(asked, transcriptome, mirna_set)
            lines += _say_scores(asked, n, rate, mflop)
        lines.append(_say_cost(estimate_cost(asked, transcriptome, n, rate), usable_cores()))
        if ACCESSIBILITY in asked.features:
            lines.append(_estimate_folding(transcriptome.n_bases))
        if asked.background:
            lines.append(f"and at most {asked.background:,} times that for --background {asked.background}, without the disk")
        return lines + _suggest(asked, transcriptome, mirna_set, n)


def _estimate_folding(n_bases: int) -> str:
    here = f"accessibility: at most {_duration(n_bases * SECONDS_PER_FOLDED_BASE)} of one core more"
    return f"{here}; each of --workers N folds its parts, and what was folded before, or has no site, costs nothing"


def _say_cost(cost: Cost, cores: int) -> str:
    on_all = f", {_duration(cost.on(cores))} on all {cores}" if cores > 1 else ""
    return f"in all: about {_duration(cost.seconds)} of one core{on_all}, and {cost.bytes / 1e9:,.2f} GB of disk"


def _say_scores(asked: ScanSettings, n: int, rate: float, mflop: float) -> list[str]:
    here = f"scores with model {asked.model}: {rate:,.0f} windows/s of one core measured now; about {_duration(n / rate)} on one core"
    if not mflop:
        return [here]
    gpu = min(GPU_MFLOP_PER_SECOND / mflop, GPU_WINDOWS_PER_SECOND)
    reckoned = f"reckoned from {mflop:.3g} MFLOP a window and 16 cores beside it, not measured"
    return [here, f"on one H200-class GPU: about {_duration(n / gpu)} ({reckoned})"]


def measure_scores(asked: ScanSettings, transcriptome: Transcriptome, mirnas: MirnaSet) -> tuple[float, float]:
    """(windows/s of one core, MFLOP a window) of the scorer on real candidates; the first chunk warms up and is not timed."""
    from mirscan.scoring import load_scorer, score_candidates

    prefilter = prefilter_of(asked) if asked.prefilter else None
    scorer = load_scorer(asked.model, precision=asked.precision, batch_size=asked.batch_size, threads=1, prefilter=prefilter)
    sample, some = _sample(asked, transcriptome, mirnas)
    score_candidates(sample.slice(0, min(256, len(sample))), transcriptome, some, scorer)
    # of the processor, so that other work on it does not count
    rows, started = 0, time.process_time()
    while time.process_time() - started < MEASURE_SECONDS:
        chunk = sample.slice(rows % len(sample), CHUNK_ROWS)
        score_candidates(chunk, transcriptome, some, scorer)
        rows += len(chunk)
    return rows / (time.process_time() - started), scorer.card.mflop


def _sample(asked: ScanSettings, transcriptome: Transcriptome, mirnas: MirnaSet) -> tuple[pa.Table, MirnaSet]:
    """Candidates of the first transcripts that have enough of them, or of all; of some miRNAs only.

    A scan scores BATCH_SCORED candidates at once, in which a miRNA comes so many times; a chunk of all miRNAs would have few of each, and
    what is worked out once a miRNA would weigh too much.
    """
    every = min(BATCH_SCORED // CHUNK_ROWS, max(1, len(mirnas) // LEAST_MIRNAS))
    some = mirnas.take(range(0, len(mirnas), every))
    last = 64
    while True:
        last = min(last, len(transcriptome))
        found = find_candidates(transcriptome, some, seeds=asked.seeds, all_types=asked.all_types, last=last)
        if len(found) >= SAMPLE_ROWS or last == len(transcriptome):
            return found.slice(0, SAMPLE_ROWS), some
        last *= 4


def _suggest(asked: ScanSettings, transcriptome: Transcriptome, mirnas: MirnaSet, n: int) -> list[str]:
    lines = []
    if asked.seeds == DEFAULT_SEEDS:
        fewer = count_candidates(transcriptome, compile_run_table(replace(asked, seeds=STRICTER_SEEDS), mirnas))
        lines.append(f"cheaper: --seeds {','.join(STRICTER_SEEDS)} leaves {counted(fewer, 'candidate')} ({fewer / max(n, 1):.0%})")
    if asked.species is None and len({name.split("-")[0] for name in mirnas.names}) > 1:
        lines.append("cheaper: --species keeps the miRNAs of one species")
    if asked.has_model_folder and asked.model != "fast":
        lines.append("cheaper: --model fast" + ("" if asked.prefilter else ", or --prefilter where the model's card names one"))
    if asked.regions is not None:
        within = read_regions(asked.regions, transcriptome)
        bases = int((within.ends - within.starts).sum())
        lines.append(f"--regions keeps {bases:,} of {transcriptome.n_bases:,} bases; the numbers above are for all of them")
    return lines


def _duration(seconds: float) -> str:
    """Seconds in words.

    >>> _duration(0.2), _duration(90), _duration(4000), _duration(200000)
    ('1 s', '90 s', '67 min', '55.6 h')
    """
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
