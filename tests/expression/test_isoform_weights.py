"""Tables of isoform weights as salmon, kallisto, RSEM and people write them, and what is wrong with some."""

import math

import pytest

from mirscan.errors import InputError
from mirscan.expression.isoform_weights import read_isoform_shares
from mirscan.notices import Notices
from mirscan.sequence.transcriptome import transcriptome_from_sequences

NAMES = ["ENST00000000001.3", "ENST00000000002.1", "ENST00000000003.2", "ENST00000000004.1", "ENST00000000005.1"]
TRANSCRIPTS = transcriptome_from_sequences(NAMES, ["ACGT"] * 5, genes=["G1", "G1", "G1", "G2", "G3"])
SALMON = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n{}\t900\t700.5\t3\t12\n{}\t900\t700.5\t1\t12\n{}\t900\t700.5\t0\t12\n"


def shares(tmp_path, text) -> tuple[list[float], list[str]]:
    path, notices = tmp_path / "weights.tsv", Notices()
    path.write_text(text)
    return read_isoform_shares(path, TRANSCRIPTS, notices).tolist(), [str(notice) for notice in notices]


@pytest.mark.parametrize(
    "text",
    [
        SALMON.format(NAMES[0], NAMES[1], NAMES[3]),
        # Salmon's index of GENCODE's FASTA keeps whole headers; another version is the same transcript.
        SALMON.format("gi|42|ref|ENST00000000001.3|", "gi|43|ref|ENST00000000002.1|", "gi|44|ref|ENST00000000004.1|"),
        SALMON.format("ENST00000000001.5|ENSG00000000001.1|-|X-201|X|900|", "ENST00000000002|-", NAMES[3]),
        f"target_id\tlength\teff_length\test_counts\ttpm\n{NAMES[0]}\t9\t9\t0\t0.75\n{NAMES[1]}\t9\t9\t7\t2.5e-1\n{NAMES[3]}\t9\t9\t7\t0\n",
        f"transcript_id\tgene_id\tTPM\tFPKM\tIsoPct\n{NAMES[0]}\tG1\t6\t1\t1\n{NAMES[1]}\tG1\t2\t1\t1\n{NAMES[3]}\tG2\t0\t1\t1\n",
        "transcript,fraction\nENST00000000001,0.75\nENST00000000002,0.25\nENST00000000004,0\n",
        "transcript\tliver\nENST00000000001\t0.75\nENST00000000002\t0.25\nENST00000000004\t0\n",
        "ENST00000000001\t75\nENST00000000002\t25\nENST00000000004\t0\n",
    ],
)
def test_shares__sum_to_one_in_each_gene(tmp_path, text):
    found, notices = shares(tmp_path, text)
    assert found[:3] == [0.75, 0.25, 0] and all(map(math.isnan, found[3:]))
    assert notices == [
        "1 isoform has no weight and counts as 0 (ENST00000000003.2)",
        "1 gene has no isoform with a weight, so that its strongest one speaks (G3)",
        "1 gene has weights of 0 alone, so that its strongest isoform speaks (G2)",
    ]


def test_shares__transcripts_that_were_not_scanned_are_counted(tmp_path):
    found, notices = shares(tmp_path, "transcript\tTPM\nENST00000000009\t4\nENST00000000001\t2\nENST00000000008\t4\n")
    assert found[:3] == [1, 0, 0]
    assert notices[0] == "2 transcripts of the isoform weights are not among those scanned (first: ENST00000000009)"


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ("ENST00000000001\t-2\n", "line 2: weight '-2' of 'ENST00000000001'; expected a number from 0 up, as TPM or a fraction"),
        ("ENST00000000001\thigh\n", "line 2: weight 'high' of 'ENST00000000001'; expected a number from 0 up, as TPM or a fraction"),
        ("ENST00000000001\tinf\n", "line 2: weight 'inf' of 'ENST00000000001'; expected a number from 0 up, as TPM or a fraction"),
        ("ENST00000000001\t\n", "line 2: weight '' of 'ENST00000000001'; expected a number from 0 up, as TPM or a fraction"),
        (
            "ENST00000000001\t2\nENST00000000002\t2\nENST00000000001.4\t2\n",
            "line 4: a second weight of 'ENST00000000001.4', as in line 2; expected one row a transcript",
        ),
        (
            "NM_000014\t2\nNM_000015\t2\n",
            "none of its 2 transcripts is among the 5 scanned; its ids are RefSeq transcripts (NM_) such as 'NM_000014', "
            "theirs Ensembl transcripts (ENST) such as 'ENST00000000001.3'",
        ),
    ],
)
def test_shares__bad_rows_are_one_line(tmp_path, rows, error):
    with pytest.raises(InputError) as caught:
        shares(tmp_path, f"transcript\tTPM\n{rows}")
    assert str(caught.value).split("weights.tsv", 1)[1].lstrip(":, ") == error


@pytest.mark.parametrize("text", ["a\tb\tc\n1\t2\t3\n", "transcript\tliver\tbrain\nENST00000000001\t2\t3\n", "gene\tTPM\tx\nG1\t2\t3\n"])
def test_shares__unknown_headings_are_one_line(tmp_path, text):
    with pytest.raises(InputError, match=r"expected a column of transcripts .* and one of weights"):
        shares(tmp_path, text)
