"""The one door for text a user gives: compression, byte order marks, line ends and letters of other encodings end here."""

import csv
import gzip
import io
import lzma
import math
import os
import re
import tomllib
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from mirscan.errors import InputError
from mirscan.notices import Notices

BUFFER = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"


def _open_with_arrow(codec: str) -> Callable[[io.BufferedReader], IO[bytes]]:
    # Python's own bz2 passes over what is damaged behind a first stream.
    def open_stream(raw: io.BufferedReader) -> IO[bytes]:
        import pyarrow as pa

        return pa.CompressedInputStream(raw, codec)

    return open_stream


class _XzStreams(io.RawIOBase):
    """What xz streams hold, one behind another; Python's own lzma passes over what is damaged behind the first."""

    def __init__(self, raw: io.BufferedReader):
        self._raw, self._stream, self._packed = raw, lzma.LZMADecompressor(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        content = b""
        while not content and self._find_packed():
            content = self._stream.decompress(self._packed, len(buffer))
            self._packed = self._stream.unused_data
        buffer[: len(content)] = content
        return len(content)

    def _find_packed(self) -> bool:
        """Have what the stream needs, or the next one where it has ended; False at the end of the file."""
        if not self._stream.eof:
            self._packed = self._raw.read1(BUFFER) if self._stream.needs_input else b""
            if self._stream.needs_input and not self._packed:
                raise EOFError("the file ends before its stream does")
            return True
        # Streams may be padded with zeros.
        rest = self._packed.lstrip(b"\0")
        while not rest and (more := self._raw.read1(BUFFER)):
            rest = more.lstrip(b"\0")
        self._packed, self._stream = rest, lzma.LZMADecompressor() if rest else self._stream
        return bool(rest)


# pzstd begins with a frame that says how long the next one is.
_READERS = {
    GZIP_MAGIC: gzip.open,
    b"BZh": _open_with_arrow("bz2"),
    b"\xfd7zXZ\x00": _XzStreams,
    # xz's predecessor, of .lzma files.
    b"]\0\0": _XzStreams,
    b"\x28\xb5\x2f\xfd": _open_with_arrow("zstd"),
    b"\x50\x2a\x4d\x18": _open_with_arrow("zstd"),
}
# What is recognised only to say the way out.
_REFUSED = {
    **dict.fromkeys(_READERS, "is packed twice; unpack it once"),
    b"PK\x03\x04": "is a zip archive or a spreadsheet; unpack it with `unzip`, or save the sheet as text",
    b"PK\x05\x06": "is an empty zip archive; expected text",
    b"7z\xbc\xaf": "is a 7z archive; unpack it with `7z x`",
    b"Rar!": "is a rar archive; unpack it with `unrar x`",
    b"\x04\x22\x4d\x18": "is lz4; unpack it with `lz4 -d` or compress it with gzip",
    b"LZIP": "is lzip; unpack it with `lzip -d` or compress it with gzip",
    b"\x89LZO": "is lzop; unpack it with `lzop -d` or compress it with gzip",
    b"\x1f\x9d": "is a .Z of `compress`; unpack it with `gunzip`",
    b"\x1a\x41\x27\x43": "is 2bit; make FASTA of it with `twoBitToFa`",
    b"\x43\x27\x41\x1a": "is 2bit; make FASTA of it with `twoBitToFa`",
    **dict.fromkeys((b"BAM\x01", b"CRAM"), "is BAM or CRAM; make FASTA of it with `samtools fasta`"),
    b"PAR1\x15": "is Parquet; expected text",
    b"\xd0\xcf\x11\xe0": "is a document of a spreadsheet or word processor; save it as text",
    b"{\\rtf": "is a document of a word processor; save it as plain text",
    b"%PDF": "is a PDF; expected text",
    b"<": "is a page of the web or XML; was the download refused?",
    **dict.fromkeys((b"\xff\xfe\0\0", b"\0\0\xfe\xff"), "is UTF-32 text; save it as UTF-8, such as with `iconv -f UTF-32 -t UTF-8`"),
    **dict.fromkeys((b"\xff\xfe", b"\xfe\xff"), "is UTF-16 text; save it as UTF-8, such as with `iconv -f UTF-16 -t UTF-8`"),
}
# Hyphens, dashes and minus signs of typeset papers and of other scripts, small and full-width forms too -> the hyphen of a keyboard.
_OTHER_DASHES = "\u02d7\u058a\u05be\u1806\u2043\u2212\u2796\u2e3a\u2e3b\ufe31\ufe32\ufe58\ufe63\uff0d"
PLAIN_DASHES = dict.fromkeys((*range(0x2010, 0x2016), *map(ord, _OTHER_DASHES)), "-")
_TYPESET_QUOTES = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_BED_HEADER = re.compile(rb"#|(?:track|browser)(?!\s+\d+\s+\d+(?:\s|\Z))(?:\s|\Z)")
# Control characters, and what PNG, HDF5 and others begin with.
_NEVER_IN_TEXT = re.compile(rb"\A\x89|[\x00-\x08\x0e-\x1f]")
# Where a tar archive has its magic.
_TAR_PLACE = slice(257, 262)


@contextmanager
def open_text(path: str | os.PathLike) -> Iterator[io.BufferedReader]:
    """Binary line reader of a plain, gzip, bzip2, xz or zstd file, recognised by content; damage and absence become InputError.

    A byte order mark is passed over, and CR and CRLF come as LF, also where line ends are mixed.
    """
    path = os.fspath(path)
    try:
        raw = open(path, "rb", buffering=BUFFER)  # noqa: SIM115
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}; expected a readable file") from None
    with raw:
        try:
            yield _open_lines(path, raw)
        except IsADirectoryError:
            raise InputError(f"{path}: is a folder; expected a file") from None
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            # The decompressors' own OSError has no errno; one of the disk has.
            if getattr(error, "errno", None) is not None:
                raise
            raise InputError(f"{path}: damaged gzip, bzip2, xz or zstd ({error}); fetch or compress the file again") from None


def _open_lines(path: str, raw: io.BufferedReader) -> io.BufferedReader:
    head = raw.peek(8)
    if path.endswith((".gz", ".bgz")) and head and not head.startswith(GZIP_MAGIC):
        raise InputError(f"{path}: the name says gzip but the content is not; rename it or compress it again")
    reader = next((reader for magic, reader in _READERS.items() if head.startswith(magic)), None)
    content = raw if reader is None else io.BufferedReader(reader(raw), BUFFER)
    head = content.peek(BUFFER)
    if what := _name_other_kind(head):
        raise InputError(f"{path}: {what}")
    if head.startswith(BOM):
        content.read(len(BOM))
    return io.BufferedReader(_AnyLineEnd(content), BUFFER)


def _name_other_kind(head: bytes) -> str | None:
    """What a file is that begins with `head` and is no text in UTF-8; None where it may be text."""
    for magic, what in _REFUSED.items():
        if head.startswith(magic):
            return what
    if head[_TAR_PLACE] == b"ustar":
        return "is a tar archive; unpack it with `tar -xf`"
    # ASCII in UTF-16 has a zero at every second byte; without a mark only these say so.
    sample = head[:1024]
    for offset, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        zeros = sample[offset::2].count(0)
        if zeros and zeros > len(sample) // 4 > 2 * sample[1 - offset :: 2].count(0):
            return f"is UTF-16 text without a mark; save it as UTF-8, such as with `iconv -f {name} -t UTF-8`"
    # A name of FASTA that holds such a letter has an error of its own.
    if not head.startswith(b">") and (found := _NEVER_IN_TEXT.search(head[:64].partition(b"\n")[0])):
        return f"is no text (byte 0x{found[0][0]:02x} in its first line); expected text, as it is or packed by gzip, bzip2, xz or zstd"
    return None


class _AnyLineEnd(io.RawIOBase):
    """The bytes of `source` with CR and CRLF as LF."""

    def __init__(self, source: io.BufferedReader):
        self._source, self._cut_after_cr = source, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        chunk = self._source.read1(len(buffer))
        if self._cut_after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:] or self._source.read1(len(buffer))
        self._cut_after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer[: len(chunk)] = chunk
        return len(chunk)


def strip_blanks(text: str) -> str:
    """The text without blanks and line ends around it; those of other alphabets stay, so that a name that holds one is noticed."""
    return text.strip(" \t\r\n\v\f")


def first_word(text: str) -> str:
    """What stands before the first blank or tab.

    >>> first_word("T1 some words"), first_word("T1\\u00a0some words")
    ('T1', 'T1\\xa0some')
    """
    return text.replace("\t", " ").partition(" ")[0]


def is_bed_header(line: bytes) -> bool:
    """Whether a line of BED is none: a comment, or a line of a browser; a contig may well be called track1, or even track.

    >>> is_bed_header(b"track name=x"), is_bed_header(b"track1\\t0\\t9"), is_bed_header(b"track\\t0\\t9")
    (True, False, False)
    """
    return bool(_BED_HEADER.match(line))


def split_row(text: str, delimiter: str, where: str) -> list[str]:
    """Fields of one line of a table, stripped, without their quotes.

    InputError for a quote that is not closed on its line: it would swallow the lines behind it.
    """
    try:
        fields = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise InputError(f"{where}: found {text[:40]!r} ({error}); expected a quote to be closed on its line") from None
    return [field.strip() for field in fields]


def read_utf8(path: str | os.PathLike) -> str:
    """All of a text file; InputError where it is not UTF-8."""
    with open_text(path) as handle:
        try:
            return handle.read().decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: byte {error.start + 1:,} is not UTF-8; save it as UTF-8") from None


def finite(text: str) -> float:
    """A number of TOML, which has nan and inf, too; no setting and no weight is one, and a nan wins and loses every comparison unseen.

    >>> finite("1e-3")
    0.001
    """
    number = float(text)
    if not math.isfinite(number):
        raise tomllib.TOMLDecodeError(f"found {text}; expected a number")
    return number


def read_toml(path: str | os.PathLike) -> dict:
    """Entries of a TOML file; InputError where it is none or cannot be read."""
    text = read_utf8(path)
    try:
        return tomllib.loads(text, parse_float=finite)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not a TOML file: {error}{_foreign_letter(text)}") from None


def _foreign_letter(text: str) -> str:
    """A word about the first blank or quote that is none to a parser, or nothing."""
    for number, line in enumerate(text.split("\n"), 1):
        for letter in line:
            if letter in _TYPESET_QUOTES or _is_invisible(letter):
                plain = "a plain quote" if letter in _TYPESET_QUOTES else "a plain blank"
                return f"; line {number} holds {describe_letter(letter)}, write {plain}"
    return ""


def decode_text(line: bytes, notices: Notices) -> str:
    """The line as UTF-8, else as Windows-1252, which is Latin-1 with dashes and quotes, so two letters never become the same one. That is
    said, and letters that nobody sees are.
    """
    text = decode_name(line)
    if not line.isascii() and text.encode() != line:
        notices.add("lines are not UTF-8 and were read as Windows-1252 (Latin-1)", text.strip()[:60])
    # Nearly all lines are ASCII, and annotations have millions.
    if not text.isascii() and (found := next(filter(_is_invisible, text), None)):
        notices.add(f"lines hold {describe_letter(found)}, which is no plain blank", repr(text.strip()[:60]))
    return text


def _is_invisible(letter: str) -> bool:
    """Whether a letter is a blank or a sign of other alphabets that shows nothing, such as the no-break space and the zero-width ones."""
    return not (letter.isascii() or letter.isprintable())


def decode_name(name: bytes) -> str:
    """A name out of a line whose encoding `decode_text` has told of.

    >>> decode_name("\u00e9".encode()) == decode_name("\u00e9".encode("latin-1"))
    True
    """
    for encoding in ("utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            return name.decode(encoding)
    # Five bytes are nothing in Windows-1252.
    return name.decode("latin-1")


def describe_letter(letter: str) -> str:
    """A letter as an error shows it: invisible and foreign ones with number and name.

    >>> describe_letter("J"), describe_letter(chr(0xA0))
    ("'J'", 'U+00A0 (NO-BREAK SPACE)')
    """
    if letter.isascii() and letter.isprintable():
        return repr(letter)
    return f"U+{ord(letter):04X} ({unicodedata.name(letter, 'a control character')})"
