"""Other formats of a run's sites, judged by programs that are not ours."""

import gzip
import struct
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pyarrow.dataset as ds
import pysam
import pytest

from mirscan.errors import InputError, RunError
from mirscan.output import genome_bed
from mirscan.run import scan
from mirscan.run.export import _EXPORTERS, export
from mirscan.run.settings import FORMATS
from tests.genome.conftest import make_world
from tests.run.conftest import MIRNAS, Runs, write_fasta
from tests.run.test_genome import blocks_of


@pytest.fixture(scope="module")
def on_genome(tmp_path_factory):
    """(run on a genome with many spliced sites, its settings)."""
    folder = tmp_path_factory.mktemp("genome")
    genome, annotation = make_world(5, n_genes=40, n_exons=30, length=5000).write(folder)
    settings = {
        "mirnas": write_fasta(folder / "mirnas.fa", MIRNAS),
        "genome": genome,
        "annotation": annotation,
        "region": ["transcript"],
        "model": "duplex",
        "seeds": "canonical,6mer-A1,offset-6mer",
        "threads": 1,
        "part_rows": 100,
    }
    scan(out=folder / "out", **settings)
    return folder / "out", settings


def test_formats__are_those_of_the_table():
    assert set(FORMATS) == set(_EXPORTERS)


def test_gff3__holds_every_block_of_the_bed_in_order(on_genome, monkeypatch):
    import pyranges

    out, _ = on_genome
    monkeypatch.setattr(genome_bed, "RUN_ROWS", 90)
    monkeypatch.setattr(genome_bed, "MERGE_ROWS", 3)
    assert export(out, ["gff3"]).keys() == {"sites.gff3.gz", "sites.gff3.gz.tbi"}
    lines = gzip.decompress((out / "sites.gff3.gz").read_bytes()).decode().splitlines()
    assert lines[0] == "##gff-version 3"
    rows = [line.split("\t") for line in lines[1:]]
    assert {(row[1], row[2], row[7]) for row in rows} == {("mirscan", "miRNA_target_site", ".")}
    places = [(row[0], int(row[3])) for row in rows]
    assert places == sorted(places)
    table = pyranges.read_gff3(str(out / "sites.gff3.gz")).df
    found = {}
    for row in table.itertuples():
        found.setdefault(row.ID, (row.Chromosome, f"{row.mirna}|{row.seed}|{row.gene}", row.Strand, []))[3].append((row.Start, row.End))
    bed = [(row[0], row[3], row[5], blocks_of(row)) for row in Runs.bed(out)]
    assert sorted(found.values()) == sorted(bed)
    assert len(found) < len(rows) == len(table)
    with pysam.TabixFile(str(out / "sites.gff3.gz")) as tabix:
        inside = [row for row in rows if row[0] == "chr2" and int(row[3]) <= 2000 and int(row[4]) > 1000]
        assert [line.split("\t") for line in tabix.fetch("chr2", 1000, 2000)] == inside != []


def test_bigbed__holds_the_lines_of_the_bed(on_genome):
    import pybigtools

    out, settings = on_genome
    assert list(export(out, ["bigbed"])) == ["sites.bb"]
    reader = pybigtools.open(str(out / "sites.bb"))
    with pysam.FastaFile(str(settings["genome"])) as genome:
        lengths = dict(zip(genome.references, genome.lengths, strict=True))
    # The writer leaves out contigs without a site.
    assert reader.chroms().items() <= lengths.items()
    rows = [[contig, str(start), str(end), *rest] for contig in sorted(reader.chroms()) for start, end, *rest in reader.records(contig)]
    assert [row[:12] for row in rows] == Runs.bed(out)
    assert all("|".join((row[12], row[13], row[14])) == row[3] for row in rows)
    assert all(abs(int(row[4]) - float(row[16]) * 1000) < 0.501 for row in rows)
    assert all(end <= lengths[row[0]] for row in rows for _, end in blocks_of(row))
    # UCSC's bbiFile.h: fieldCount and definedFieldCount.
    assert struct.unpack("<HH", (out / "sites.bb").read_bytes()[32:36]) == (17, 12)
    assert reader.sql().count(";") == 17


def test_text__is_what_duckdb_reads_from_the_parquet(on_genome):
    out, _ = on_genome
    assert list(export(out, ["tsv"])) == ["sites.tsv.gz"]
    names = "transcript, mirna, start, genome_start, strand, region"
    shown = "array_to_string(list_transform(blocks, lambda b: b.start || '-' || b.end), ',')"
    parquet = duckdb.sql(f"select {names}, {shown} as blocks, score from '{out}/sites/*.parquet' order by all").fetchall()
    table = f"read_csv('{out}/sites.tsv.gz', delim='\t', header=true)"
    text = duckdb.sql(f"select {names}, blocks, score::float as score from {table} order by all").fetchall()
    assert text == parquet and len(text) > 100


def test_hub__files_name_each_other(on_genome):
    out, _ = on_genome
    files = export(out, ["hub"], assembly="dm6")
    texts = {name: (out / name).read_text() for name in files if name.endswith(".txt")}
    keys = {name: dict(line.split(" ", 1) for line in text.splitlines()) for name, text in texts.items()}
    hub, genomes, tracks = (keys[f"hub/{name}"] for name in ("hub.txt", "genomes.txt", "dm6/trackDb.txt"))
    assert (hub["genomesFile"], genomes["genome"], genomes["trackDb"]) == ("genomes.txt", "dm6", "dm6/trackDb.txt")
    # UCSC wants these of every hub and track.
    assert {"hub", "shortLabel", "longLabel", "genomesFile", "email"} <= hub.keys()
    assert tracks["type"] == "bigBed 12 +" and (out / "hub" / "dm6" / tracks["bigDataUrl"]).exists()
    assert len(hub["shortLabel"]) <= 17 and len(hub["longLabel"]) <= 80


def test_igv__session_opens_files_that_are_there(on_genome):
    out, settings = on_genome
    export(out, ["igv"])
    session = ElementTree.parse(out / "igv_session.xml").getroot()
    assert session.tag == "Session" and Path(session.get("genome")) == Path(settings["genome"])
    paths = [resource.get("path") for resource in session.iter("Resource")]
    assert paths[0] == "sites.bed.gz" and all((out / path).exists() for path in paths)
    assert {track.get("id") for track in session.iter("Track")} == set(paths)
    contig, span = session.get("locus").split(":")
    first, last = map(int, span.split("-"))
    row = Runs.bed(out)[0]
    assert contig == row[0] and first <= int(row[1]) + 1 <= int(row[2]) <= last


def test_transcript_mode__opens_under_its_own_names(runs, tmp_path):
    """The names of a header are cut at |, and so are those of the FASTA, so that the BED fetches its bases."""
    out = tmp_path / "out"
    result = runs.scan(out)
    assert {"transcripts.fa.gz", "transcripts.fa.gz.fai", "transcripts.fa.gz.gzi", "chrom.sizes"} <= result.files.keys()
    with pysam.FastaFile(str(out / "transcripts.fa.gz")) as fasta:
        sizes = dict(line.split("\t") for line in (out / "chrom.sizes").read_text().splitlines())
        assert {name: str(fasta.get_reference_length(name)) for name in fasta.references} == sizes
        seeds = {name: text[1:7].translate(str.maketrans("ACGU", "TGCA"))[::-1] for name, text in MIRNAS.items()}
        rows = Runs.bed(out)
        assert all(seeds[row[3]] in fasta.fetch(row[0], int(row[1]), int(row[2])) for row in rows) and len(rows) > 400
    session = ElementTree.fromstring((out / export_igv(out)).read_text())
    assert session.get("genome") == "transcripts.fa.gz"


def export_igv(out) -> str:
    (name,) = export(out, ["igv"])
    return name


def test_transcript_mode__other_formats_are_on_transcripts(runs, tmp_path):
    out = tmp_path / "out"
    result = runs.scan(out, format=["gff3", "bigbed"])
    assert {"sites.gff3.gz", "sites.gff3.gz.tbi", "sites.bb"} <= result.files.keys()
    expected = {(row[0], int(row[1]) + 1, int(row[2])) for row in Runs.bed(out)}
    lines = gzip.decompress((out / "sites.gff3.gz").read_bytes()).decode().splitlines()[1:]
    assert {(row[0], int(row[3]), int(row[4])) for row in (line.split("\t") for line in lines)} == expected


def test_scan__formats_can_be_added_and_replaced_runs_leave_none(on_genome, tmp_path):
    _, settings = on_genome
    out = tmp_path / "out"
    scan(out=out, **settings)
    assert "sites.tsv.gz" in scan(out=out, format=["tsv", "hub"], assembly="dm6", **settings).files
    scan(out=out, overwrite=True, **settings | {"seeds": "8mer"})
    assert not (out / "sites.tsv.gz").exists() and not (out / "hub" / "hub.txt").exists()
    assert ds.dataset(out / "sites").count_rows() < 100


def test_export__no_site_at_all(tmp_path):
    utrs = write_fasta(tmp_path / "utrs.fa", {"T1::chr1:100-110(-)": "NNNNNNNNNN"})
    scan(write_fasta(tmp_path / "mirnas.fa", MIRNAS), utrs, out=tmp_path / "out", model="none", format=["tsv", "gff3", "bigbed"])
    assert gzip.decompress((tmp_path / "out" / "sites.gff3.gz").read_bytes()) == b"##gff-version 3\n"
    assert len(gzip.decompress((tmp_path / "out" / "sites.tsv.gz").read_bytes()).splitlines()) == 1


@pytest.mark.parametrize(
    ("formats", "message"),
    [(["bam"], "--format bam: unknown; expected bed, parquet, tsv, gff3, bigbed, hub, igv"), (["hub"], "needs UCSC's name of the genome")],
)
def test_export__formats_that_do_not_fit(on_genome, formats, message):
    with pytest.raises(InputError, match=message):
        export(on_genome[0], formats)


def test_export__only_of_finished_runs(on_genome, tmp_path):
    with pytest.raises(RunError, match="not a run of mirscan"):
        export(tmp_path, ["tsv"])
    scan(out=tmp_path / "out", **on_genome[1])
    (tmp_path / "out" / "run.json").unlink()
    with pytest.raises(RunError, match="the run is not finished"):
        export(tmp_path / "out", ["tsv"])
