"""Rows -> the columns of an Annotation: every check of all transcripts at once, then exons and coding regions."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, count

import numpy as np
import pyarrow as pa

from mirscan.genome.intervals import find_outside, find_overlaps, join_intervals
from mirscan.genome.rows import CDS, EXON, SPAN, STOP, UTR3, UTR5, Label, Rows
from mirscan.sequence.fasta import check_name
from mirscan.sequence.text import decode_name

# The pseudoautosomal regions lie on both, and their transcripts have one id in some files.
_TWIN_CONTIGS = re.compile(r"(?:chr)?[XY]\Z|NC_00002[34]\.\d+\Z").match
_NO_CODING = -1


@dataclass(frozen=True)
class _Table:
    """Rows as arrays (m,), and for each of the `n` groups its id, contig and strand."""

    kind: np.ndarray
    start: np.ndarray
    end: np.ndarray
    group: np.ndarray
    line: np.ndarray
    ids: list[bytes]
    contigs: list[str]
    strands: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, is_kept: np.ndarray) -> "_Table":
        """The rows for which `is_kept` (m,); groups keep their numbers."""
        return replace(self, **{name: getattr(self, name)[is_kept] for name in ("kind", "start", "end", "group", "line")})

    def of(self, *kinds: int) -> "_Table":
        """The rows of these kinds."""
        return self.select(np.isin(self.kind, kinds))

    def join(self, *kinds: int):
        """Intervals of each group that its rows of these kinds cover; of all kinds where none is given."""
        rows = self.of(*kinds) if kinds else self
        return join_intervals(rows.group, rows.start, rows.end, len(self))

    def has(self, *kinds: int) -> np.ndarray:
        """Whether a group has a row of these kinds (n,)."""
        return np.bincount(self.of(*kinds).group, minlength=len(self)) > 0


@dataclass(frozen=True)
class _Check:
    """`find` gives positions of bad rows, `tell` the sentence for one of them, `what` the words of the tally."""

    what: str
    find: Callable[[_Table], np.ndarray]
    tell: Callable[[_Table, int], str]


def build_columns(rows: Rows) -> dict:
    """The columns of `Annotation` but its path; raises InputError as `read_annotation` does."""
    table = _sift(_as_table(rows), rows)
    labels = _label_groups(table, rows)
    kept = [group for group, label in enumerate(labels) if label is not None]
    exons = table.join(EXON).where(table.has(EXON), table.join())
    cds_start, cds_end = _bound_coding(table)
    is_explicit = ~table.has(EXON) | (cds_end < 0)
    first_line = np.zeros(len(table), np.int64)
    first_line[table.group[::-1]] = table.line[::-1]
    order = np.array(kept, np.int64)
    lists = {"exons": exons} | {name: _keep(table.join(kind), is_explicit) for name, kind in (("utr5", UTR5), ("utr3", UTR3))}
    return {
        "names": _strings(labels[group].name for group in kept),
        "genes": _strings(labels[group].gene for group in kept),
        "symbols": _strings(labels[group].symbol for group in kept),
        "biotypes": _strings(labels[group].biotype for group in kept),
        "contigs": _strings(table.contigs[group] for group in kept),
        "strand": np.array([-1 if table.strands[group] == "-" else 1 for group in kept], np.int8),
        "rank": np.array([labels[group].rank for group in kept], np.int8),
        "line": first_line[order],
        "cds_start": cds_start[order],
        "cds_end": cds_end[order],
        **{name: intervals.take(order) for name, intervals in lists.items()},
    }


def _as_table(rows: Rows) -> _Table:
    keys = [key.rsplit(b"\t", 2) for key in rows.groups]
    columns = (np.array(getattr(rows, name)) for name in ("kind", "start", "end", "group", "line"))
    contigs = [decode_name(contig) for _, contig, _ in keys]
    return _Table(*columns, [name for name, _, _ in keys], contigs, [decode_name(strand) for _, _, strand in keys])


def _name(table: _Table, row: int) -> str:
    return repr(decode_name(table.ids[table.group[row]]))


def _place(table: _Table, row: int) -> str:
    return f"{table.start[row] + 1}-{table.end[row]}"


def _find_strandless(table: _Table) -> np.ndarray:
    is_bad = np.array([strand not in ("+", "-") for strand in table.strands], bool)
    return np.flatnonzero(is_bad[table.group])


def _find_elsewhere(table: _Table) -> np.ndarray:
    """First rows of transcripts that lie on two contigs or strands, those of X and Y apart."""
    places: dict[bytes, set[int]] = {}
    for group, name in enumerate(table.ids):
        places.setdefault(name, set()).add(group)
    several = [groups for groups in places.values() if len(groups) > 1 and not _are_twins(table, groups)]
    return np.flatnonzero(np.isin(table.group, [group for groups in several for group in groups]))


def _are_twins(table: _Table, groups: set[int]) -> bool:
    contigs = {table.contigs[group] for group in groups}
    return len(contigs) == len(groups) and all(map(_TWIN_CONTIGS, contigs))


def _tell_elsewhere(table: _Table, row: int) -> str:
    name = table.ids[table.group[row]]
    places = [f"{table.contigs[group]} {table.strands[group]}" for group, other in enumerate(table.ids) if other == name]
    return f"transcript {_name(table, row)} lies on {' and on '.join(places)} (trans-spliced?); expected one contig and strand"


def _of_kind(kind: int, find: Callable) -> Callable[[_Table], np.ndarray]:
    """A check of the rows of one kind, as positions among all rows."""

    def find_rows(table: _Table) -> np.ndarray:
        positions = np.flatnonzero(table.kind == kind)
        return positions[find(table, table.select(positions))]

    return find_rows


def _find_outside(table: _Table, coding: _Table) -> np.ndarray:
    outside = find_outside(table.join(EXON), coding.group, coding.start, coding.end)
    return outside[table.has(EXON)[coding.group[outside]]]


_CHECKS = (
    _Check(
        "transcripts with a feature that ends before it begins",
        lambda table: np.flatnonzero((table.start < 0) | (table.end <= table.start)),
        lambda table, row: f"a feature of {_name(table, row)} at {_place(table, row)}; expected 1 <= start <= end",
    ),
    _Check(
        "transcripts without a strand",
        _find_strandless,
        lambda table, row: f"strand {table.strands[table.group[row]]!r} of {_name(table, row)}; expected + or -",
    ),
    _Check("transcripts at two places", _find_elsewhere, _tell_elsewhere),
    _Check(
        "transcripts with exons that overlap",
        _of_kind(EXON, lambda table, exons: find_overlaps(exons.group, exons.start, exons.end)),
        lambda table, row: f"exon {_place(table, row)} of {_name(table, row)} overlaps another of it; expected them apart",
    ),
    _Check(
        "transcripts with coding sequence outside their exons",
        _of_kind(CDS, _find_outside),
        lambda table, row: f"CDS {_place(table, row)} of {_name(table, row)} does not lie within an exon of it; expected it to",
    ),
)


def _sift(table: _Table, rows: Rows) -> _Table:
    """The table without the groups in which a check finds something; raises InputError unless such groups may be skipped."""
    for check in _CHECKS:
        bad = check.find(table)
        if not len(bad):
            continue
        groups, firsts = np.unique(table.group[bad], return_index=True)
        for row in bad[np.sort(firsts)]:
            rows.problems.tell(int(table.line[row]), check.tell(table, row), check.what)
        table = table.select(~np.isin(table.group, groups))
    return table


def _label_groups(table: _Table, rows: Rows) -> list[Label | None]:
    """Names of each group; None for those that were left out or are no transcripts."""
    n_rows = np.bincount(table.group, minlength=len(table))
    labels: list[Label | None] = [None] * len(table)
    seen: set[str] = set()
    for group, name in enumerate(table.ids):
        label = rows.labels.get(name)
        if label is None or not n_rows[group]:
            continue
        if label.name in seen:
            label = replace(label, name=_another_name(label.name, bool(_TWIN_CONTIGS(table.contigs[group])), seen))
            rows.problems.notices.add(
                "transcripts share their name with one before, of X and Y or of two loci, and got another", label.name
            )
        for text in (label.name, label.gene, label.symbol):
            check_name(text, rows.path)
        seen.add(label.name)
        labels[group] = label
    return labels


def _another_name(name: str, is_twin: bool, seen: set[str]) -> str:
    """A name that is not `seen`: with _PAR_Y as GENCODE calls the twin on Y, else with _dup1 and so on as UCSC does."""
    endings = chain(["_PAR_Y"] if is_twin else [], (f"_dup{number}" for number in count(1)))
    return next(name + ending for ending in endings if name + ending not in seen)


def _bound_coding(table: _Table) -> tuple[np.ndarray, np.ndarray]:
    """First base of the coding region and one past its last, with the stop codon wherever the file has it; -1 for no coding region."""
    coding = table.join(CDS, STOP, SPAN)
    has_coding = table.has(CDS, SPAN)
    return np.where(has_coding, coding.lowest, _NO_CODING), np.where(has_coding, coding.highest, _NO_CODING)


def _keep(intervals, is_kept: np.ndarray):
    """The lists for which `is_kept`; the others empty."""
    nothing = np.zeros(len(is_kept), np.int64)
    return intervals.clip(nothing, np.where(is_kept, np.iinfo(np.int64).max, 0))


def _strings(words) -> pa.StringArray:
    return pa.array(list(words), pa.string())
