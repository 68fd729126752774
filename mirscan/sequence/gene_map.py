"""--gene-map: a table of transcript, gene and perhaps symbol, as exports of databases, R and spreadsheets really look."""

import csv
import os
import re
from dataclasses import dataclass, field

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.fasta import check_name
from mirscan.sequence.text import decode_text, open_text

_HEADINGS = {"transcript", "transcript_id", "transcript stable id", "transcript stable id version", "tx", "txname", "tx_id", "target_id"}
_NO_GENE = {"", "NA", "N/A", "NULL", "null", "None", "nan", ".", "-"}
# What spreadsheets make of MARCH1, SEPT2 and DEC1.
_DATE = re.compile(r"\d{1,2}-(?:Mar|Sep|Dec|Oct|Apr|Feb)\Z", re.IGNORECASE)


@dataclass
class GeneMap:
    """Genes and symbols by transcript, with and without versions; counts what it named."""

    path: str
    genes: dict[str, tuple[str, str]]
    _bare: dict[str, tuple[str, str]] = field(init=False)
    _n_named: int = 0
    _first_named: str = ""

    def __post_init__(self):
        self._bare = {_without_version(name): value for name, value in self.genes.items()}

    def find(self, name: str, notices: Notices) -> tuple[str, str] | None:
        """(gene, symbol) of a transcript; versions on one side alone do not matter."""
        found = self.genes.get(name) or self._bare.get(_without_version(name))
        if found is None:
            notices.add("transcripts are not in the gene map and keep the names of their headers", name)
        elif not self._n_named:
            self._first_named = name
        self._n_named += found is not None
        return found

    def close(self, fasta: str, notices: Notices) -> None:
        """Say how many transcripts it named; InputError where it was none."""
        if not self._n_named:
            raise InputError(
                f"{self.path}: none of its {len(self.genes):,} transcripts is in {fasta}; expected the FASTA's names in the first column"
            )
        notices.add("transcripts have their gene from the gene map", self._first_named, self._n_named)


def read_gene_map(path: str | os.PathLike, notices: Notices) -> GeneMap:
    """The map of a table separated by tabs, commas or semicolons, with or without headings and quotes.

    Raises InputError for a line without transcript and gene, for a transcript with two genes, and for a table without rows.
    """
    genes, lines = {}, {}
    with open_text(path) as handle:
        texts = [decode_text(line, notices).rstrip("\r\n") for line in handle]
    delimiter = next((mark for mark in "\t;," if any(mark in text for text in texts if not text.startswith("#"))), "\t")
    for number, fields in enumerate(csv.reader(texts, delimiter=delimiter), 1):
        fields = [value.strip() for value in fields]
        if not any(fields) or fields[0].startswith("#") or (not genes and fields[0].lower() in _HEADINGS):
            continue
        where = f"{path}, line {number}"
        if len(fields) < 2 or not fields[0]:
            raise InputError(
                f"{where}: found {texts[number - 1][:40]!r}; expected transcript, gene and optionally symbol, separated by tabs"
            )
        name, gene, symbol = fields[0], fields[1], fields[2] if len(fields) > 2 else ""
        if gene in _NO_GENE:
            notices.add("rows of the gene map name no gene and were left out", name)
            continue
        if genes.get(name, (gene,))[0] != gene:
            raise InputError(
                f"{where}: transcript {name!r} has gene {gene!r} here and {genes[name][0]!r} in line {lines[name]}; expected one gene"
            )
        symbol = gene if symbol in _NO_GENE else symbol
        if _DATE.match(symbol) or _DATE.match(gene):
            notices.add("symbols of the gene map look like dates, as spreadsheets make of MARCH1 or SEPT2", symbol)
        genes[name], lines[name] = (check_name(gene, where), check_name(symbol, where)), number
    if not genes:
        raise InputError(f"{path}: no rows in it; expected transcript, gene and optionally symbol, separated by tabs")
    return GeneMap(os.fspath(path), genes)


def _without_version(name: str) -> str:
    base, dot, version = name.rpartition(".")
    return base if dot and version.isdecimal() else name
