"""Each kind of table, when it is empty, has headings alone, or those of something else, is answered with its own headings."""

import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app

# What is asked -> (words of the command, with TABLE for the file; what its answer must name).
ASKED = {
    "pairs": ("evaluate TABLE --model duplex", "mirna, target, label (mirscan)"),
    "positives": ("negatives TABLE --kind shuffled --out n.tsv", "mirna, target, label (mirscan)"),
    "known sites": ("evaluate-scan --sites TABLE --transcripts utr.fa --model duplex", "start: start0, start; end: end"),
    "genes of miRAW": ("evaluate-miraw TABLE --transcripts utr.fa --model duplex", "gene: ensg, gene, transcript; label: label"),
    "expression": ("evaluate-genes --expression TABLE --guides mirs.fa --transcripts utr.fa", "genes in rows and experiments in columns"),
    "guides": ("evaluate-genes --expression levels.tsv --guides TABLE --transcripts utr.fa", "miRNA"),
    "ids": ("evaluate-genes --expression levels.tsv --guides mirs.fa --transcripts utr.fa --ids TABLE", "two columns of ids"),
    "coding sequences": ("scan --mirnas mirs.fa --utrs utr.fa --model none --cds TABLE", "transcript, cds_start and cds_end"),
    "isoform weights": ("scan --mirnas mirs.fa --utrs utr.fa --model none --isoform-weights TABLE", "TPM"),
    "families": ("scan --mirnas mirs.fa --utrs utr.fa --model none --by-family --families TABLE", "families"),
    "gene map": ("scan --mirnas mirs.fa --utrs utr.fa --model none --gene-map TABLE", "transcript"),
}
TABLES = {"empty": "", "headings alone": "colour\tshape\n", "other headings": "colour\tshape\nred\tround\n"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ASKED)
def test_table__that_is_something_else(tmp_path, monkeypatch, kind, table):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.tsv").write_text(TABLES[table])
    (tmp_path / "mirs.fa").write_text(">miR-1\nUGGAAUGUAAAGAAGUAUGUAU\n")
    (tmp_path / "utr.fa").write_text(">T1|G1|S1\nAAAACATTCCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
    (tmp_path / "levels.tsv").write_text("gene\tmiR-1\nG1\t-0.5\nG2\t0.25\n")
    words, named = ASKED[kind]
    result = CliRunner().invoke(app, words.replace("TABLE", "table.tsv").split())
    assert result.exit_code == 1 and result.stderr.count("\n") == 1, result.output
    assert "table.tsv" in result.stderr and named in result.stderr
