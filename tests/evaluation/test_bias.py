import json

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.evaluation import bias
from mirscan.evaluation.bias import BiasObserver

LETTERS = np.array(list("ACGT"))


def texts(random, n, length, p=None):
    return ["".join(row) for row in LETTERS[random.choice(4, (n, length), p=p)]]


def report_of(mirna, target, label, parts=3):
    table = pa.table({"mirna": mirna, "target": target, "label": pa.array(np.asarray(label, np.float32))})
    observer = BiasObserver()
    size = -(-table.num_rows // parts)
    for first in range(0, table.num_rows, size):
        observer(table.slice(first, size))
    return observer.report()


def test_bias__each_number_sees_its_own_fault_only():
    random = np.random.default_rng(4)
    n, mirnas, sites = 2000, texts(random, 10, 22), texts(random, 2000, 50)
    label = np.arange(n) % 2
    balanced = [mirnas[i // 2 % 10] for i in range(n)]
    fair = report_of(balanced, sites, label)
    assert fair.mirna_only == 0.5 and fair.site_repeats == 0.5 and abs(fair.site_composition - 0.5) < 0.04
    assert (fair.positives, fair.negatives, fair.mirnas, fair.sampled) == (1000, 1000, 10, 2000)
    assert report_of([mirnas[5 * (i % 2)] for i in range(n)], sites, label).mirna_only == 1.0
    rich = texts(random, n, 50, p=[0.35, 0.15, 0.15, 0.35])
    mixed = report_of(balanced, [rich[i] if i % 2 else sites[i] for i in range(n)], label)
    assert mixed.site_composition > 0.9 and mixed.mirna_only == 0.5
    repeated = report_of(balanced, [sites[i] if i % 2 else sites[i % 20] for i in range(n)], label)
    assert repeated.site_repeats == 1.0


def test_bias__position_of_the_seed_counts_among_windows_with_one():
    random = np.random.default_rng(5)
    n, mirnas = 600, texts(random, 6, 22)
    words = [mirna[1:8].translate(str.maketrans("ACGT", "TGCA"))[::-1] for mirna in mirnas]
    sites = texts(random, n, 50)
    label = np.arange(n) % 2

    def planted(place):
        return [site[: place(i)] + words[i // 2 % 6] + site[place(i) + 7 :] for i, site in enumerate(sites)]

    mirna = [mirnas[i // 2 % 6] for i in range(n)]
    assert report_of(mirna, planted(lambda i: 10 + 20 * (i % 2)), label).position_only > 0.95
    places = random.integers(0, 43, n)
    spread = report_of(mirna, planted(lambda i: places[i]), label)
    assert abs(spread.position_only - 0.5) < 0.1
    assert spread.seeds["none"] == {"positives": 0, "negatives": 0}


def test_bias__sample_is_bounded_and_keeps_whole_sites(monkeypatch):
    monkeypatch.setattr(bias, "SAMPLE_ROWS", 200)
    random = np.random.default_rng(6)
    sites, mirnas = texts(random, 100, 50), texts(random, 4, 22)
    report = report_of([mirnas[i % 4] for i in range(1000)], [sites[i % 100] for i in range(1000)], np.arange(1000) // 100 < 2, parts=9)
    assert 0 < report.sampled <= 200 and report.sampled % 10 == 0
    assert (report.positives, report.negatives) == (200, 800)


@pytest.mark.parametrize("ending", [".tsv.gz", ".parquet"])
def test_negatives_command__prints_and_keeps_the_report(tmp_path, ending):
    random = np.random.default_rng(8)
    rows = [f"{mirna}\t{site}\t1" for mirna, site in zip(texts(random, 40, 22), texts(random, 40, 50), strict=True)]
    (tmp_path / "p.tsv").write_text("\n".join(["mirna\ttarget\tlabel", *rows]) + "\n")
    out = tmp_path / f"n{ending}"
    result = CliRunner().invoke(app, ["negatives", str(tmp_path / "p.tsv"), "--kind", "other-cluster", "--ratio", "2", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "40 positives, 80 negatives" in result.output and "miRNA only                  0.500" in result.output
    kept = json.loads((tmp_path / "n.json").read_text())
    assert kept["bias"]["negatives"] == 80 and kept["settings"]["ratio"] == 2 and out.is_file()


def test_negatives_command__bad_ending_is_one_line(tmp_path):
    (tmp_path / "p.tsv").write_text("mirna\ttarget\tlabel\nACGTACGTACGT\tACGTACGTACGTAAGG\t1\n")
    arguments = ["negatives", str(tmp_path / "p.tsv"), "--kind", "shuffled", "--out", str(tmp_path / "n.txt")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1 and "ending not understood; expected one of .parquet, .tsv, .tsv.gz" in result.output
