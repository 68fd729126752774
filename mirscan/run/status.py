"""How far a run is, read from its folder without touching it."""

import json
import os
from dataclasses import dataclass

from mirscan.errors import RunError
from mirscan.run.files import REPORT, Store, explained_errors, open_store, part_failure, part_record
from mirscan.run.lock import is_alive, read_owner
from mirscan.run.plan import load_plan


@dataclass(frozen=True)
class RunStatus:
    """State of a run: `is_finished` (results are written), `owner` (who works there now, else None), parts, bases and sites
    done, `bases_per_second` of one worker, `seconds_left` at the present number of workers (None before the first part), and
    the reason for each part that failed the last time."""

    out: str
    is_finished: bool
    owner: str | None
    n_parts: int
    n_done: int
    n_bases: int
    bases_done: int
    n_sites: int
    bases_per_second: float | None
    seconds_left: float | None
    failures: dict[int, str]


def read_status(out: str | os.PathLike) -> RunStatus:
    """The state of the run at `out`; raises RunError where there is none."""
    store = open_store(out)
    with explained_errors(store.root):
        plan = load_plan(store)
        if plan is None:
            raise RunError(f"{store.root}: not a run of mirscan; expected a folder that `mirscan scan --out` made")
        names = set(store.names())
        done = {number: _read(store, part_record(number)) for number in range(len(plan.parts)) if part_record(number) in names}
        failures = {
            number: _read(store, part_failure(number)).get("reason", "")
            for number in range(len(plan.parts))
            if part_failure(number) in names
        }
        bases = sum(plan.parts[number].bases for number in done)
        seconds = sum(record.get("seconds", 0) for record in done.values())
        rate = bases / seconds if seconds else None
        owner = read_owner(store)
        is_owned = owner is not None and is_alive(owner, store)
        return RunStatus(
            out=store.root,
            is_finished=REPORT in names,
            owner=f"process {owner['pid']} on {owner['host']} since {owner['started']}" if is_owned else None,
            n_parts=len(plan.parts),
            n_done=len(done),
            n_bases=plan.n_bases,
            bases_done=bases,
            n_sites=sum(record.get("rows", 0) for record in done.values()),
            bases_per_second=rate,
            seconds_left=(plan.n_bases - bases) / rate / owner.get("workers", 1) if rate and is_owned else None,
            failures=failures,
        )


def _read(store: Store, name: str) -> dict:
    try:
        values = json.loads(store.read(name))
    except (FileNotFoundError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
