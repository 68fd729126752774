"""miRNAs that share nt 2-8, the seed and m8, as one: what differs between them no seed rule up to nt 8 can see."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.alphabet import N, decode
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.text import PLAIN_DASHES, decode_text, open_text

# Heading of the column of names, of that of families: TargetScan's and MirGeneDB's tables, or anything like them.
_HEADINGS = {
    "mirna": ("mirbase id", "mirgenedb_id", "mirna", "mirna_name", "name", "id"),
    "family": ("mir family", "family", "mirna family", "seed family"),
}
_CONSERVATION = ("family conservation?", "family conservation", "family_conservation")
_SEED = ("seed+m8",)
_CLASSES = {"2", "1", "0", "-1"}
# The class of a miRNA that no table has.
NO_CLASS = -128
# MirGeneDB's table names genes, its FASTA their arms.
_ARM = re.compile(r"_[35]p\*?\Z")


@dataclass(frozen=True)
class Family:
    """A family: its name among the results, nt 2-8 of all its members (5'->3', with T for U), and their names."""

    name: str
    seed: str
    members: tuple[str, ...]


def group_families(mirnas: MirnaSet, names: dict[str, str] | None = None) -> tuple[MirnaSet, tuple[Family, ...]]:
    """(one miRNA of each family under the family's name, the families), in order of first appearance.

    The first member stands for all: its sequence is scored. `names` maps miRNAs to the names of families, see `read_families`; a family
    is called by its first member that has one, else as its first member, and with its seed where the name stands for another seed before.
    A miRNA with N in nt 2-8 stays alone.
    """
    members: dict[bytes, list[int]] = {}
    for index, codes in enumerate(mirnas.codes[:, 1:8]):
        key = codes.tobytes()
        members.setdefault(key if N not in codes else key + bytes([index % 256, index // 256]), []).append(index)
    families: list[Family] = []
    taken: set[str] = set()
    for indices in members.values():
        own = tuple(mirnas.names[index] for index in indices)
        seed = decode(mirnas.codes[indices[0], 1:8])
        given = next((name for member in own if (name := find_family(member, names or {}))), own[0])
        name = f"{given}:{seed}" if given in taken else given
        taken.add(name)
        families.append(Family(name, seed, own))
    first = mirnas.take([indices[0] for indices in members.values()])
    return replace(first, names=tuple(family.name for family in families)), tuple(families)


def read_families(path: str | os.PathLike, notices: Notices) -> dict[str, str]:
    """Families by miRNA from a table separated by tabs: with headings as TargetScan's and MirGeneDB's have, else miRNA and family first.

    Raises InputError for a row without both.
    """
    found: dict[str, str] = {}
    at = (0, 1)
    for number, where, fields in _rows(path, notices):
        if number == 1 and (columns := _find_columns(fields)):
            at = columns
            continue
        if len(fields) <= max(at) or not (fields[at[0]] and fields[at[1]]):
            raise InputError(f"{where}: found {' '.join(fields)[:40]!r}; expected a miRNA and its family, between tabs")
        name, family = fields[at[0]], fields[at[1]]
        first = found.setdefault(name, family)
        if first != family:
            notices.add("rows of the families give a miRNA another family; the first is kept", f"{name}: {first}, not {family}")
    if not found:
        raise InputError(f"{path}: no rows in it; expected miRNAs and their families, separated by tabs")
    return found


@dataclass(frozen=True)
class FamilyClasses:
    """How conserved families are: 2 among most vertebrates, 1 among most mammals, 0 less, -1 less and perhaps no miRNA.

    By the names of miRNAs, and by their species (the letters before the first dash) and nt 2-8, which a family shares: databases and
    their releases call one miRNA miR-137, miR-137-3p and miR-137-3p.1.
    """

    by_name: dict[str, int]
    by_seed: dict[tuple[str, str], int]

    def find(self, names: Iterable[str], seed: str) -> int:
        """The highest class of miRNAs that share nt 2-8 (with T for U); `NO_CLASS` where none is known."""
        return max(self.by_name.get(name, self.by_seed.get((_species(name), seed), NO_CLASS)) for name in names)


def read_family_classes(path: str | os.PathLike, notices: Notices) -> FamilyClasses:
    """Classes from the columns "Family Conservation?" and "Seed+m8" of TargetScan's table of families; none where it lacks the first.

    Raises InputError for a class that is not 2, 1, 0 or -1.
    """
    rows = _rows(path, notices)
    headings = [field.lower() for field in next(rows, (1, "", []))[2]]
    columns, place, seed = _find_columns(headings), *(_find(headings, names) for names in (_CONSERVATION, _SEED))
    found = FamilyClasses({}, {})
    if columns is None or place is None:
        return found
    for _, where, fields in rows:
        value = fields[place] if len(fields) > place else ""
        if value not in _CLASSES:
            raise InputError(f"{where}: found {value!r} for {headings[place]!r}; expected 2, 1, 0 or -1")
        name, known = fields[columns[0]], int(value)
        found.by_name.setdefault(name, known)
        if seed is not None:
            key = _species(name), fields[seed].upper().replace("U", "T")
            found.by_seed[key] = max(known, found.by_seed.get(key, NO_CLASS))
    return found


def _species(name: str) -> str:
    return name.partition("-")[0].lower()


def _rows(path: str | os.PathLike, notices: Notices) -> Iterator[tuple[int, str, list[str]]]:
    """(number of the line, where it stands, its fields) of a table separated by tabs, without comments and empty lines."""
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            text = decode_text(line, notices)
            plain = text.translate(PLAIN_DASHES)
            if plain != text:
                notices.add("rows of the families were written with typographic dashes, now '-'", " ".join(plain.split())[:60])
            fields = [field.strip() for field in plain.split("\t")]
            if any(fields) and (not fields[0].startswith("#") or (number == 1 and _find_columns(fields))):
                yield number, f"{path}, line {number}", fields


def families_text(families: Iterable[Family]) -> str:
    """The families as a table: name, seed, number of members, members."""
    rows = (f"{family.name}\t{family.seed}\t{len(family.members)}\t{','.join(family.members)}\n" for family in families)
    return "family\tseed\tn_members\tmembers\n" + "".join(rows)


def _find_columns(fields: list[str]) -> tuple[int, int] | None:
    lower = [field.lower() for field in fields]
    found = [_find(lower, words) for words in _HEADINGS.values()]
    return None if None in found else (found[0], found[1])


def _find(headings: list[str], names: Iterable[str]) -> int | None:
    return next((headings.index(name) for name in names if name in headings), None)


def find_family(name: str, families: dict[str, str]) -> str | None:
    """Family of a miRNA in what `read_families` gives, where names may be those of MirGeneDB's genes; None where it is not there."""
    return families.get(name) or families.get(_ARM.sub("", name))
