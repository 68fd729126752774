import pytest

from mirscan.run.runs import scan

UTR = ">t\n" + "G" * 60 + "\n"
MIRNA = ">hsa-let-7a-5p\nUGAGGUAGUAGGUUGUAUAGUU\n"


@pytest.mark.parametrize(
    ("mirnas", "targets", "said"),
    [
        (MIRNA, MIRNA.replace("let", "miR"), "1 of 1 targets are shorter than 40 nt: are miRNAs given as --utrs?"),
        (">m\n" + "ACGU" * 9 + "\n", UTR, "half of the miRNAs are longer than 30 nt (36): are --mirnas and --utrs exchanged?"),
        (MIRNA, ">t\n" + "N" * 60 + "\n", "the targets hold no base but N: is the FASTA masked?"),
        (">m\nUGANGUAGUAGGUUGUAUAGUU\n", UTR, "1 of 1 miRNAs have an N among nt 2-7, where every seed must pair"),
        (MIRNA, UTR, "1 miRNAs and 60 bases may simply hold no match"),
    ],
)
def test_scan__that_finds_nothing_says_what_may_be_wrong(tmp_path, mirnas, targets, said):
    (tmp_path / "m.fa").write_text(mirnas)
    (tmp_path / "t.fa").write_text(targets)
    result = scan(tmp_path / "m.fa", tmp_path / "t.fa", out=tmp_path / "o", model="none")
    assert result.n_sites == 0
    assert any(said in warning for warning in result.warnings), result.warnings


def test_scan__short_targets_are_said_although_sites_are_found(tmp_path):
    (tmp_path / "m.fa").write_text(MIRNA)
    (tmp_path / "t.fa").write_text(">t\nGGCTACCTCAGGGGGGGGGGGG\n")
    result = scan(tmp_path / "m.fa", tmp_path / "t.fa", out=tmp_path / "o", model="none")
    assert result.n_sites == 1
    assert "1 of 1 targets are shorter than 40 nt: are miRNAs given as --utrs?" in result.warnings
