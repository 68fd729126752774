"""Which miRNA was added in each experiment."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mirscan.errors import InputError
from mirscan.expression.delimited import read_delimited
from mirscan.notices import Notices
from mirscan.sequence.fasta import read_fasta
from mirscan.sequence.text import open_text

_SEQUENCE = re.compile(r"[ACGTUacgtu]{15,40}")
_PASSENGER = re.compile(r"pass|star|antiguide", re.IGNORECASE)
# let7 is let-7a, mir124 is miR-124-3p: what a label may leave out.
_ENDINGS = ("", "3p", "5p", "a", "a3p", "a5p")


@dataclass(frozen=True)
class Guide:
    """The strands of one experiment, 5'->3' with T for U; `passenger` is empty where it is not known."""

    name: str
    guide: str
    passenger: str = ""


def read_guides(path: str | os.PathLike, experiments: Sequence[str], notices: Notices | None = None) -> list[Guide]:
    """The miRNA of each experiment, from a table or from a FASTA of miRNAs.

    A table has a row a miRNA or experiment: a column that names it, one of guides and perhaps one of passenger strands (its heading says
    pass or star). A name is found as it stands, else by what is left without species, points and dashes (let7 is hsa-let-7a, mir124 is
    hsa-miR-124-3p). Raises InputError for an experiment that has none.
    """
    notices = Notices() if notices is None else notices
    known = _from_fasta(path, notices) if _is_fasta(path) else _from_table(path, notices)
    plain: dict[str, Guide] = {}
    for name, guide in known.items():
        plain.setdefault(_plain(name), guide)
    return [_find(name, known, plain, os.fspath(path)) for name in experiments]


def _find(name: str, known: dict[str, Guide], plain: dict[str, Guide], path: str) -> Guide:
    if name in known:
        return known[name]
    found = next((plain[_plain(name) + ending] for ending in _ENDINGS if _plain(name) + ending in plain), None)
    if found is None:
        listed = ", ".join(list(known)[:5])
        raise InputError(f"{path}: no miRNA for experiment {name!r}; it has {listed}{' and others' if len(known) > 5 else ''}")
    return found


def _plain(name: str) -> str:
    """let7a of hsa-let-7a, mir1243p of hsa-miR-124-3p."""
    lower = re.sub(r"^[a-z]{3}-(?=let|mir|lsy|lin|bantam)", "", name.lower())
    return re.sub(r"[^a-z0-9]", "", lower)


def _is_fasta(path: str | os.PathLike) -> bool:
    with open_text(path) as handle:
        return handle.peek(1)[:1] == b">"


def _from_fasta(path: str | os.PathLike, notices: Notices) -> dict[str, Guide]:
    guides = {}
    for record in read_fasta(path, notices):
        name = record.header.split()[0]
        guides.setdefault(name, Guide(name, _letters(record.letters)))
    return guides


def _from_table(path: str | os.PathLike, notices: Notices) -> dict[str, Guide]:
    table = read_delimited(path, notices, "an experiment and the sequence of its miRNA")
    columns = {name: table.column(name) for name in table.headings}
    strands = [name for name, column in columns.items() if sum(map(bool, map(_SEQUENCE.fullmatch, column))) > len(column) / 2]
    guides = [name for name in strands if not _PASSENGER.search(name)]
    if not guides:
        raise InputError(f"{table.path}: headings {', '.join(table.headings[:8])}; expected a column of miRNA sequences")
    passenger = next((name for name in strands if _PASSENGER.search(name)), None)
    found: dict[str, Guide] = {}
    for number, guide in enumerate(columns[guides[0]]):
        strand = _letters(columns[passenger][number]) if passenger else ""
        for name in (table.rows[number][place] for place, heading in enumerate(table.headings) if heading not in strands):
            found.setdefault(name, Guide(name, _letters(guide), strand))
    return found


def _letters(sequence: str) -> str:
    return sequence.upper().replace("U", "T")
