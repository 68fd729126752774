"""What reading lost, merged or renamed: counted, with the first name of each kind. No run is silent about it."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Notice:
    """One kind of thing that happened `count` times, first to `first`."""

    what: str
    count: int
    first: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.what} (first: {self.first})" if self.first else f"{self.count:,} {self.what}"


@dataclass
class Notices:
    """A tally that readers fill as they go.

    >>> notices = Notices()
    >>> notices.add("records without a sequence were skipped", "T7")
    >>> notices.add("records without a sequence were skipped", "T9")
    >>> [str(notice) for notice in notices]
    ['2 records without a sequence were skipped (first: T7)']
    """

    _found: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, what: str, first: str = "", count: int = 1) -> None:
        """Count `count` more of `what`, a sentence that reads well behind a number; `first` is kept from the first call."""
        if count:
            known, name = self._found.get(what, (0, first))
            self._found[what] = (known + count, name)

    def __iter__(self) -> Iterator[Notice]:
        return (Notice(what, count, first) for what, (count, first) in self._found.items())

    def to_dict(self) -> dict[str, dict]:
        """Plain values for plan.json and run.json."""
        return {what: {"count": count, "first": first} for what, (count, first) in self._found.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping]) -> "Notices":
        """The tally of a plan.json or run.json."""
        return cls({what: (value["count"], value["first"]) for what, value in values.items()})


@contextmanager
def tallied(notices: Notices | None) -> Iterator[Notices]:
    """The caller's tally; without one a new tally, logged as warnings of the logger `mirscan` when reading is over."""
    tally = Notices() if notices is None else notices
    yield tally
    if notices is None:
        for notice in tally:
            logging.getLogger("mirscan").warning("%s", notice)
