"""The Snakemake workflow on the shipped example, through Snakemake's own command line."""

import csv
import json
import random
import shutil
from pathlib import Path

import pytest

from .conftest import run_snakemake, try_snakemake

CONFIG = "out: results\nscan:\n  model: none\n  options: --part-rows 1000\ntargets:\n  per_mirna: 3\n"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder in which the workflow ran without a network, in several parts."""
    folder = tmp_path_factory.mktemp("workflow")
    (folder / "config.yaml").write_text(CONFIG)
    run_snakemake(folder, "--configfile", "config.yaml")
    return folder


def rows_of(path: Path) -> list[dict]:
    with open(path, newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_workflow__example_becomes_sites_genes_and_a_report(finished):
    run = json.loads((finished / "results/scan/run.json").read_text())
    assert (run["result"]["n_transcripts"], run["result"]["n_mirnas"], run["parts"]) == (300, 20, 3)
    targets = rows_of(finished / "results/targets.tsv")
    assert [row["rank"] for row in targets] == ["1", "2", "3"] * 20
    assert {"symbol": "ZEB2", "n_8mer": "4"}.items() <= next(row for row in targets if row["mirna"] == "hsa-miR-200b-3p").items()
    page = (finished / "results/report.html").read_text()
    assert f"{run['result']['n_sites']:,} sites of 20 miRNAs in 300 transcripts" in page
    assert page.index("ZEB2 <span") < page.index("ZEB1 <span")
    assert run["identity"]["mirscan"] in page


def test_workflow__interrupted_scan_keeps_its_finished_parts(finished, tmp_path):
    # The state after a kill: no results yet, two of three parts done, Snakemake knows of none of it.
    for name in ("reference", "scan"):
        shutil.copytree(finished / "results" / name, tmp_path / "results" / name)
    for name in ("run.json", "genes.tsv.gz", "genes.parquet", "sites.bed.gz", "sites/part-00002.parquet", "work/part-00002.json"):
        (tmp_path / "results/scan" / name).unlink()
    kept = tmp_path / "results/scan/sites/part-00000.parquet"
    before = kept.stat().st_mtime_ns
    (tmp_path / "config.yaml").write_text(CONFIG)
    assert "in 3 parts, 2 of them done before" in run_snakemake(tmp_path, "results/scan/run.json", "--configfile", "config.yaml")
    assert kept.stat().st_mtime_ns == before
    assert (tmp_path / "results/scan/genes.tsv.gz").read_bytes() == (finished / "results/scan/genes.tsv.gz").read_bytes()


def test_workflow__bad_input_stops_with_the_reason_and_without_a_report(tmp_path):
    (tmp_path / "protein.fa").write_text(">p1\nMKTEFLQWERTY\n")
    (tmp_path / "config.yaml").write_text("out: results\nscan: {model: none}\nreference:\n  transcripts: [protein.fa]\n")
    ended = try_snakemake(tmp_path, "--configfile", "config.yaml")
    assert ended.returncode == 1
    assert "Is this a protein FASTA?" in ended.stdout
    assert not (tmp_path / "results/report.html").exists()


def test_workflow__retrain_makes_a_model_and_evaluate_and_scan_would_use_it(tmp_path):
    write_pairs(tmp_path / "pairs.tsv")
    (tmp_path / "config.yaml").write_text(
        "out: results\n"
        "scan: {model: retrained}\n"
        "train: {pairs: [pairs.tsv], options: '--architecture targetnet --epochs 1'}\n"
        "evaluate: {pairs: [pairs.tsv], models: [base]}\n"
    )
    run_snakemake(tmp_path, "retrain", "--configfile", "config.yaml")
    assert 'architecture = "targetnet"' in (tmp_path / "results/model/card.toml").read_text()
    assert "targetnet" in (tmp_path / "results/log/retrain.log").read_text()
    planned = run_snakemake(tmp_path, "evaluate", "all", "--configfile", "config.yaml", "--dry-run", "--printshellcmds")
    assert "mirscan evaluate pairs.tsv --model results/model --threads 1 --model base --training pairs.tsv" in planned
    assert "--model results/model --workers 0 --threads 1" in planned
    assert "mirscan train" not in planned


def test_workflow__retrain_without_pairs_says_what_is_missing(tmp_path):
    ended = try_snakemake(tmp_path, "retrain", "--dry-run")
    assert ended.returncode == 1
    assert "config: train: pairs: is empty; expected files" in ended.stdout


def test_workflow__cluster_and_workers_decide_the_threads(tmp_path):
    for text, expected in (("cluster: my.toml", "--cluster my.toml --out"), ("workers: 3", "--workers 3 --threads 1 --out")):
        (tmp_path / "config.yaml").write_text(f"scan:\n  {text}\n")
        planned = run_snakemake(tmp_path, "--configfile", "config.yaml", "--dry-run", "--printshellcmds")
        assert expected in " ".join(planned.split())


def write_pairs(path: Path) -> None:
    """300 labelled pairs of 20 miRNAs; positives hold the 7mer-m8 at place 24 of the window."""
    draw = random.Random(1)
    mirnas = ["".join(draw.choices("ACGT", k=22)) for _ in range(20)]
    rows = []
    for number in range(300):
        mirna, window, label = mirnas[number % 20], "".join(draw.choices("ACGT", k=50)), draw.randrange(2)
        seed = mirna[1:8][::-1].translate(str.maketrans("ACGT", "TGCA"))
        rows.append(f"{mirna}\t{window[:24] + seed + window[31:] if label else window}\t{label}\n")
    path.write_text("mirna\ttarget\tlabel\n" + "".join(rows))
