"""Every method of the comparison runs, rows are kept, and the page is filled between its marks."""

import json

import pytest

from mirscan.benchmark.compare import benchmark_training
from mirscan.benchmark.grounds import draw_pairs
from mirscan.benchmark.methods import read_methods
from mirscan.benchmark.page import BEGIN, END, comparison, write_page
from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.errors import InputError, RunError
from mirscan.pairs.columns import labels_of
from mirscan.pairs.read import read_pairs


@pytest.mark.timeout(1800)  # two dozen trainings: minutes on a machine that is busy otherwise
def test_benchmark_training__every_method_makes_a_row_and_a_second_call_makes_none_anew(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    marked = [f"{BEGIN.format(ground)}\nof another day\n{END.format(ground)}\n" for ground in ("clip", "chimeras")]
    page.write_text("before\n" + "between\n".join(marked) + "after\n")
    said = []
    rows = benchmark_training(BenchmarkSettings(quick=True, scan_task=True), tmp_path / "c", page, say=said.append)
    methods = read_methods()
    own = [row for row in rows if not row["method"].startswith("*")]
    assert [row["method"] for row in own] == [method.name for method in methods]
    for row in own:
        assert row["pairs"] > 100 and row["minutes"] > 0
        assert all(0 <= score["average_precision"] <= 1 for score in row["scores"].values())
    chimeras = [row for row in own if row["ground"] == "chimeras"]
    assert all(len(row["scores"]) == 6 and "relaxed, N = 1,000" in row["scan"] for row in chimeras)
    assert {row["method"] for row in rows} >= {"*seed class only*", "*miRNA only, from training*"}
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "of another day" not in text and "between\n" in text
    assert all(f"| {method.name} |" in text for method in methods)
    assert (tmp_path / "c" / "comparison.png").stat().st_size > 1000

    monkeypatch.setattr("mirscan.benchmark.rows.train_model", None)
    assert benchmark_training(BenchmarkSettings(quick=True, scan_task=True), tmp_path / "c") == rows
    with pytest.raises(RunError, match="the comparison there has quick True, not False; choose another folder"):
        benchmark_training(BenchmarkSettings(data=str(tmp_path / "c" / "planted")), tmp_path / "c")


def test_comparison__means_and_ranges_of_three_seeds():
    common = {"method": "m", "ground": "g", "pairs": 1200}
    scores = [{"average_precision": precision, "within_mirna": 0.5} for precision in (0.5, 0.6, 0.7)]
    rows = [{**common, "seed": seed, "minutes": seed, "scores": {"s": score}} for seed, score in enumerate(scores, start=1)]
    assert "| m | 1,200 | 2.0 | .600 (.500-.700) / .500 |" in comparison(rows, [], "")


def test_draw_pairs__a_part_of_the_positives_with_so_many_negatives(write_pairs):
    pool = read_pairs(write_pairs(n=600))
    n_positive = int(labels_of(pool).sum())
    drawn = labels_of(draw_pairs(pool, 2, 1, 0.25))
    assert drawn.sum() == round(0.25 * n_positive) and len(drawn) == 3 * drawn.sum()
    assert len(draw_pairs(pool, 100, 1)) == 600


def test_benchmark_training__what_cannot_be_compared(tmp_path):
    with pytest.raises(InputError, match="no data folder; give --data FOLDER, or --quick"):
        benchmark_training(BenchmarkSettings(), tmp_path)
    with pytest.raises(InputError, match="--only bagging: no method begins so; there are all pairs at 1:1; "):
        benchmark_training(BenchmarkSettings(quick=True, only=("bagging",)), tmp_path)
    with pytest.raises(InputError, match=r"train_set_1_1_CLASH2013_paper.tsv: not there; expected a data folder"):
        benchmark_training(BenchmarkSettings(data=str(tmp_path), only=("focal",)), tmp_path / "c")
    (tmp_path / "page.md").write_text("no marks")
    with pytest.raises(InputError, match="expected a page that holds the lines"):
        write_page(tmp_path / "page.md", {"clip": "text"})
    assert json.loads((tmp_path / "c" / "settings.json").read_text())["quick"] is False
