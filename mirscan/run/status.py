"""How far a run is, read from its folder without touching it."""

import json
import os
from dataclasses import dataclass, replace

from mirscan.errors import RunError
from mirscan.run.lock import is_alive, read_owner
from mirscan.run.plan import load_plan
from mirscan.run.summary import read_result
from mirscan.store.explained import explained_errors
from mirscan.store.local import LocalStore
from mirscan.store.names import REPORT, background_record, part_failure, part_record, part_sites
from mirscan.store.opening import open_store
from mirscan.store.protocol import Store


@dataclass(frozen=True)
class RunStatus:
    """State of a run: `is_finished` (results are written), `owner` (who works there now, else None), parts, bases and sites
    done, `bases_per_second` of one worker, `seconds_left` at the present number of workers (None before the first part), and
    the reason for each part that failed the last time; `n_background` parts of shuffled transcripts come before all these."""

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
    n_background: int = 0
    n_background_done: int = 0


def read_status(out: str | os.PathLike) -> RunStatus:
    """The state of the run at `out`; raises RunError where there is none."""
    store = open_store(out)
    with explained_errors(store.root):
        plan = load_plan(store)
        if plan is None:
            raise RunError(f"{store.root}: not a run of mirscan; expected a folder that `mirscan scan --out` made")
        names = set(store.names())
        records = {number: _read(store, part_record(number)) for number in range(len(plan.parts)) if part_record(number) in names}
        done = {number: record for number, record in records.items() if _is_whole(store, names, number, record)}
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
        state = RunStatus(
            out=store.root,
            is_finished=REPORT in names and len(done) == len(plan.parts),
            owner=f"process {owner['pid']} on {owner['host']} since {owner['started']}" if is_owned else None,
            n_parts=len(plan.parts),
            n_done=len(done),
            n_bases=plan.n_bases,
            bases_done=bases,
            n_sites=sum(record.get("rows", 0) for record in done.values()),
            bases_per_second=rate,
            seconds_left=(plan.n_bases - bases) / rate / owner.get("workers", 1) if rate and is_owned else None,
            failures=failures,
            n_background=len(plan.background),
            n_background_done=sum(background_record(number) in names for number in range(len(plan.background))),
        )
        if not records and (result := read_result(store)) is not None:
            # work/ was deleted, as one may when a run is finished.
            return replace(
                state,
                is_finished=True,
                n_done=state.n_parts,
                n_background_done=state.n_background,
                bases_done=state.n_bases,
                n_sites=result.n_sites,
            )
        return state


def _is_whole(store: Store, names: set[str], number: int, record: dict) -> bool:
    """Whether a part's file is there, and on a file system, where that costs nothing, as long as its record says."""
    name = part_sites(number)
    return name in names and (not isinstance(store, LocalStore) or store.size(name) == record.get("bytes"))


def _read(store: Store, name: str) -> dict:
    try:
        values = json.loads(store.read(name))
    except (FileNotFoundError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
