"""Who processes the parts: this process, or a Dask cluster. The same parts written by the same function, so the same bytes.

Only this file and clusters.py import dask.
"""

import contextlib
import json
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mirscan.errors import InputError, MirscanError, ModelError, RunError
from mirscan.keras_loading import keep_lean
from mirscan.run.background import process_background
from mirscan.run.partition import PartContext, Report, open_context, process_part
from mirscan.run.progress import BACKGROUND, SCAN
from mirscan.run.settings import RunOptions, parse_resources
from mirscan.run.stages import STAGES, Stage
from mirscan.store.explained import explain, is_full
from mirscan.store.protocol import Store

# (part, its record) when a part is done; (part, bases, rows) while it goes.
Done = Callable[[int, dict], None]
Going = Callable[[int, int, int], None]
# How often running parts are compared with their time limit, in seconds.
POLL_SECONDS = 0.5
# Parts of an own cluster that wait in its scheduler beside one a worker, and seconds between two looks at what is finished: handed out and
# collected by the dozen, a part costs the handing process half of what it costs alone.
BACKLOG, COLLECT_SECONDS = 64, 0.05
# Dask's own limit is two minutes, in which nothing else is looked at; a nanny ends a hanging process after four seconds.
RESTART_SECONDS = 15
_PLUGIN = "mirscan-context"
# (identity of the plan, context) in this worker process by run folder; a worker of a long-lived cluster may serve several runs.
_contexts: dict[str, tuple[dict, PartContext]] = {}


class SerialExecutor:
    """All parts of a stage one after the other in this process."""

    def __init__(self, context: PartContext, retries: int = 3, stage: Stage = STAGES[SCAN]):
        self._context, self._retries, self._stage = context, retries, stage

    def run(self, parts: Iterable[int], done: Done, going: Going) -> dict[int, str]:
        """Process `parts`; return the reason for each that failed for good."""
        reasons = {part: self._try(part, done, going) for part in parts}
        return {part: reason for part, reason in reasons.items() if reason is not None}

    def _try(self, part: int, done: Done, going: Going) -> str | None:
        reason = None
        for attempt in range(1, self._retries + 1):
            try:
                record = process(self._stage.name, self._context, part, lambda bases, rows: going(part, bases, rows))
            except Exception as error:
                reason = describe_failure(error, self._context.store)
                record_failure(self._context.store, self._stage.failure(part), part, attempt, reason, error)
            else:
                done(part, record)
                return None
        return reason


@dataclass
class _Task:
    """One try of one part on the cluster; `started` is when it was first seen on a worker, monotonic seconds."""

    part: int
    attempt: int
    started: float | None = None


class DaskExecutor:
    """Parts of a stage as tasks of a Dask cluster, one per worker at a time.

    A part that fails, whose worker dies, or that takes longer than the time limit is tried again elsewhere; a worker that hangs is
    restarted.
    """

    def __init__(
        self, context: PartContext, options: RunOptions, tell: Callable[[str], None] = lambda message: None, stage: Stage = STAGES[SCAN]
    ):
        self._context, self._options, self._tell, self._stage = context, options, tell, stage
        self._tasks: dict = {}
        self._looked = time.monotonic()
        self._is_waiting = False

    def run(self, parts: Iterable[int], done: Done, going: Going) -> dict[int, str]:
        """Process `parts`; return the reason for each that failed for good. Raises RunError when the scheduler is lost."""
        from distributed.comm import CommClosedError

        from mirscan.run.clusters import open_client

        waiting, failures = deque((part, 1) for part in parts), {}
        try:
            with open_client(self._options, len(waiting), self._tell) as (client, threads, most_workers):
                client.register_plugin(context_plugin(self._context.store.root, self._context.plan.identity, threads), name=_PLUGIN)
                try:
                    self._work(client, waiting, failures, done, threads, most_workers)
                finally:
                    # A scheduler that lives on must not prepare future workers for this run.
                    with contextlib.suppress(OSError):
                        client.unregister_worker_plugin(_PLUGIN)
        except CommClosedError:
            raise self._lost() from None
        return failures

    def _work(self, client, waiting: deque, failures: dict[int, str], done: Done, threads: int, most_workers: int) -> None:
        # Only the scheduler of an own cluster keeps tasks back until a worker is free. A foreign one, or one that counts resources, puts
        # them on workers at once, where their time limit would run.
        backlog = BACKLOG if most_workers and not self._options.resources else 0
        while waiting or self._tasks:
            self._submit(client, waiting, threads, most_workers, backlog)
            self._collect(client, done, backlog, lambda task, error: self._fail(task, None, error, waiting, failures))
            self._stop_overdue(client, lambda task, reason: self._fail(task, reason, None, waiting, failures))

    def _lost(self) -> RunError:
        root = self._context.store.root
        return RunError(f"{root}: the Dask scheduler is gone. Finished parts are kept: `mirscan resume {root}`.")

    def _submit(self, client, waiting: deque, threads: int, most_workers: int, backlog: int) -> None:
        resources = parse_resources(self._options.resources)
        n_workers = most_workers
        if not backlog:
            n_present = _count_workers(client, resources)
            if not n_present and not self._is_waiting:
                self._tell(f"no worker{f' with {self._options.resources}' if resources else ''} is there yet; waiting for one")
            self._is_waiting, n_workers = not n_present, max(1, most_workers, n_present)
        room = n_workers + backlog - len(self._tasks)
        if self._tasks and room <= backlog // 2:
            return
        tasks = [_Task(*waiting.popleft()) for _ in range(min(room, len(waiting)))]
        if not tasks:
            return
        futures = client.map(
            process_remotely,
            [task.part for task in tasks],
            key=[f"mirscan-{self._stage.name}-part-{task.part}-try-{task.attempt}-{time.monotonic_ns()}" for task in tasks],
            root=self._context.store.root,
            identity=self._context.plan.identity,
            threads=threads,
            stage=self._stage.name,
            pure=False,
            priority=-tasks[0].part,
            resources=resources,
        )
        self._tasks.update(zip(futures, tasks, strict=True))

    def _collect(self, client, done: Done, backlog: int, fail) -> None:
        from distributed import TimeoutError as WaitTimeout
        from distributed import wait

        with contextlib.suppress(WaitTimeout):
            wait(list(self._tasks), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED")
        if backlog:
            time.sleep(COLLECT_SECONDS)
        outcomes = _gather(client, [future for future in self._tasks if future.status == "finished"])
        outcomes |= {future: future.exception() for future in self._tasks if future.status == "error"}
        for future, outcome in outcomes.items():
            task = self._tasks.pop(future)
            if isinstance(outcome, dict):
                done(task.part, outcome)
            else:
                fail(task, error=outcome)
        if any(future.cancelled() for future in self._tasks):
            raise self._lost()

    def _stop_overdue(self, client, fail) -> None:
        limit, now = self._options.part_timeout, time.monotonic()
        if not limit or now - self._looked < POLL_SECONDS:
            return
        self._looked = now
        busy = client.processing()
        on_worker = {key: address for address, keys in busy.items() for key in keys}
        for future, task in self._tasks.items():
            # A task may wait for hours until a batch system starts a worker: its time counts from when it has one.
            if task.started is None and future.key in on_worker:
                task.started = now
        overdue = [future for future, task in self._tasks.items() if task.started is not None and now - task.started > limit]
        if not overdue:
            return
        client.cancel(overdue, force=True)
        # Python cannot stop a thread that hangs; its process can be ended.
        addresses = sorted({on_worker[future.key] for future in overdue if future.key in on_worker})
        client.restart_workers(addresses, timeout=RESTART_SECONDS, raise_for_error=False)
        for future in overdue:
            fail(self._tasks.pop(future), f"took longer than the limit of {limit:g} s")

    def _fail(self, task: _Task, reason: str | None, error: BaseException | None, waiting: deque, failures: dict[int, str]) -> None:
        if error is not None:
            reason = describe_failure(error, self._context.store)
        record_failure(self._context.store, self._stage.failure(task.part), task.part, task.attempt, reason, error)
        self._tell(f"part {task.part}, try {task.attempt} of {self._options.retries}: {reason}")
        if task.attempt < self._options.retries:
            waiting.append((task.part, task.attempt + 1))
        else:
            failures[task.part] = reason


def process(stage: str, context: PartContext, part: int, report: Report | None = None) -> dict:
    """Make a part of the stage of this name; return its record."""
    return {SCAN: process_part, BACKGROUND: process_background}[stage](context, part, report)


def process_remotely(part: int, root: str, identity: dict, threads: int, stage: str) -> dict:
    """The task that a worker runs."""
    return process(stage, worker_context(root, identity, threads), part)


def worker_context(root: str, identity: dict, threads: int) -> PartContext:
    """This process's context of the run at `root`, opened once, and again where the plan there was written anew: plans of runs with very
    many parts are long, so not for every part."""
    keep_lean()
    if root not in _contexts or _contexts[root][0] != identity:
        _contexts.clear()
        _contexts[root] = identity, open_context(root, threads)
    return _contexts[root][1]


def context_plugin(root: str, identity: dict, threads: int):
    """Worker plugin that loads table and network before the first part arrives."""
    from distributed import WorkerPlugin

    class ContextPlugin(WorkerPlugin):
        def setup(self, worker) -> None:
            # An error here would be the cluster's; the first part meets the same error and reports it as its own.
            with contextlib.suppress(Exception):
                worker_context(root, identity, threads).warm_up()

    return ContextPlugin()


def _gather(client, futures: list) -> dict:
    """Future -> the record that its part returned, or the exception that came instead; in one message for all where all are well."""
    try:
        return dict(zip(futures, client.gather(futures), strict=True))
    except Exception:
        # A worker may die between the end of its part and this call: then one by one.
        return {future: future.exception() or future.result() for future in futures}


def _count_workers(client, resources: dict[str, float] | None) -> int:
    """Workers that have what a task takes."""
    if not resources:
        return len(client.nthreads())
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(all(worker["resources"].get(name, 0) >= amount for name, amount in resources.items()) for worker in workers)


def describe_failure(error: Exception, store: Store) -> str:
    """One line for what a part died of; raises where every other part would die of it too."""
    if isinstance(error, OSError) and is_full(error):
        raise explain(error, store.root) from error
    if isinstance(error, InputError | ModelError):
        raise error
    return _reason(error)


def record_failure(store: Store, name: str, part: int, attempt: int, reason: str, error: BaseException | None = None) -> None:
    """Leave a note for `mirscan status`."""
    trace = "".join(traceback.format_exception(error)) if error is not None else ""
    store.write(name, json.dumps({"part": part, "attempts": attempt, "reason": reason, "traceback": trace}, indent=1).encode())


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, MirscanError) else f"{type(error).__name__}: {error}".split("\n")[0]
