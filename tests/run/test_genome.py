"""A scan of a genome: sites on it, as table and as BED12, judged by programs that are not ours."""

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pysam
import pytest

from mirscan.errors import InputError
from mirscan.genome.projection import project_transcriptome
from mirscan.output import genome_bed
from mirscan.output.extracted import extract
from mirscan.output.genome_bed import cut_genome, place_number
from mirscan.run import partition, resume, scan
from mirscan.run.copies import count_copies, hide_copies
from mirscan.run.plan import Part
from mirscan.search.candidates import iter_candidates
from mirscan.search.filters import Regions
from mirscan.sequence.transcriptome import transcriptome_from_sequences
from tests.genome.conftest import COMPLEMENT, make_world
from tests.run.conftest import MIRNAS, Runs, write_fasta

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genome")
    world = make_world(5, n_genes=40, n_exons=30, length=5000)
    genome, annotation = world.write(folder)
    # Isoforms of one gene: the same blocks under another name.
    twins = annotation.read_text().replace('gene_id "GT1"; transcript_id "T1"', 'gene_id "GT1"; transcript_id "T1b"')
    annotation.write_text(annotation.read_text() + "".join(line for line in twins.splitlines(keepends=True) if '"T1b"' in line))
    return {
        "mirnas": write_fasta(folder / "mirnas.fa", MIRNAS),
        "genome": genome,
        "annotation": annotation,
        "region": ["transcript"],
        "model": "none",
        "seeds": "canonical,6mer-A1,offset-6mer",
        "threads": 1,
        "part_rows": 100,
    }


@pytest.fixture(scope="module")
def run(inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    scan(out=out, **inputs)
    return out


def splice(genome: pysam.FastaFile, contig: str, pairs, strand: str) -> str:
    text = "".join(genome.fetch(contig, start, end) for start, end in pairs)
    return text.translate(COMPLEMENT)[::-1] if strand == "-" else text


def blocks_of(row: list[str]) -> list[tuple[int, int]]:
    start, sizes, starts = int(row[1]), *(list(map(int, row[at].split(","))) for at in (10, 11))
    assert int(row[9]) == len(sizes) == len(starts)
    return [(start + offset, start + offset + size) for offset, size in zip(starts, sizes, strict=True)]


def test_scan__bases_under_the_blocks_equal_those_of_the_transcripts(inputs, run, tmp_path):
    fasta = extract(inputs["genome"], inputs["annotation"], tmp_path / "utrs", region=["transcript"]).files
    n_spliced = 0
    with pysam.FastaFile(str(inputs["genome"])) as genome, pysam.FastaFile(next(name for name in fasta if name.endswith("fa.gz"))) as texts:
        for row in ds.dataset(run / "sites").to_table().to_pylist():
            pairs = [(block["start"], block["end"]) for block in row["blocks"]]
            assert splice(genome, row["chrom"], pairs, row["strand"]) == texts.fetch(row["transcript"], row["start"], row["end"])
            assert (row["genome_start"], row["genome_end"]) == (pairs[0][0], pairs[-1][1])
            assert row["region"] == "transcript"
            n_spliced += len(pairs) > 1
    assert n_spliced > 10


def test_scan__bed_has_every_place_once_and_in_order(inputs, run):
    sites = ds.dataset(run / "sites").to_table().to_pylist()
    expected = {
        (row["chrom"], row["genome_start"], row["genome_end"], f"{row['mirna']}|{row['seed']}|{row['gene']}", row["strand"])
        for row in sites
    }
    rows = Runs.bed(run)
    assert len(rows) == len(expected) < len(sites)
    assert {(row[0], int(row[1]), int(row[2]), row[3], row[5]) for row in rows} == expected
    places = [(row[0], int(row[1]), int(row[2])) for row in rows]
    assert places == sorted(places)
    by_place = {(row["chrom"], row["genome_start"], row["genome_end"]): row["blocks"] for row in sites}
    for row in rows:
        assert blocks_of(row) == [(block["start"], block["end"]) for block in by_place[row[0], int(row[1]), int(row[2])]]
        assert row[8] == {"8mer": "128,0,128", "7mer-m8": "255,0,0", "7mer-A1": "0,0,255", "6mer": "128,128,128"}.get(
            row[3].split("|")[1], "0,128,0"
        )


def test_scan__what_pairs_is_thick(run):
    for row in Runs.bed(run):
        bases = [base for start, end in blocks_of(row) for base in range(start, end)]
        # The last base of these in the transcript's direction is the A opposite nt 1.
        if row[3].split("|")[1] in ("8mer", "7mer-A1", "6mer-A1"):
            bases.pop(0 if row[5] == "-" else -1)
        assert row[6:8] == [str(bases[0]), str(bases[-1] + 1)]


def test_scan__tabix_and_pyranges_read_the_bed(run):
    import pyranges

    rows = Runs.bed(run)
    with pysam.TabixFile(str(run / "sites.bed.gz")) as tabix:
        assert list(tabix.contigs) == sorted({row[0] for row in rows})
        inside = [row for row in rows if row[0] == "chr2" and int(row[1]) < 2000 and int(row[2]) > 1000]
        assert [line.split("\t") for line in tabix.fetch("chr2", 1000, 2000)] == inside != []
    table = pyranges.read_bed(str(run / "sites.bed.gz")).df
    assert len(table) == len(rows) and list(table.columns[9:]) == ["BlockCount", "BlockSizes", "BlockStarts"]


def test_scan__parts_threads_workers_and_ranges_do_not_change_the_bed(inputs, run, tmp_path, monkeypatch):
    for workers in (1, 4):
        scan(out=tmp_path / f"{workers}", **inputs | {"threads": 3, "workers": workers})
        assert Runs.results(tmp_path / f"{workers}") == Runs.results(run)
    scan(out=tmp_path / "one part", **inputs | {"part_rows": 10**6})
    monkeypatch.setattr(partition, "MOST_RANGES", 2)
    scan(out=tmp_path / "two ranges", **inputs)
    assert Runs.contents(tmp_path / "one part") == Runs.contents(tmp_path / "two ranges") == Runs.contents(run)


@pytest.mark.parametrize("n_ranges", [1, 2, 7, 1024])
def test_cut_genome__ranges_hold_about_equal_bases(n_ranges):
    rng = random.Random(n_ranges)
    places = [f"chr{rng.choice('12')}:{start}-{start + 300},{start + 900}-{start + 1000}(+)" for start in rng.sample(range(10**6), 500)]
    packed = transcriptome_from_sequences([f"T{number}" for number in range(500)], ["A" * 400] * 500)
    projection = project_transcriptome(replace(packed, places=pa.array(places)))
    cuts = cut_genome(projection, n_ranges)
    assert len(cuts) == n_ranges - 1 and np.all(np.diff(cuts) >= 0)
    blocks = zip(np.repeat(projection.contig, 2).tolist(), projection.blocks.start.tolist(), projection.blocks.end.tolist(), strict=True)
    starts = np.concatenate([place_number(np.full(end - start, contig), np.arange(start, end)) for contig, start, end in blocks])
    shares = np.bincount(np.searchsorted(cuts, starts, side="right"), minlength=n_ranges)
    # A base is counted where its block begins to be counted, so overlapping blocks may shift some hundreds.
    assert shares.max() <= 200_000 / n_ranges + 1_200


def test_scan__needs_no_genome_to_be_resumed(inputs, run, tmp_path):
    copies = {name: tmp_path / Path(inputs[name]).name for name in ("genome", "annotation")}
    for name, path in copies.items():
        path.write_bytes(Path(inputs[name]).read_bytes())
    scan(out=tmp_path / "out", **inputs | copies)
    for path in copies.values():
        path.unlink()
    (tmp_path / "out" / "sites" / "part-00001.parquet").unlink()
    resume(tmp_path / "out")
    assert Runs.results(tmp_path / "out") == Runs.results(run)


def test_scan__extracted_fasta_keeps_its_places(inputs, run, tmp_path):
    extract(inputs["genome"], inputs["annotation"], tmp_path / "utrs", region=["transcript"])
    given = {name: value for name, value in inputs.items() if name not in ("genome", "annotation", "region")}
    scan(transcripts=tmp_path / "utrs" / "transcripts.fa.gz", out=tmp_path / "out", **given)
    assert Runs.results(tmp_path / "out") == Runs.results(run)


@pytest.mark.parametrize(
    ("header", "strand"),
    [
        ("T1::chr1:100-140(-)", "-"),
        ("T1::chr1:100-140", "+"),
        ("FBtr0000001 type=mRNA; loc=chr1:complement(join(101..105,111..145)); name=a-RA;", "-"),
        ("hg38_refGene_NM_1 range=chr1:101-140 5'pad=0 3'pad=0 strand=- repeatMasking=none", "-"),
    ],
)
def test_scan__headers_of_other_programs_keep_their_places(tmp_path, header, strand):
    sequence = "GG" + "CTACCTCA" + "G" * 30
    utrs = write_fasta(tmp_path / "utrs.fa", {header: sequence})
    scan(write_fasta(tmp_path / "mirnas.fa", MIRNAS), utrs, out=tmp_path / "out", model="none", seeds="8mer")
    # FlyBase's has an intron of 5 nt before the site.
    expected = ("102", "110") if strand == "+" else ("135", "143") if "join" in header else ("130", "138")
    assert {(*row[:3], row[5]) for row in Runs.bed(tmp_path / "out")} == {("chr1", *expected, strand)}


def test_scan__headers_that_do_not_fit_leave_sites_on_transcripts(tmp_path):
    utrs = write_fasta(tmp_path / "utrs.fa", {"T1::chr1:100-140(-)": "GGCTACCTCA"})
    result = scan(write_fasta(tmp_path / "mirnas.fa", MIRNAS), utrs, out=tmp_path / "out", model="none", seeds="8mer")
    assert Runs.bed(tmp_path / "out")[0][:3] == ["T1", "2", "10"]
    assert any("0 of 1 transcripts have a place" in warning for warning in result.warnings)


def test_scan__fly_example_finds_sites_across_a_junction(tmp_path):
    scan(EXAMPLES / "fly_mirnas.fa", out=tmp_path / "out", genome=EXAMPLES / "fly.fa.gz", annotation=EXAMPLES / "fly.gtf.gz", model="none")
    spliced = [row for row in Runs.bed(tmp_path / "out") if int(row[9]) > 1]
    # MED15, whose 3'UTR has two introns.
    assert {row[3] for row in spliced if row[3].endswith("FBgn0027592")} == {
        f"dme-miR-{name}|6mer|FBgn0027592" for name in ("4953-3p", "4985-5p", "283-3p")
    }


def test_scan__several_regions_have_a_column_in_sites(inputs, tmp_path):
    scan(out=tmp_path / "out", **inputs | {"region": ["3utr", "cds"]})
    sites = ds.dataset(tmp_path / "out" / "sites").to_table().to_pylist()
    assert {row["region"] for row in sites} == {"3utr", "cds"}
    assert all(row["transcript"].endswith(f":{row['region']}") for row in sites)
    keys = [(row["gene"], row["region"], row["mirna"]) for row in pq.read_table(tmp_path / "out" / "genes.parquet").to_pylist()]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {(row["gene"], row["region"], row["mirna"]) for row in sites}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"annotation": None}, "--genome and --annotation belong together"),
        ({"transcripts": "x.fa"}, "--utrs, or --genome and --annotation"),
        ({"region": ["utr"]}, "--region utr: unknown; expected 3utr, 5utr, cds, transcript, lncrna"),
        ({"region": ["cds", "cds"]}, "--region cds cds: expected one or several different"),
        ({"isoforms": "best"}, "--isoforms best: expected all, longest, principal, representative"),
        ({"gene_map": "x.tsv"}, "--gene-map, --header and --circular are about --utrs"),
        ({"genome": "absent.fa"}, "absent.fa: no such file"),
    ],
)
def test_scan__settings_that_do_not_fit(inputs, tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        scan(out=tmp_path / "out", **inputs | changed)
    assert not (tmp_path / "out").exists()


def test_sorted_runs__equal_a_sort_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(genome_bed, "RUN_ROWS", 50)
    monkeypatch.setattr(genome_bed, "MERGE_ROWS", 4)
    rng = np.random.default_rng(0)
    rows = np.zeros(1000, genome_bed.ROW)
    # Few places, so that many rows share one across runs.
    rows["place"], rows["start"] = rng.integers(0, 30, 1000), np.arange(1000)
    runs = genome_bed.SortedRuns(tmp_path)
    for at in range(0, 1000, 17):
        runs.add(rows[at : at + 17])
    batches = list(runs.merge())
    assert len(batches) > 3
    assert np.array_equal(np.concatenate(batches), rows[np.argsort(rows["place"], kind="stable")])
    assert all(one["place"][-1] < other["place"][0] for one, other in itertools.pairwise(batches))


def test_scan__by_family_has_one_row_for_all_members(runs, golden, tmp_path):
    """let-7a and `short` share nt 2-8: their rows become one, and all others stay as they were."""
    result = runs.scan(tmp_path / "out", by_family=True)
    every = runs.sites(golden).to_pylist()
    assert runs.sites(tmp_path / "out").to_pylist() == [row for row in every if row["mirna"] != "short"] != every
    lines = (tmp_path / "out" / "families.tsv").read_text().splitlines()
    assert lines[1] == "let-7a-5p\tGAGGTAG\t2\tlet-7a-5p,short" and len(lines) == len(MIRNAS)
    assert "families.tsv" in result.files
    (tmp_path / "table.tsv").write_text("let-7a-5p\tlet-7\n")
    said = runs.scan(tmp_path / "named", by_family=True, families=tmp_path / "table.tsv").warnings
    assert any(f"{len(MIRNAS) - 1} miRNAs are not in the table of families" in warning for warning in said)


def test_scan__assembly_is_recorded_where_the_genome_names_it(inputs, tmp_path):
    genome = tmp_path / "genome.fa"
    genome.write_text(inputs["genome"].read_text().replace("of a test", "dna:chromosome chromosome:BDGP6:2:1:5000:1 REF", 1))
    scan(out=tmp_path / "out", **inputs | {"genome": genome})
    report = json.loads((tmp_path / "out" / "run.json").read_text())
    assert report["inputs"][report["identity"]["genome"]]["assembly"] == "BDGP6"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"part_rows": 10**6, "threads": 2},
        {"model": "duplex", "min_score": 0.5, "features": "previous_distance,local_au"},
        {"min_distance": 20, "mask_start": 14},
    ],
)
def test_scan__isoforms_of_one_place_are_scanned_once_and_reported_each(inputs, tmp_path, monkeypatch, settings):
    """The same bytes as without the shortcut, from fewer sites that were looked for."""
    n_found = {"once": 0, "each": 0}

    def scan_counted(how: str):
        def find(*words, **options):
            for batch in iter_candidates(*words, **options):
                n_found[how] += len(batch)
                yield batch

        monkeypatch.setattr(partition, "iter_candidates", find)
        scan(out=tmp_path / how, **inputs | {"annotation": tmp_path / "genes.gtf"} | settings)
        return Runs.results(tmp_path / how)

    lines = inputs["annotation"].read_text().splitlines(keepends=True)
    more = []
    for gene, twin in itertools.product(range(8), "xyz"):
        name = f'transcript_id "T{gene}"'
        more += [line.replace(name, f'transcript_id "T{gene}{twin}"') for line in lines if name in line]
    (tmp_path / "genes.gtf").write_text("".join(lines + more))
    once = scan_counted("once")
    monkeypatch.setattr(partition, "count_copies", lambda transcriptome, part: np.zeros(len(transcriptome), int))
    assert once == scan_counted("each")
    assert 0 < n_found["once"] < 0.8 * n_found["each"]


def test_copies__hold_to_their_part():
    """A part that holds a piece of a transcript, or begins with a copy, scans it; regions of a user stay."""
    packed = transcriptome_from_sequences("ABCDE", ["ACGTACGT"] * 5, genes=["G"] * 5)
    packed = replace(packed, places=pa.array(["1:0-8(+)", "1:0-8(+)", "1:0-8(+)", "1:9-17(+)", "1:9-17(+)"]))
    whole = Part(0, 5, 40, 0, 8)
    assert count_copies(packed, whole).tolist() == [2, 0, 0, 1, 0]
    assert count_copies(packed, Part(1, 4, 24, 0, 8)).tolist() == [0, 1, 0, 0, 0]
    assert count_copies(packed, Part(0, 5, 40, 4, 8)).tolist() == [0, 1, 0, 1, 0]
    hidden = hide_copies(count_copies(packed, whole), packed.lengths, None)
    assert (hidden.first.tolist(), hidden.starts.tolist(), hidden.ends.tolist()) == ([0, 1, 1, 1, 2, 2], [0, 0], [8, 8])
    users = Regions(np.array([0, 1, 3, 3, 4, 4]), np.array([1, 2, 5, 0]), np.array([3, 4, 6, 2]))
    hidden = hide_copies(count_copies(packed, whole), packed.lengths, users)
    assert (hidden.first.tolist(), hidden.starts.tolist(), hidden.ends.tolist()) == ([0, 1, 1, 1, 2, 2], [1, 0], [3, 2])
