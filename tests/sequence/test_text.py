"""Every text input comes through one door, however it is packed, ended or marked."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib

import pyarrow as pa
import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.fasta import read_fasta
from mirscan.sequence.mirnas import read_mirnas
from mirscan.sequence.text import BUFFER, decode_text, open_text, read_toml
from mirscan.sequence.transcriptome import read_transcriptome


def write(folder, content: bytes):
    path = folder / "x.fa"
    path.write_bytes(content)
    return path


def gzipped(content: bytes) -> bytes:
    """Without the clock: what names a test must be the same in every process that runs some of them."""
    return gzip.compress(content, mtime=0)


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


def pzstd(content: bytes) -> bytes:
    """Two frames, each behind one that can be skipped, as pzstd writes them."""
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0size"
    return skippable + zstd(content[:5]) + skippable + zstd(content[5:])


def xz_streams(content: bytes) -> bytes:
    """Two streams with the padding between them that the format allows."""
    return lzma.compress(content[:5]) + bytes(8) + lzma.compress(content[5:]) + bytes(4)


def lzma_alone(content: bytes) -> bytes:
    return lzma.compress(content, lzma.FORMAT_ALONE)


def bzip2_streams(content: bytes) -> bytes:
    return bz2.compress(content[:5]) + bz2.compress(content[5:])


def tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("x.fa")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, bzip2_streams, lzma.compress, lzma_alone, xz_streams, zstd, pzstd])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_open_text__packing_mark_and_line_ends(tmp_path, pack, end):
    with open_text(write(tmp_path, pack(b"\xef\xbb\xbf" + end.join([b">a", b"ACGT", b""])))) as lines:
        assert [line.rstrip() for line in lines] == [b">a", b"ACGT"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04", "zip archive or a spreadsheet; unpack it with `unzip`"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive; unpack it with `7z x`"),
        (b"\x04\x22\x4d\x18", "lz4; unpack it"),
        (b"\x1f\x9d\x90", "gunzip"),
        (b"LZIP\x01\x0c", r"lzip; unpack it with `lzip -d`"),
        (b"PK\x05\x06" + bytes(18), "an empty zip archive"),
        (gzipped(gzipped(b">a\nACGT\n")), "packed twice; unpack it once"),
        (bz2.compress(lzma.compress(b">a\nACGT\n")), "packed twice; unpack it once"),
        (zlib.compress(b">a\nACGT\n" * 99), r"no text \(byte 0x.. in its first line\); expected text, as it is or packed by gzip"),
        (b"\x89HDF\r\n\x1a\n", r"no text \(byte 0x89"),
        (b"SQLite format 3\0", r"no text \(byte 0x00"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a document of a spreadsheet"),
        (b"<!DOCTYPE html>", "a page of the web"),
        (tar(b">a\nACGT\n"), "a tar archive; unpack it with `tar -xf`"),
        (gzipped(b"BAM\x01"), "is BAM"),
        (">a\nACGT\n".encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (">a\nACGT\n".encode("utf-32"), "UTF-32 text; save it as UTF-8"),
        (">a\nACGT\n".encode("utf-16-le"), "UTF-16 text without a mark; save it as UTF-8, such as with `iconv -f UTF-16LE"),
        (">a\nACGT\n".encode("utf-16-be"), "without a mark; .* -f UTF-16BE"),
        (bz2.compress(b">a\nACGT\n")[:-4], "damaged"),
        (zstd(b">a\nACGT\n")[:-4], "damaged"),
        (lzma.compress(b">a\nACGT\n")[:-4], "damaged"),
        *((pack(b">a\nACGT\n") + b"ACGT" * 9, "damaged") for pack in (gzipped, bz2.compress, lzma.compress, zstd)),
        *((pack(b">a\nA\n") + b"!" + pack(b">b\nA\n")[1:], "damaged") for pack in (gzipped, bz2.compress, lzma.compress, zstd)),
        (">my\u00a0gene\nACGT\n".encode(), r"name 'my.xa0gene' holds U\+00A0 \(NO-BREAK SPACE\)"),
        (">T1\u200b\nACGT\n".encode(), r"name 'T1.u200b' holds U\+200B \(ZERO WIDTH SPACE\)"),
        (b">a\nACGT\n\xef\xbb\xbf>b\nACGT\n", r"line 3: letter U\+FEFF"),
        (">a\nAC\u00a0GT\n".encode(), "NO-BREAK SPACE"),
        (">a\nAC\u200bGT\n".encode(), "ZERO WIDTH SPACE"),
        (b'>"my gene"\nACGT\n', """line 1: name '"my' begins with '"', as quoted text"""),
        (b">#T\nACGT\n", "line 1: name '#T' begins with '#'"),
        (b">a\tACGTACGT\n>b\nACGT\n", "on the line of its header"),
        (b">a\nACGT\n>b my gene acguacgu\n", "line 3: the sequence 'acguacgu' stands on the line of its header"),
        (b" >a\nACGT\n", "line 1: found ' >a' before the first header"),
        (f">{'a' * 300}\u0085\nACGT\n".encode(), r"name .* holds U\+0085"),
        (b">a\npUGAGG\n", "letter 'p' in 'a'.* A supplier's sign of a modified base"),
        (b">a\n1 acgt\n", "letter '1' in 'a'.* A number of a line"),
        (">a\nUG\u03a8\n".encode(), "PSI.* A supplier's sign"),
        (b">a\nUGAGGUIGUAGG\n", "letter 'I' in 'a'.* A supplier's sign of a modified base"),
        (b">a\nP-UGAGGUAGUAGG\n", "letter 'P' in 'a'.* A supplier's sign of a modified base"),
        (b">a\nUGAGGUAGUAGG-Chol\n", "letter '-' in 'a'.* Remove alignment gaps first, and signs of suppliers"),
        (b">a\nmkvlp\n", "Is this a protein"),
        (b">a\nMEEPQSDPSVEPPLSQETFSDLWKLLPENNVLSPLPSQAMDDLMLSPDDIEQWFTEDPGP\n", "letter 'E' in 'a'.* Is this a protein"),
        (b">a\nSequence unavailable\n>b\nSequence unavailable\n", "all 2 records say that their sequence is unavailable"),
    ],
)
def test_read_fasta__names_what_it_cannot_read(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_transcriptome(write(tmp_path, content))


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_read_fasta__line_ends_change_behind_the_first_buffer(tmp_path, end):
    """Two files of different systems, one after the other; CRLF falls on every place of a buffer's end."""
    for extra in range(3):
        first = ">a\n" + "ACGT" * (BUFFER // 4 - 1) + "C" * extra + "\n"
        second = "".join(f">b{i}{end}ACGT{end}{end}AC{end}" for i in range(BUFFER // 16))
        records = list(read_fasta(write(tmp_path, (first + second).encode())))
        assert [record.header for record in records] == ["a", *(f"b{i}" for i in range(BUFFER // 16))]
        assert [len(record.codes) for record in records] == [BUFFER - 4 + extra, *[6] * (BUFFER // 16)]
        assert [record.line for record in records[:3]] == [1, 3, 7]


def test_read_toml__foreign_blank_is_named(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("a = 1\nb\u00a0= 2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"not a TOML file: .*; line 2 holds U\+00A0 \(NO-BREAK SPACE\), write a plain blank"):
        read_toml(path)
    path.write_text("a = \u201c2-7\u201d\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 1 holds U\+201C \(LEFT DOUBLE QUOTATION MARK\), write a plain quote"):
        read_toml(path)
    path.write_bytes(b'a = "\xe9"')
    with pytest.raises(InputError, match="byte 6 is not UTF-8; save it as UTF-8"):
        read_toml(path)


def test_read_fasta__latin1_headers_stay_apart(tmp_path):
    notices = Notices()
    records = list(read_fasta(write(tmp_path, b">\xe9\nACGT\n>\xe8\nACGT\n"), notices))
    assert [record.header for record in records] == ["\u00e9", "\u00e8"]
    assert [notice.count for notice in notices] == [2]


@pytest.mark.parametrize("letter", ["\u00a0", "\u200b", "\u00ad"])
def test_decode_text__letters_that_nobody_sees_are_said(letter):
    notices = Notices()
    texts = [decode_text(line.encode(), notices) for line in (f"T1{letter}\tG1", "T2\tG\u00e9", f"T3\tG{letter}2")]
    assert texts == [f"T1{letter}\tG1", "T2\tG\u00e9", f"T3\tG{letter}2"]
    (notice,) = notices
    assert notice.count == 2 and f"U+{ord(letter):04X}" in notice.what and notice.first == repr(f"T1{letter}\tG1")


@pytest.mark.parametrize("letters", ["UGAGGUAGUAGGUUGUAUAdTdT", "mUGAGGUAGUAGG", "UGAGGUAGUAGDTDT", "ugagguaguagdtdt", "UsGsAGGUAGUAGG"])
def test_read_mirnas__notation_is_refused(tmp_path, letters):
    with pytest.raises(InputError, match="write the bases alone"):
        read_mirnas(write(tmp_path, f">a\n{letters}\n".encode()))


@pytest.mark.parametrize("dash", "\u2010\u2011\u2013\u2212\u2043\u1806\ufe63\uff0d")
def test_read_mirnas__every_dash_is_plain(tmp_path, dash):
    notices = Notices()
    path = write(tmp_path, f">hsa{dash}miR{dash}21\nUAGCUUAUCAG\n".encode())
    assert read_mirnas(path, "hsa", notices).names == ("hsa-miR-21",)
    assert [str(notice) for notice in notices] == ["1 miRNA was written with typographic dashes, now '-' (hsa-miR-21)"]
    path.write_bytes(f">hsa{dash}miR{dash}21\nUAGCUUAUCAG\n>hsa-miR-21\nUAGCUUAUCAA\n".encode())
    with pytest.raises(InputError, match="name 'hsa-miR-21' stands in line 1 already"):
        read_mirnas(path)


def test_read_mirnas__dashes_of_windows(tmp_path):
    notices = Notices()
    mirnas = read_mirnas(write(tmp_path, b">hsa\x96miR\x9621\nUAGCUUAUCAG\n>hsa-miR-1 \x90\nUAGCUUAUCAG\n"), "hsa", notices)
    assert mirnas.names == ("hsa-miR-21", "hsa-miR-1")
    assert str(next(iter(notices))) == "2 lines are not UTF-8 and were read as Windows-1252 (Latin-1) (first: hsa\u2013miR\u201321)"


def test_read_mirnas__dashes_and_unknown_letters_are_said(tmp_path):
    notices = Notices()
    mirnas = read_mirnas(write(tmp_path, ">hsa\u2011miR\u201121\nURGCUUAUCAG\n".encode()), "hsa", notices)
    assert mirnas.names == ("hsa-miR-21",)
    said = " ".join(map(str, notices))
    assert "dashes" in said and "letter R" in said and "seed (nt 2-8)" in said


def test_read_transcriptome__copies_empty_and_unknown_are_counted(tmp_path):
    notices = Notices()
    path = write(tmp_path, b">a\nACGT\n>a\nACGT\n>empty\n>n\nNNN\n>r\nRYACnN\nx\n")
    assert read_transcriptome(path, notices=notices).names.to_pylist() == ["a", "empty", "n", "r"]
    assert [(notice.count, notice.first) for notice in notices] == [(1, "a"), (1, "empty"), (1, "n"), (3, "r")]
