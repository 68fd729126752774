"""A run on a genome as bedtools and tabix of Debian read it; beside the browsers, as these programs are no Python packages either."""

import gzip
import subprocess
from pathlib import Path

import pyarrow.dataset as ds
import pytest

import mirscan as ms
from mirscan.sequence.alphabet import decode
from mirscan.sequence.transcriptome import read_transcriptome

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*words) -> str:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """The fly example scanned, with its genome and its exons as plain files."""
    folder = tmp_path_factory.mktemp("bedtools")
    inputs = {"genome": EXAMPLES / "fly.fa.gz", "annotation": EXAMPLES / "fly.gtf.gz"}
    ms.scan(EXAMPLES / "fly_mirnas.fa", **inputs, out=folder / "out", region=["3utr", "cds"], model="none", seeds="relaxed", threads=1)
    ms.extract(**inputs, out=folder / "cut", region=["3utr", "cds"])
    (folder / "genome.fa").write_bytes(gzip.decompress((EXAMPLES / "fly.fa.gz").read_bytes()))
    lines = gzip.decompress((EXAMPLES / "fly.gtf.gz").read_bytes()).decode().splitlines(keepends=True)
    exons = sorted((line for line in lines if "\texon\t" in line), key=lambda line: int(line.split("\t")[3]))
    (folder / "exons.gtf").write_text("".join(exons))
    (folder / "sites.bed").write_bytes(gzip.decompress((folder / "out" / "sites.bed.gz").read_bytes()))
    return folder


def test_bedtools__getfasta_gives_the_bases_of_the_transcripts(out):
    packed = read_transcriptome(out / "cut" / "transcripts.fa.gz")
    places = zip(packed.names.to_pylist(), packed.begin, packed.end, strict=True)
    texts = {name: decode(packed.codes[begin:end]) for name, begin, end in places}
    sites = ds.dataset(out / "out" / "sites").to_table().to_pylist()
    expected = {
        (f"{row['mirna']}|{row['seed']}|{row['gene']}", row["genome_start"]): texts[row["transcript"]][row["start"] : row["end"]]
        for row in sites
    }
    lines = run("bedtools", "getfasta", "-split", "-s", "-tab", "-name", "-fi", out / "genome.fa", "-bed", out / "sites.bed").splitlines()
    found = {}
    for line in lines:
        name, bases = line.split("\t")
        name, place = name.split("::")
        found[name, int(place.split(":")[1].split("-")[0])] = bases.upper()
    assert found == expected and len(found) > 5000


def test_bedtools__every_block_lies_in_an_exon_of_its_strand(out):
    blocks = out / "blocks.bed"
    blocks.write_text(run("bedtools", "bed12tobed6", "-i", out / "sites.bed"))
    inside = run("bedtools", "intersect", "-u", "-s", "-f", "1", "-a", blocks, "-b", out / "exons.gtf").splitlines()
    n_blocks = len(blocks.read_text().splitlines())
    n_sites = len((out / "sites.bed").read_text().splitlines())
    assert len(inside) == n_blocks > n_sites


def test_bedtools__takes_the_file_for_sorted(out):
    names = {name: run("bedtools", "intersect", *how, "-a", out / "sites.bed", "-b", out / "exons.gtf") for name, how in
             {"sorted": ["-sorted", "-u"], "any": ["-u"]}.items()}  # fmt: skip
    assert names["sorted"] == names["any"] != ""


def test_tabix__finds_what_overlaps(out):
    rows = (out / "sites.bed").read_text().splitlines()
    inside = [line for line in rows if int(line.split("\t")[1]) < 476_200 and int(line.split("\t")[2]) > 475_700]
    assert run("tabix", out / "out" / "sites.bed.gz", "chr2L:475701-476200").splitlines() == inside != []
