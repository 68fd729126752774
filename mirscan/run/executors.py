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

from mirscan.errors import MirscanError, RunError
from mirscan.run.files import Store, explain, is_full, part_failure
from mirscan.run.partition import PartContext, open_context, process_part
from mirscan.run.settings import RunOptions

# (part, its record) when a part is done; (part, bases, rows) while it goes.
Done = Callable[[int, dict], None]
Going = Callable[[int, int, int], None]
# How often running parts are compared with their time limit, in seconds.
POLL_SECONDS = 0.5
# Dask's own limit is two minutes, in which nothing else is looked at; a nanny ends a hanging process after four seconds.
RESTART_SECONDS = 15
_PLUGIN = "mirscan-context"
# Contexts of this worker process by run folder; a worker of a long-lived cluster may serve several runs.
_contexts: dict[str, PartContext] = {}


class SerialExecutor:
    """All parts one after the other in this process."""

    def __init__(self, context: PartContext, retries: int = 3):
        self._context, self._retries = context, retries

    def run(self, parts: Iterable[int], done: Done, going: Going) -> dict[int, str]:
        """Process `parts`; return the reason for each that failed for good."""
        reasons = {part: self._try(part, done, going) for part in parts}
        return {part: reason for part, reason in reasons.items() if reason is not None}

    def _try(self, part: int, done: Done, going: Going) -> str | None:
        reason = None
        for attempt in range(1, self._retries + 1):
            try:
                record = process_part(self._context, part, lambda bases, rows: going(part, bases, rows))
            except Exception as error:
                reason = describe_failure(error, self._context.store)
                record_failure(self._context.store, part, attempt, reason, error)
            else:
                done(part, record)
                return None
        return reason


@dataclass
class _Task:
    """One try of one part on the cluster."""

    part: int
    attempt: int
    started: float


class DaskExecutor:
    """Parts as tasks of a Dask cluster, one per worker at a time.

    A part that fails, whose worker dies, or that takes longer than the time limit is tried again elsewhere; a worker that hangs is
    restarted.
    """

    def __init__(self, context: PartContext, options: RunOptions, tell: Callable[[str], None] = lambda message: None):
        self._context, self._options, self._tell = context, options, tell
        self._tasks: dict = {}

    def run(self, parts: Iterable[int], done: Done, going: Going) -> dict[int, str]:
        """Process `parts`; return the reason for each that failed for good. Raises RunError when the scheduler is lost."""
        from distributed.comm import CommClosedError

        from mirscan.run.clusters import open_client

        waiting, failures = deque((part, 1) for part in parts), {}
        try:
            with open_client(self._options, len(waiting), self._tell) as (client, threads):
                client.register_plugin(context_plugin(self._context.store.root, threads), name=_PLUGIN)
                try:
                    self._work(client, waiting, failures, done, threads)
                finally:
                    # A scheduler that lives on must not prepare future workers for this run.
                    with contextlib.suppress(OSError):
                        client.unregister_worker_plugin(_PLUGIN)
        except CommClosedError:
            raise self._lost() from None
        return failures

    def _work(self, client, waiting: deque, failures: dict[int, str], done: Done, threads: int) -> None:
        while waiting or self._tasks:
            self._submit(client, waiting, threads)
            self._collect(done, lambda task, reason, error=None: self._fail(task, reason, error, waiting, failures))
            self._stop_overdue(client, lambda task, reason: self._fail(task, reason, None, waiting, failures))

    def _lost(self) -> RunError:
        root = self._context.store.root
        return RunError(f"{root}: the Dask scheduler is gone. Finished parts are kept: `mirscan resume {root}`.")

    def _submit(self, client, waiting: deque, threads: int) -> None:
        resources = parse_resources(self._options.resources)
        # As many tasks as workers: then a task starts when it is submitted, and its time limit counts from there.
        n_workers = max(1, _count_workers(client, resources))
        while waiting and len(self._tasks) < n_workers:
            part, attempt = waiting.popleft()
            key = f"mirscan-part-{part}-try-{attempt}-{time.monotonic_ns()}"
            future = client.submit(
                process_remotely, self._context.store.root, part, threads, key=key, pure=False, priority=-part, resources=resources
            )
            self._tasks[future] = _Task(part, attempt, time.monotonic())

    def _collect(self, done: Done, fail) -> None:
        from distributed import TimeoutError as WaitTimeout
        from distributed import wait

        try:
            finished = wait(list(self._tasks), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED").done
        except WaitTimeout:
            finished = {future for future in self._tasks if future.cancelled()}
        for future in finished:
            task = self._tasks.pop(future)
            if future.status == "finished":
                done(task.part, future.result())
            elif future.status == "error":
                fail(task, _reason(future.exception()), future.exception())
            else:
                raise self._lost()

    def _stop_overdue(self, client, fail) -> None:
        limit = self._options.part_timeout
        overdue = [future for future, task in self._tasks.items() if limit and time.monotonic() - task.started > limit]
        if not overdue:
            return
        busy = client.processing()
        addresses = [address for address, keys in busy.items() if {future.key for future in overdue} & set(keys)]
        client.cancel(overdue, force=True)
        # Python cannot stop a thread that hangs; its process can be ended.
        client.restart_workers(addresses, timeout=RESTART_SECONDS, raise_for_error=False)
        for future in overdue:
            fail(self._tasks.pop(future), f"took longer than the limit of {limit:g} s")

    def _fail(self, task: _Task, reason: str, error: BaseException | None, waiting: deque, failures: dict[int, str]) -> None:
        if isinstance(error, OSError) and is_full(error):
            raise explain(error, self._context.store.root) from error
        record_failure(self._context.store, task.part, task.attempt, reason, error)
        self._tell(f"part {task.part}, try {task.attempt} of {self._options.retries}: {reason}")
        if task.attempt < self._options.retries:
            waiting.append((task.part, task.attempt + 1))
        else:
            failures[task.part] = reason


def process_remotely(root: str, part: int, threads: int) -> dict:
    """The task that a worker runs."""
    return process_part(worker_context(root, threads), part)


def worker_context(root: str, threads: int) -> PartContext:
    """This process's context of the run at `root`, opened once; a plan written anew since then is noticed."""
    fresh = open_context(root, threads)
    known = _contexts.get(root)
    if known is None or known.plan.identity != fresh.plan.identity:
        _contexts.clear()
        _contexts[root] = fresh
    return _contexts[root]


def context_plugin(root: str, threads: int):
    """Worker plugin that loads table and network before the first part arrives."""
    from distributed import WorkerPlugin

    class ContextPlugin(WorkerPlugin):
        def setup(self, worker) -> None:
            # An error here would be the cluster's; the first part meets the same error and reports it as its own.
            with contextlib.suppress(Exception):
                worker_context(root, threads).warm_up()

    return ContextPlugin()


def _count_workers(client, resources: dict[str, float] | None) -> int:
    """Workers that have what a task takes."""
    if not resources:
        return len(client.nthreads())
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(all(worker["resources"].get(name, 0) >= amount for name, amount in resources.items()) for worker in workers)


def describe_failure(error: Exception, store: Store) -> str:
    """One line for what a part died of; raises RunError where every other part would die of it too."""
    if isinstance(error, OSError) and is_full(error):
        raise explain(error, store.root) from error
    return _reason(error)


def record_failure(store: Store, part: int, attempt: int, reason: str, error: BaseException | None = None) -> None:
    """Leave a note for `mirscan status`."""
    trace = "".join(traceback.format_exception(error)) if error is not None else ""
    store.write(
        part_failure(part), json.dumps({"part": part, "attempts": attempt, "reason": reason, "traceback": trace}, indent=1).encode()
    )


def parse_resources(text: str | None) -> dict[str, float] | None:
    """What a task takes of a worker.

    >>> parse_resources("GPU=1")
    {'GPU': 1.0}
    """
    if text is None:
        return None
    try:
        pairs = (item.split("=") for item in text.split(","))
        return {name.strip(): float(amount) for name, amount in pairs}
    except ValueError:
        raise RunError(f"--resources {text}: expected NAME=NUMBER, as in GPU=1") from None


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, MirscanError) else f"{type(error).__name__}: {error}".split("\n")[0]
