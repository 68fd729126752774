"""The one door for text a user gives: compression, byte order marks, line ends and letters of other encodings end here."""

import bz2
import gzip
import io
import lzma
import os
import tomllib
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from mirscan.errors import InputError
from mirscan.notices import Notices

BUFFER = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
_READERS = {GZIP_MAGIC: gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# What is recognised only to say the way out.
_REFUSED = {
    b"\x28\xb5\x2f\xfd": "is zstd; unpack it with `zstd -d` or compress it with gzip",
    b"PK\x03\x04": "is a zip archive; unpack it with `unzip`",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8, such as with `iconv -f UTF-16 -t UTF-8`",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8, such as with `iconv -f UTF-16 -t UTF-8`",
}


@contextmanager
def open_text(path: str | os.PathLike) -> Iterator[io.BufferedReader]:
    """Binary line reader of a plain, gzip, bzip2 or xz file, recognised by content; damage and absence become InputError.

    A byte order mark is passed over, and CR alone ends a line as LF does where the first buffer holds one.
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
            raise InputError(f"{path}: damaged gzip, bzip2 or xz ({error}); fetch or compress the file again") from None


def _open_lines(path: str, raw: io.BufferedReader) -> io.BufferedReader:
    head = raw.peek(8)
    if path.endswith((".gz", ".bgz")) and not head.startswith(GZIP_MAGIC):
        raise InputError(f"{path}: the name says gzip but the content is not; rename it or compress it again")
    reader = next((reader for magic, reader in _READERS.items() if head.startswith(magic)), None)
    lines = raw if reader is None else io.BufferedReader(reader(raw), BUFFER)
    head = lines.peek(BUFFER)
    for magic, what in _REFUSED.items():
        if head.startswith(magic):
            raise InputError(f"{path}: {what}")
    if head.startswith(BOM):
        lines.read(len(BOM))
    without_pairs = head.replace(b"\r\n", b"").removesuffix(b"\r")
    is_old_mac = b"\r" in without_pairs or (head.endswith(b"\r") and b"\n" not in head)
    return io.BufferedReader(_AnyLineEnd(lines), BUFFER) if is_old_mac else lines


class _AnyLineEnd(io.RawIOBase):
    """The bytes of `source` with CR and CRLF as LF."""

    def __init__(self, source: io.BufferedReader):
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        chunk = self._source.read(len(buffer) - 1)
        if chunk.endswith(b"\r"):
            chunk += self._source.read(1)
        chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer[: len(chunk)] = chunk
        return len(chunk)


def read_toml(path: str | os.PathLike) -> dict:
    """Entries of a TOML file; InputError where it is none or cannot be read."""
    try:
        with open_text(path) as handle:
            return tomllib.loads(handle.read().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None


def decode_text(line: bytes, notices: Notices) -> str:
    """The line as UTF-8, else as Latin-1, which is said; so two letters never become the same one."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
        notices.add("lines are not UTF-8 and were read as Latin-1", text.strip()[:60])
        return text


def describe_letter(letter: str) -> str:
    """A letter as an error shows it: invisible and foreign ones with number and name.

    >>> describe_letter("J"), describe_letter(chr(0xA0))
    ("'J'", 'U+00A0 (NO-BREAK SPACE)')
    """
    if letter.isascii() and letter.isprintable():
        return repr(letter)
    return f"U+{ord(letter):04X} ({unicodedata.name(letter, 'a control character')})"
