"""Start and resume a run: the order of lock, plan, parts and finish."""

import os
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path

from mirscan.cores import usable_cores
from mirscan.errors import InputError, RunError
from mirscan.lean import spare_pandas
from mirscan.run.background import find_background_damage
from mirscan.run.clusters import check_cluster
from mirscan.run.executors import DaskExecutor, LocalExecutor
from mirscan.run.export import export
from mirscan.run.finish import Finish, list_damage, list_lost_stretches, remove_stretches
from mirscan.run.first_run import compile_first
from mirscan.run.inputs import check_settings, identify, spooled_pipes, store_inputs_again
from mirscan.run.jobs import BACKGROUND, FAILURES, NULL, PART, Job, jobs_of, later_rounds, part_round
from mirscan.run.lock import RunLock
from mirscan.run.partition import PartContext
from mirscan.run.plan import ScanPlan, clear_run, find_differences, find_stored_damage, load_plan, make_plan, refuse_foreign_folder
from mirscan.run.progress import BACKGROUND as BACKGROUND_STAGE
from mirscan.run.progress import FINISH, SCAN, Event, Progress, ignore
from mirscan.run.progress import PLAN as PLAN_STAGE
from mirscan.run.settings import RunOptions, ScanSettings, make_settings
from mirscan.run.summary import ScanResult, read_result, write_report
from mirscan.store.explained import explained_errors
from mirscan.store.local import LocalStore
from mirscan.store.names import PLAN, REPORT, SITES, UNFINISHED, WORK, part_sites
from mirscan.store.opening import open_store
from mirscan.store.protocol import Store


def scan(
    mirnas: str | os.PathLike,
    transcripts: str | os.PathLike | Sequence[str | os.PathLike] = (),
    out: str | os.PathLike = "mirscan-out",
    progress: Progress = ignore,
    **settings,
) -> ScanResult:
    """Scan transcripts for sites of miRNAs (FASTA) and write sites, BED, genes and run.json into `out`.

    `transcripts` are FASTA; without them `genome` and `annotation` say what to cut them from, and sites are given on that genome, too.

    `settings` are the fields of `ScanSettings` (what is scanned) and of `RunOptions` (how to run). A folder that holds an
    unfinished run of the same plan is completed; one of another plan is refused, unless `overwrite` is set.
    Raises InputError, ModelError or RunError; parts that are done by then stay done.

    >>> result = ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out="my-run", model="none")
    >>> result.n_sites, sorted(name for name in result.files if name.startswith("genes"))
    (3447, ['genes.parquet', 'genes.tsv.gz'])
    """
    how = {field.name for field in fields(RunOptions)}
    options = RunOptions(**{name: value for name, value in settings.items() if name in how})
    asked = make_settings(mirnas, transcripts, **{name: value for name, value in settings.items() if name not in how})
    spare_pandas()
    store = open_store(out)
    with explained_errors(store.root):
        check_cluster(options)
        with spooled_pipes(asked) as asked:
            check_settings(asked)
            compile_first(asked, scan)
            identity, inputs = identify(asked)
            refuse_foreign_folder(store)
            # Inputs of the same content make the same copies again.
            result = _run(
                store,
                options,
                progress,
                lambda: _plan(store, asked, identity, inputs, options.overwrite),
                lambda: store_inputs_again(asked, store),
            )
    return _with_exports(result, out, options)


def resume(out: str | os.PathLike, progress: Progress = ignore, **options) -> ScanResult:
    """Complete the run at `out` with its own settings and its own copies of the inputs; `options` are those of `RunOptions`."""
    spare_pandas()
    store = open_store(out)
    with explained_errors(store.root):
        if not store.exists(PLAN):
            raise RunError(f"{store.root}: no {PLAN} in it, so there is nothing to resume; start with `mirscan scan --out {out}`")
        if options.get("overwrite"):
            raise InputError("resume keeps what is done; to start anew use `mirscan scan --overwrite`")
        how = RunOptions(**options)
        check_cluster(how)
        result = _run(store, how, progress, lambda: load_plan(store))
    return _with_exports(result, out, how)


def _with_exports(result: ScanResult, out: str | os.PathLike, options: RunOptions) -> ScanResult:
    """The result with the files of --format."""
    return replace(result, files=result.files | export(out, options.format, options.assembly)) if options.format else result


def _try_plan(store: Store, asked: ScanSettings, identity: dict, inputs: dict) -> None:
    """Plan within the former run before it goes: bad input must not cost it."""
    trial = open_store(f"{store.root}/{UNFINISHED}/trial")
    try:
        make_plan(asked, identity, inputs, trial, needs_room=False)
    finally:
        clear_run(trial)
        _remove_empty_folders(store, remove_root=False)


def _plan(store: Store, asked: ScanSettings, identity: dict, inputs: dict, overwrite: bool) -> ScanPlan:
    if overwrite:
        if store.exists(PLAN):
            _try_plan(store, asked, identity, inputs)
        clear_run(store)
    planned = load_plan(store)
    if planned is None:
        return make_plan(asked, identity, inputs, store)
    differences = find_differences(planned.identity, identity)
    if differences:
        raise RunError(f"{store.root}: holds another run: {'; '.join(differences)}. Give another --out, or --overwrite to replace it.")
    return planned


def _run(
    store: Store, options: RunOptions, progress: Progress, get_plan: Callable[[], ScanPlan], restore: Callable[[], None] | None = None
) -> ScanResult:
    """`restore` makes the run's copies of its inputs anew."""
    is_new = isinstance(store, LocalStore) and not Path(store.root).exists()
    try:
        with RunLock(store) as lock:
            _sweep(store)
            started = time.monotonic()
            plan = get_plan()
            return _run_plan(store, plan, options, progress, lock, {"plan": time.monotonic() - started}, restore)
    finally:
        # Bad input leaves nothing behind.
        if not store.exists(PLAN):
            clear_run(store)
            _remove_empty_folders(store, remove_root=is_new)


def _run_plan(
    store: Store, plan: ScanPlan, options: RunOptions, progress: Progress, lock: RunLock, seconds: dict[str, float], restore
) -> ScanResult:
    context = PartContext(store, plan, options.threads or usable_cores())
    damaged, names = list_damage(store, len(plan.parts)), store.names()
    progress(Event(PLAN_STAGE, parts_done=len(plan.parts) - len(damaged), n_parts=len(plan.parts), plan=plan))
    _tell_strays(names, len(plan.parts), progress)
    # work/ may be deleted when a run is finished; then its results are judged by their sizes.
    is_bare = not any(name.startswith(f"{WORK}/part-") for name in names)
    result = read_result(store) if not damaged or is_bare else None
    if result is None:
        if (damage := find_stored_damage(store, plan)) is not None:
            if restore is None:
                raise RunError(f"{store.root}: {damage}. `mirscan scan` with the same inputs and --out makes it anew.")
            restore()
        store.remove(REPORT)
        result = _do_jobs(context, options, damaged, _Counter(plan, progress, lock), seconds)
    remove_stretches(store)
    return result


def _do_jobs(
    context: PartContext, options: RunOptions, damaged: Collection[int], counter: "_Counter", seconds: dict[str, float]
) -> ScanResult:
    """Make the parts that are missing or lack a stretch, and what needs all of them, and join what they made."""
    plan, store = context.plan, context.store
    whole = [number for number in range(len(plan.parts)) if number not in damaged]
    parts = [Job(PART, number) for number in sorted((*damaged, *list_lost_stretches(store, whole)))]
    background = [Job(BACKGROUND, number) for number in list_damage(store, len(plan.background), find_background_damage)]
    stages = {"background": [background, jobs_of(NULL, bool(plan.background))], "scan": [part_round(parts)], "genes": later_rounds(context)}
    n_jobs = max(len(jobs) for rounds in stages.values() for jobs in rounds)
    with Finish(context) as finish, ExitStack() as stack:
        for job in set(jobs_of(PART, len(plan.parts))).difference(parts):
            finish.job_done(job)

        def done(job: Job, result) -> None:
            counter.job_done(job, result)
            finish.job_done(job, result)

        started = time.monotonic()
        executor = stack.enter_context(_executor(context, options, n_jobs, counter.progress))
        for stage, rounds in stages.items():
            for jobs in filter(None, rounds):
                counter.begin(jobs)
                if failures := executor.run(jobs, done, counter.part_going):
                    raise _failure(store, failures, counter.n_jobs)
            if stage == "scan":
                context.forget_network()
            if stage == "genes":
                stack.close()
            if any(rounds):
                seconds[stage], started = time.monotonic() - started, time.monotonic()
        finished = finish.publish()
    return write_report(context, options, finished, seconds | finished.seconds)


def _executor(context: PartContext, options: RunOptions, n_jobs: int, progress: Progress):
    if options.is_distributed:
        return DaskExecutor(context, options, n_jobs, lambda message: progress(Event(SCAN, message=message)))
    return LocalExecutor(context, options.retries)


def _tell_strays(names: list[str], n_parts: int, progress: Progress) -> None:
    """Say which files a reader of the folder would take for parts of this run."""
    ours = {part_sites(number) for number in range(n_parts)}
    for name in names:
        if name.startswith(f"{SITES}/") and name.endswith(".parquet") and name not in ours:
            progress(Event(SCAN, message=f"note: {name} is not of this run, but readers of the folder will count it; move it away"))


class _Counter:
    """Adds up what the jobs of a round report and passes it on."""

    def __init__(self, plan: ScanPlan, progress: Progress, lock: RunLock):
        self._plan, self.progress, self._lock = plan, progress, lock

    def begin(self, jobs: list[Job]) -> None:
        """A round begins."""
        kind = jobs[0].kind
        # Of parts the others are done already.
        stage, every = {PART: (SCAN, self._plan.parts), BACKGROUND: (BACKGROUND_STAGE, self._plan.background)}.get(kind, (FINISH, ()))
        self._stage, self._parts, self.n_jobs = stage, every, len(every) or len(jobs)
        counted = [job for job in jobs if self._counts(job)]
        self._jobs_done = self.n_jobs - len(counted)
        self._bases_done = self._plan.n_bases - sum(every[job.number].bases for job in counted) if every else 0
        self._going: dict[int, tuple[int, int]] = {}
        self._rows = 0

    def part_going(self, part: int, bases: int, rows: int) -> None:
        self._going[part] = (bases, rows)
        self._tell()

    def job_done(self, job: Job, result) -> None:
        self._lock.check()
        if not self._counts(job):
            return
        self._jobs_done += 1
        if self._parts:
            self._going.pop(job.number, None)
            self._bases_done += self._parts[job.number].bases
            self._rows += result["rows"]
        self._tell()

    def _counts(self, job: Job) -> bool:
        """Not what is done beside parts."""
        return not self._parts or job.kind in FAILURES

    def _tell(self) -> None:
        if not self._parts:
            self.progress(Event(self._stage, self._jobs_done, self.n_jobs))
            return
        bases = self._bases_done + sum(bases for bases, _ in self._going.values())
        rows = self._rows + sum(rows for _, rows in self._going.values())
        self.progress(Event(self._stage, bases, self._plan.n_bases, self._jobs_done, self.n_jobs, rows))


def _failure(store: Store, failures: dict[Job, str], n_jobs: int) -> RunError:
    listed = "; ".join(f"{job}: {reason}" for job, reason in list(failures.items())[:3])
    listed += f" and {len(failures) - 3} more" if len(failures) > 3 else ""
    again = f"`mirscan resume {store.root}` tries again."
    if next(iter(failures)).kind in FAILURES:
        return RunError(f"{store.root}: {len(failures)} of {n_jobs} parts failed ({listed}). The others are done; {again}")
    return RunError(f"{store.root}: all parts are done, but joining their results failed ({listed}). {again}")


def _sweep(store: Store) -> None:
    """Delete what a run that died left unfinished."""
    if isinstance(store, LocalStore):
        shutil.rmtree(store.path(UNFINISHED), ignore_errors=True)


def _remove_empty_folders(store: Store, remove_root: bool) -> None:
    if not isinstance(store, LocalStore):
        return
    root = Path(store.root)
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    if remove_root and root.is_dir() and not any(root.iterdir()):
        root.rmdir()
