import pytest

from mirscan.errors import InputError
from mirscan.notices import Notices
from mirscan.sequence.mirnas import mirnas_from_sequences, read_mirnas

MIRBASE = ">hsa-let-7a-5p MIMAT0000062 Homo sapiens let-7a-5p\nUGAGGUAGUAGGUUGUAUAGUU\n>mmu-miR-1a-3p\nuggaauguaaagaaguauguau\n"


def write(folder, text):
    path = folder / "mature.fa"
    path.write_text(text)
    return path


def test_read_mirnas__names_codes_and_padding(tmp_path):
    mirnas = read_mirnas(write(tmp_path, MIRBASE + ">short\nACGUACGU\n"))
    assert mirnas.names == ("hsa-let-7a-5p", "mmu-miR-1a-3p", "short")
    assert mirnas.sequence(0) == "TGAGGTAGTAGGTTGTATAGTT"
    assert mirnas.lengths.tolist() == [22, 22, 8]
    assert mirnas.codes[2].tolist() == [0, 1, 2, 3] * 2 + [4] * 14
    assert mirnas.take([2, 0]).names == ("short", "hsa-let-7a-5p")


@pytest.mark.parametrize(
    ("species", "names"), [("hsa", ("hsa-let-7a-5p",)), ("MMU", ("mmu-miR-1a-3p",)), (None, ("hsa-let-7a-5p", "mmu-miR-1a-3p"))]
)
def test_read_mirnas__species(tmp_path, species, names):
    assert read_mirnas(write(tmp_path, MIRBASE), species).names == names


def test_read_mirnas__other_species_and_none_are_counted(tmp_path):
    notices = Notices()
    read_mirnas(write(tmp_path, MIRBASE + ">miR-21\nACGUACGU\n>hsa_miR_7\nACGUACGU\n>cel-let-7\nACGUACGU\n"), "hsa", notices)
    assert [str(notice) for notice in notices] == [
        "2 miRNAs are of other species and were left out (first: mmu-miR-1a-3p)",
        "2 miRNAs have no species in their name and were left out (first: miR-21)",
    ]


@pytest.mark.parametrize(
    ("text", "species", "message"),
    [
        (">a\nACGUACG\n", None, "line 1: miRNA 'a' has 7 nt; expected 8 to 40"),
        (">a\n" + "A" * 41 + "\n", None, "has 41 nt"),
        (">a\nACGUACGU\n>b\nACGUACGU\n>a\nACGUACGG\n", None, "line 5: name 'a' stands in line 1 already"),
        (MIRBASE, "dme", "no miRNA of species 'dme'; names there begin with hsa, mmu"),
        (">" + "x" * 10_000 + "\nACGUACGU\n", None, "a name of 10,000 letters"),
        (">a\x07b\nACGUACGU\n", None, "control character"),
    ],
)
def test_read_mirnas__bad_input(tmp_path, text, species, message):
    with pytest.raises(InputError) as caught:
        read_mirnas(write(tmp_path, text), species)
    assert message in str(caught.value)


def test_mirnas_from_sequences__same_rules():
    assert mirnas_from_sequences(["a"], ["ugagguag"]).sequence(0) == "TGAGGTAG"
    with pytest.raises(InputError, match="expected 8 to 40"):
        mirnas_from_sequences(["a"], ["ACG"])


def test_read_mirnas__transcripts_in_their_place(tmp_path):
    path = tmp_path / "utr.fa"
    path.write_text(">t\n" + "ACGT" * 60 + "\n")
    with pytest.raises(InputError, match=r"has 240 nt; expected 8 to 40. Is it a precursor, or are --mirnas and --utrs exchanged\?"):
        read_mirnas(path)
