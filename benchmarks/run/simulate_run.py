"""A run on many workers that fail, simulated event by event: how long it takes, what is lost, what is tried again.

    python benchmarks/run/simulate_run.py --core-hours 5000 --workers 256 --part-seconds 10 60 600 --worker-hours 0.5 4 24 inf

The rules are those of mirscan/run: one part a worker at a time, handed out by one process one after the other; a worker that dies
takes its part with it; a part that hangs is taken away at the time limit; a part that failed three times waits for `resume`; a killed
main process loses the parts at work and nothing else. The same seed gives the same numbers.
"""

import argparse
import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, replace

from measure import print_table

HOUR = 3600.0
TRIES = 3
# A run that still has failed parts after so many resumptions is called endless.
MOST_RESUMES = 50


@dataclass(frozen=True)
class Cluster:
    """What the simulated cluster is like; times in seconds.

    `worker_life`, `main_life`: mean time until a worker or the main process dies. `replacement`: until another worker stands in.
    `startup`: until a worker has loaded Python and network. `handing_out`: of the main process a part. `checking`: of the main process a
    finished part when a run is resumed. `restart`: until somebody resumes a dead run. `spread`: sigma of the logarithm of parts' times.
    `hang`: chance that a try never ends. `limit`: time limit of a part.
    """

    workers: int
    worker_life: float = math.inf
    main_life: float = math.inf
    replacement: float = 120.0
    startup: float = 15.0
    handing_out: float = 0.003
    checking: float = 0.0002
    restart: float = HOUR
    spread: float = 0.3
    hang: float = 0.0
    limit: float = math.inf


@dataclass
class Outcome:
    """What a simulated run took: wall and lost core-seconds, tries that failed, and how often it had to be resumed."""

    wall: float = 0.0
    lost: float = 0.0
    retries: int = 0
    resumes: int = 0
    is_endless: bool = False


def simulate(n_parts: int, part_seconds: float, cluster: Cluster, seed: int = 1) -> Outcome:
    """Run `n_parts` parts of `part_seconds` on average on `cluster`."""
    draw = random.Random(seed)
    # Lognormal with mean 1.
    times = [part_seconds * draw.lognormvariate(-(cluster.spread**2) / 2, cluster.spread) for _ in range(n_parts)]
    outcome, open_parts = Outcome(), list(range(n_parts))
    while open_parts:
        if outcome.resumes > MOST_RESUMES:
            outcome.is_endless = True
            break
        open_parts = _attend(open_parts, times, cluster, draw, outcome)
        if open_parts:
            outcome.resumes += 1
            outcome.wall += cluster.restart + cluster.checking * (n_parts - len(open_parts))
    return outcome


def _attend(parts: list[int], times: list[float], cluster: Cluster, draw: random.Random, outcome: Outcome) -> list[int]:
    """One life of the main process; return the parts that are still open at its end."""
    end = draw.expovariate(1 / cluster.main_life) if cluster.main_life < math.inf else math.inf
    waiting, failed = deque((part, 1) for part in parts), []
    # (when a worker is free, its number); (when a try ends, worker, part, try, seconds, it succeeds, when the worker is free again)
    free = [(cluster.startup, worker) for worker in range(min(cluster.workers, len(parts)))]
    running, now, main_free = [], 0.0, 0.0
    heapq.heapify(free)
    while waiting or running:
        if waiting and free and (not running or free[0][0] <= running[0][0]):
            ready, worker = heapq.heappop(free)
            part, attempt = waiting.popleft()
            started = main_free = max(ready, main_free) + cluster.handing_out
            heapq.heappush(running, _try(started, worker, part, attempt, times[part], cluster, draw))
            continue
        now, worker, part, attempt, seconds, is_done, ready = heapq.heappop(running)
        if now > end:
            running.append((now, worker, part, attempt, seconds, is_done, ready))
            break
        heapq.heappush(free, (ready, worker))
        if is_done:
            continue
        outcome.lost += seconds
        outcome.retries += 1
        if attempt < TRIES:
            waiting.append((part, attempt + 1))
        else:
            failed.append(part)
    if not running:
        outcome.wall += now
        return failed
    # The main process died: what was at work is lost, what waited waits.
    outcome.wall += end
    outcome.lost += sum(max(0.0, end - (entry[0] - entry[4])) for entry in running)
    return failed + [entry[2] for entry in running] + [part for part, _ in waiting]


def _try(started: float, worker: int, part: int, attempt: int, seconds: float, cluster: Cluster, draw: random.Random) -> tuple:
    """One try of a part as an event: done, lost with its worker, or taken away at the time limit."""
    life = draw.expovariate(1 / cluster.worker_life) if cluster.worker_life < math.inf else math.inf
    hangs = draw.random() < cluster.hang
    needed = cluster.limit if hangs else min(seconds, cluster.limit)
    if life < needed:
        return started + life, worker, part, attempt, life, False, started + life + cluster.replacement + cluster.startup
    is_done = not hangs and seconds <= cluster.limit
    ended = started + needed
    # A worker that hangs is ended and started anew.
    return ended, worker, part, attempt, needed, is_done, ended if is_done else ended + cluster.startup


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core-hours", type=float, default=5000, help="of work")
    parser.add_argument("--workers", type=int, nargs="+", default=[256])
    parser.add_argument("--part-seconds", type=float, nargs="+", default=[10, 60, 600])
    parser.add_argument("--worker-hours", type=float, nargs="+", default=[math.inf, 24, 4, 0.5], help="mean life of a worker")
    parser.add_argument("--main-hours", type=float, default=48, help="mean life of the main process")
    parser.add_argument("--hang", type=float, default=1e-5, help="chance that a try of a part hangs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each line; the table shows their mean")
    arguments = parser.parse_args()
    base = Cluster(1, main_life=arguments.main_hours * HOUR, hang=arguments.hang)
    headings = ("workers", "part s", "parts", "worker lives h", "wall h", "ideal h", "efficiency", "lost core-h", "failed tries", "resumed")
    rows = []
    for workers in arguments.workers:
        for part_seconds in arguments.part_seconds:
            for hours in arguments.worker_hours:
                cluster = replace(base, workers=workers, worker_life=hours * HOUR, limit=max(600.0, 10 * part_seconds))
                rows.append(row_of(arguments.core_hours, part_seconds, cluster, range(arguments.seed, arguments.seed + arguments.repeats)))
    print_table(headings, rows)


def row_of(core_hours: float, part_seconds: float, cluster: Cluster, seeds: range) -> tuple:
    """One line of the table: means over `seeds`."""
    n_parts = max(1, round(core_hours * HOUR / part_seconds))
    outcomes = [simulate(n_parts, part_seconds, cluster, seed) for seed in seeds]
    wall, lost, retries, resumes = (
        sum(getattr(outcome, name) for outcome in outcomes) / len(outcomes) for name in ("wall", "lost", "retries", "resumes")
    )
    ideal = core_hours / cluster.workers
    setting = (f"{cluster.workers:,}", f"{part_seconds:g}", f"{n_parts:,}", f"{cluster.worker_life / HOUR:g}")
    if any(outcome.is_endless for outcome in outcomes):
        return (*setting, "never ends", f"{ideal:,.1f}", "-", f"{lost / HOUR:,.1f}", f"{retries:,.0f}", f"> {MOST_RESUMES}")
    times = (f"{wall / HOUR:,.1f}", f"{ideal:,.1f}", f"{ideal * HOUR / wall:.1%}")
    return (*setting, *times, f"{lost / HOUR:,.1f}", f"{retries:,.0f}", f"{resumes:.1f}")


if __name__ == "__main__":
    main()
