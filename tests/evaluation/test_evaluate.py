import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import InputError, ModelError
from mirscan.evaluation.controls import left_out_rates, training_rates
from mirscan.evaluation.evaluate import evaluate_model, write_evaluation
from mirscan.evaluation.metrics import average_precision, within_auroc
from mirscan.evaluation.report import print_evaluation
from mirscan.evaluation.results import read_results, record_evaluation, results_table, set_title
from mirscan.genes.repression import read_repression_model
from mirscan.pairs.columns import group_codes, labels_of
from mirscan.pairs.read import read_pairs
from mirscan.train.fit import train_model
from mirscan.train.recipe import Recipe
from mirscan.trained_models import load_model, predict_examples

TINY = {"stem_filters": 8, "filters": [8], "strides": [2], "pools": [1], "dense": [8]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture
def model(folder, write_pairs):
    """One tiny trained network for all tests here."""
    path = folder / "tiny"
    if not path.exists():
        train_model(
            Recipe(
                pairs=(str(write_pairs("training.tsv", n=500)),),
                architecture="mirscan_base",
                settings=TINY,
                epochs=1,
                validation_fraction=0.2,
            ),
            path,
        )
    return path


def test_evaluate_model__metrics_are_those_of_the_calibrated_scores(model, write_pairs):
    path = write_pairs("held.tsv", n=300, seed=5)
    evaluation = evaluate_model([model], path, controls=False, folds=20)
    pairs, trained = read_pairs(path), load_model(model)
    raw = predict_examples(trained.network, trained.card, pairs["mirna"].to_pylist(), pairs["target"].to_pylist())
    expected = trained.card.calibration.apply(raw)
    np.testing.assert_allclose(evaluation.scores["tiny"], expected, atol=1e-5)
    metrics = evaluation.results[0].metrics
    assert metrics["average_precision"].value == pytest.approx(average_precision(labels_of(pairs), evaluation.scores["tiny"]))
    assert metrics["within_mirna_auroc"].value == pytest.approx(
        within_auroc(labels_of(pairs), evaluation.scores["tiny"], group_codes(pairs["mirna"]))
    )
    assert set(metrics) >= {"auroc", "f1", "accuracy", "calibration_error", "precision_at_recall_0.5"}


@pytest.mark.parametrize(("width", "heading"), [(170, "P@R=0.2"), (120, "P@R=0.8"), (80, "accuracy"), (30, "ECE")])
def test_print_evaluation__names_of_scorers_are_whole_at_any_width(write_pairs, capsys, monkeypatch, width, heading):
    evaluation = evaluate_model("duplex", write_pairs("held.tsv", n=60), folds=2)
    monkeypatch.setattr("mirscan.evaluation.report.new_console", lambda: Console(width=width))
    print_evaluation(evaluation, groups=True)
    printed = capsys.readouterr().out
    assert all(f"{result.name} " in printed for result in evaluation.results) and heading in printed and "…" not in printed
    assert width < 80 or [line for line in printed.splitlines() if len(line) > width] == []


def test_evaluate_model__controls_groups_and_files(model, write_pairs, tmp_path, capsys):
    training, path = write_pairs("training.tsv", n=500), write_pairs("held.tsv", n=400, seed=0)
    evaluation = evaluate_model([model, "duplex"], path, training=[training], folds=10)
    by_name = {result.name: result for result in evaluation.results}
    assert list(by_name) == ["tiny", "duplex", "duplex energy only", "seed class only", "miRNA only, left out", "miRNA only, from training"]
    assert by_name["seed class only"].metrics["average_precision"].value > 0.9
    assert by_name["miRNA only, from training"].metrics["within_mirna_auroc"].value == 0.5
    assert "accuracy" not in by_name["duplex"].metrics and "accuracy" in by_name["tiny"].metrics
    assert evaluation.leakage.shared_pairs == 400
    assert set(by_name["tiny"].by_seed) >= {"none", "7mer-m8"} and sum(g["pairs"] for g in by_name["tiny"].by_seed.values()) <= 400
    assert by_name["tiny"].by_seed["7mer-m8"]["positives"] > 100
    write_evaluation(evaluation, tmp_path / "out")
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert stored["pairs"] == 400 and stored["results"][0]["metrics"]["auroc"]["low"] <= stored["results"][0]["metrics"]["auroc"]["value"]
    assert (tmp_path / "out" / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    print_evaluation(evaluation, groups=True)
    printed = capsys.readouterr().out
    assert "seed class only" in printed and "7mer-m8" in printed and "of 400 evaluated pairs, training has the same pair for 400" in printed


def test_controls__rates_of_the_mirna():
    labels, groups = np.array([1, 1, 0, 1], np.float32), np.array([0, 0, 0, 1])
    assert left_out_rates(labels, groups).tolist() == [0.5, 0.5, 1.0, 0.75]


def test_controls__training_rates_compare_mirnas_over_the_shorter_length(write_pairs):
    long, short = "TGAGGTAGTAGGTTGTATAGTT", "TGAGGTAGTAGGTTGTATAG"
    site = "ACGT" * 12 + "AC"
    training = read_pairs(write_pairs("a.tsv", rows=[(short, site, 1), (short, site, 0), ("C" * 20, site, 1)]))
    pairs = read_pairs(write_pairs("b.tsv", rows=[(long, site, 1), ("C" * 22, site, 0), ("G" * 22, site, 0)]))
    assert training_rates(pairs, training).tolist() == pytest.approx([0.5, 1, 2 / 3])


def test_evaluate_model__unknown_model_and_unusable_pairs(write_pairs):
    with pytest.raises(ModelError, match="neither a known name nor a folder"):
        evaluate_model("no-such-model", write_pairs())
    rows = [(*row[:2], 1) for row in write_pairs.rows(200, 20, 1)]
    with pytest.raises(InputError, match="evaluation: all 200 labels are positive"):
        evaluate_model("duplex", write_pairs(rows=rows))


def test_results__recorded_runs_become_rows_of_a_table(model, write_pairs, tmp_path):
    results = tmp_path / "results.json"
    path = write_pairs("AGO2_CLASH_Hejret2023_test.tsv", n=300, seed=5)
    evaluation = evaluate_model([model], path, folds=10)
    for _ in range(2):
        record_evaluation(results, evaluation, set_title(path.name), speed={"tiny": 61234.0})
    records = read_results(results)
    assert [record["name"] for record in records] == ["tiny", "duplex energy only", "miRNA only, left out", "seed class only"]
    table = results_table(records)
    row = next(line for line in table.splitlines() if line.startswith("| **tiny**"))
    assert "| mirscan_base | training |" in row and "| 61,234 |" in row
    assert (
        "## Hejret 2023 test" in table and "| miRBind 2.0 pairwise CNN [1] |" in table and "0.855" in table and "[1] miRBind 2.0" in table
    )
    precisions = [
        float(line.split("|")[7].split()[0])
        for line in table.splitlines()
        if line.startswith("| *") or (line.startswith("| ") and "[" in line)
    ]
    assert precisions == sorted(precisions, reverse=True) and len(precisions) > 8


def test_results__runs_that_differ_in_their_seed_share_a_row():
    def run(sha, value):
        metrics = {"average_precision": [value, value - 0.1, value + 0.1], "auroc": [value, 0, 1]}
        return {
            "label": "base",
            "name": sha,
            "control": False,
            "sha256": sha,
            "training": "x",
            "set": "s",
            "pairs": 10,
            "positives": 5,
            "metrics": metrics,
        }

    table = results_table([run("a", 0.88), run("b", 0.90), run("c", 0.92)])
    assert "| **base** |  | x |  |  |  | 0.900 (0.880-0.920, n=3) | 0.900 |" in table


def test_read_results__what_is_not_a_results_file(tmp_path):
    with pytest.raises(InputError, match="no such file; make it with"):
        read_results(tmp_path / "r.json")
    (tmp_path / "r.json").write_text("[")
    with pytest.raises(InputError, match="not JSON"):
        read_results(tmp_path / "r.json")
    (tmp_path / "r.json").write_text("{}")
    with pytest.raises(InputError, match="expected a list of records"):
        read_results(tmp_path / "r.json")


def run_cli(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_cli__evaluate_record_and_table(model, write_pairs, tmp_path):
    path = write_pairs("held.tsv", n=300, seed=5)
    done = run_cli(
        "evaluate",
        path,
        "--model",
        model,
        "--folds",
        5,
        "--out",
        tmp_path / "e",
        "--record",
        tmp_path / "records" / "r.json",
        "--label",
        "mine",
        "--no-controls",
    )
    assert done.exit_code == 0, done.output
    assert "held.tsv: 300 pairs" in done.output and (tmp_path / "e" / "evaluation.json").exists()
    assert run_cli("models", "table", "--results", tmp_path / "records" / "r.json", "--out", tmp_path / "README.md").exit_code == 0
    assert "| **mine** | mirscan_base | training |" in (tmp_path / "README.md").read_text()


def test_cli__train_takes_flags_over_a_recipe(write_pairs, tmp_path):
    (tmp_path / "r.toml").write_text(
        'architecture = "mirscan_base"\nepochs = 50\n[settings]\nstem_filters = 4\nfilters = [4]\nstrides = [2]\npools = [1]\n'
    )
    pairs = write_pairs("p.tsv")
    flags = [
        "--recipe",
        tmp_path / "r.toml",
        "--epochs",
        1,
        "--set",
        "dense=[4]",
        "--layer-rate",
        "stem=0.5",
        "--validation-fraction",
        0.2,
        "--out",
        tmp_path / "m",
    ]
    done = run_cli("train", pairs, *flags)
    assert done.exit_code == 0, done.output
    assert "training: 400 pairs read" in done.output and "epoch 1, step" in done.output and "within-miRNA AUROC" in done.output
    recipe = (tmp_path / "m" / "training.toml").read_text()
    assert "epochs = 1\n" in recipe and "stem = 0.5" in recipe and 'average = "none"' in recipe
    again = run_cli("train", pairs, *flags)
    assert again.exit_code == 1 and "holds a trained model already" in again.output


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--set", "dense"], "--set dense: expected NAME=VALUE"),
        (["--schedule", "slow"], "schedule is 'slow'; expected constant, cosine"),
        (["--recipe", "absent.toml"], "absent.toml: no such recipe"),
        ([], "no architecture; give --architecture NAME"),
    ],
)
def test_cli__train_refuses_in_one_line(write_pairs, tmp_path, flags, message):
    done = run_cli("train", write_pairs(), "--out", tmp_path / "m", *flags)
    assert done.exit_code == 1 and message in done.output and done.output.count("\n") == 1


def test_results_table__has_the_shipped_repression_model_as_the_docs_have_it():
    def rows_of(text):
        lines = [line for line in text.splitlines() if line.startswith("| ")]
        # Of several tables the first.
        return {name: cells for name, *cells in (line.strip("| ").split(" | ") for line in reversed(lines))}

    rows = rows_of(results_table([], read_repression_model()))
    docs = rows_of((Path(__file__).parents[2] / "docs" / "genes.md").read_text().split("## How well")[1])
    assert rows["form"] == ["HeLa (17)", "HCT116 (7)", "GSE124530 (13)"]
    for ours, theirs in (
        ("**repression, mrna**", "mrna"),
        ("**repression, 3utr**", "3utr"),
        ("*weighted count of sites*", "weighted count"),
    ):
        left_out, *numbers = docs[theirs]
        assert [cell.replace("0.", ".") for cell in rows[ours]] == numbers and left_out in ("study", "-")
