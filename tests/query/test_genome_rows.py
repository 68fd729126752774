"""Sites of a scan on a genome: places, BED and drawings against the run's own indexed BED."""

import gzip
import json
import random

import pytest
from typer.testing import CliRunner

import mirscan as ms
from mirscan.cli.main import app
from mirscan.query.pair import open_pairs
from mirscan.query.pair_text import describe_place
from mirscan.report.contents import Contents


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One transcript of two exons, with a let-7 site across their junction and another in the second exon."""
    folder = tmp_path_factory.mktemp("genome-rows")
    letters = random.Random(2).choices("ACGT", k=300)
    letters[96:100], letters[150:154], letters[200:208] = "CTAC", "CTCA", "CTACCTCA"
    (folder / "genome.fa").write_text(">chr1\n" + "".join(letters) + "\n")
    row = 'chr1\tx\t{}\t{}\t{}\t.\t+\t.\tgene_id "g1"; transcript_id "t1"; gene_name "G";\n'
    rows = (("exon", 51, 100), ("exon", 151, 250), ("CDS", 51, 80))
    (folder / "genes.gtf").write_text("".join(row.format(*values) for values in rows))
    (folder / "mirs.fa").write_text(">hsa-let-7a-5p\nUGAGGUAGUAGGUUGUAUAGUU\n")
    ms.scan(
        folder / "mirs.fa", (), out=folder / "out", genome=folder / "genome.fa", annotation=folder / "genes.gtf", model="none", threads=1
    )
    return folder / "out"


def query(*words) -> str:
    result = CliRunner().invoke(app, ["query", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_site_across_a_junction__has_two_blocks(run):
    site = ms.query_run(run, place="chr1:97-97").to_pylist()[0]
    assert (site["seed"], site["genome_start"], site["genome_end"]) == ("8mer", 96, 154)
    assert site["blocks"] == [{"start": 96, "end": 100}, {"start": 150, "end": 154}]


def test_place__on_the_genome(run):
    assert [row["genome_start"] for row in ms.query_run(run, place="chr1:201-208", types=["8mer"]).to_pylist()] == [200]
    assert ms.query_run(run, place="chr1:1-50").num_rows == 0


def test_bed__is_that_of_the_run(run):
    with gzip.open(run / "sites.bed.gz", "rt") as handle:
        assert sorted(query(run, "--sites", "--format", "bed").splitlines()) == sorted(handle.read().splitlines())


def test_formats__write_blocks_as_text_or_as_they_are(run):
    heading, first, *_ = query(run, "--place", "chr1:97-97", "--format", "tsv").splitlines()
    assert dict(zip(heading.split("\t"), first.split("\t"), strict=True))["blocks"] == "96-100,150-154"
    assert json.loads(query(run, "--place", "chr1:97-97", "--format", "json"))[0]["blocks"][1] == {"start": 150, "end": 154}


def test_drawing_and_page__know_the_place(run):
    pair = open_pairs(ms.open_run(run)).read("G", "let-7a-5p")
    assert "chr1:97-154(+)" in describe_place(pair.sites[0])
    assert {row["region"] for row in Contents(ms.open_run(run)).sites_by_type()} == {"3utr"}
