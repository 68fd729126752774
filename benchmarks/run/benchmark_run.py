"""Whole runs on real 3'UTRs: planning, resuming, Dask against this process, and CPU seconds a million candidates cost.

    MIRSCAN_DATA=reference python benchmarks/run/benchmark_run.py [plan] [resume] [dask] [rates] [finish] [estimate]

The data folder needs human_3utr.fa.gz and mirbase22_hsa_mature.fa.gz. CPU seconds are the truer figure on a shared machine; every
line says both. --profile shows where planning and resuming spend their time.
"""

import argparse
import cProfile
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from itertools import product, starmap
from pathlib import Path

from measure import clock, describe_machine, peak_mb, print_table

from mirscan.notices import Notices
from mirscan.run import resume, scan
from mirscan.run.estimate import estimate_cost, measure_scores
from mirscan.run.finish import Finish, finish_run, remove_stretches
from mirscan.run.inputs import compile_run_table, identify, read_run_mirnas, read_targets
from mirscan.run.jobs import PART, Job, do_job, later_rounds, part_round
from mirscan.run.partition import make_sites, open_context
from mirscan.run.plan import make_plan
from mirscan.run.sealed import seal, unseal
from mirscan.run.settings import ScanSettings
from mirscan.run.stretches import process_part
from mirscan.search.candidates import count_candidates
from mirscan.sequence.text import open_text
from mirscan.store.local import LocalStore
from mirscan.store.names import part_record

# Parts of the scan that Dask and one process race on: about two seconds each, so that what the scheduler adds would show.
RACE_PARTS = 40
WHAT = ["plan", "resume", "dask", "rates", "finish", "estimate"]
# Jobs on which --dry-run is held against the truth: how many miRNAs (None: all) of how many transcripts.
ESTIMATED_JOBS, ESTIMATED_MODELS = ((1, None), (20, None), (None, 250)), ("none", "fast", "base")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=WHAT, help=", ".join(WHAT))
    parser.add_argument("--data", type=Path, default=os.environ.get("MIRSCAN_DATA"), help="or MIRSCAN_DATA")
    parser.add_argument("--models", nargs="*", default=["none", "duplex", "fast", "base"])
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    if not set(arguments.what) <= set(WHAT):
        parser.error(f"expected some of {', '.join(WHAT)}")
    if arguments.data is None:
        parser.error("give --data or MIRSCAN_DATA")
    inputs = {"mirnas": arguments.data / "mirbase22_hsa_mature.fa.gz", "transcripts": arguments.data / "human_3utr.fa.gz"}
    print(describe_machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for what in arguments.what:
            if what == "plan":
                measure_plan(inputs, Path(folder), arguments.profile)
            elif what == "resume":
                measure_resume(inputs, Path(folder), arguments.profile)
            elif what == "dask":
                measure_dask(inputs, Path(folder))
            elif what == "finish":
                measure_finish(inputs, Path(folder))
            elif what == "estimate":
                measure_estimate(inputs, Path(folder))
            else:
                measure_rates(inputs, Path(folder), arguments.models)


def measure_plan(inputs: dict, folder: Path, profile: bool) -> None:
    """Checksums, packing, counting, plan.json."""
    store = LocalStore(str(folder / "plan"))
    with clock() as seconds, profiled(profile):
        plan = plan_of(inputs, store, model="none")
    size = f"{plan.n_transcripts:,} transcripts, {plan.n_bases:,} nt x {plan.n_mirnas:,} miRNAs, {plan.expected_candidates:,} candidates"
    print(f"plan of {size}: {shown(seconds)}", flush=True)


def measure_resume(inputs: dict, folder: Path, profile: bool) -> None:
    """A finished run of 1,000 parts, asked for again."""
    planned = plan_of(inputs, LocalStore(str(folder / "count")), model="none")
    settings = {"model": "none", "part_rows": planned.expected_candidates // 1000}
    with clock() as seconds:
        result = scan(**inputs, out=folder / "resume", threads=1, **settings)
    n_parts = sum(name.startswith("sites/") for name in result.files)
    print(f"scan of {result.n_sites:,} sites in {n_parts:,} parts: {shown(seconds)}; peak {peak_mb():.0f} MB", flush=True)
    for name, again in (
        ("scan again", lambda: scan(**inputs, out=folder / "resume", **settings)),
        ("resume", lambda: resume(folder / "resume")),
    ):
        with clock() as seconds, profiled(profile):
            if again() != result:
                raise SystemExit("the finished run says something else")
        print(f"{name}, {sum(result.files.values()) / 1e6:,.0f} MB of results: {shown(seconds)}", flush=True)


def measure_dask(inputs: dict, folder: Path) -> None:
    """The same parts in this process and on two workers of one thread each, and what starting two workers costs by itself."""
    rows = []
    for name, n_transcripts, workers in (("this process", 2000, 0), ("2 workers", 2000, 2), ("2 workers, little work", 8, 2)):
        transcripts = head_of(inputs["transcripts"], folder / f"{n_transcripts}.fa", n_transcripts)
        rows.append(race(name, {**inputs, "transcripts": transcripts}, folder / f"race{len(rows)}", workers))
    headings = ("who works", "sites", "parts", "CPU s in all", "s of parts", "s of scan, start included", "idle between parts")
    print_table(headings, rows)
    print(
        f"CPU of two workers without their start / CPU of this process: {(float(rows[1][3]) - float(rows[2][3])) / float(rows[0][3]):.3f}"
    )


def race(name: str, inputs: dict, out: Path, workers: int) -> tuple:
    """One scan with duplex energies, cut into RACE_PARTS; work is what parts say they took."""
    planned = plan_of(inputs, LocalStore(f"{out}-size"), model="duplex")
    ends = []

    def note(event):
        if event.stage == "scan" and event.parts_done > len(ends):
            ends.append(time.perf_counter())

    settings = {"model": "duplex", "part_rows": max(1, planned.expected_candidates // RACE_PARTS)}
    with clock() as seconds:
        result = scan(**inputs, out=out, workers=workers, threads=1, progress=note, **settings)
    work, n_working = seconds_of_parts(out), max(workers, 1)
    # From the first finished part to the last, all but the first part of each worker are worked on.
    idle = n_working * (ends[-1] - ends[0]) / (sum(work) * (1 - n_working / len(work))) - 1
    times = (f"{value:.1f}" for value in (seconds["cpu"], sum(work), result.seconds["scan"]))
    return (name, f"{result.n_sites:,}", len(work), *times, f"{idle:+.1%}" if len(work) == RACE_PARTS else "-")


def measure_rates(inputs: dict, folder: Path, models: list[str]) -> None:
    """CPU seconds of parts (scan, windows, score, Parquet) and of finish on one thread, after loading and compiling."""
    some = {**inputs, "transcripts": head_of(inputs["transcripts"], folder / "some.fa", 800)}
    rows = []
    for model in models:
        store = LocalStore(str(folder / f"rates-{model}"))
        plan_of(some, store, model=model, part_rows=250_000)
        context = open_context(store.root)
        context.warm_up()
        process_part(context, 0)
        parts = range(1, len(context.plan.parts))
        with clock() as seconds:
            records = [make_sites(context, part) for part in parts]
        for part, record in zip(parts, records, strict=True):
            store.write(part_record(part), seal(record))
        candidates, n_bytes = sum(record["candidates"] for record in records), sum(record["bytes"] for record in records)
        finish_run(context)
        remove_stretches(store)
        with clock() as finish:
            finish_run(context)
        files = sum(store.path(name).stat().st_size for name in ("sites.bed.gz", "genes.tsv.gz", "genes.parquet"))
        n_sites = sum(unseal(store.read(part_record(part)))["rows"] for part in range(len(context.plan.parts)))
        per_million = (1e6 * seconds["cpu"] / candidates, candidates / seconds["cpu"], 1e6 * finish["cpu"] / n_sites)
        sizes = (n_bytes / candidates, files / n_sites)
        rows.append((model, f"{candidates:,}", *(f"{value:,.2f}" if value < 100 else f"{value:,.0f}" for value in (*per_million, *sizes))))
        print(f"{model}: {records[0].get('scorer')}", flush=True)
    headings = (
        "model",
        "candidates",
        "CPU s a million",
        "candidates / CPU s",
        "finish, CPU s a million",
        "Parquet bytes a site",
        "BED and genes, bytes a site",
    )
    print_table(headings, rows)


def measure_finish(inputs: dict, folder: Path) -> None:
    """CPU seconds a million sites, job by job on one thread: what any number of processes shares, and what one process joins."""
    store = LocalStore(str(folder / "finish"))
    plan = plan_of(inputs, store, model="none")
    context = open_context(store.root, threads=1)
    context.warm_up()
    rows, results = [], {}
    parts = [Job(PART, number) for number in range(len(plan.parts))]
    for jobs in ([parts[-1]], part_round(parts), *later_rounds(context)):
        for kind in dict.fromkeys(job.kind for job in jobs):
            with clock() as seconds:
                results |= {job: do_job(context, job) for job in jobs if job.kind == kind}
            # The first part alone compiles.
            rows += [] if len(jobs) == 1 else [(kind, sum(job.kind == kind for job in jobs), seconds)]
    with clock() as seconds, Finish(context) as finish:
        for job, result in results.items():
            finish.job_done(job, result)
        finish.publish()
    rows.append(("joining, index and checks: one process", 1, seconds))
    n_sites, total = sum(results[job]["rows"] for job in parts), sum(seconds["cpu"] for *_, seconds in rows)
    print_table(
        ("what", "jobs", "CPU s", "CPU s a million sites", "share"),
        [(kind, n, f"{s['cpu']:.2f}", f"{1e6 * s['cpu'] / n_sites:.4f}", f"{s['cpu'] / total:.1%}") for kind, n, s in rows],
    )


def measure_estimate(inputs: dict, folder: Path) -> None:
    """What --dry-run says of time and disk, over what a process of its own then takes."""
    headings = ("model", "miRNAs", "transcripts", "candidates", "CPU s said", "CPU s", "ratio", "MB said", "MB", "ratio")
    print_table(headings, starmap(partial(estimated_and_taken, inputs, folder), product(ESTIMATED_MODELS, ESTIMATED_JOBS)))


def estimated_and_taken(inputs: dict, folder: Path, model: str, job: tuple[int | None, int | None]) -> tuple:
    """A row of the table of one job."""
    some = {
        name: head_of(path, folder / f"estimated-{name}.fa", n) if n else path for (name, path), n in zip(inputs.items(), job, strict=True)
    }
    asked = ScanSettings(mirnas=str(some["mirnas"]), transcripts=(str(some["transcripts"]),), model=model)
    mirnas, transcriptome = read_run_mirnas(asked, Notices())[0], read_targets(asked)
    n = count_candidates(transcriptome, compile_run_table(asked, mirnas))
    cost = estimate_cost(asked, transcriptome, n, measure_scores(asked, transcriptome, mirnas)[0] if asked.is_scored else None)
    out = folder / "estimated"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "mirscan", "scan", "--mirnas", some["mirnas"], "--utrs", some["transcripts"], "--model", model]
    with clock() as taken:
        subprocess.run([*command, "--out", out], check=True, stdout=subprocess.DEVNULL)
    n_bytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    numbers = (f"{cost.seconds:.1f}", f"{taken['cpu']:.1f}", f"{cost.seconds / taken['cpu']:.2f}")
    sizes = (f"{cost.bytes / 1e6:.1f}", f"{n_bytes / 1e6:.1f}", f"{cost.bytes / n_bytes:.2f}")
    return (model, f"{len(mirnas):,}", f"{len(transcriptome):,}", f"{n:,}", *numbers, *sizes)


def plan_of(inputs: dict, store: LocalStore, **settings):
    """The plan of these inputs, written into `store`."""
    asked = ScanSettings(mirnas=str(inputs["mirnas"]), transcripts=(str(inputs["transcripts"]),), **settings)
    return make_plan(asked, *identify(asked), store)


def head_of(path: Path, out: Path, n: int) -> Path:
    """The first `n` records of a FASTA file."""
    with open_text(path) as handle, open(out, "wb") as target:
        for line in handle:
            n -= line.startswith(b">")
            if n < 0:
                break
            target.write(line)
    return out


def seconds_of_parts(out: Path) -> list[float]:
    """What every part says it took, from work/part-N.json."""
    context = open_context(str(out))
    return [unseal(context.store.read(part_record(part)))["seconds"] for part in range(len(context.plan.parts))]


def shown(seconds: dict) -> str:
    return f"{seconds['wall']:.2f} s wall, {seconds['cpu']:.2f} s CPU"


class profiled:
    """Prints the twenty most expensive functions of a block, where asked to."""

    def __init__(self, is_on: bool):
        self._profile = cProfile.Profile() if is_on else nullcontext()

    def __enter__(self):
        return self._profile.__enter__()

    def __exit__(self, *error):
        self._profile.__exit__(*error)
        if isinstance(self._profile, cProfile.Profile):
            pstats.Stats(self._profile).sort_stats("cumulative").print_stats(20)


if __name__ == "__main__":
    main()
