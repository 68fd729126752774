"""Who does the jobs of a run: this process, or a Dask cluster. The same jobs done by the same functions, so the same bytes.

Only this file and clusters.py import dask.
"""

import contextlib
import json
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from mirscan.errors import InputError, MirscanError, ModelError, RunError
from mirscan.lean import keep_lean, spare_pandas
from mirscan.run.jobs import BACKGROUND, FAILURES, PART, Job, do_job
from mirscan.run.partition import PartContext, open_context
from mirscan.run.settings import RunOptions, parse_resources
from mirscan.store.explained import explain, is_full
from mirscan.store.protocol import Store

# (job, what it returned) when a job is done; (part, bases, rows) while a part goes.
Done = Callable[[Job, Any], None]
Going = Callable[[int, int, int], None]
# How often running jobs are compared with their time limit, in seconds.
POLL_SECONDS = 0.5
# Jobs of an own cluster that wait in its scheduler beside one a worker, and seconds between two looks at what is finished: handed out and
# collected by the dozen, a job costs the handing process half of what it costs alone.
BACKLOG, COLLECT_SECONDS = 64, 0.05
# Dask's own limit is two minutes, in which nothing else is looked at; a nanny ends a hanging process after four seconds.
RESTART_SECONDS = 15
_PLUGIN = "mirscan-context"
# A network takes all threads of a process: one part at a time is scanned and scored, while another writes its stretches.
_PARTS_WITH_NETWORK = {BACKGROUND: 1, PART: 2}
# (identity of the plan, context) in this worker process by run folder; a worker of a long-lived cluster may serve several runs.
_contexts: dict[str, tuple[dict, PartContext]] = {}


class LocalExecutor:
    """The jobs in this process, as many at once as it has threads. Use as a context manager."""

    def __init__(self, context: PartContext, retries: int = 3):
        threads = context.threads if context.plan.settings.is_scored else max(1, context.threads // len(context.plan.parts))
        self._context = context if threads == context.threads else PartContext(context.store, context.plan, threads)
        self._n_threads, self._retries = context.threads, retries
        # Progress is told by one job at a time.
        self._telling, self._is_stopped = threading.Lock(), False

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        pass

    def run(self, jobs: Sequence[Job], done: Done, going: Going) -> dict[Job, str]:
        """Do `jobs`, all of one kind where these are parts; return the reason for each that failed for good."""
        most = _PARTS_WITH_NETWORK.get(jobs[0].kind, len(jobs)) if self._context.plan.settings.is_scored else len(jobs)
        n_at_once = min(self._n_threads, most, len(jobs))
        if n_at_once == 1:
            reasons = {job: self._try(job, done, going) for job in jobs}
        else:
            self._context.warm_up()
            # Read once, and only when it is there.
            _ = jobs[0].kind == PART and self._context.null
            reasons = self._run_beside(jobs, n_at_once, done, going)
        return {job: reason for job, reason in reasons.items() if reason is not None}

    def _run_beside(self, jobs: Sequence[Job], n_at_once: int, done: Done, going: Going) -> dict[Job, str | None]:
        with ThreadPoolExecutor(n_at_once) as pool:
            futures = {job: pool.submit(self._try, job, done, going) for job in jobs}
            try:
                return {job: future.result() for job, future in futures.items()}
            except BaseException:
                self._is_stopped = True
                pool.shutdown(cancel_futures=True)
                raise

    def _try(self, job: Job, done: Done, going: Going) -> str | None:
        def report(bases: int, rows: int) -> None:
            if self._is_stopped:
                raise KeyboardInterrupt
            with self._telling:
                going(job.number, bases, rows)

        reason = None
        for attempt in range(1, self._retries + 1):
            try:
                result = do_job(self._context, job, report)
            except Exception as error:
                reason = describe_failure(error, self._context.store)
                record_failure(self._context.store, job, attempt, reason, error)
            else:
                with self._telling:
                    done(job, result)
                return None
        return reason


@dataclass
class _Task:
    """One try of one job on the cluster; `started` is when it was first seen on a worker, monotonic seconds."""

    job: Job
    attempt: int
    started: float | None = None


class DaskExecutor:
    """Jobs as tasks of a Dask cluster, one per worker at a time. Use as a context manager, which starts the cluster and stops it.

    A job that fails, whose worker dies, or that takes longer than the time limit is tried again elsewhere; a worker that hangs is
    restarted.
    """

    def __init__(self, context: PartContext, options: RunOptions, n_jobs: int, tell: Callable[[str], None] = lambda message: None):
        """`n_jobs`: the most that there are to do at once."""
        self._context, self._options, self._n_jobs, self._tell = context, options, n_jobs, tell
        self._tasks: dict = {}
        self._looked = time.monotonic()
        self._is_waiting = False

    def __enter__(self) -> "DaskExecutor":
        from mirscan.run.clusters import open_client

        self._stack = ExitStack()
        opened = self._stack.enter_context(open_client(self._options, self._n_jobs, self._tell))
        self._client, self._threads, self._most_workers = opened
        try:
            plugin = context_plugin(self._context.store.root, self._context.plan.identity, self._threads)
            self._client.register_plugin(plugin, name=_PLUGIN)
            self._stack.callback(self._forget)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        self._stack.__exit__(error_type, error, traceback)

    def _forget(self) -> None:
        # A scheduler that lives on must not prepare future workers for this run.
        with contextlib.suppress(OSError):
            self._client.unregister_worker_plugin(_PLUGIN)

    def run(self, jobs: Sequence[Job], done: Done, going: Going) -> dict[Job, str]:
        """Do `jobs`; return the reason for each that failed for good. Raises RunError when the scheduler is lost."""
        from distributed.comm import CommClosedError

        waiting, failures = deque((job, 1) for job in jobs), {}
        try:
            self._work(waiting, failures, done)
        except CommClosedError:
            raise self._lost() from None
        return failures

    def _work(self, waiting: deque, failures: dict[Job, str], done: Done) -> None:
        # Only the scheduler of an own cluster keeps tasks back until a worker is free. A foreign one, or one that counts resources, puts
        # them on workers at once, where their time limit would run.
        backlog = BACKLOG if self._most_workers and not self._options.resources else 0
        client = self._client
        while waiting or self._tasks:
            self._submit(client, waiting, backlog)
            self._collect(client, done, backlog, lambda task, error: self._fail(task, None, error, waiting, failures))
            self._stop_overdue(client, lambda task, reason: self._fail(task, reason, None, waiting, failures))

    def _lost(self) -> RunError:
        root = self._context.store.root
        return RunError(f"{root}: the Dask scheduler is gone. Finished parts are kept: `mirscan resume {root}`.")

    def _submit(self, client, waiting: deque, backlog: int) -> None:
        resources = parse_resources(self._options.resources)
        n_workers = self._most_workers
        if not backlog:
            n_present = _count_workers(client, resources)
            if not n_present and not self._is_waiting:
                self._tell(f"no worker{f' with {self._options.resources}' if resources else ''} is there yet; waiting for one")
            self._is_waiting, n_workers = not n_present, max(1, n_workers, n_present)
        room = n_workers + backlog - len(self._tasks)
        if self._tasks and room <= backlog // 2:
            return
        tasks = [_Task(*waiting.popleft()) for _ in range(min(room, len(waiting)))]
        if not tasks:
            return
        futures = client.map(
            process_remotely,
            [task.job for task in tasks],
            key=[f"mirscan-{task.job.kind}-{task.job.number}-try-{task.attempt}-{time.monotonic_ns()}" for task in tasks],
            root=self._context.store.root,
            identity=self._context.plan.identity,
            threads=self._threads,
            pure=False,
            priority=-tasks[0].job.number,
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
            if isinstance(outcome, BaseException):
                fail(task, error=outcome)
            else:
                done(task.job, outcome)
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

    def _fail(self, task: _Task, reason: str | None, error: BaseException | None, waiting: deque, failures: dict[Job, str]) -> None:
        if error is not None:
            reason = describe_failure(error, self._context.store)
        record_failure(self._context.store, task.job, task.attempt, reason, error)
        self._tell(f"{task.job}, try {task.attempt} of {self._options.retries}: {reason}")
        if task.attempt < self._options.retries:
            waiting.append((task.job, task.attempt + 1))
        else:
            failures[task.job] = reason


def process_remotely(job: Job, root: str, identity: dict, threads: int) -> Any:
    """The task that a worker runs."""
    return do_job(worker_context(root, identity, threads), Job(*job))


def worker_context(root: str, identity: dict, threads: int) -> PartContext:
    """This process's context of the run at `root`, opened once, and again where the plan there was written anew: plans of runs with very
    many parts are long, so not for every part."""
    keep_lean()
    spare_pandas()
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
                context = worker_context(root, identity, threads)
                context.warm_up()
                _ = context.scorer

    return ContextPlugin()


def _gather(client, futures: list) -> dict:
    """Future -> what its job returned, or the exception that came instead; in one message for all where all are well."""
    try:
        return dict(zip(futures, client.gather(futures), strict=True))
    except Exception:
        # A worker may die between the end of its job and this call: then one by one.
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


def record_failure(store: Store, job: Job, attempt: int, reason: str, error: BaseException | None = None) -> None:
    """Leave a note for `mirscan status`, which tells of parts."""
    if job.kind not in FAILURES:
        return
    trace = "".join(traceback.format_exception(error)) if error is not None else ""
    note = {"part": job.number, "attempts": attempt, "reason": reason, "traceback": trace}
    store.write(FAILURES[job.kind](job.number), json.dumps(note, indent=1).encode())


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, MirscanError) else f"{type(error).__name__}: {error}".split("\n")[0]
