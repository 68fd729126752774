"""Tables of text as studies publish them: tabs, commas or semicolons, compressed or not, with or without a heading over the ids."""

import os
from dataclasses import dataclass

from mirscan.errors import InputError
from mirscan.notices import Notices, counted
from mirscan.sequence.text import decode_text, open_text, split_row

MISSING = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", "."}


@dataclass(frozen=True)
class Delimited:
    """A table: `headings` and `rows` of equally many fields, stripped; `lines` are the 1-based line numbers of the rows."""

    path: str
    headings: list[str]
    rows: list[list[str]]
    lines: list[int]

    def where(self, row: int) -> str:
        """Where a row stands, as errors say it."""
        return f"{self.path}, line {self.lines[row]}"

    def column(self, name: str) -> list[str]:
        """The fields under one heading."""
        place = self.headings.index(name)
        return [row[place] for row in self.rows]


def read_delimited(path: str | os.PathLike, notices: Notices, expected: str) -> Delimited:
    """The table of a file; `expected` says in errors what its columns should be.

    R's tables, whose first line lacks the heading of the ids, get an empty one.

    Raises InputError for a file without rows and for a row with more or fewer fields than headings.
    """
    path = os.fspath(path)
    with open_text(path) as handle:
        texts = [decode_text(line, notices).rstrip("\n") for line in handle]
    delimiter = next((mark for mark in "\t,;" if any(mark in text for text in texts[:1])), "\t")
    numbered = [(number, split_row(text, delimiter, f"{path}, line {number}")) for number, text in enumerate(texts, 1)]
    numbered = [(number, fields) for number, fields in numbered if any(fields)]
    if len(numbered) < 2:
        raise InputError(
            f"{path}: {counted(len(numbered), 'line')} in it; expected headings and rows, separated by tabs or commas: {expected}"
        )
    headings, rows = numbered[0][1], [fields for _, fields in numbered[1:]]
    if len(rows[0]) == len(headings) + 1:
        headings = ["", *headings]
    for number, fields in numbered[1:]:
        if len(fields) != len(headings):
            raise InputError(f"{path}, line {number}: {counted(len(fields), 'field')}; expected {len(headings)} as in the first line")
    return Delimited(path, headings, rows, [number for number, _ in numbered[1:]])
