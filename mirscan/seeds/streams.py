"""Which bases the scan has to look at: shapes -> groups that are resolved together -> streams, each one word lookup a base."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mirscan.seeds.shapes import Shape

# Rules are resolved against each other in words of up to 10 bases; wider ones cost gigabytes at compile time.
GROUP_WIDTH = 10
# Streams are merged up to this width: one lookup in 4**9 words (1 MB of offsets, about an L2 cache) beats two in 4**8.
STREAM_WIDTH = 9


@dataclass(frozen=True)
class Group:
    """Shapes (by number) that compete inside one word, which covers `first_back` .. `last_back`, both included."""

    shapes: tuple[int, ...]
    first_back: int
    last_back: int

    @property
    def width(self) -> int:
        return self.last_back - self.first_back + 1


@dataclass(frozen=True)
class Stream:
    """A word from `first` to `last` (both included) as offsets from the start of a site, and the shapes filed under it."""

    shapes: tuple[int, ...]
    first: int
    last: int

    @property
    def width(self) -> int:
        return self.last - self.first + 1


def outranks_matrix(shapes: list[Shape], all_types: bool) -> np.ndarray:
    """[a, b]: a place of shape b is dropped where shape a holds too. With `all_types` only the forms of one rule compete."""
    stronger = np.array([[a.rank < b.rank for b in shapes] for a in shapes])
    rules = np.array([shape.rule for shape in shapes])
    return stronger & (rules[:, None] == rules[None, :]) if all_types else stronger


def group_shapes(shapes: list[Shape]) -> list[Group]:
    """Gather shapes, strongest first, while one word of `GROUP_WIDTH` bases covers them all."""
    groups: list[Group] = []
    for number, shape in sorted(enumerate(shapes), key=lambda item: item[1].rank):
        for index, group in enumerate(groups):
            first, last = min(group.first_back, shape.first_back), max(group.last_back, shape.last_back)
            if last - first < GROUP_WIDTH:
                groups[index] = Group((*group.shapes, number), first, last)
                break
        else:
            groups.append(Group((number,), shape.first_back, shape.last_back))
    return groups


def needed_backs(shapes: list[Shape], group: Group, outranks: np.ndarray) -> dict[int, tuple[int, int]]:
    """For each shape of a group the places that decide about it: its own and those of the shapes that outrank it."""
    needed = {}
    for number in group.shapes:
        deciders = [shapes[number], *(shapes[other] for other in group.shapes if outranks[other, number])]
        needed[number] = min(s.first_back for s in deciders), max(s.last_back for s in deciders)
    return needed


def plan_streams(shapes: list[Shape], needed: dict[int, tuple[int, int]]) -> list[Stream]:
    """Streams that cover what every shape needs, as few as fit into `STREAM_WIDTH`, and of those the narrowest."""
    by_back: dict[int, list[int]] = {}
    for number in needed:
        by_back.setdefault(shapes[number].last_back, []).append(number)
    columns = [_stream(shapes, needed, numbers) for _, numbers in sorted(by_back.items())]
    return min(_partitions(columns), key=lambda streams: (len(streams), sum(4**stream.width for stream in streams)))


def _stream(shapes: list[Shape], needed: dict[int, tuple[int, int]], numbers: list[int]) -> Stream:
    first = min(shapes[number].last_back - needed[number][1] for number in numbers)
    last = max(shapes[number].last_back - needed[number][0] for number in numbers)
    return Stream(tuple(sorted(numbers)), first, last)


def _partitions(columns: list[Stream]) -> Iterator[list[Stream]]:
    """Every way to merge neighbouring columns whose union still fits a stream; columns alone always do."""
    if not columns:
        yield []
    for size in range(1, len(columns) + 1):
        head = columns[:size]
        merged = Stream(
            tuple(sorted(number for column in head for number in column.shapes)), min(c.first for c in head), max(c.last for c in head)
        )
        if size == 1 or merged.width <= STREAM_WIDTH:
            for rest in _partitions(columns[size:]):
                yield [merged, *rest]
