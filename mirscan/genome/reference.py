"""A genome as FASTA, one contig at a time: plain files by pyfaidx, bgzip by htslib, whose indexes (.fai, .gzi) are used or made.

Not pyfaidx for bgzip, for which it takes Biopython.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.alphabet import BYTE_CODES, INVALID
from mirscan.sequence.text import open_text
from mirscan.store.scratch import ScratchFolder

# A bgzip block is a gzip member with an extra field BC.
_BGZIP_HEAD, _BGZIP_EXTRA = b"\x1f\x8b\x08\x04", b"BC\x02\x00"
# "1 dna:chromosome chromosome:GRCh38:1:1:248956422:1 REF", "NC_000001.11 Homo sapiens chromosome 1, GRCh38.p14 Primary Assembly".
_ASSEMBLIES = (re.compile(r"(?:chromosome|scaffold|primary_assembly):([^:\s]+):"), re.compile(r", (\S+) Primary Assembly"))
_LONGEST_HEADER = 1 << 12
# So many bytes show how lines end.
_LONGEST_LINE = 1 << 20
_COPIED = (
    "genomes are compressed, but not by bgzip, or have line ends or a mark of other systems, and were unpacked for this run; "
    "`bgzip` makes the next one faster"
)


class Reader(Protocol):
    """What reads an indexed FASTA."""

    def fetch(self, contig: str) -> str: ...


@dataclass(frozen=True)
class Genome:
    """An open genome: `lengths` in nt by contig, in the order of the file."""

    path: str
    lengths: dict[str, int]
    _reader: Reader

    def codes(self, contig: str) -> np.ndarray:
        """Base codes (length,) uint8 of a contig; ambiguity codes are N, lower case reads as upper case.

        Raises InputError for a letter outside IUPAC, and where the index says another length.
        """
        letters = self._reader.fetch(contig).encode("ascii", "replace")
        if len(letters) != self.lengths[contig]:
            index = f"{Path(self.path).name}.fai"
            raise InputError(f"{self.path}: {contig} has {len(letters):,} nt, by its index {self.lengths[contig]:,}; delete {index}")
        codes = letters.translate(BYTE_CODES)
        if INVALID in codes:
            at = codes.index(INVALID)
            raise InputError(f"{self.path}: letter {chr(letters[at])!r} at {contig}:{at + 1:,}; expected A C G T U N or an IUPAC code")
        return np.frombuffer(codes, np.uint8)


@contextmanager
def open_genome(path: str | os.PathLike, notices: Notices | None = None) -> Iterator[Genome]:
    """A genome of any compression. An index beside the file is used where it is no older than the file; a missing one is written beside it,
    or into a folder of this run where that may not be written.

    Raises InputError for a file that is missing, empty or no FASTA, and where a name occurs twice.
    """
    path = os.fspath(path)
    notices = Notices() if notices is None else notices
    with closing(ScratchFolder()) as scratch, closing(_open(path, scratch.path, notices)) as reader:
        if not reader.lengths:
            raise InputError(f"{path}: its index names no contig; delete {Path(path).name}.fai")
        yield Genome(path, reader.lengths, reader)


def _open(path: str, scratch: Path, notices: Notices) -> "_Plain | _Bgzip":
    is_bgzip = _is_bgzip(path)
    plain = path if is_bgzip or _is_plain(path) else _unpack(path, scratch, notices)
    try:
        return _Bgzip(path, scratch) if is_bgzip else _Plain(plain, scratch)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"{path}: byte 0x{byte:02X} is not UTF-8; expected FASTA in UTF-8 with A C G T U N or IUPAC codes") from None
    except (ValueError, OSError, RuntimeError) as error:
        # pyfaidx raises errors of its own, htslib some OSError; what they say holds paths of scratch files and line ends.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # pyfaidx itself calls some uneven lines unhandled.
        if type(error) is RuntimeError and "fasta indexing" not in str(error):
            raise
        what = " ".join(str(error).split())[:160]
        if "Duplicate" in what:
            raise InputError(f"{path}: {what}; expected every contig once") from None
        advice = f"where there is a {Path(path).name}.fai or .gzi, delete it"
        raise InputError(
            f"{path}: cannot be indexed ({what}); expected FASTA with lines of one length in each record, and {advice}"
        ) from None


def find_assembly(path: str | os.PathLike) -> str | None:
    """The assembly that the first header names, as Ensembl's and NCBI's do; None where it does not."""
    with open_text(path) as handle:
        header = handle.readline(_LONGEST_HEADER).decode("utf-8", "replace")
    return next((found[1] for pattern in _ASSEMBLIES if (found := pattern.search(header))), None)


class _Plain:
    """A plain FASTA by pyfaidx."""

    def __init__(self, path: str, scratch: Path):
        from pyfaidx import Fasta, FastaIndexingError

        index = _index_of(path, ".fai", scratch)
        try:
            self._fasta = Fasta(path, indexname=index, as_raw=True, sequence_always_upper=False, rebuild=True)
        except FastaIndexingError as error:
            raise ValueError(error) from None
        self.lengths = {name: len(record) for name, record in self._fasta.items()}

    def fetch(self, contig: str) -> str:
        return self._fasta[contig][:]

    def close(self) -> None:
        self._fasta.close()


class _Bgzip:
    """A bgzip FASTA by htslib."""

    def __init__(self, path: str, scratch: Path):
        import pysam

        fai, gzi = (_index_of(path, ending, scratch) for ending in (".fai", ".gzi"))
        if not (_is_fresh(fai, path) and _is_fresh(gzi, path)):
            _index_bgzip(path, fai, gzi)
        self._fasta = pysam.FastaFile(path, filepath_index=fai, filepath_index_compressed=gzi)
        self.lengths = dict(zip(self._fasta.references, self._fasta.lengths, strict=True))

    def fetch(self, contig: str) -> str:
        return self._fasta.fetch(contig)

    def close(self) -> None:
        self._fasta.close()


def _index_bgzip(path: str, fai: str, gzi: str) -> None:
    import pysam

    try:
        pysam.faidx(path, "--fai-idx", fai, "--gzi-idx", gzi)
    except pysam.SamtoolsError as error:
        raise ValueError(error) from None


def _index_of(path: str, ending: str, scratch: Path) -> str:
    """Where the index of a FASTA is or may be written."""
    beside = f"{path}{ending}"
    is_usable = _is_fresh(beside, path) or os.access(Path(path).resolve().parent, os.W_OK)
    return beside if is_usable else os.fspath(scratch / f"{Path(path).name}{ending}")


def _is_fresh(index: str, path: str) -> bool:
    return Path(index).exists() and os.path.getmtime(index) >= os.path.getmtime(path)


def _head(path: str, n: int) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read(n)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; expected a genome as FASTA") from None


def _is_bgzip(path: str) -> bool:
    head = _head(path, 16)
    return head.startswith(_BGZIP_HEAD) and head[12:16] == _BGZIP_EXTRA


def _is_plain(path: str) -> bool:
    """Whether a file is FASTA that pyfaidx can read, which knows no line that ends with CR alone."""
    head = _head(path, _LONGEST_LINE)
    return head.startswith(b">") and b"\r" not in head.replace(b"\r\n", b"").removesuffix(b"\r")


def _unpack(path: str, scratch: Path, notices: Notices) -> str:
    """A plain copy of what `open_text` can read; InputError where that is no FASTA."""
    copy = scratch / "genome.fa"
    with open_text(path) as handle, open(copy, "wb") as target:
        if not (head := handle.peek(1)[:1]) or head != b">":
            raise InputError(f"{path}: does not begin with '>'; expected a genome as FASTA")
        shutil.copyfileobj(handle, target, 1 << 20)
    notices.add(_COPIED, path)
    return os.fspath(copy)
