"""What a run costs beside the work: the executor and Dask's scheduler on empty parts, and the files of runs with many parts.

    python benchmarks/run/benchmark_scheduler.py --parts 1000 10000 100000
    python benchmarks/run/benchmark_scheduler.py --files 1000 10000 100000 1000000

The executor is mirscan's own; only the work of a part is taken out. Seconds of files are CPU seconds (user and system), which a
shared machine distorts least.
"""

import argparse
import os
import shutil
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from measure import clock, describe_machine, peak_mb, print_table

from mirscan.run import executors
from mirscan.run.finish import list_damage
from mirscan.run.partition import PartContext
from mirscan.run.plan import Part, ScanPlan, load_plan
from mirscan.run.sealed import seal
from mirscan.run.settings import RunOptions, ScanSettings
from mirscan.run.status import read_status
from mirscan.store.local import LocalStore
from mirscan.store.names import PLAN, part_record, part_sites

RECORD = {"rows": 0, "candidates": 0, "by_seed": {}, "score_seconds": 0.0, "seconds": 0.0, "worker": "host:1", "peak_mb": 1}
EMPTY = b"PAR1" * 64


def empty_part(part, **run) -> dict:
    """A part without work, and what its worker has used so far."""
    return {"worker": os.getpid(), "cpu": time.process_time()}


def no_plugin(*arguments):
    """A worker plugin that loads nothing."""
    from distributed import WorkerPlugin

    return WorkerPlugin()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, nargs="*", default=[])
    parser.add_argument("--files", type=int, nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", help="where the files of --files are made")
    arguments = parser.parse_args()
    print(describe_machine(), flush=True)
    if arguments.parts:
        headings = ("empty parts", "wall s", "wall ms/part", "CPU ms/part (executor + scheduler)", "CPU ms/part (workers)", "peak MB")
        print_table(headings, (measure_executor(n, arguments.workers) for n in arguments.parts))
    if arguments.files:
        headings = ("parts", "plan.json MB", "write it s", "read it s", "list files s", "status s", "check parts s", "check ms/part")
        print_table(headings, (measure_files(n, arguments.folder) for n in arguments.files))


def measure_executor(n_parts: int, workers: int) -> tuple:
    """Seconds from the first finished part to the last, so that starting the cluster is not counted."""
    executors.process_remotely, executors.context_plugin = empty_part, no_plugin
    started, used = [], {}

    def done(part: int, record: dict) -> None:
        if not started:
            started.extend((time.perf_counter(), time.process_time()))
        used.setdefault(record["worker"], []).append(record["cpu"])

    with tempfile.TemporaryDirectory() as folder:
        executor = executors.DaskExecutor(PartContext(LocalStore(folder), make_plan(1)), RunOptions(workers=workers))
        failures = executor.run(range(n_parts), done, None)
    seconds = (time.perf_counter() - started[0], time.process_time() - started[1], sum(cpu[-1] - cpu[0] for cpu in used.values()))
    if failures or sum(map(len, used.values())) != n_parts:
        raise SystemExit(f"{len(failures)} of {n_parts} parts failed")
    return (f"{n_parts:,}", f"{seconds[0]:,.1f}", *(f"{1000 * value / n_parts:.2f}" for value in seconds), f"{peak_mb():,.0f}")


def measure_files(n_parts: int, folder: str | None) -> tuple:
    """CPU seconds to write and read the plan of a run, and to check that all of its parts are whole."""
    root = Path(tempfile.mkdtemp(dir=folder))
    try:
        store = LocalStore(str(root))
        plan = make_plan(n_parts)
        with clock() as write:
            store.write(PLAN, plan.to_json())
        make_parts(store, n_parts)
        steps = (lambda: load_plan(store), store.names, lambda: read_status(store.root), lambda: list_damage(store, n_parts))
        seconds = [write["cpu"]]
        for step in steps:
            with clock() as elapsed:
                result = step()
            seconds.append(elapsed["cpu"])
        if result:
            raise SystemExit(f"{len(result)} of {n_parts} parts are not whole")
        size = (root / PLAN).stat().st_size / 1e6
        return (f"{n_parts:,}", f"{size:,.1f}", *(f"{value:,.2f}" for value in seconds), f"{1000 * seconds[-1] / n_parts:.3f}")
    finally:
        shutil.rmtree(root)


def make_plan(n_parts: int) -> ScanPlan:
    """A plan of parts of 40 transcripts."""
    parts = tuple(Part(40 * number, 40 * number + 40, 60_000, 0, 1_500) for number in range(n_parts))
    settings = ScanSettings(mirnas="mature.fa", transcripts=("utr.fa",), model="none")
    return ScanPlan(settings, {"mirscan": "0"}, {}, {}, 2656, 40 * n_parts, 60_000 * n_parts, 50_000 * n_parts, (), parts)


def make_parts(store: LocalStore, n_parts: int) -> None:
    """The two files of every part, as a worker leaves them; written at once, since nothing is lost when this stops."""
    record = RECORD | {"bytes": len(EMPTY), "sha256": sha256(EMPTY).hexdigest()}
    for name in (part_sites(0), part_record(0)):
        store.path(name).parent.mkdir(parents=True, exist_ok=True)
    for number in range(n_parts):
        store.path(part_sites(number)).write_bytes(EMPTY)
        store.path(part_record(number)).write_bytes(seal({"part": number} | record))


if __name__ == "__main__":
    main()
