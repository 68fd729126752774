import pytest

from mirscan.run.nothing_found import suspect_inputs
from mirscan.run.runs import scan
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences

UTR = ">t\n" + "G" * 60 + "\n"
MIRNA = ">hsa-let-7a-5p\nUGAGGUAGUAGGUUGUAUAGUU\n"


@pytest.mark.parametrize(
    ("mirnas", "targets", "said"),
    [
        (MIRNA, MIRNA.replace("let", "miR"), "1 of 1 targets are shorter than 40 nt: are miRNAs given as --utrs?"),
        (">m\n" + "ACGU" * 9 + "\n", UTR, "half of the miRNAs are longer than 30 nt (36): are --mirnas and --utrs exchanged?"),
        (MIRNA, ">t\n" + "N" * 60 + "\n", "the targets hold no base but N: is the FASTA masked?"),
        (">m\nUGANGUAGUAGGUUGUAUAGUU\n", UTR, "1 of 1 miRNAs have an N among nt 2-7, where every seed must pair"),
        (MIRNA, UTR, "1 miRNA and 60 bases may simply hold no match"),
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


def test_scan__transcripts_that_the_mask_hides_whole_are_counted(tmp_path):
    (tmp_path / "m.fa").write_text(MIRNA)
    (tmp_path / "t.fa").write_text(f">a\n{'G' * 14}\n>b\n{'G' * 15}\n>c\n{'G' * 60}CTACCTCA\n>d\nG\n")
    result = scan(tmp_path / "m.fa", tmp_path / "t.fa", out=tmp_path / "o", model="none", mask_start=14)
    assert result.n_sites == 1 and "2 transcripts are hidden whole by --mask-start, so no site (first: a)" in result.warnings


HUMAN, MOUSE, FLY = "ENST00000269305.9", "ENSMUST00000108658.10", "FBtr0070604"


@pytest.mark.parametrize(
    ("mirnas", "transcripts", "said"),
    [
        (["hsa-miR-21-5p"], [HUMAN], None),
        (["Hsa-Mir-21_5p"], [HUMAN], None),
        (["let-7a-5p", "my-siRNA"], [HUMAN], None),
        (["hsa-miR-21-5p"], ["NM_000546.6"], None),
        (["hsa-miR-21-5p"], [MOUSE, "T1", "T2"], None),
        (
            ["hsa-miR-21-5p", "let-7"],
            [MOUSE],
            f"1 of 2 miRNAs are of another species (first: hsa-miR-21-5p) than the transcripts, of mmu by their names (first: {MOUSE}); "
            "are both of one species?",
        ),
        (["mmu-let-7a-5p"], [HUMAN], "of hsa by their names"),
        (["mmu-let-7a-5p"], ["ENSMMUT00000012345"], "of mml by their names"),
        (["cel-lin-4-5p", "dme-bantam-3p"], [FLY, FLY + "x"], "1 of 2 miRNAs are of another species (first: cel-lin-4-5p)"),
        (["cel-lin-4-5p", "dme-bantam-3p"], [FLY], "--species dme keeps its own"),
        (["ath-miR156a"], ["AT1G01010.1"], None),
        (["hsa-miR-21-5p"], ["hsa_circ_0000002"], None),
        (["mmu-miR-21a-5p"], ["hsa_circ_0000002"], "of hsa by their names"),
        (["ptvpv2a-miR-P1-5p"], [HUMAN], "1 of 1 miRNAs are of another species (first: ptvpv2a-miR-P1-5p)"),
        (
            ["hsa-miR-21-5p"],
            ["T1", "hsa-miR-1-3p"],
            "1 of 2 targets have names of miRNAs (first: hsa-miR-1-3p): are miRNAs given as --utrs?",
        ),
        (["NM_1234.5"], ["T1"], "1 of 1 miRNAs have names of transcripts (first: NM_1234.5): are --mirnas and --utrs exchanged?"),
    ],
)
def test_suspect_inputs__of_two_species(mirnas, transcripts, said):
    targets = transcriptome_from_sequences(transcripts, ["ACGT" * 20] * len(transcripts))
    found = suspect_inputs(targets, mirnas_from_sequences(mirnas, ["ACGTACGTACGTACGTACGTAC"] * len(mirnas)))
    assert (said in found[0] and len(found) == 1) if said else found == []


def test_suspect_inputs__genes_tell_the_species_where_transcripts_do_not():
    targets = transcriptome_from_sequences(["T1"], ["ACGT" * 20], ["ENSMUSG00000059552"])
    assert "of mmu" in suspect_inputs(targets, mirnas_from_sequences(["hsa-miR-1"], ["ACGTACGTACGTACGTACGTAC"]))[0]
