"""The strongest pairs on a genome for igv.js: bases and places against the genome's FASTA itself, names without HTML."""

import base64
import gzip
import json
import random
import re

import pysam
import pytest

import mirscan as ms
from mirscan.report.browser import make_browser
from mirscan.report.contents import Contents
from mirscan.report.page import make_page

from .conftest import EXAMPLES


@pytest.fixture(scope="module")
def fly(tmp_path_factory):
    out = tmp_path_factory.mktemp("browser") / "out"
    source = {"genome": EXAMPLES / "fly.fa.gz", "annotation": EXAMPLES / "fly.gtf.gz"}
    ms.scan(EXAMPLES / "fly_mirnas.fa", out=out, model="none", threads=1, region=("3utr", "cds"), **source)
    return Contents(ms.open_run(out))


def records_of(view: dict) -> list[tuple[str, int, int, int, str]]:
    """(contig, start, end, length of the contig, bases), 0-based."""
    text = gzip.decompress(base64.b64decode(view["reference"]["fastaURL"].partition(",")[2])).decode()
    found = re.findall(r">([^:]+):(\d+)-(\d+) @len=(\d+)\n(.*)\n", text)
    return [(contig, int(first) - 1, int(last), int(length), bases) for contig, first, last, length, bases in found]


def spliced_pairs(contents: Contents) -> list:
    """Pairs on transcripts of several blocks."""
    reader = contents.reader
    places = dict(zip(reader.transcriptome.names.to_pylist(), reader.transcriptome.places.to_pylist(), strict=True))
    rows = [row for row in ms.query_run(contents.run.store.root, sites=False).to_pylist() if "," in places[row["transcript"]]][:5]
    sites = reader.sites_of(rows)
    return [reader.describe(row, sites) for row in rows]


def test_bases__are_those_of_the_genome_on_either_strand(fly):
    pairs = [*fly.cards(), *spliced_pairs(fly)]
    view = make_browser(fly, pairs)
    with pysam.FastaFile(str(EXAMPLES / "fly.fa.gz")) as genome:
        for contig, start, end, length, bases in records_of(view):
            assert bases == genome.fetch(contig, start, end).upper() and length == genome.get_reference_length(contig)
    transcripts, sites = (track["features"] for track in view["tracks"])
    assert {feature["strand"] for feature in transcripts} == {"+", "-"} and max(len(feature["exons"]) for feature in transcripts) > 1
    assert len(sites) == sum(len(pair.sites) for pair in pairs) and len(view["loci"]) == len(pairs)


def test_sites__lie_in_their_transcripts(fly):
    transcripts, sites = (track["features"] for track in make_browser(fly, fly.cards())["tracks"])
    for site in sites:
        covering = [exon for feature in transcripts for exon in feature["exons"] if exon["start"] <= site["start"] < exon["end"]]
        assert covering and site["exons"][0]["start"] == site["start"] and site["exons"][-1]["end"] == site["end"]


def test_run_on_transcripts__has_no_browser_and_no_igv(example):
    contents = Contents(ms.open_run(example))
    assert make_browser(contents, contents.cards()) is None
    assert "createBrowser(e" not in make_page(contents.run) and "<h3>igv</h3>" not in make_page(contents.run)


def test_names__that_igv_would_show_as_html_are_calmed(tmp_path):
    letters = random.Random(2).choices("ACGT", k=300)
    letters[200:208] = "CTACCTCA"
    (tmp_path / "genome.fa").write_text(">c<1>:x\n" + "".join(letters) + "\n")
    row = 'c<1>:x\tx\t{}\t{}\t{}\t.\t+\t.\tgene_id "g<b>"; transcript_id "t<i>"; gene_name "<img src=x onerror=alert(1)>";\n'
    (tmp_path / "genes.gtf").write_text("".join(row.format(*values) for values in (("exon", 51, 250), ("CDS", 51, 80))))
    (tmp_path / "mirs.fa").write_text(">m<u>\nUGAGGUAGUAGGUUGUAUAGUU\n")
    source = {"genome": tmp_path / "genome.fa", "annotation": tmp_path / "genes.gtf"}
    ms.scan(tmp_path / "mirs.fa", out=tmp_path / "out", model="none", threads=1, **source)
    contents = Contents(ms.open_run(tmp_path / "out"))
    view = make_browser(contents, contents.cards())
    assert "<" not in json.dumps([view["tracks"], [locus["place"] for locus in view["loci"]]])
    ((contig, start, _, length, bases),) = records_of(view)
    assert contig == view["tracks"][1]["features"][0]["chr"] == "c‹1›_x" and length == 300
    assert bases == "".join(letters)[start:250]
