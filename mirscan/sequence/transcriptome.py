"""All transcripts as one packed code array with begin, end and names; kept in memory or opened as a memory map."""

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.notices import Notices, tallied
from mirscan.sequence.alphabet import N, encode
from mirscan.sequence.fasta import FastaRecord, check_name, read_fasta
from mirscan.sequence.gene_map import GeneTable, read_gene_table
from mirscan.sequence.headers import header_reader

SEPARATOR = bytes([N])
CODES_FILE, RECORDS_FILE = "codes.bin", "records.arrow"
# What may reach past the junction of a circle: a window of so many nt, or a seed match with its features, which are shorter.
LONGEST_CIRCLE_WINDOW = 100
CIRCLE_MARGIN = LONGEST_CIRCLE_WINDOW + 28
_WORDS = ("name", "gene", "symbol", "place", "region")
_SCHEMA = pa.schema({**dict.fromkeys(_WORDS, pa.string()), "begin": pa.int64(), "end": pa.int64()})


@dataclass(frozen=True)
class Transcriptome:
    """Packed transcripts.

    `codes` (total,) uint8 holds one N before, between and after the records, so `codes[begin - 1]` and `codes[end]` always
    exist and never pair; around a circle the letters that come before and behind it as one goes round, `margin` on either side.
    `begin`, `end` (n,) int64 index into it; `names`, `genes`, `symbols` are Arrow strings (n,), `places` too: where the
    sequence lies by its header or its annotation, as chr1:100-131,200-220(+), 0-based and half-open, else null; and `regions`: what of
    the transcript it is, as 3utr, else null.
    """

    codes: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    names: pa.StringArray
    genes: pa.StringArray
    symbols: pa.StringArray
    places: pa.StringArray
    regions: pa.StringArray

    @property
    def words(self) -> tuple[pa.StringArray, ...]:
        """The columns of text."""
        return self.names, self.genes, self.symbols, self.places, self.regions

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def lengths(self) -> np.ndarray:
        return self.end - self.begin

    @property
    def margin(self) -> int:
        """Letters of a circle that stand once more on either side of it; 0 where records are linear."""
        return int(self.begin[0]) - 1 if len(self) else 0

    def bounds(self, transcripts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First letter and one past the last (n,) in `codes` that a window on each of these transcripts may show."""
        return self.begin[transcripts] - self.margin, self.end[transcripts] + self.margin

    @property
    def n_bases(self) -> int:
        return int(self.lengths.sum())

    @property
    def is_of_regions(self) -> bool:
        """Whether it is known what of its transcript each record is."""
        return len(self) > 0 and self.regions.null_count == 0

    @property
    def gene_codes(self) -> np.ndarray:
        """Number of the gene of each transcript (n,), in order of first appearance; each region of a gene has its own."""
        keys = pc.binary_join_element_wise(self.genes, self.regions, "\t") if self.is_of_regions else self.genes
        return keys.dictionary_encode().indices.to_numpy()

    def take(self, indices: np.ndarray) -> "Transcriptome":
        """The transcripts at these positions (n,), in this order, packed anew in memory."""
        margin, lengths, place = self.margin, self.lengths[indices], pa.array(indices)
        end = np.cumsum(lengths + 2 * margin + 1) - margin
        begin = end - lengths
        codes = np.full(int(lengths.sum()) + len(lengths) * (2 * margin + 1) + 1, N, dtype=np.uint8)
        for target, source in enumerate(indices):
            codes[begin[target] - margin : end[target] + margin] = self.codes[self.begin[source] - margin : self.end[source] + margin]
        return Transcriptome(codes, begin, end, *(column.take(place) for column in self.words))

    def save(self, folder: str | os.PathLike) -> None:
        """Write the two files that `open_transcriptome` maps."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.codes.tofile(folder / CODES_FILE)
        _write_records(folder, pa.table([*self.words, self.begin, self.end], schema=_SCHEMA))


def read_transcriptome(
    paths: str | os.PathLike | Sequence[str | os.PathLike],
    gene_map: str | os.PathLike | None = None,
    folder: str | os.PathLike | None = None,
    notices: Notices | None = None,
    header: str | None = None,
    circular: bool = False,
) -> Transcriptome:
    """Transcripts of one or several FASTA files, in order.

    Gene and symbol come from `gene_map` (table of transcript, gene and perhaps symbol), else from the header by the rules of
    `mirscan.sequence.headers` or by `header`, a regular expression with the groups transcript, gene and symbol; else the transcript is its
    own gene.
    `circular`: every record is a circle, whose last letter stands before its first.
    With `folder` the codes go straight to disk and come back as a memory map, so memory follows the longest record only.

    Raises InputError as `read_fasta` does, for a name that occurs twice, and for a gene map that fits no transcript.

    >>> transcriptome = ms.read_transcriptome("examples/utrs.fa.gz")
    >>> len(transcriptome), transcriptome.n_bases
    (300, 459004)
    """
    if folder is None:
        buffer = io.BytesIO()
        with tallied(notices) as tally:
            records = _pack(paths, gene_map, header, circular, buffer, tally)
        return _from_records(np.frombuffer(buffer.getbuffer(), dtype=np.uint8), records)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / CODES_FILE, "wb") as sink, tallied(notices) as tally:
        records = _pack(paths, gene_map, header, circular, sink, tally)
    _write_records(folder, records)
    return open_transcriptome(folder)


def open_transcriptome(folder: str | os.PathLike) -> Transcriptome:
    """The transcriptome saved in `folder`, codes as a read-only memory map shared by all processes of a machine."""
    folder = Path(folder)
    with pa.ipc.open_file(folder / RECORDS_FILE) as reader:
        records = reader.read_all()
    return _from_records(np.memmap(folder / CODES_FILE, dtype=np.uint8, mode="r"), records)


def transcriptome_from_sequences(names: Iterable[str], sequences: Iterable[str], genes: Iterable[str] | None = None) -> Transcriptome:
    """A transcriptome of letters at hand; without `genes` every transcript is its own gene.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1", "T2"], ["ACGU", "ACGTACGT"], genes=["G", "G"])
    >>> transcriptome.lengths.tolist(), transcriptome.genes.to_pylist()
    ([4, 8], ['G', 'G'])
    """
    names, arrays = list(names), [encode(sequence) for sequence in sequences]
    genes = names if genes is None else list(genes)
    ends = np.cumsum([len(codes) + 1 for codes in arrays])
    begins = ends - [len(codes) for codes in arrays]
    codes = np.full(int(ends[-1]) + 1, N, dtype=np.uint8)
    for begin, end, sequence in zip(begins, ends, arrays, strict=True):
        codes[begin:end] = sequence
    unknown = pa.nulls(len(names), pa.string())
    return _from_records(codes, pa.table([names, genes, genes, unknown, unknown, begins, ends], schema=_SCHEMA))


def _from_records(codes: np.ndarray, records: pa.Table) -> Transcriptome:
    columns = {name: records[name].combine_chunks() for name in _SCHEMA.names}
    return Transcriptome(codes, columns["begin"].to_numpy(), columns["end"].to_numpy(), *(columns[name] for name in _WORDS))


def _write_records(folder: Path, records: pa.Table) -> None:
    with pa.ipc.new_file(folder / RECORDS_FILE, _SCHEMA) as writer:
        writer.write_table(records)


def _pack(paths, gene_map, header, circular: bool, sink, notices: Notices) -> pa.Table:
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    table = None if gene_map is None else read_gene_table(gene_map, notices)
    read_header = header_reader(header)
    rows, seen, position, margin = [], {}, 1, CIRCLE_MARGIN if circular else 0
    sink.write(SEPARATOR)
    for path in paths:
        for record in read_fasta(path, notices):
            where = f"{path}, line {record.line}"
            names = read_header(record.header, where)
            name = check_name(names.transcript, where)
            if name in seen:
                first, digest = seen[name]
                if digest == hash(record.codes):
                    notices.add("transcripts with a name and sequence that stood before were left out", name)
                    continue
                raise _name_twice(name, record.header, where, first)
            seen[name] = where, hash(record.codes)
            _note_letters(name, record, notices)
            gene, symbol = check_name(names.gene, where), check_name(names.symbol, where)
            place = names.place and str(names.place.of_length(len(record.codes)))
            first = position + margin
            rows.append((name, gene, symbol, place, names.region, first, first + len(record.codes)))
            sink.write(_unrolled(record.codes, margin))
            sink.write(SEPARATOR)
            position = first + len(record.codes) + margin + 1
    columns = [list(column) for column in zip(*rows, strict=True)]
    if table is not None:
        _take_genes(columns, table, os.fspath(paths[0]), notices)
    _note_symbols(columns, notices)
    return pa.table(columns, schema=_SCHEMA)


def _name_twice(name: str, header: str, where: str, first: str) -> InputError:
    here = "" if header == name else f", here of {header[:60]!r}"
    return InputError(
        f"{where}: name {name!r} stands in {first} already with another sequence{here}; "
        "expected distinct names, and a name ends at the first blank; --header chooses another"
    )


def _take_genes(columns: list[list], table: GeneTable, fasta: str, notices: Notices) -> None:
    """Put genes and symbols of the gene map in place of those of the headers; without a symbol the header's stays with its gene."""
    names, genes, symbols = columns[:3]
    for row, found in enumerate(table.find(names, fasta, notices)):
        if found:
            gene, symbol = found
            symbols[row] = symbol or (symbols[row] if gene == genes[row] else gene)
            genes[row] = gene


def _note_symbols(columns: list[list], notices: Notices) -> None:
    first: dict[str, str] = {}
    for gene, symbol in zip(columns[1], columns[2], strict=True):
        if first.setdefault(gene, symbol) != symbol:
            notices.add("transcripts give their gene another symbol than the first", f"{gene}: {first[gene]} and {symbol}")


def _unrolled(codes: bytes, margin: int) -> bytes:
    """A circle from `margin` letters before its first to `margin` behind its last; a short one comes round more than once."""
    if not margin or not codes:
        return SEPARATOR * margin + codes + SEPARATOR * margin
    turns = -(-margin // len(codes))
    return (codes * turns)[-margin:] + codes + (codes * turns)[:margin]


def _note_letters(name: str, record: FastaRecord, notices: Notices) -> None:
    """Count what pairs with nothing: records without a letter, of N alone, and letters that are read as N."""
    n_unknown = record.codes.count(N)
    if not record.codes:
        notices.add("transcripts have no sequence, so no site", name)
    elif n_unknown == len(record.codes):
        notices.add("transcripts hold N alone, so no site", name)
    elif n_unknown:
        n_said = sum(line.count(b"N") + line.count(b"n") for line in record.lines)
        notices.add("letters of transcripts stand for several bases and are read as N, which pairs with nothing", name, n_unknown - n_said)
