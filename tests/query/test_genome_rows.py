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
    """A transcript of two exons, with a let-7 site across their junction and another in the second exon; and on a contig of their own two
    transcripts, one a strand, in which the A of an 8mer stands alone behind the junction."""
    folder = tmp_path_factory.mktemp("genome-rows")
    letters = random.Random(2).choices("ACGT", k=300)
    letters[96:100], letters[150:154], letters[200:208] = "CTAC", "CTCA", "CTACCTCA"
    others = ["G"] * 300
    others[43:50], others[60], others[180], others[200:207] = "CTACCTC", "A", "T", "GAGGTAG"
    (folder / "genome.fa").write_text(f">chr1\n{''.join(letters)}\n>chr2\n{''.join(others)}\n")
    row = '{}\tx\t{}\t{}\t{}\t.\t{}\t.\tgene_id "g{n}"; transcript_id "t{n}"; gene_name "G{n}";\n'
    one = (("exon", 51, 100), ("exon", 151, 250), ("CDS", 51, 80))
    two = (("exon", 1, 50), ("exon", 61, 100), ("CDS", 1, 20))
    three = (("exon", 151, 181), ("exon", 201, 300), ("CDS", 281, 300))
    genes = (("chr1", "+", one), ("chr2", "+", two), ("chr2", "-", three))
    lines = (row.format(contig, *values, strand, n=n) for n, (contig, strand, rows) in enumerate(genes, 1) for values in rows)
    (folder / "genes.gtf").write_text("".join(lines))
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


@pytest.mark.parametrize(
    ("gene", "place", "thick"), [("G1", (96, 154), (96, 153)), ("G2", (43, 61), (43, 50)), ("G3", (180, 207), (200, 207))]
)
def test_bed__the_a_is_thin_also_alone(run, gene, place, thick):
    fields = query(run, "--gene", gene, "--type", "8mer", "--format", "bed").splitlines()[0].split("\t")
    assert (*map(int, fields[1:3]), *map(int, fields[6:8])) == (*place, *thick)


def test_formats__write_blocks_as_text_or_as_they_are(run):
    heading, first, *_ = query(run, "--place", "chr1:97-97", "--format", "tsv").splitlines()
    assert dict(zip(heading.split("\t"), first.split("\t"), strict=True))["blocks"] == "96-100,150-154"
    assert json.loads(query(run, "--place", "chr1:97-97", "--format", "json"))[0]["blocks"][1] == {"start": 150, "end": 154}


def test_drawing_and_page__know_the_place(run):
    pair = open_pairs(ms.open_run(run)).read("G1", "let-7a-5p")
    assert "chr1:97-154(+)" in describe_place(pair.sites[0])
    assert {row["region"] for row in Contents(ms.open_run(run)).sites_by_type()} == {"3utr"}
