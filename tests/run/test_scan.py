import gzip
import itertools
import json
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pysam
import pytest

from mirscan.errors import InputError
from mirscan.genes import aggregate_genes
from mirscan.run import Event, read_status, resume
from mirscan.sequence.mirnas import read_mirnas
from mirscan.sequence.transcriptome import read_transcriptome
from mirscan.tables import GENES, SITES
from tests.run.conftest import write_fasta

COMPLEMENT = str.maketrans("ACGU", "TGCA")


def find_slowly(mirnas: dict[str, str], transcripts: dict[str, str]) -> set[tuple]:
    """(transcript, miRNA, start, end, type) of canonical sites by plain string search."""
    found = set()
    for header, target in transcripts.items():
        for name, mirna in mirnas.items():
            core = mirna[1:7].translate(COMPLEMENT)[::-1]
            for match in re.finditer(f"(?={core})", target):
                start, end = match.start(), match.start() + 6
                has_m8 = start > 0 and target[start - 1] == mirna[7].translate(COMPLEMENT)
                has_a1 = target[end : end + 1] == "A"
                kind = {(True, True): "8mer", (True, False): "7mer-m8", (False, True): "7mer-A1", (False, False): "6mer"}[has_m8, has_a1]
                found.add((header.split("|")[0], name, start - has_m8, end + has_a1, kind))
    return found


def read_fasta(path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return {header[1:]: sequence for header, sequence in zip(lines[::2], lines[1::2], strict=True)}


def test_scan__sites_equal_a_plain_string_search(runs, golden):
    sites = runs.sites(golden).to_pylist()
    found = [(row["transcript"], row["mirna"], row["start"], row["end"], row["seed"]) for row in sites]
    assert len(found) == len(set(found)) > 400
    assert set(found) == find_slowly(read_fasta(runs.mirnas), read_fasta(runs.transcripts))


def test_scan__rows_are_ordered_and_described(runs, golden):
    table = runs.sites(golden)
    assert table.schema.names == list(SITES.names)
    genes = table["gene"].to_pylist()
    assert list(dict.fromkeys(genes)) == [f"g{number}" for number in range(14)]
    assert len([1 for one, other in itertools.pairwise(genes) if one != other]) == 13
    places = list(zip(table["transcript"].to_pylist(), table["start"].to_pylist(), strict=True))
    by_transcript = {name: [start for transcript, start in places if transcript == name] for name, _ in places}
    assert all(starts == sorted(starts) for starts in by_transcript.values())
    assert table["score"].null_count == table["window_start"].null_count == len(table)
    part = pq.read_schema(golden / "sites" / "part-00000.parquet")
    assert part.metadata[b"model"] == b"none"
    assert part.field("start").metadata[b"description"]


def test_scan__bed_holds_the_same_rows(runs, golden):
    expected = [(row["transcript"], row["start"], row["end"], row["mirna"]) for row in runs.sites(golden).to_pylist()]
    assert [(row[0], int(row[1]), int(row[2]), row[3]) for row in runs.bed(golden)] == expected
    with pysam.TabixFile(str(golden / "sites.bed.gz")) as tabix:
        assert len(list(tabix.fetch("tx3"))) == sum(row[0] == "tx3" for row in expected)


def test_scan__genes_equal_the_aggregated_sites(runs, golden):
    found = pq.read_table(golden / "genes.parquet")
    expected = aggregate_genes(runs.sites(golden), read_transcriptome(runs.transcripts), read_mirnas(runs.mirnas))
    assert found.schema.names == list(GENES.names)
    assert sort_pairs(found.drop(["symbol"])) == sort_pairs(expected.drop(["symbol"]))
    assert {row["symbol"] for row in found.to_pylist()} == {f"SYM{number}" for number in range(14)}
    lines = gzip.decompress((golden / "genes.tsv.gz").read_bytes()).decode().splitlines()
    assert len(lines) == len(found) + 1


def sort_pairs(genes: pa.Table) -> list[dict]:
    return sorted(genes.to_pylist(), key=lambda row: (row["gene"], row["mirna"]))


def test_scan__report_counts_agree(runs, golden, tmp_path):
    result = runs.scan(golden)
    report = json.loads((golden / "run.json").read_text())
    sites = runs.sites(golden)
    assert result.n_sites == result.n_candidates == len(sites) == sum(result.n_by_seed.values())
    assert result.n_pairs == pq.read_metadata(golden / "genes.parquet").num_rows
    assert result.n_genes == 14
    assert result.n_mirnas == 7
    assert set(report["identity"]["transcripts"]) <= set(report["inputs"])
    assert set(report["result"]["seconds"]) >= {"plan", "scan", "genes", "join", "index"}
    assert report["parts"] == len(list(golden.glob("sites/*.parquet"))) > 3
    assert result.files["sites.bed.gz"] == (golden / "sites.bed.gz").stat().st_size
    strongest = min(pq.read_table(golden / "genes.parquet").to_pylist(), key=lambda row: row["predicted_log2fc"])
    assert (result.top_pairs[0]["gene"], result.top_pairs[0]["mirna"]) == (strongest["gene"], strongest["mirna"])


def test_scan__too_short_mirna_is_told(runs, tmp_path):
    runs.mirnas.with_name("short.fa").write_text(">tiny\nUGAGGUAG\n>long\nUGAGGUAGUAGGUUGUAUAGUU\n")
    result = runs.scan(tmp_path / "out", mirnas=runs.mirnas.with_name("short.fa"), seeds="8mer,offset-7mer")
    assert result.warnings == ["offset-7mer: 1 miRNA (tiny) too short for it"]


def test_scan__number_of_parts_does_not_change_rows(runs, golden, tmp_path):
    runs.scan(tmp_path / "one", part_rows=10**9)
    assert len(list((tmp_path / "one" / "sites").iterdir())) == 1
    assert runs.sites(tmp_path / "one").to_pylist() == runs.sites(golden).to_pylist()
    assert runs.contents(tmp_path / "one") == runs.contents(golden)


def test_scan__threads_do_not_change_bytes(runs, golden, tmp_path):
    runs.scan(tmp_path / "out", threads=3)
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_scan__filters_act_in_every_part(runs, golden, tmp_path):
    (tmp_path / "regions.bed").write_text("tx3\t100\t300\ntx20\t0\t200\n")
    runs.scan(tmp_path / "regions", regions=str(tmp_path / "regions.bed"))
    every = runs.sites(golden).to_pylist()
    inside = {"tx3": (100, 300), "tx20": (0, 200)}
    near = [(row, *inside[row["transcript"]]) for row in every if row["transcript"] in inside]
    expected = [row for row, first, last in near if first <= row["start"] and row["end"] <= last]
    assert runs.sites(tmp_path / "regions").to_pylist() == expected != []
    runs.scan(tmp_path / "mask", mask_start=100)
    assert runs.sites(tmp_path / "mask").to_pylist() == [row for row in every if row["start"] >= 100]


def test_scan__rules_of_a_file_are_copied_into_the_run(runs, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text('[mine]\npaired = "2-8"\n')
    result = runs.scan(tmp_path / "out", seeds=str(rules))
    rules.unlink()
    (tmp_path / "out" / "sites" / "part-00000.parquet").unlink()
    assert resume(tmp_path / "out").n_by_seed == result.n_by_seed
    assert list(result.n_by_seed) == ["mine"]


def test_scan__no_site_at_all_still_writes_every_file(runs, tmp_path):
    (tmp_path / "utr.fa").write_text(">tx\nNNNNNNNNNN\n")
    result = runs.scan(tmp_path / "out", transcripts=tmp_path / "utr.fa")
    assert (result.n_sites, result.n_genes, result.top_pairs) == (0, 0, [])
    assert set(runs.results(tmp_path / "out")) == {
        "sites/part-00000.parquet",
        "sites.bed.gz",
        "sites.bed.gz.tbi",
        "genes.parquet",
        "genes.tsv.gz",
    }


def test_scan__progress_tells_plan_bases_and_sites(runs, tmp_path):
    events: list[Event] = []
    result = runs.scan(tmp_path / "out", progress=events.append)
    assert events[0].plan.n_transcripts == 40
    scanned = [event for event in events if event.stage == "scan"]
    assert scanned[-1].done == scanned[-1].total == result.n_bases
    assert scanned[-1].rows == result.n_sites
    last = events[-1]
    assert last.stage == "finish" and last.done == last.total > 0


def test_status__of_a_finished_run(runs, golden):
    status = read_status(golden)
    assert status.is_finished
    assert status.n_done == status.n_parts
    assert status.bases_done == status.n_bases
    assert (status.owner, status.seconds_left, status.failures) == (None, None, {})


def test_resume__of_a_finished_run_changes_nothing(runs, golden):
    before = {path: path.stat().st_mtime_ns for path in golden.rglob("*") if path.is_file()}
    result = resume(golden)
    assert result == runs.scan(golden)
    assert {path: path.stat().st_mtime_ns for path in golden.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["mirnas", "transcripts"])
def test_scan__a_run_needs_its_inputs_only_once(runs, golden, tmp_path, name):
    out = tmp_path / "out"
    runs.scan(out)
    (out / "sites" / "part-00001.parquet").unlink()
    moved = runs.folder / "moved"
    source = getattr(runs, name)
    source.rename(moved)
    try:
        resume(out)
    finally:
        moved.rename(source)
    assert runs.results(out) == runs.results(golden)


def test_peak_memory__is_that_of_the_process_not_of_who_started_it():
    ballast = bytearray(400_000_000)
    program = "from mirscan.run.partition import peak_memory_mb; print(peak_memory_mb())"
    # A fork, whose memory getrusage would count.
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, preexec_fn=lambda: None)
    assert len(ballast) == 400_000_000
    assert 20 < int(finished.stdout) < 350


def test_scan__circles_in_any_parts_and_bed_stays_on_its_sequence(runs, tmp_path):
    """A let-7 site across the junction of a circle is a row once; BED has the part of it before the junction."""
    circle = "CCTCA" + "GC" * 400 + "CTA"
    fasta = write_fasta(tmp_path / "circles.fa", {"circ1": circle, "circ2": "GC" * 60})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    runs.scan(whole, transcripts=fasta, circular=True)
    runs.scan(cut, transcripts=fasta, circular=True, part_rows=1)
    sites = runs.sites(whole)
    rows = sites.filter(pa.compute.equal(sites["mirna"], "let-7a-5p")).select(["transcript", "start", "end", "seed"]).to_pylist()
    assert rows == [{"transcript": "circ1", "start": 805, "end": 813, "seed": "8mer"}]
    assert ["circ1", "805", "808", "let-7a-5p"] in [row[:4] for row in runs.bed(whole)]
    assert runs.sites(cut).to_pylist() == sites.to_pylist() and runs.bed(cut) == runs.bed(whole)
    linear = tmp_path / "linear"
    runs.scan(linear, transcripts=fasta)
    assert "let-7a-5p" not in runs.sites(linear)["mirna"].to_pylist()


@pytest.mark.parametrize("more", [{"mask_start": 14}, {"min_distance": 8}, {"features": ["end_distance"]}])
def test_scan__a_circle_has_no_ends(runs, tmp_path, more):
    with pytest.raises(InputError, match=r"--circular: .* counts from the ends of a transcript"):
        runs.scan(tmp_path / "out", circular=True, **more)
