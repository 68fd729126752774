"""How many cores this process may use: a job on a cluster or in a container has fewer than its machine."""

import math
import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores by affinity and by the limits of the process's control groups, at least 1."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, _cgroup_limit(_CGROUPS, _own_groups()))))


def _own_groups() -> list[str]:
    """Paths of the process's control groups, with those above them: a limit may stand on any."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ["."]
    groups = {Path(line.split(":", 2)[2].lstrip("/")) for line in lines if line.count(":") >= 2}
    return sorted({str(part) for group in groups for part in (group, *group.parents)} | {"."})


def _cgroup_limit(root: Path, groups: list[str]) -> float:
    """Cores of the tightest limit, in version 2 (cpu.max) or 1 (cpu.cfs_quota_us) of the kernel's interface; infinity without one."""
    limits = [math.inf]
    for group in groups:
        limits.append(_ratio(_words(root / group / "cpu.max")))
        quota, period = (_words(root / "cpu" / group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        limits.append(_ratio(quota + period))
    return min(limits)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _ratio(words: list[str]) -> float:
    """Quota over period in microseconds; "max" and -1 are no limit."""
    if len(words) != 2 or not all(word.isdecimal() and int(word) > 0 for word in words):
        return math.inf
    return int(words[0]) / int(words[1])
