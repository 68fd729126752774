"""The few rows of an annotation that regions are made of, collected line by line with where they stood, and what is wrong with some."""

import os
from array import array
from dataclasses import dataclass, field

from mirscan.errors import InputError
from mirscan.notices import Notices

# Kinds of rows. SPAN is a coding region from its first base to its last, introns and all, as thickStart and thickEnd of BED12 give it.
EXON, CDS, STOP, UTR, UTR5, UTR3, SPAN = range(7)
KINDS = {
    b"exon": EXON,
    b"CDS": CDS,
    b"cds": CDS,
    b"stop_codon": STOP,
    b"UTR": UTR,
    b"five_prime_utr": UTR5,
    b"five_prime_UTR": UTR5,
    b"5UTR": UTR5,
    b"5'UTR": UTR5,
    b"three_prime_utr": UTR3,
    b"three_prime_UTR": UTR3,
    b"3UTR": UTR3,
    b"3'UTR": UTR3,
}
# The longest chromosome known has 5 Gb (Neoceratodus, Meyer 2021).
_FARTHEST = 1 << 40
# No tag of a principal isoform.
UNTAGGED = 99


def to_position(text: bytes) -> int:
    """A whole number that no contig is too short for; ValueError for anything else.

    >>> to_position(b"100")
    100
    """
    number = int(text)
    if abs(number) > _FARTHEST:
        raise ValueError(text)
    return number


@dataclass(frozen=True)
class Label:
    """What an annotation calls a transcript; `rank` orders isoforms by their tags, 0 the most principal, see `attributes.TAGS`."""

    name: str
    gene: str
    symbol: str
    biotype: str = ""
    rank: int = UNTAGGED


@dataclass(frozen=True)
class Problems:
    """What to do about bad lines: raise InputError at the first, or with `skip` leave them out and count them."""

    path: str
    skip: bool
    notices: Notices

    def tell(self, line: int, sentence: str, what: str) -> None:
        """`sentence` is for the error; `what`, which reads well behind a number, for the tally."""
        if not self.skip:
            raise InputError(f"{self.path}, line {line}: {sentence}. Mend it, or leave such features out with --skip-bad.")
        self.notices.add(f"{what} were left out of the annotation", f"line {line}")


@dataclass
class Rows:
    """Rows in the order of the file, 0-based and half-open, as columns; `groups` numbers each transcript at each place.

    A key of `groups` is id, contig and strand between tabs; `labels` has the names of an id.
    """

    problems: Problems
    kind: array = field(default_factory=lambda: array("b"))
    start: array = field(default_factory=lambda: array("q"))
    end: array = field(default_factory=lambda: array("q"))
    group: array = field(default_factory=lambda: array("q"))
    line: array = field(default_factory=lambda: array("q"))
    groups: dict[bytes, int] = field(default_factory=dict)
    labels: dict[bytes, Label] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return os.fspath(self.problems.path)

    def add(self, line: int, kind: int, name: bytes, contig: bytes, strand: bytes, start: int, end: int) -> None:
        """Append a row of the transcript `name`."""
        self.kind.append(kind)
        self.start.append(start)
        self.end.append(end)
        self.group.append(self.groups.setdefault(b"%b\t%b\t%b" % (name, contig, strand), len(self.groups)))
        self.line.append(line)

    def add_fields(self, line: int, kind: int, name: bytes, fields: list[bytes]) -> None:
        """Append a row from the nine fields of a GTF or GFF3 line."""
        try:
            start, end = to_position(fields[3]) - 1, to_position(fields[4])
        except ValueError:
            found = b"-".join(fields[3:5]).decode("utf-8", "replace")
            self.problems.tell(line, f"found {found!r} for start and end; expected two whole numbers", "features without whole numbers")
            return
        self.add(line, kind, name, fields[0], fields[6], start, end)
