"""What the benchmarks of this folder share: machine, clocks, tables."""

import os
import platform
import resource
import time
from collections.abc import Iterable
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> str:
    """One line: processor, cores, load, versions."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?"
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("distributed", "pyarrow", "numba", "numpy"))
    load = os.getloadavg()[0]
    return f"{cpu}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, {packages}, {time.strftime('%Y-%m-%d')}"


@contextmanager
def clock():
    """Yields a dict that holds, at the end, `wall` and `cpu` seconds; `cpu` counts this process and the children that ended."""
    seconds = {}
    wall, cpu = time.perf_counter(), _cpu()
    yield seconds
    seconds |= {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu}


def peak_mb() -> float:
    """Highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def print_table(headings: tuple[str, ...], rows: Iterable[tuple]) -> None:
    """A Markdown table, each line as soon as it is there."""
    print("| " + " | ".join(headings) + " |")
    print("|" + "|".join(" --- " if place == 0 else " ---: " for place in range(len(headings))) + "|")
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


def _cpu() -> float:
    times = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in times)
