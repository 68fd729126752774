"""Every text input comes through one door, however it is packed, ended or marked."""

import bz2
import gzip
import lzma

import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.fasta import read_fasta
from mirscan.sequence.mirnas import read_mirnas
from mirscan.sequence.text import open_text
from mirscan.sequence.transcriptome import read_transcriptome


def write(folder, content: bytes):
    path = folder / "x.fa"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_open_text__packing_mark_and_line_ends(tmp_path, pack, end):
    with open_text(write(tmp_path, pack(b"\xef\xbb\xbf" + end.join([b">a", b"ACGT", b""])))) as lines:
        assert [line.rstrip() for line in lines] == [b">a", b"ACGT"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04", "zip archive; unpack"),
        (b"\x28\xb5\x2f\xfd", "zstd; unpack"),
        (">a\nACGT\n".encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (bz2.compress(b">a\nACGT\n")[:-4], "damaged"),
        (">a\nAC\u00a0GT\n".encode(), "NO-BREAK SPACE"),
        (">a\nAC\u200bGT\n".encode(), "ZERO WIDTH SPACE"),
        (b">a\tACGTACGT\n>b\nACGT\n", "on the line of its header"),
    ],
)
def test_read_fasta__names_what_it_cannot_read(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        list(read_fasta(write(tmp_path, content)))


def test_read_fasta__latin1_headers_stay_apart(tmp_path):
    notices = Notices()
    records = list(read_fasta(write(tmp_path, b">\xe9\nACGT\n>\xe8\nACGT\n"), notices))
    assert [record.header for record in records] == ["\u00e9", "\u00e8"]
    assert [notice.count for notice in notices] == [2]


@pytest.mark.parametrize("letters", ["UGAGGUAGUAGGUUGUAUAdTdT", "mUGAGGUAGUAGG", "UGAGGUAGUAGDTDT"])
def test_read_mirnas__notation_is_refused(tmp_path, letters):
    with pytest.raises(InputError, match="write the bases alone"):
        read_mirnas(write(tmp_path, f">a\n{letters}\n".encode()))


def test_read_mirnas__dashes_and_unknown_letters_are_said(tmp_path):
    notices = Notices()
    mirnas = read_mirnas(write(tmp_path, ">hsa\u2011miR\u201121\nURGCUUAUCAG\n".encode()), "hsa", notices)
    assert mirnas.names == ("hsa-miR-21",)
    said = " ".join(map(str, notices))
    assert "dashes" in said and "letter R" in said and "seed (nt 2-8)" in said


def test_read_transcriptome__copies_empty_and_unknown_are_counted(tmp_path):
    notices = Notices()
    path = write(tmp_path, b">a\nACGT\n>a\nACGT\n>empty\n>n\nNNN\n")
    assert read_transcriptome(path, notices=notices).names.to_pylist() == ["a", "empty", "n"]
    assert [(notice.count, notice.first) for notice in notices] == [(1, "a"), (1, "empty"), (1, "n")]
