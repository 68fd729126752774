"""`mirscan extract`, `scan --genome` and `export` as a user types them."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app

EXAMPLES = Path(__file__).parents[2] / "examples"
GENOME, ANNOTATION = ("--genome", EXAMPLES / "fly.fa.gz"), ("--annotation", EXAMPLES / "fly.gtf.gz")


def run(*words) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def fails(*words) -> str:
    """The one line of an input error."""
    code, _, error = run(*words)
    assert code == 1 and error.startswith("mirscan: error: ") and error.count("\n") == 1, error
    return error


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("fly") / "out"
    code, text, error = run("scan", "--mirnas", EXAMPLES / "fly_mirnas.fa", *GENOME, *ANNOTATION, "--model", "none", "--out", out)
    assert code == 0 and "72 transcripts, 35,732 bases x 20 miRNAs" in text, error
    return out


def test_export__prints_what_it_wrote(out):
    code, text, _ = run("export", out, "--format", "tsv, gff3")
    assert code == 0 and text.splitlines() == [f"{out}/{name}" for name in ("sites.tsv.gz", "sites.gff3.gz", "sites.gff3.gz.tbi")]
    lines = gzip.decompress((out / "sites.tsv.gz").read_bytes()).decode().splitlines()
    assert lines[0].split("\t")[-5:] == ["chrom", "genome_start", "genome_end", "strand", "blocks"] and len(lines) == 313


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "bam"], "--format bam: unknown; expected bed, parquet, tsv"),
        (["--format", "hub"], "--format hub needs UCSC's name of the genome, as in --assembly dm6"),
    ],
)
def test_export__bad_options(out, words, message):
    assert message in fails("export", out, *words)


def test_extract__leaves_nothing_behind_an_error(tmp_path):
    (tmp_path / "genes.gtf").write_text('chr2L\tx\texon\t200\t101\t.\t+\t.\tgene_id "G"; transcript_id "T";\n')
    error = fails("extract", *GENOME, "--annotation", tmp_path / "genes.gtf", "--out", tmp_path / "out")
    assert f"{tmp_path}/genes.gtf, line 1: a feature of 'T' at 200-101; expected 1 <= start <= end" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*GENOME], "--genome and --annotation belong together"),
        ([*GENOME, *ANNOTATION, "--utrs", EXAMPLES / "utrs.fa.gz"], "expected transcripts as --utrs, or --genome and --annotation"),
        ([*GENOME, *ANNOTATION, "--region", "intron"], "--region intron: unknown; expected 3utr, 5utr, cds, transcript, lncrna"),
        ([*GENOME, *ANNOTATION, "--region", "lncrna"], "names no biotypes"),
        ([*GENOME, *ANNOTATION, "--rename-contigs", "absent.tsv"], "absent.tsv: no such file"),
        ([*GENOME, "--annotation", EXAMPLES / "mirnas.fa"], "its first feature has 1 fields separated by tabs; expected GTF or GFF3"),
    ],
)
def test_scan__bad_genome_options(tmp_path, words, message):
    error = fails("scan", "--mirnas", EXAMPLES / "fly_mirnas.fa", *words, "--model", "none", "--out", tmp_path / "out")
    assert message in error
    assert not (tmp_path / "out").exists()


def test_scan__says_which_isoforms_it_left_out(tmp_path):
    text = gzip.decompress((EXAMPLES / "fly.gtf.gz").read_bytes()).decode()
    twin = "".join(line.replace('transcript_id "', 'transcript_id "second-') for line in text.splitlines(keepends=True))
    (tmp_path / "genes.gtf").write_text(text + twin)
    code, text, _ = run("extract", *GENOME, "--annotation", tmp_path / "genes.gtf", "--isoforms", "longest", "--out", tmp_path / "out")
    assert code == 0 and text.startswith("72 transcripts of 72 genes")
    assert "note: 72 isoforms were left out by --isoforms longest: of each gene the one with the longest region" in text
