"""What reading lost, merged or renamed: counted, with the first name of each kind. No run is silent about it."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

# Words of notices, which speak of many, when it is one.
_ALWAYS = {
    "are": "is",
    "were": "was",
    "have": "has",
    "keep": "keeps",
    "count": "counts",
    "carry": "carries",
    "their": "its",
    "they": "it",
    "them": "it",
}
_VERBS = ("hold", "stand", "lie", "end", "give", "share", "name", "say")
_NOUN, _VERB = re.compile(r"s\b"), re.compile(rf"(?<!\ba )(?<!\bthe )\b({'|'.join(_VERBS)})\b")
_WORD = re.compile(rf"\b({'|'.join(_ALWAYS)})\b")


def counted(n: int, noun: str) -> str:
    """A number with its noun, which is given in the singular and takes an s.

    >>> counted(1, "gene"), counted(2000, "gene"), counted(2, "family")
    ('1 gene', '2,000 genes', '2 families')
    """
    if n != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{n:,} {noun}"


def _of_one(what: str) -> str:
    """What a notice says, of one thing.

    >>> _of_one("miRNAs share nt 2-8 with one before and have no rows of their own")
    'miRNA shares nt 2-8 with one before and has no rows of its own'
    """
    # The subject stands first.
    what = _VERB.sub(r"\1s", _NOUN.sub("", what, count=1), count=1)
    return _WORD.sub(lambda found: _ALWAYS[found[1]], what)


@dataclass(frozen=True)
class Notice:
    """One kind of thing that happened `count` times, first to `first`."""

    what: str
    count: int
    first: str

    def __str__(self) -> str:
        if self.count == 1:
            return f"1 {_of_one(self.what)}" + (f" ({self.first})" if self.first else "")
        return f"{self.count:,} {self.what}" + (f" (first: {self.first})" if self.first else "")


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
