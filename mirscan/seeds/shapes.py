"""A rule as shapes: the forms its sites can take, each a set of templates that say what every target base must be.

Coordinates count backwards from the anchor, the target base opposite m1: `back` = anchor - position, so m_k lies at back k - 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mirscan.seeds.rule import SeedRule

# What a template asks of one target base. FREE lies outside the site and may be anything, N and the transcript's ends included.
PAIR, WOBBLE, MISMATCH, ADENINE, ANY, FREE = range(6)
# Chance that a random base satisfies a role; a wobble needs a G or U in the miRNA and its one partner in the target.
_CHANCE = np.array([1 / 4, 1 / 8, 3 / 4, 1 / 4, 1.0, 1.0])


@dataclass(frozen=True)
class Shape:
    """Sites of one rule with one extent: from `first_back` (3' end) to `last_back` (5' end), both included. Where a place satisfies
    several shapes of its rule, the least `preference` is reported.

    `templates`: pairs (roles, positions), one value a base from the 3' end of the site to its 5' end; `positions` are the miRNA
    positions (1-based, 0 where none) that the roles refer to. A shape with `edits` has no templates; `positions` of its one
    template name the region.
    """

    rule: int
    preference: int
    first_back: int
    last_back: int
    templates: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    edits: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """Strength, the strongest least: by rule, then by the form that the rule prefers."""
        return self.rule, self.preference

    @property
    def length(self) -> int:
        return self.last_back - self.first_back + 1


def shapes_of(rule: SeedRule, index: int) -> list[Shape]:
    """Shapes of one rule, preferred in this order: by alternative, then unbulged, bulge in the target, bulge in the miRNA."""
    shapes = []
    for paired in rule.paired:
        if rule.edits:
            region = (tuple([PAIR] * len(paired)), paired)
            shapes.append(Shape(index, len(shapes), paired[0] - 1, paired[-1] - 1, (region,), rule.edits))
            continue
        for layouts in _layouts(rule, paired):
            templates = tuple(template for layout in layouts for template in _templates(rule, paired, layout))
            if templates:
                first = 0 if rule.opposite_a else paired[0] - 1
                shapes.append(Shape(index, len(shapes), first, first + len(layouts[0]) - 1, templates))
    return shapes


def expected_hits(shapes: list[Shape]) -> float:
    """Expected sites of one miRNA per base of random sequence: the sum over templates (not edits), which counts overlaps twice."""
    return float(sum(_CHANCE[list(roles)].prod() for shape in shapes for roles, _ in shape.templates))


def _layouts(rule: SeedRule, paired: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """Lists of layouts of equal extent; a layout holds the miRNA position opposite each base of the site, 0 for a bulged base."""
    straight = tuple(range(1 if rule.opposite_a else paired[0], paired[-1] + 1))
    if rule.bulges[0] == 0:
        yield [straight]
    if rule.bulges[1] == 1:
        cuts = range(straight.index(paired[0]) + 1, len(straight))
        yield [(*straight[:cut], 0, *straight[cut:]) for cut in cuts]
        # The outermost pairs hold a bulge in place: without them the site is a shorter straight one.
        yield [straight[:cut] + straight[cut + 1 :] for cut in cuts[:-1]]


def _templates(rule: SeedRule, paired: tuple[int, ...], layout: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    slots = [index for index, position in enumerate(layout) if position in paired]
    base = [PAIR if position in paired else ANY for position in layout]
    if rule.opposite_a:
        base[0] = ADENINE
    for n_wobbles in range(rule.wobbles[0], rule.wobbles[1] + 1):
        for wobbles in combinations(slots, n_wobbles):
            rest = [slot for slot in slots if slot not in wobbles]
            for n_mismatches in range(rule.mismatches[0], rule.mismatches[1] + 1):
                for mismatches in combinations(rest, n_mismatches):
                    roles = list(base)
                    for slot in wobbles:
                        roles[slot] = WOBBLE
                    for slot in mismatches:
                        roles[slot] = MISMATCH
                    yield tuple(roles), tuple(position if role <= MISMATCH else 0 for role, position in zip(roles, layout, strict=True))
