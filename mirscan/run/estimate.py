"""What a scan would cost, before it starts: candidates counted exactly, scores timed for a second on real candidates."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from mirscan.cores import usable_cores
from mirscan.notices import Notices, counted
from mirscan.run.inputs import check_settings, compile_run_table, prefilter_of, read_run_mirnas, read_targets, spooled_pipes
from mirscan.run.partition import BATCH_SCORED
from mirscan.run.plan import BYTES_PER_ROW
from mirscan.run.settings import ACCESSIBILITY, DEFAULT_SEEDS, ScanSettings, make_settings
from mirscan.search.candidates import count_candidates, find_candidates
from mirscan.search.filters import read_regions
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome

# Finding a site and writing it to Parquet, BED and the gene tables takes 1.3 microseconds of one core, measured on 2.8 million
# canonical sites of human 3'UTRs.
SECONDS_PER_SITE = 1.3e-6
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


def estimate_scan(mirnas: str | os.PathLike, transcripts: str | os.PathLike | Sequence[str | os.PathLike] = (), **settings) -> list[str]:
    """Lines that say what this scan would take here and on a GPU, and what would make it cheaper; `settings` as of ScanSettings.

    Nothing is written. Raises InputError and ModelError as `scan` does.
    """
    with spooled_pipes(make_settings(mirnas, transcripts, **settings)) as asked:
        check_settings(asked)
        mirna_set, _ = read_run_mirnas(asked, Notices())
        transcriptome = read_targets(asked)
        n = count_candidates(transcriptome, compile_run_table(asked, mirna_set))
        lines = [
            f"{counted(len(transcriptome), 'transcript')}, {counted(transcriptome.n_bases, 'base')} x {counted(len(mirna_set), 'miRNA')}: "
            f"{counted(n, 'candidate site')}",
            f"finding and writing them: about {_duration(n * SECONDS_PER_SITE)} of one core, {n * BYTES_PER_ROW / 1e9:,.2f} GB of disk",
        ]
        if asked.is_scored and n:
            lines += _estimate_scores(asked, transcriptome, mirna_set, n)
        if ACCESSIBILITY in asked.features:
            lines.append(_estimate_folding(transcriptome.n_bases))
        if asked.background:
            lines.append(f"and at most {asked.background:,} times that for --background {asked.background}, without the disk")
        return lines + _suggest(asked, transcriptome, mirna_set, n)


def _estimate_folding(n_bases: int) -> str:
    here = f"accessibility: at most {_duration(n_bases * SECONDS_PER_FOLDED_BASE)} of one core"
    return f"{here}; each of --workers N folds its parts, and what was folded before, or has no site, costs nothing"


def _estimate_scores(asked: ScanSettings, transcriptome: Transcriptome, mirnas: MirnaSet, n: int) -> list[str]:
    started = time.perf_counter()
    rate, mflop = measure_scores(asked, transcriptome, mirnas)
    start = time.perf_counter() - started - MEASURE_SECONDS
    cores = usable_cores()
    parallel = rate * (1 if cores == 1 else cores * PARALLEL_SHARE)
    here = f"scores with model {asked.model}: {rate:,.0f} windows/s of one core measured now; about {_duration(n / rate)} on one core"
    here += f", {_duration(n / parallel)} on all {cores}" if cores > 1 else ""
    here += f"; and {_duration(start)} to start a process that scores"
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
    rows, started = 0, time.perf_counter()
    while time.perf_counter() - started < MEASURE_SECONDS:
        chunk = sample.slice(rows % len(sample), CHUNK_ROWS)
        score_candidates(chunk, transcriptome, some, scorer)
        rows += len(chunk)
    return rows / (time.perf_counter() - started), scorer.card.mflop


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
