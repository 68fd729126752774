"""--conservation: the mean of a bigWig over each site, base by base on the genome, whatever strand and junctions lie in between."""

import random

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pybigtools
import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import InputError
from mirscan.query.select import query_run
from mirscan.run import scan
from mirscan.run.settings import make_settings
from tests.genome.conftest import make_world
from tests.run.conftest import MIRNAS, Runs, write_fasta


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conservation")
    world = make_world(5, n_genes=60, n_exons=30, length=20_000)
    genome, annotation = world.write(folder)
    settings = {"mirnas": write_fasta(folder / "mirnas.fa", MIRNAS), "genome": genome, "annotation": annotation}
    lengths = {contig: len(letters) for contig, letters in world.contigs.items()}
    return {**settings, "region": ["transcript"], "seeds": "extended", "model": "none", "threads": 1, "part_rows": 100}, lengths


def write_track(path, lengths, contigs=None) -> dict[tuple[str, int], float]:
    """A bigWig of steps of 1 to 9 nt with gaps between some; what it holds, base by base."""
    rng, rows, held = random.Random(8), [], {}
    for contig in contigs or sorted(lengths):
        at = 0
        while at < lengths[contig] - 20:
            end, value = at + rng.randrange(1, 10), rng.randrange(-80, 80) / 16
            if rng.random() < 0.8:
                rows.append((contig, at, end, value))
                held |= {(contig, base): value for base in range(at, end)}
            at = end
    pybigtools.open(str(path), "w").write(lengths, rows)
    return held


def mean_slowly(row, held) -> float | None:
    values = [held.get((row["chrom"], base)) for block in row["blocks"] for base in range(block["start"], block["end"])]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def test_conservation__is_the_mean_over_the_bases_of_a_site(inputs, tmp_path):
    settings, lengths = inputs
    held = write_track(tmp_path / "phylop.bw", lengths)
    result = scan(out=tmp_path / "out", conservation=tmp_path / "phylop.bw", **settings)
    rows = ds.dataset(tmp_path / "out" / "sites").to_table().to_pylist()
    assert {row["strand"] for row in rows} == {"+", "-"}
    assert len({len(row["blocks"]) for row in rows}) > 1
    expected = [mean_slowly(row, held) for row in rows]
    assert [row["conservation"] for row in rows] == pytest.approx(expected, abs=1e-5)
    assert 0 < expected.count(None) < len(rows) / 4 and len(set(expected)) > 100
    assert any("bases of the transcripts have no conservation" in warning for warning in result.warnings)
    top = query_run(tmp_path / "out", sites=True, where="conservation > 1.5")["conservation"].to_pylist()
    assert len(top) == sum(value is not None and value > 1.5 for value in expected) > 0
    gene, mirna = rows[0]["gene"], rows[0]["mirna"]
    shown = CliRunner().invoke(app, ["show", gene, mirna, str(tmp_path / "out")])
    assert f", conservation {rows[0]['conservation']:.2f}" in shown.stdout


def test_conservation__does_not_show_in_parts_or_workers(inputs, tmp_path):
    settings, lengths = inputs
    write_track(tmp_path / "phylop.bw", lengths)
    for name, more in (("one", {}), ("workers", {"workers": 2}), ("whole", {"part_rows": 10**9})):
        scan(out=tmp_path / name, conservation=tmp_path / "phylop.bw", **(settings | more))
    assert Runs.results(tmp_path / "one") == Runs.results(tmp_path / "workers")
    assert Runs.sites(tmp_path / "one").to_pylist() == Runs.sites(tmp_path / "whole").to_pylist()


def test_conservation__contigs_may_be_called_with_chr_and_some_may_lack(inputs, tmp_path):
    settings, lengths = inputs
    other = {{"chr2": "2", "chr10": "10", "1": "chr1"}[name]: length for name, length in lengths.items()}
    held = write_track(tmp_path / "phylop.bw", other, ["chr1", "10"])
    held = {({"chr1": "1", "10": "chr10"}[contig], base): value for (contig, base), value in held.items()}
    result = scan(out=tmp_path / "out", conservation=tmp_path / "phylop.bw", **settings)
    rows = Runs.sites(tmp_path / "out").to_pylist()
    assert [row["conservation"] for row in rows] == pytest.approx([mean_slowly(row, held) for row in rows], abs=1e-5)
    assert "1 contig has no conservation (chr2)" in result.warnings


def test_conservation__bad_tracks_are_one_line(inputs, tmp_path):
    settings, lengths = inputs
    write_track(tmp_path / "other.bw", {**lengths, "1": lengths["1"] + 7})
    write_track(tmp_path / "foreign.bw", {"chrI": 900})
    (tmp_path / "text.bw").write_text("chr1 1 2 0.5\n" * 50)
    (tmp_path / "text.wig").write_text("chr1 1 2 0.5\n")
    messages = {
        "other.bw": "contig '1' has 20,007 nt, and 20,000 in the genome; expected a bigWig on this assembly",
        "foreign.bw": "its contigs are chrI, the genome's 1, chr10, chr2; expected a bigWig on this genome",
        "text.bw": "expected a bigWig, called .bw or .bigWig",
        "text.wig": "expected a bigWig, called .bw or .bigWig",
        "none.bw": "no such file",
    }
    for name, message in messages.items():
        with pytest.raises(InputError) as caught:
            scan(out=tmp_path / "out", conservation=tmp_path / name, **settings)
        assert name in str(caught.value) and message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="--conservation is about places on a genome; expected --genome and --annotation"):
        make_settings("m.fa", "u.fa", conservation="p.bw")


# Lines of TargetScan 8's table of families under the names of the test; the last is made up.
FAMILIES = """miR family\tSeed+m8\tSpecies ID\tMiRBase ID\tMature sequence\tFamily Conservation?\tMiRBase Accession
let-7-5p/miR-98-5p\tGAGGUAG\t9606\tlet-7a-5p\tUGAGGUAGUAGGUUGUAUAGUU\t2\tMIMAT0000062
miR-1-3p/206\tGGAAUGU\t9606\tmiR-1-3p\tUGGAAUGUAAAGAAGUAUGUAU\t1\tMIMAT0000416
miR-155-5p\tUAAUGCU\t9606\tmiR-155\tUUAAUGCUAAUCGUGAUAGGGGU\t0\tMIMAT0000646
short\tGAGGUAG\t9606\tshort\tUGAGGUAG\t-1\t
"""
CLASSES = {"let-7a-5p": 2, "miR-1-3p": 1, "miR-155-5p": 0, "short": -1}


def test_families__say_how_conserved_a_mirna_is(runs, tmp_path):
    (tmp_path / "families.txt").write_text(FAMILIES)
    result = runs.scan(tmp_path / "out", families=tmp_path / "families.txt")
    rows = pq.read_table(tmp_path / "out" / "genes.parquet").to_pylist()
    assert {row["mirna"]: row["family_conservation"] for row in rows} == {name: CLASSES.get(name) for name in MIRNAS}
    assert "3 miRNAs have no family conservation in the table (first: miR-21-5p)" in result.warnings
    lines = [line.decode().split("\t") for line in Runs.contents(tmp_path / "out")["text"]]
    column = lines[0].index("family_conservation")
    assert {(line[2], line[column]) for line in lines[1:]} == {(name, str(CLASSES.get(name, ""))) for name in MIRNAS}
    runs.scan(tmp_path / "families", families=tmp_path / "families.txt", by_family=True)
    rows = pq.read_table(tmp_path / "families" / "genes.parquet").to_pylist()
    named = {"let-7-5p/miR-98-5p": 2, "miR-1-3p/206": 1, "miR-155-5p": 0, "miR-21-5p": None, "miR-122-5p": None, "miR-124-3p": None}
    assert {row["mirna"]: row["family_conservation"] for row in rows} == named


def test_families__without_conservation_or_with_another_class(runs, tmp_path):
    (tmp_path / "plain.tsv").write_text("miRNA\tfamily\nmiR-1-3p\tmiR-1\n")
    with pytest.raises(InputError, match=r"plain.tsv: has no column 'Family Conservation\?' as TargetScan's; expected one, or --by-family"):
        runs.scan(tmp_path / "out", families=tmp_path / "plain.tsv")
    runs.scan(tmp_path / "plain", families=tmp_path / "plain.tsv", by_family=True)
    assert "family_conservation" not in pq.read_schema(tmp_path / "plain" / "genes.parquet").names
    (tmp_path / "odd.tsv").write_text(FAMILIES.replace("\t1\t", "\tyes\t"))
    with pytest.raises(InputError, match=r"odd.tsv, line 3: found 'yes' for 'family conservation\?'; expected 2, 1, 0 or -1"):
        runs.scan(tmp_path / "out", families=tmp_path / "odd.tsv")
