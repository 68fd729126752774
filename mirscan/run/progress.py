"""What a run tells while it goes, for a progress bar or a log."""

from collections.abc import Callable
from dataclasses import dataclass

from mirscan.run.plan import ScanPlan

PLAN, BACKGROUND, SCAN, FINISH = "plan", "background", "scan", "finish"


@dataclass(frozen=True)
class Event:
    """Where a run is.

    Stage `plan` comes once, when the plan is ready and `resumed` parts are found done. In the stages `background` and `scan`, `done` of
    `total` counts bases and `rows` the sites so far; in stage `finish` jobs that need all parts. `message` is a line worth printing.
    """

    stage: str
    done: int = 0
    total: int = 0
    parts_done: int = 0
    n_parts: int = 0
    rows: int = 0
    message: str = ""
    plan: ScanPlan | None = None


Progress = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The progress of those who do not ask."""
