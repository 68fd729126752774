"""FASTA as users have it: every odd but legal file is read, every broken one is answered with file, line and letter."""

import gzip
from pathlib import Path

import numpy as np
import pysam
import pytest

from mirscan.errors import InputError
from mirscan.sequence.alphabet import decode, encode
from mirscan.sequence.fasta import read_fasta


def letters(path) -> list[tuple[str, str]]:
    return [(record.header, decode(np.frombuffer(record.codes, dtype=np.uint8))) for record in read_fasta(path)]


def write(folder: Path, content: bytes, name: str = "x.fa") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b">a x\nACGU\n>b\nNNAC\n",
        b">a x\r\nACGU\r\n>b\r\nNNAC\r\n",
        b"\n\n>a x\nac\n\ngt\n\n>b\nnn\nac",
        b"\xef\xbb\xbf>a x\nA C\tG T\n>b\nRYAC\n",
    ],
    ids=["plain", "crlf", "lower-case-blank-lines-no-final-newline", "bom-blanks-iupac"],
)
def test_read_fasta__legal_forms_are_one_content(tmp_path, content):
    expected = [("a x", "ACGT"), ("b", "NNAC")]
    assert letters(write(tmp_path, content)) == expected
    assert letters(write(tmp_path, gzip.compress(content, mtime=0), "x.fa.gz")) == expected
    assert letters(write(tmp_path, gzip.compress(content, mtime=0), "gzip-without-suffix.fa")) == expected


def test_read_fasta__bgzip_of_many_blocks(tmp_path):
    plain = write(tmp_path, b">a\n" + b"ACGT" * 60_000 + b"\n")
    pysam.tabix_compress(str(plain), str(tmp_path / "x.fa.gz"), force=True)
    assert letters(tmp_path / "x.fa.gz") == [("a", "ACGT" * 60_000)]


def test_read_fasta__agrees_with_pysam(tmp_path):
    path = write(tmp_path, b">one first\nACGTACGTAC\nGGN\n>two\n\n>three\nuuaacc\n")
    with pysam.FastxFile(str(path)) as witness:
        expected = [(" ".join(filter(None, (r.name, r.comment))), (r.sequence or "").upper().replace("U", "T")) for r in witness]
    assert letters(path) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.fa", b"", "no sequences"),
        ("x.fa", b"\n \n", "no sequences"),
        ("x.fa", b">a\n>b\n\n", "2 headers without any sequence below"),
        ("x.fa", b"ACGT\n>a\nACGT\n", "line 1: found 'ACGT' before the first header"),
        ("x.fa", b">\nACGT\n", "line 1: header without a name"),
        ("x.fa", b">a\nACGT\nACJT\n", "line 3: letter 'J' in 'a'"),
        ("x.fa", b">p\nMKVLAAGIVALLAAC\n", "letter 'L' in 'p'; expected A C G T U N or an IUPAC code. Is this a protein FASTA?"),
        ("x.fa", b">a\nAC--GT\n", "Remove alignment gaps first"),
        ("x.fa", b">a\nAC\x00GT\n", "letter U+0000"),
        ("x.fa.gz", b">a\nACGT\n", "the name says gzip but the content is not"),
        ("x.fa.gz", gzip.compress(b">a\n" + bytes(65 + i * i % 7 % 2 * 2 for i in range(90000)), mtime=0)[:-40], "damaged gzip"),
        ("x.fa.gz", b"", "no sequences in it"),
        ("x.fa", b"PK\x03\x04 not text", "is a zip archive"),
    ],
)
def test_read_fasta__broken_file_is_one_clear_line(tmp_path, name, content, message):
    path = write(tmp_path, content, name)
    with pytest.raises(InputError) as caught:
        list(read_fasta(path))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_fasta__missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        list(read_fasta(tmp_path / "absent.fa"))
    with pytest.raises(InputError, match="is a directory"):
        list(read_fasta(tmp_path))


def test_encode__every_iupac_letter_in_either_case():
    assert encode("ACGTUNRYSWKMBDHVX").tolist() == [0, 1, 2, 3, 3] + [4] * 12
    assert encode("acgtunryswkmbdhvx").tolist() == encode("ACGTUNRYSWKMBDHVX").tolist()
