"""Start and resume a run: the order of lock, plan, parts and finish."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path

from mirscan.cores import usable_cores
from mirscan.errors import InputError, RunError
from mirscan.run.background import publish_background
from mirscan.run.clusters import check_cluster
from mirscan.run.executors import DaskExecutor, SerialExecutor
from mirscan.run.export import export
from mirscan.run.finish import finish_run
from mirscan.run.inputs import check_settings, identify, spooled_pipes, store_inputs_again
from mirscan.run.lock import RunLock
from mirscan.run.partition import PartContext
from mirscan.run.plan import ScanPlan, clear_run, find_differences, find_stored_damage, load_plan, make_plan, refuse_foreign_folder
from mirscan.run.progress import BACKGROUND, FINISH, SCAN, Event, Progress, ignore
from mirscan.run.progress import PLAN as PLAN_STAGE
from mirscan.run.settings import RunOptions, ScanSettings, make_settings
from mirscan.run.site_significance import add_q_values
from mirscan.run.stages import STAGES, Stage
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
    store = open_store(out)
    with explained_errors(store.root):
        check_cluster(options)
        with spooled_pipes(asked) as asked:
            check_settings(asked)
            identity, inputs = identify(asked)
            refuse_foreign_folder(store)
            # Inputs of the same content make the same copies again.
            result = _run(store, options, progress, lambda: _plan(store, asked, identity, inputs), lambda: store_inputs_again(asked, store))
    return _with_exports(result, out, options)


def resume(out: str | os.PathLike, progress: Progress = ignore, **options) -> ScanResult:
    """Complete the run at `out` with its own settings and its own copies of the inputs; `options` are those of `RunOptions`."""
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


def _plan(store: Store, asked: ScanSettings, identity: dict, inputs: dict) -> ScanPlan:
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
            if options.overwrite:
                clear_run(store)
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
    pending, names = list(STAGES[SCAN].list_damage(store, plan)), store.names()
    progress(Event(PLAN_STAGE, parts_done=len(plan.parts) - len(pending), n_parts=len(plan.parts), plan=plan))
    _tell_strays(names, len(plan.parts), progress)
    # work/ may be deleted when a run is finished; then its results are judged by their sizes.
    is_bare = not any(name.startswith(f"{WORK}/part-") for name in names)
    if (not pending or is_bare) and (result := read_result(store)) is not None:
        return result
    if (damage := find_stored_damage(store, plan)) is not None:
        if restore is None:
            raise RunError(f"{store.root}: {damage}. `mirscan scan` with the same inputs and --out makes it anew.")
        restore()
    store.remove(REPORT)
    if plan.background:
        seconds["background"] = _run_background(context, options, progress, lock)
    started = time.monotonic()
    counter = _run_stage(STAGES[SCAN], context, pending, options, progress, lock)
    seconds["scan"] = time.monotonic() - started
    lock.check()
    if plan.background:
        add_q_values(context)
    finished = finish_run(context, lambda rows: progress(Event(FINISH, rows, counter.rows)))
    seconds |= finished.seconds
    return write_report(context, options, finished, seconds)


def _run_background(context: PartContext, options: RunOptions, progress: Progress, lock: RunLock) -> float:
    """Make the parts of the background that are missing, and what all of them give; return the seconds it took."""
    started = time.monotonic()
    stage = STAGES[BACKGROUND]
    _run_stage(stage, context, list(stage.list_damage(context.store, context.plan)), options, progress, lock)
    publish_background(context)
    return time.monotonic() - started


def _run_stage(
    stage: Stage, context: PartContext, pending: list[int], options: RunOptions, progress: Progress, lock: RunLock
) -> "_Counter":
    """Make the pending parts of a stage; raise RunError for those that failed."""
    counter = _Counter(stage, context.plan, pending, progress, lock)
    failures = _executor(stage, context, options, progress).run(pending, counter.part_done, counter.part_going) if pending else {}
    if failures:
        raise _failure(context.store, len(stage.parts(context.plan)), failures)
    return counter


def _executor(stage: Stage, context: PartContext, options: RunOptions, progress: Progress):
    if options.is_distributed:
        return DaskExecutor(context, options, lambda message: progress(Event(stage.name, message=message)), stage)
    return SerialExecutor(context, options.retries, stage)


def _tell_strays(names: list[str], n_parts: int, progress: Progress) -> None:
    """Say which files a reader of the folder would take for parts of this run."""
    ours = {part_sites(number) for number in range(n_parts)}
    for name in names:
        if name.startswith(f"{SITES}/") and name.endswith(".parquet") and name not in ours:
            progress(Event(SCAN, message=f"note: {name} is not of this run, but readers of the folder will count it; move it away"))


class _Counter:
    """Adds up what the parts of a stage report and passes it on."""

    def __init__(self, stage: Stage, plan: ScanPlan, pending: list[int], progress: Progress, lock: RunLock):
        self._stage, self._parts, self._progress, self._lock = stage.name, stage.parts(plan), progress, lock
        self._n_bases = plan.n_bases
        self._parts_done = len(self._parts) - len(pending)
        self._bases_done = plan.n_bases - sum(self._parts[part].bases for part in pending)
        self._going: dict[int, tuple[int, int]] = {}
        self.rows = 0

    def part_going(self, part: int, bases: int, rows: int) -> None:
        self._going[part] = (bases, rows)
        self._tell()

    def part_done(self, part: int, record: dict) -> None:
        self._lock.check()
        self._going.pop(part, None)
        self._parts_done += 1
        self._bases_done += self._parts[part].bases
        self.rows += record["rows"]
        self._tell()

    def _tell(self) -> None:
        bases = self._bases_done + sum(bases for bases, _ in self._going.values())
        rows = self.rows + sum(rows for _, rows in self._going.values())
        self._progress(Event(self._stage, bases, self._n_bases, self._parts_done, len(self._parts), rows))


def _failure(store: Store, n_parts: int, failures: dict[int, str]) -> RunError:
    listed = "; ".join(f"part {part}: {reason}" for part, reason in list(failures.items())[:3])
    more = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
    return RunError(
        f"{store.root}: {len(failures)} of {n_parts} parts failed ({listed}{more}). "
        f"The others are done; `mirscan resume {store.root}` tries again."
    )


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
