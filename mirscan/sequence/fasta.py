"""FASTA records from plain or compressed files, with errors that name file, line and letter.

Read with the standard library rather than pysam: htslib ends quietly at a truncated gzip and does not tell line numbers.
"""

import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mirscan.errors import InputError
from mirscan.notices import Notices, counted
from mirscan.sequence.alphabet import BYTE_CODES, INVALID
from mirscan.sequence.text import decode_text, describe_letter, first_word, open_text, strip_blanks

MAX_NAME = 255
# BioMart's word for a transcript without the region that was asked for.
_UNAVAILABLE = b"sequence unavailable"
# Positions are int32 everywhere downstream.
MAX_LENGTH = 2**31 - 1
# `>name<TAB>ACGT...`: a table with a > before each row.
_ON_HEADER = re.compile(r"\s([ACGTUNacgtun]{8,})$")
_NOTATION = " A supplier's sign of a modified base? Write the bases alone."
_BASES = b"ACGTUacgtu"
_HINTS = {
    **dict.fromkeys("/[](){}'+\u03a8\u03c8", _NOTATION),
    **dict.fromkeys("0123456789", " A number of a line, or a supplier's sign of a modified base? Write the bases alone."),
    "\0": " Is this UTF-16 or binary? Save it as UTF-8 text.",
    "*": " Is this a protein FASTA, or a supplier's sign of a modified bond? Write the bases alone.",
    **dict.fromkeys("-.", " Remove alignment gaps first, and signs of suppliers."),
    # I is inosine, too.
    **dict.fromkeys("EFILPQZJO", " Is this a protein FASTA?"),
}


@dataclass(frozen=True)
class FastaRecord:
    """One record: header without '>', base codes as bytes (see `alphabet`), 1-based line of the header, lines as they stand in the file."""

    header: str
    codes: bytes
    line: int
    lines: Sequence[bytes] = ()

    @property
    def letters(self) -> str:
        """The sequence as it was written, with its case and ambiguity codes."""
        return "".join(b"".join(self.lines).decode("ascii", "replace").split())


def read_fasta(path: str | os.PathLike, notices: Notices | None = None) -> Iterator[FastaRecord]:
    """Records of a FASTA file in order; memory follows the longest record.

    Upper or lower case, T or U, CRLF, blank lines and wrapped lines are all read; IUPAC ambiguity codes become N.
    Raises InputError for a missing, empty or damaged file, text before the first header, a header without a name, a letter
    outside IUPAC, or a record longer than 2^31 - 1 bases.
    """
    path = os.fspath(path)
    notices = Notices() if notices is None else notices
    n_records, n_bases, n_unavailable = 0, 0, 0
    with open_text(path) as handle:
        for header, line, lines in _split_records(path, handle, notices):
            if len(lines) < 3 and b"".join(lines).strip().lower() == _UNAVAILABLE:
                notices.add("records say that their sequence is unavailable and were left out", first_word(header))
                n_unavailable += 1
                continue
            codes = _join_codes(path, header, line, lines)
            n_records, n_bases = n_records + 1, n_bases + len(codes)
            yield FastaRecord(header, codes, line, lines)
    if n_unavailable and not n_records:
        raise InputError(
            f"{path}: all {counted(n_unavailable, 'record')} say that their sequence is unavailable; export other regions or genes"
        )
    if not n_records:
        raise InputError(f"{path}: no sequences in it; expected FASTA with at least one record")
    if not n_bases:
        raise InputError(f"{path}: {counted(n_records, 'header')} without any sequence below; expected FASTA with bases")


def _split_records(path: str, handle: io.BufferedReader, notices: Notices) -> Iterator[tuple[str, int, list[bytes]]]:
    """(header, its line number, lines of the sequence) of each record."""
    header, header_line, lines = None, 0, []
    for number, line in enumerate(handle, 1):
        if line.startswith(b">"):
            if header is not None:
                yield header, header_line, lines
            header, header_line, lines = _read_header(path, number, line, notices), number, []
        elif header is not None:
            lines.append(line)
        elif line.strip():
            found = line.rstrip()[:30].decode("utf-8", "replace")
            raise InputError(f"{path}, line {number}: found {found!r} before the first header; expected FASTA, a line that begins with '>'")
    if header is not None:
        yield header, header_line, lines


def _read_header(path: str, number: int, line: bytes, notices: Notices) -> str:
    header = strip_blanks(decode_text(line[1:], notices))
    if not header:
        raise InputError(f"{path}, line {number}: header without a name; expected '>name'")
    return header


def _join_codes(path: str, header: str, header_line: int, lines: list[bytes]) -> bytes:
    codes = b"".join(lines).translate(BYTE_CODES, b"\r\n\t ")
    if INVALID in codes:
        raise _wrong_letter(path, header, header_line, lines)
    if not codes and (word := _ON_HEADER.search(header)):
        raise InputError(
            f"{path}, line {header_line}: the sequence {word[1][:20]!r} stands on the line of its header; expected it on the next line"
        )
    if len(codes) > MAX_LENGTH:
        raise InputError(
            f"{path}, line {header_line}: {counted(len(codes), 'base')} in one record; expected at most {MAX_LENGTH:,}. Cut the sequence."
        )
    return codes


def _wrong_letter(path: str, header: str, header_line: int, lines: list[bytes]) -> InputError:
    for number, line in enumerate(lines, header_line + 1):
        codes = line.translate(BYTE_CODES, b"\r\n\t ")
        if INVALID not in codes:
            continue
        byte = line.translate(None, b"\r\n\t ")[codes.index(INVALID)]
        letter = chr(byte) if byte < 128 else next(filter(_is_foreign, decode_text(line, Notices())))
        # Among bases fU, pU, lA, iT and I are signs of suppliers; a quarter of a protein is A, C, G and T.
        is_sign = letter.isalpha() and 2 * len(line.translate(None, _BASES)) < len(line)
        hint = _NOTATION if is_sign else _HINTS.get(letter.upper(), "")
        name = first_word(header)[:60]
        shown = describe_letter(letter)
        return InputError(f"{path}, line {number}: letter {shown} in {name!r}; expected A C G T U N or an IUPAC code.{hint}")
    raise AssertionError("a letter outside IUPAC was seen in these lines")


def _is_foreign(letter: str) -> bool:
    return not letter.isascii()


def check_name(name: str, where: str) -> str:
    """The name itself, if it can stand in TSV, BED and Parquet unchanged; else InputError."""
    if not name.isprintable():
        letter = describe_letter(next(letter for letter in name if not letter.isprintable()))
        raise InputError(f"{where}: name {name[:60]!r} holds {letter}; expected printable letters")
    if name.startswith(('"', "#")):
        raise InputError(f"{where}: name {name[:60]!r} begins with {name[0]!r}, as quoted text and comments of tables do. Rename it.")
    if len(name) > MAX_NAME:
        raise InputError(f"{where}: a name of {len(name):,} letters ({name[:30]}...); expected at most {MAX_NAME}. Shorten it.")
    return name
