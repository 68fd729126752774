"""FASTA records from plain, gzip or bgzip files, with errors that name file, line and letter.

Read with the standard library rather than pysam: htslib ends quietly at a truncated gzip and does not tell line numbers.
"""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.alphabet import BYTE_CODES, INVALID

GZIP_MAGIC = b"\x1f\x8b"
BUFFER = 1 << 20
MAX_NAME = 255
# Positions are int32 everywhere downstream.
MAX_LENGTH = 2**31 - 1
_PROTEIN_ONLY = "EFILPQZJO*"
_HINTS = {"-": " Remove alignment gaps first.", ".": " Remove alignment gaps first."}


@dataclass(frozen=True)
class FastaRecord:
    """One record: header without '>', base codes as bytes (see `alphabet`), 1-based line of the header."""

    header: str
    codes: bytes
    line: int


@contextmanager
def open_text(path: str | os.PathLike) -> Iterator[io.BufferedReader]:
    """Binary line reader of a plain or gzip file, recognised by content; damage and absence become InputError."""
    path = os.fspath(path)
    try:
        raw = open(path, "rb")
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; expected a readable file") from None
    with raw:
        try:
            is_gzip = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            if path.endswith((".gz", ".bgz")) and not is_gzip:
                raise InputError(f"{path}: the name says gzip but the content is not; rename it or compress it again")
            yield io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER) if is_gzip else raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path}: damaged gzip ({error}); fetch or compress the file again") from None
        except IsADirectoryError:
            raise InputError(f"{path}: is a folder; expected a file") from None


def read_fasta(path: str | os.PathLike, notices: Notices | None = None) -> Iterator[FastaRecord]:
    """Records of a FASTA file in order; memory follows the longest record.

    Upper or lower case, T or U, CRLF, blank lines and wrapped lines are all read; IUPAC ambiguity codes become N.
    Raises InputError for a missing, empty or damaged file, text before the first header, a header without a name, a letter
    outside IUPAC, or a record longer than 2^31 - 1 bases.
    """
    path = os.fspath(path)
    notices = Notices() if notices is None else notices
    header, header_line, lines = None, 0, []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.startswith(b">"):
                if header is not None:
                    yield FastaRecord(header, _join_codes(path, header, header_line, lines), header_line)
                header, header_line, lines = _read_header(path, number, line), number, []
            elif header is not None:
                lines.append(line)
            elif line.strip():
                found = line.strip()[:30].decode("utf-8", "replace")
                raise InputError(
                    f"{path}, line {number}: found {found!r} before the first header; expected FASTA, a line that begins with '>'"
                )
    if header is None:
        raise InputError(f"{path}: no sequences in it; expected FASTA with at least one record")
    yield FastaRecord(header, _join_codes(path, header, header_line, lines), header_line)


def _read_header(path: str, number: int, line: bytes) -> str:
    header = line[1:].decode("utf-8", "replace").strip()
    if not header:
        raise InputError(f"{path}, line {number}: header without a name; expected '>name'")
    return header


def _join_codes(path: str, header: str, header_line: int, lines: list[bytes]) -> bytes:
    codes = b"".join(lines).translate(BYTE_CODES, b"\r\n\t ")
    if INVALID in codes:
        raise _wrong_letter(path, header, header_line, lines)
    if len(codes) > MAX_LENGTH:
        raise InputError(
            f"{path}, line {header_line}: {len(codes):,} bases in one record; expected at most {MAX_LENGTH:,}. Cut the sequence."
        )
    return codes


def _wrong_letter(path: str, header: str, header_line: int, lines: list[bytes]) -> InputError:
    for number, line in enumerate(lines, header_line + 1):
        codes = line.translate(BYTE_CODES, b"\r\n\t ")
        if INVALID not in codes:
            continue
        byte = line.translate(None, b"\r\n\t ")[codes.index(INVALID)]
        letter = chr(byte)
        hint = " Is this a protein FASTA?" if letter.upper() in _PROTEIN_ONLY else _HINTS.get(letter, "")
        name = header.split()[0][:60]
        return InputError(f"{path}, line {number}: letter {letter!r} in {name!r}; expected A C G T U N or an IUPAC code.{hint}")
    raise AssertionError("a letter outside IUPAC was seen in these lines")


def check_name(name: str, where: str) -> str:
    """The name itself, if it can stand in TSV, BED and Parquet unchanged; else InputError."""
    if len(name) > MAX_NAME:
        raise InputError(f"{where}: a name of {len(name):,} letters ({name[:30]}...); expected at most {MAX_NAME}. Shorten it.")
    if not name.isprintable():
        raise InputError(f"{where}: name {name[:60]!r} holds a control character; expected printable letters")
    return name
