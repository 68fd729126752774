"""The kinds of parts that a run has: those of the scan, and before them those of the background."""

from collections.abc import Callable
from dataclasses import dataclass

from mirscan.run.background import find_background_damage
from mirscan.run.partition import find_damage
from mirscan.run.plan import Part, ScanPlan
from mirscan.run.progress import BACKGROUND, SCAN
from mirscan.store.names import background_failure, part_failure
from mirscan.store.protocol import Store


@dataclass(frozen=True)
class Stage:
    """`parts` of a plan; `find_damage` says what is wrong with one on disk, and `failure` names the note of one that failed."""

    name: str
    parts: Callable[[ScanPlan], tuple[Part, ...]]
    find_damage: Callable[[Store, int], str | None]
    failure: Callable[[int], str]

    def list_damage(self, store: Store, plan: ScanPlan) -> dict[int, str]:
        """Parts that are not done or not whole, with what is wrong."""
        numbers = range(len(self.parts(plan)))
        return {number: damage for number in numbers if (damage := self.find_damage(store, number)) is not None}


STAGES = {
    stage.name: stage
    for stage in (
        Stage(BACKGROUND, lambda plan: plan.background, find_background_damage, background_failure),
        Stage(SCAN, lambda plan: plan.parts, find_damage, part_failure),
    )
}
