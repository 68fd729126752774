"""An annotation -> transcripts with exons, coding region and names, as arrays; read once and cached packed.

Its lines are read by mirscan's own parser: a parser of tables takes three times as long and ten times the memory for the attributes of
three million lines, keeps one of several tags, and cannot say in which line something is wrong.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.cache_folder import cache_folder
from mirscan.errors import InputError
from mirscan.genome.bed12 import FIELDS, read_bed12
from mirscan.genome.gff import read_bare, read_gff3, read_gtf, split_lines
from mirscan.genome.intervals import Intervals
from mirscan.genome.rows import Problems, Rows
from mirscan.genome.transcripts import build_columns
from mirscan.notices import Notices, tallied
from mirscan.sequence.text import is_bed_header, open_text

# Of the cached form: another number makes every file be read anew.
_FORMAT = 1
# Packed annotations in the cache folder, those used last; one of human size has 60 MB.
_KEPT = 8
_NAMES = ("names", "genes", "symbols", "biotypes", "contigs")
_NUMBERS = ("strand", "rank", "line", "cds_start", "cds_end")
_LISTS = ("exons", "utr5", "utr3")
# "#!genome-version GRCh38" of Ensembl, "#!genome-build GRCh38.p14" of NCBI, "... annotation of the human genome (GRCh38), version 44"
# of GENCODE.
_ASSEMBLIES = tuple(map(re.compile, (r"#!genome-version (\S+)", r"#!genome-build (\S+)", r"##description:.* genome \((\S+?)\)")))
_IS_GFF3, _IS_GTF = re.compile(rb"\s*[\w.-]+=").match, re.compile(rb"\s*[\w.-]+\s+\S").match


@dataclass(frozen=True)
class Annotation:
    """`n` transcripts in the order of the file.

    `names`, `genes`, `symbols`, `biotypes`, `contigs` are Arrow strings (n,). `strand` is 1 or -1, `rank` the place of the transcript's
    best tag (see `attributes.TAGS`), `line` its first line in the file. `exons` are its blocks; `cds_start`, `cds_end` (n,) bound the
    coding region on the genome with its stop codon, both -1 without one. `utr5`, `utr3` hold untranslated regions that the
    file names where exons or the coding region are not known, else nothing. All positions are 0-based and half-open on the forward strand.
    """

    path: str
    names: pa.StringArray
    genes: pa.StringArray
    symbols: pa.StringArray
    biotypes: pa.StringArray
    contigs: pa.StringArray
    strand: np.ndarray
    rank: np.ndarray
    line: np.ndarray
    cds_start: np.ndarray
    cds_end: np.ndarray
    exons: Intervals
    utr5: Intervals
    utr3: Intervals

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_cds(self) -> np.ndarray:
        """Whether a coding region is known (n,)."""
        return self.cds_end > 0

    def take(self, indices: np.ndarray) -> "Annotation":
        """The transcripts at these positions, in this order."""
        place = pa.array(indices)
        return replace(
            self,
            **{name: getattr(self, name).take(place) for name in _NAMES},
            **{name: getattr(self, name)[indices] for name in _NUMBERS},
            **{name: getattr(self, name).take(indices) for name in _LISTS},
        )


def read_annotation(path: str | os.PathLike, skip_bad: bool = False, notices: Notices | None = None, use_cache: bool = True) -> Annotation:
    """The transcripts of a GTF, GFF3 or BED12 file, of any compression that FASTA may have; which of them it is shows in its lines.

    Raises InputError, in one line with the number of the line in the file, for what is wrong with it: fields that are missing or no
    numbers, features that end before they begin, unknown strands, overlapping exons, coding regions outside exons, transcripts at two
    places. With `skip_bad` such features, and the transcripts they belong to, are left out and counted. With `use_cache` the
    result of a file is kept in the user's cache folder, by its SHA-256, and taken from there the next time.

    >>> annotation = ms.read_annotation("examples/fly.gtf.gz")
    >>> len(annotation), len(set(annotation.genes.to_pylist()))
    (72, 72)
    """
    path = os.fspath(path)
    with tallied(notices) as tally:
        cached = _cache_path(path, skip_bad) if use_cache else None
        if cached is not None and (found := _load(cached, path, tally)) is not None:
            return found
        own = Notices()
        annotation = _read(path, skip_bad, own)
        if cached is not None:
            _save(annotation, cached, own)
        _add_all(tally, own)
        return annotation


def find_annotation_assembly(path: str | os.PathLike) -> str | None:
    """The assembly that the comments before the first feature name; None where they do not, and for a pipe, which can be read but once."""
    if not os.path.isfile(path):
        return None
    with open_text(path) as handle:
        text = b"".join(takewhile(lambda line: line.startswith(b"#"), handle)).decode("utf-8", "replace")
    return next((found[1] for pattern in _ASSEMBLIES if (found := pattern.search(text))), None)


def _read(path: str, skip_bad: bool, notices: Notices) -> Annotation:
    rows = Rows(Problems(path, skip_bad, notices))
    with open_text(path) as handle:
        head = handle.peek(1 << 16).split(b"\n")
        _reader(path, head)(handle, rows)
    columns = build_columns(rows)
    if not len(columns["names"]):
        raise InputError(f"{path}: no transcript in it; expected features exon, CDS, three_prime_utr or the like, or BED12")
    return Annotation(path=path, **columns)


def _reader(path: str, head: list[bytes]):
    """The function of (handle, rows) for the kind of file that its first features show."""
    features = (line.split(b"\t") for line in head if line.strip() and not is_bed_header(line))
    fields = next(features, [])
    if len(fields) >= FIELDS and fields[1].isdigit() and fields[2].isdigit():
        return read_bed12
    if len(fields) < 9:
        raise InputError(f"{path}: its first feature has {len(fields)} fields separated by tabs; expected GTF or GFF3 (9) or BED12 (12)")
    text = fields[8].strip()
    read = read_gff3 if _IS_GFF3(text) else read_gtf if _IS_GTF(text) else read_bare
    return lambda handle, rows: read(split_lines(handle, rows), rows)


def _cache_path(path: str, skip_bad: bool) -> Path | None:
    """Where the packed form of this very file lies, or will; None without a cache folder, and for a pipe, which can be read but once."""
    folder = cache_folder()
    if folder is None or not os.path.isfile(path):
        return None
    with open(path, "rb") as handle:
        checksum = hashlib.file_digest(handle, "sha256").hexdigest()
    return folder / "annotations" / f"{checksum}-{_FORMAT}-{'skip' if skip_bad else 'all'}.arrow"


def _save(annotation: Annotation, path: Path, notices: Notices) -> None:
    columns = {name: getattr(annotation, name) for name in (*_NAMES, *_NUMBERS)}
    for name in _LISTS:
        lists = getattr(annotation, name)
        columns |= {
            f"{name}_{side}": pa.LargeListArray.from_arrays(pa.array(lists.first), pa.array(getattr(lists, side)))
            for side in ("start", "end")
        }
    table = pa.table(columns).replace_schema_metadata({"notices": json.dumps(notices.to_dict())})
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        with pa.ipc.new_file(scratch, table.schema) as writer:
            writer.write_table(table)
        os.replace(scratch, path)
        for old in sorted(path.parent.glob("*.arrow"), key=os.path.getmtime)[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        # A cache that cannot be written costs the next run half a minute, and this one nothing.
        scratch.unlink(missing_ok=True)


def _load(path: Path, source: str, notices: Notices) -> Annotation | None:
    try:
        with pa.memory_map(os.fspath(path)) as file:
            table = pa.ipc.open_file(file).read_all().combine_chunks()
        os.utime(path)
    except (OSError, pa.ArrowInvalid):
        return None
    columns = {name: table[name].combine_chunks() for name in table.schema.names}
    _add_all(notices, Notices.from_dict(json.loads(table.schema.metadata[b"notices"])))
    return Annotation(
        path=source,
        **{name: columns[name] for name in _NAMES},
        **{name: columns[name].to_numpy() for name in _NUMBERS},
        **{name: _unpack(columns[f"{name}_start"], columns[f"{name}_end"]) for name in _LISTS},
    )


def _unpack(start: pa.LargeListArray, end: pa.LargeListArray) -> Intervals:
    return Intervals(start.offsets.to_numpy(), start.values.to_numpy(), end.values.to_numpy())


def _add_all(notices: Notices, others: Notices) -> None:
    for notice in others:
        notices.add(notice.what, notice.first, notice.count)
