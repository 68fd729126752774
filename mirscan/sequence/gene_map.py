"""--gene-map: a table of transcript, gene and perhaps symbol, as exports of databases, R and spreadsheets really look."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mirscan.errors import InputError
from mirscan.notices import Notices, counted
from mirscan.sequence.fasta import check_name
from mirscan.sequence.headers import cannot_be_gene, is_gene_id
from mirscan.sequence.text import decode_text, open_text, split_row
from mirscan.sequence.versions import has_versions, split_version

# What columns are called, by BioMart, Bioconductor, UCSC, NCBI, kallisto, salmon and people; letters and digits alone, in lower case.
_HEADINGS = {
    "transcript": {
        *("transcript", "transcripts", "transcriptid", "transcriptstableid", "transcriptstableidversion", "isoform", "isoformid", "refseq"),
        *("ensembltranscriptid", "ensembltranscriptidversion", "refseqmrna", "refseqmrnaid", "refseqmrnapredictedid", "refseqid", "tx"),
        *("txname", "txid", "targetid", "rnanucleotideaccessionversion", "ensemblrnaidentifier", "rna", "accession", "mrna", "enst"),
    },
    "gene": {
        *("gene", "geneid", "genes", "genestableid", "genestableidversion", "ensemblgeneid", "ensemblgeneidversion", "ensembl", "ensg"),
        *("ensemblid", "entrez", "entrezid", "entrezgene", "entrezgeneid", "entrezgeneaccession", "ncbigeneid", "ncbigene", "locustag"),
        *("ncbigeneformerlyentrezgeneid", "locus", "ensgene", "ensemblgene", "ensemblgeneidentifier", "parentgene"),
    },
    "symbol": {
        *("symbol", "genesymbol", "genename", "externalgenename", "externalgeneid", "hgncsymbol", "mgisymbol", "associatedgenename"),
        *("geneshortname", "symbols", "commonname", "genenames", "approvedsymbol", "officialsymbol", "genesymbols"),
    },
}
_NO_NAME = {"", "NA", "N/A", "#N/A", "NULL", "null", "None", "nan", "NaN", ".", "-"}
_DELIMITERS = "\t,; "
# So many lines tell what separates the columns.
_SAMPLE_LINES = 1000
# What spreadsheets make of MARCH1, SEPT2, DEC1 and OCT4 in their several styles and languages, and of the clone 2310009E13.
_MONTH = (
    r"(?:Jan|Feb|Mar|M[aä]r|Mrz|Apr|Avr|Abr|May|Mai|Jun|Juin|Jul|Juil|Aug|Ago|Sep|Set|Oct|Okt|Out|Nov|Dec|Dez|Dic|D[eé]c)[a-zéû]{0,6}\.?"
)
_FOREIGN_MONTH = r"(?=[^\W\d_]*[^\x00-\x7f])[^\W\d_]{3,}\.?"
_DATE = re.compile(
    rf"\d{{1,4}}[-./ ]+(?:{_MONTH}|{_FOREIGN_MONTH})(?:[-./ ]+\d{{2,4}})?\Z|\d\d?{_MONTH}(?:\d\d)?\d\d\Z"
    rf"|{_MONTH}[-./ ](?:\d\d?(?:,? \d{{4}})?|\d{{4}})\Z|(?:\d+\u5e74)?\d+\u6708.*"
    r"|\d{4}([-/.])\d\d?\1\d\d?(?:[T ].*)?\Z|\d\d?([-/.])\d\d?\2\d{2,4}\Z",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:E\+?\d+)?\Z", re.I)
_SPREADSHEET_ERROR = re.compile(r"#[A-Z0/]+[!?]\Z")
_DECIMAL = re.compile(r"\d+\.0\Z")


class GeneRow(NamedTuple):
    """One row of a map: its line in the file, 1-based, and what it says; the symbol may be empty."""

    line: int
    gene: str
    symbol: str


@dataclass(frozen=True)
class GeneTable:
    """A table as it was read: names of the columns, empty where it has none, and rows as (line, fields)."""

    path: str
    heading: list[str]
    rows: list[tuple[int, list[str]]]

    def find(self, names: Sequence[str], fasta: str, notices: Notices) -> list[tuple[str, str] | None]:
        """(gene, symbol or nothing) of each transcript (n,), None where the table does not name it, with counts of both.

        Headings say which column is what; without them that one holds transcripts which has most of these names. A version on one side
        alone does not matter. Raises InputError where no transcript is named, and for one that has two genes.
        """
        wanted = {*names, *(split_version(name)[0] for name in names)}
        columns = self._choose_columns(wanted)
        entries = self._collect(columns, wanted, notices) if columns else {}
        versions = defaultdict(dict)
        for name, row in entries.items():
            base, version = split_version(name)
            versions[base][version] = row
        found = [_find_one(name, entries, versions, notices) for name in names]
        named, absent = (
            [name for name, row in zip(names, found, strict=True) if (row is None) == is_absent] for is_absent in (False, True)
        )
        if not named:
            raise InputError(
                f"{self.path}: none of its {counted(len(self.rows), 'row')} names a transcript and its gene of {fasta}; the first row is "
                f"{', '.join(self.rows[0][1])[:80]!r}, the first transcript {names[0]!r}"
            )
        notices.add("transcripts have their gene from the gene map", named[0], len(named))
        notices.add("transcripts are not in the gene map and keep the names of their headers", "".join(absent[:1]), len(absent))
        return [row and (row.gene, row.symbol) for row in found]

    def _choose_columns(self, wanted: Collection[str]) -> tuple[int, int | None, int | None] | None:
        """Number of the column of transcripts, of genes and of symbols; None where no column has transcripts that are wanted."""
        width = max(len(fields) for _, fields in self.rows)
        named = {role: [i for i, name in enumerate(self.heading) if _plain(name) in known] for role, known in _HEADINGS.items()}
        hits = [sum(_is_wanted(fields, i, wanted) for _, fields in self.rows) for i in range(width)]
        transcript = max(range(width), key=lambda i: (hits[i] > 0 and i in named["transcript"], hits[i]))
        if not hits[transcript]:
            return None
        genes, symbols = (next((i for i in named[role] if i != transcript), None) for role in ("gene", "symbol"))
        return transcript, *(self._guess_genes(transcript, width) if genes is None and symbols is None else (genes, symbols))

    def _guess_genes(self, transcript: int, width: int) -> tuple[int | None, int | None]:
        """Columns of genes and symbols where headings do not tell: stable ids of genes first, else the order transcript, gene, symbol."""
        others = [i for i in range(width) if i != transcript and not self._is_no_name(i)]
        stable = [i for i in others if any(len(fields) > i and is_gene_id(fields[i]) for _, fields in self.rows[:_SAMPLE_LINES])]
        if not others or (not stable and transcript > 0 and len(others) > 2):
            raise InputError(
                f"{self.path}: {counted(width, 'column')}, transcripts in column {transcript + 1}, genes unclear; "
                f"expected transcript, gene and "
                "symbol in this order, or headings such as transcript_id, gene_id and symbol"
            )
        return tuple([*stable[:1], *(i for i in others if i not in stable), None][:2])

    def _is_no_name(self, column: int) -> bool:
        """Whether a column holds row names of R or places rather than genes."""
        values = [fields[column] for _, fields in self.rows[:_SAMPLE_LINES] if len(fields) > column]
        # The first row may be a heading that nobody knows.
        counts = [int(value) for value in values[len(values) > 2 :] if value.isdecimal()]
        is_counted = len(counts) >= len(values) - 1 and counts in [list(range(i, i + len(counts))) for i in (0, 1, 2)]
        are_places = all(cannot_be_gene(value) for value in values if value not in _NO_NAME)
        return are_places or (column == 0 and is_counted)

    def _collect(self, columns: tuple[int, int | None, int | None], wanted: Collection[str], notices: Notices) -> dict[str, GeneRow]:
        """The rows of transcripts that are wanted, by the name of the table; the first of several with one gene."""
        entries: dict[str, GeneRow] = {}
        transcript = columns[0]
        for line, fields in self.rows:
            if not _is_wanted(fields, transcript, wanted):
                continue
            name = _transcript(fields[transcript])
            gene, symbol = (_value(fields, column, notices) for column in columns[1:])
            if not (gene or symbol):
                notices.add("rows of the gene map name no gene and were left out", name)
                continue
            where = f"{self.path}, line {line}"
            row = GeneRow(line, check_name(_whole_number(gene or symbol, notices), where), check_name(symbol, where))
            entries.setdefault(name, row)
            _compare(name, entries[name], row, where, notices)
            _note_spreadsheet(row, notices)
        return entries


def read_gene_table(path: str | os.PathLike, notices: Notices) -> GeneTable:
    """The table of a file separated by tabs, commas, semicolons or blanks, with or without headings, quotes and row names.

    Raises InputError for a quote that is not closed on its line, a row of one column, and a table without rows.
    """
    path = os.fspath(path)
    with open_text(path) as handle:
        lines = [(number, decode_text(line, notices).rstrip("\n")) for number, line in enumerate(handle, 1)]
    texts = [(number, text) for number, text in lines if text.strip() and not _is_comment(text)]
    sample = [text for _, text in texts[:_SAMPLE_LINES]]
    delimiter = _find_delimiter([text.strip() for text in sample])
    rows = list(_split_rows(path, texts, delimiter))
    heading = rows.pop(0)[1] if rows and _is_heading(rows[0][1]) else []
    if not rows:
        raise InputError(f"{path}: no rows in it; expected transcript, gene and optionally symbol, separated by tabs")
    # R writes no heading over its row names.
    if heading and len(rows[0][1]) == len(heading) + 1:
        heading = ["", *heading]
    _refuse_annotation(path, *rows[0])
    return GeneTable(path, heading, rows)


def _find_delimiter(lines: Sequence[str]) -> str:
    """What most lines hold, and of several such marks the one that is most often the first: others stand in texts."""
    firsts = Counter(found[0] for line in lines if (found := re.search(f"[{_DELIMITERS}]", line)))
    return max(_DELIMITERS, key=lambda mark: (sum(mark in line for line in lines), firsts[mark]))


def is_transcript_heading(name: str) -> bool:
    """Whether a column of this heading holds transcripts.

    >>> is_transcript_heading("Transcript stable ID"), is_transcript_heading("gene")
    (True, False)
    """
    return _plain(name) in _HEADINGS["transcript"]


def _is_comment(text: str) -> bool:
    """Whether a line begins with # and is not the heading of an export of NCBI."""
    return text.startswith("#") and not _is_heading(re.split(r"[\t,;]", text))


def _is_heading(fields: Sequence[str]) -> bool:
    plain = {_plain(field) for field in fields}
    return len(fields) > 1 and (bool(plain & _HEADINGS["transcript"]) or sum(bool(plain & known) for known in _HEADINGS.values()) > 1)


def _split_rows(path: str, texts: list[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, text in texts:
        where = f"{path}, line {number}"
        fields = split_row(text.strip() if delimiter == " " else text, delimiter, where)
        if len(fields) < 2:
            raise InputError(f"{where}: found {text[:40]!r}; expected transcript, gene and optionally symbol, separated by tabs")
        yield number, fields


def _refuse_annotation(path: str, line: int, fields: list[str]) -> None:
    if len(fields) >= 8 and fields[3].isdecimal() and fields[4].isdecimal() and fields[6] in ("+", "-", "."):
        raise InputError(f"{path}, line {line}: is an annotation (GTF or GFF); expected a table of transcript, gene and symbol")


def _plain(heading: str) -> str:
    """A heading without case, blanks and signs."""
    return re.sub(r"[\W_]+", "", heading.lower())


def _transcript(field: str) -> str:
    """Name of a transcript; tables made of salmon's results have GENCODE's whole headers."""
    return field.partition("|")[0]


def _is_wanted(fields: list[str], column: int, wanted: Collection[str]) -> bool:
    if column >= len(fields):
        return False
    name = _transcript(fields[column])
    return name in wanted or split_version(name)[0] in wanted


def _value(fields: list[str], column: int | None, notices: Notices) -> str:
    """What a row says in a column; nothing for the words and errors of spreadsheets that stand for it."""
    value = fields[column] if column is not None and column < len(fields) else ""
    if _SPREADSHEET_ERROR.match(value):
        notices.add("fields of the gene map were lost to an error of a spreadsheet", value)
        return ""
    return "" if value in _NO_NAME else value


def _compare(name: str, first: GeneRow, row: GeneRow, where: str, notices: Notices) -> None:
    if row.gene != first.gene:
        raise InputError(
            f"{where}: transcript {name!r} has gene {row.gene!r} here and {first.gene!r} in line {first.line}; expected one gene"
        )
    if row.symbol != first.symbol:
        notices.add("rows of the gene map give a transcript another symbol; the first is kept", f"{name}: {first.symbol}, not {row.symbol}")


def _whole_number(gene: str, notices: Notices) -> str:
    """An Entrez id without the .0 that data frames give numbers of a column which lacks some."""
    if not _DECIMAL.match(gene):
        return gene
    notices.add("genes of the gene map were numbers with .0, as data frames make of Entrez ids; read without", gene)
    return gene.removesuffix(".0")


def _note_spreadsheet(row: GeneRow, notices: Notices) -> None:
    for value in dict.fromkeys((row.gene, row.symbol)):
        if _DATE.match(value):
            notices.add("symbols of the gene map have the form of dates, as spreadsheets make of MARCH1 or SEPT2", value)
        # Genes may be numbers of Entrez.
        elif _NUMBER.match(value) and (value != row.gene or not value.isdecimal()):
            notices.add("symbols of the gene map have the form of numbers, as spreadsheets make of MARCH1 or 2310009E13Rik's clone", value)


def _find_one(name: str, entries: dict[str, GeneRow], versions: dict[str, dict[int, GeneRow]], notices: Notices) -> GeneRow | None:
    if name in entries:
        return entries[name]
    base, version = split_version(name)
    known = versions.get(base, {})
    if version >= 0 and -1 in known:
        return known[-1]
    if version in known:
        return known[version]
    if not known or (version >= 0 and not has_versions(base)):
        return None
    chosen = known[max(known)]
    if version >= 0:
        notices.add("transcripts have another version in the gene map", name)
    if any(row[1:] != chosen[1:] for row in known.values()):
        notices.add("transcripts have versions of other genes or symbols in the gene map; the highest counts", f"{name}: {chosen.gene}")
    return chosen
