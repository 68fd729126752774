"""Which transcript or gene a row of a table means, whatever kind of id it has."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError
from mirscan.expression.delimited import MISSING, read_delimited
from mirscan.notices import Notices
from mirscan.sequence.transcriptome import Transcriptome

_KINDS = {
    "Ensembl genes (ENSG)": re.compile(r"ENS[A-Z]{0,6}G\d{6,}"),
    "Ensembl transcripts (ENST)": re.compile(r"ENS[A-Z]{0,6}T\d{6,}"),
    "RefSeq transcripts (NM_)": re.compile(r"[NX][MR]_\d+"),
    "Entrez numbers": re.compile(r"\d+"),
}
SYMBOLS = "symbols"
# Headings of columns that name a gene or a transcript, in lower case and without anything but letters.
_HEADINGS = {
    "ensg", "ensembl", "ensemblid", "ensemblgene", "geneid", "genestableid", "enst", "transcript", "transcriptid", "transcriptstableid",
    "entrez", "entrezid", "entrezgene", "refseq", "refseqid", "symbol", "genesymbol", "genename", "hgncsymbol", "gene", "name",
}  # fmt: skip
_EXPECTED = "two columns of ids, such as refseq and entrez"
_VERSION = re.compile(r"\.\d+\Z")


def kind_of_ids(ids: Sequence[str]) -> str:
    """The kind that most of the ids have.

    >>> from mirscan.expression.ids import kind_of_ids
    >>> kind_of_ids(["NM_000019.3", "NM_000031.5"])
    'RefSeq transcripts (NM_)'
    """
    return Counter(map(_kind, ids)).most_common(1)[0][0]


def _kind(name: str) -> str:
    bare = without_version(name)
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(bare)), SYMBOLS)


def without_version(name: str) -> str:
    """An accession without its version; symbols keep their points, as in RP11-1.2."""
    return _VERSION.sub("", name) if name.startswith(("ENS", "NM_", "NR_", "XM_", "XR_")) else name


@dataclass(frozen=True)
class GeneIds:
    """Number of the gene, in order of first appearance in a transcriptome, behind every name it is known by; `kinds` of the names."""

    numbers: dict[str, int]
    kinds: tuple[str, ...]

    def find(self, columns: Sequence[Sequence[str]], path: str, what: str, notices: Notices) -> np.ndarray:
        """Number of the gene of each row, -1 where none is known; `columns[k]` are the k-th names, the first known one counts.

        Rows without a gene are counted. Raises InputError where fewer than 50 rows have one.
        """
        found = np.array([self._first(names) for names in zip(*columns, strict=True)])
        lost = np.flatnonzero(found < 0)
        if len(lost):
            notices.add(f"genes of {path} are not among the {what}", columns[0][lost[0]], len(lost))
        n_found = len(found) - len(lost)
        if n_found < 50:
            kinds = [kind_of_ids(column) for column in columns]
            given = ", ".join(f"{kind} such as {column[0]!r}" for kind, column in zip(kinds, columns, strict=True))
            advice = "" if n_found and set(kinds) & set(self.kinds) else "; a table of both kinds joins them (--ids)"
            raise InputError(
                f"{path}: {n_found} of {len(found):,} genes are among the {what}; its ids are {given}, "
                f"theirs {', '.join(self.kinds)}. Expected at least 50{advice}"
            )
        return found

    def _first(self, names: Iterable[str]) -> int:
        return next((self.numbers[name] for name in map(without_version, names) if name in self.numbers), -1)


def gene_ids(transcriptome: Transcriptome, tables: Iterable[str | os.PathLike] = (), notices: Notices | None = None) -> GeneIds:
    """The names of a transcriptome's genes: of their transcripts, their own and their symbols, and what `tables` say are the same.

    A table has a heading over each column of ids (ensg, entrez, refseq, symbol, ...); all ids of a row mean one gene.
    Raises InputError for a table without two such columns.
    """
    numbers = transcriptome.genes.dictionary_encode().indices.to_numpy()
    columns = [column.to_pylist() for column in (transcriptome.names, transcriptome.genes, transcriptome.symbols)]
    known: dict[str, int] = {}
    for column in columns:
        for name, number in zip(column, numbers, strict=True):
            known.setdefault(without_version(name), int(number))
    kinds = [kind_of_ids(column) for column in columns]
    for path in tables:
        kinds += _add_table(known, path, Notices() if notices is None else notices)
    return GeneIds(known, tuple(dict.fromkeys(kinds)))


def _add_table(known: dict[str, int], path: str | os.PathLike, notices: Notices) -> list[str]:
    """Enter all names of each row whose gene one of them tells; the kinds of its columns."""
    table = read_delimited(path, notices, _EXPECTED)
    places = [place for place, name in enumerate(table.headings) if re.sub(r"[^a-z]", "", name.lower()) in _HEADINGS]
    if len(places) < 2:
        raise InputError(f"{table.path}: headings {', '.join(table.headings[:8])}; expected {_EXPECTED}")
    for row in table.rows:
        names = [without_version(row[place]) for place in places if row[place] not in MISSING]
        number = next((known[name] for name in names if name in known), None)
        if number is not None:
            for name in names:
                known.setdefault(name, number)
    return [kind_of_ids([row[place] for row in table.rows]) for place in places]
