"""All transcripts as one packed code array with begin, end and names; kept in memory or opened as a memory map."""

import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.notices import Notices, tallied
from mirscan.sequence.alphabet import N, encode
from mirscan.sequence.fasta import FastaRecord, check_name, read_fasta
from mirscan.sequence.text import open_text

SEPARATOR = bytes([N])
CODES_FILE, RECORDS_FILE = "codes.bin", "records.arrow"
_SCHEMA = pa.schema([("name", pa.string()), ("gene", pa.string()), ("symbol", pa.string()), ("begin", pa.int64()), ("end", pa.int64())])
# First fields of NCBI's `>gi|number|ref|accession|` headers: there the accession is the name, not the first field.
_NCBI_TAGS = {"gi", "ref", "gb", "emb", "dbj", "tpg", "lcl"}
# Ensembl writes gene:ENSG... gene_symbol:TP53, gffread gene=TP53, NCBI [gene=TP53].
_GENE = re.compile(r"(?<![\w.])(?:gene_id|gene)[:=]\"?([^\s\];,\"]+)")
_SYMBOL = re.compile(r"(?<![\w.])(?:gene_symbol|gene_name)[:=]\"?([^\s\];,\"]+)")


@dataclass(frozen=True)
class Transcriptome:
    """Packed transcripts.

    `codes` (total,) uint8 holds one N before, between and after the records, so `codes[begin - 1]` and `codes[end]` always
    exist and never pair. `begin`, `end` (n,) int64 index into it; `names`, `genes`, `symbols` are Arrow strings (n,).
    """

    codes: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    names: pa.StringArray
    genes: pa.StringArray
    symbols: pa.StringArray

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def lengths(self) -> np.ndarray:
        return self.end - self.begin

    @property
    def n_bases(self) -> int:
        return int(self.lengths.sum())

    def take(self, indices: np.ndarray) -> "Transcriptome":
        """The transcripts at these positions (n,), in this order, packed anew in memory."""
        lengths, place = self.lengths[indices], pa.array(indices)
        end = np.cumsum(lengths + 1)
        begin = end - lengths
        codes = np.full(int(lengths.sum()) + len(lengths) + 1, N, dtype=np.uint8)
        for target, source in enumerate(indices):
            codes[begin[target] : end[target]] = self.codes[self.begin[source] : self.end[source]]
        return Transcriptome(codes, begin, end, *(column.take(place) for column in (self.names, self.genes, self.symbols)))

    def save(self, folder: str | os.PathLike) -> None:
        """Write the two files that `open_transcriptome` maps."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.codes.tofile(folder / CODES_FILE)
        _write_records(folder, pa.table([self.names, self.genes, self.symbols, self.begin, self.end], schema=_SCHEMA))


def read_transcriptome(
    paths: str | os.PathLike | Sequence[str | os.PathLike],
    gene_map: str | os.PathLike | None = None,
    folder: str | os.PathLike | None = None,
    notices: Notices | None = None,
) -> Transcriptome:
    """Transcripts of one or several FASTA files, in order.

    Gene and symbol come from `gene_map` (TSV: transcript, gene, optional symbol), else from the header: `>tx|gene|symbol`,
    GENCODE's `>tx|gene|...|symbol|...`, `gene=`, `gene:` and `gene_symbol:` words; else the transcript is its own gene.
    With `folder` the codes go straight to disk and come back as a memory map, so memory follows the longest record only.

    Raises InputError as `read_fasta` does, for a name that occurs twice, and for a gene map that fits no transcript.

    >>> transcriptome = ms.read_transcriptome("examples/utrs.fa.gz")
    >>> len(transcriptome), transcriptome.n_bases
    (300, 459004)
    """
    if folder is None:
        buffer = io.BytesIO()
        with tallied(notices) as tally:
            records = _pack(paths, gene_map, buffer, tally)
        return _from_records(np.frombuffer(buffer.getbuffer(), dtype=np.uint8), records)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / CODES_FILE, "wb") as sink, tallied(notices) as tally:
        records = _pack(paths, gene_map, sink, tally)
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
    return _from_records(codes, pa.table([names, genes, genes, begins, ends], schema=_SCHEMA))


def _from_records(codes: np.ndarray, records: pa.Table) -> Transcriptome:
    columns = {name: records[name].combine_chunks() for name in _SCHEMA.names}
    begin, end = columns["begin"].to_numpy(), columns["end"].to_numpy()
    return Transcriptome(codes, begin, end, columns["name"], columns["gene"], columns["symbol"])


def _write_records(folder: Path, records: pa.Table) -> None:
    with pa.ipc.new_file(folder / RECORDS_FILE, _SCHEMA) as writer:
        writer.write_table(records)


def _pack(paths, gene_map, sink, notices: Notices) -> pa.Table:
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    genes_of = {} if gene_map is None else _read_gene_map(gene_map)
    rows, seen, position, mapped = [], {}, 1, 0
    sink.write(SEPARATOR)
    for path in paths:
        for record in read_fasta(path, notices):
            where = f"{path}, line {record.line}"
            name, gene, symbol = (check_name(word, where) for word in _parse_header(record))
            if name in seen:
                first, digest = seen[name]
                if digest == hash(record.codes):
                    notices.add("transcripts with a name and sequence that stood before were left out", name)
                    continue
                raise InputError(
                    f"{where}: name {name!r} stands in {first} already with another sequence; "
                    "expected distinct names, and a name ends at the first blank"
                )
            seen[name] = where, hash(record.codes)
            _note_nothing_to_find(name, record.codes, notices)
            known = genes_of.get(name) or genes_of.get(name.rsplit(".", 1)[0])
            mapped += known is not None
            gene, symbol = known or (gene, symbol)
            rows.append((name, gene, symbol, position, position + len(record.codes)))
            sink.write(record.codes)
            sink.write(SEPARATOR)
            position += len(record.codes) + 1
    if genes_of and not mapped:
        raise InputError(
            f"{gene_map}: none of its {len(genes_of):,} transcripts is in {paths[0]}; expected the FASTA's names in the first column"
        )
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=_SCHEMA)


def _note_nothing_to_find(name: str, codes: bytes, notices: Notices) -> None:
    if not codes:
        notices.add("transcripts have no sequence, so no site", name)
    elif codes[0] == N and not codes.strip(SEPARATOR):
        notices.add("transcripts hold N alone, so no site", name)


def _parse_header(record: FastaRecord) -> tuple[str, str, str]:
    """(transcript, gene, symbol) of a header.

    >>> _parse_header(FastaRecord("NM_000546|7157|TP53|refseq", b"", 1))
    ('NM_000546', '7157', 'TP53')
    >>> _parse_header(FastaRecord("ENST1.4 cdna gene:ENSG1.2 gene_symbol:TP53", b"", 1))
    ('ENST1.4', 'ENSG1.2', 'TP53')
    >>> _parse_header(FastaRecord("gi|42|ref|NR_073460.1| BMS1 pseudogene", b"", 1))
    ('NR_073460.1', 'NR_073460.1', 'NR_073460.1')
    """
    word = record.header.split()[0]
    fields = word.strip("|").split("|")
    if len(fields) > 1 and fields[0] not in _NCBI_TAGS:
        name, gene = fields[0] or word, fields[1] or fields[0]
        is_gencode = len(fields) >= 6 and gene.startswith("ENS")
        symbol = fields[5] if is_gencode else (fields[2] if len(fields) > 2 else "")
        return name, gene, symbol or gene
    name = fields[-1] or word
    gene, symbol = _GENE.search(record.header), _SYMBOL.search(record.header)
    symbol_word = symbol.group(1) if symbol else None
    gene_word = gene.group(1) if gene else symbol_word or name
    return name, gene_word, symbol_word or gene_word


def _read_gene_map(path) -> dict[str, tuple[str, str]]:
    genes = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if not text.strip() or text.startswith("#"):
                continue
            fields = text.split("\t")
            if len(fields) < 2 or not fields[0] or not fields[1]:
                raise InputError(
                    f"{path}, line {number}: found {text[:40]!r}; expected transcript, gene and optionally symbol, separated by tabs"
                )
            where = f"{path}, line {number}"
            gene = check_name(fields[1].strip(), where)
            symbol = check_name(fields[2].strip(), where) if len(fields) > 2 and fields[2].strip() else gene
            genes[fields[0].strip()] = (gene, symbol)
    if not genes:
        raise InputError(f"{path}: no rows in it; expected transcript, gene and optionally symbol, separated by tabs")
    return genes
