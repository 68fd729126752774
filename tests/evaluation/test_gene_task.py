"""Two planted studies: genes with more 8mers of the miRNA go down. The task must say so, with numbers that others compute."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import pearsonr, spearmanr
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.evaluation.gene_sites import read_gene_sites
from mirscan.evaluation.gene_task import MIRNA_ONLY, UTR_LENGTH, WEIGHTED_COUNT, control_predictions, evaluate_genes, predict
from mirscan.expression.studies import read_study_files
from mirscan.genes.repression import read_repression_model
from mirscan.train.leave_out import protocols_for, without_mirna, without_study
from mirscan.train.repression import fit, gather, train_repression
from mirscan.trained_models import Calibration, find_model, read_card, write_card

GUIDES = {"miR-1-3p": "UGGAAUGUAAAGAAGUAUGUAU", "miR-124-3p": "UAAGGCACGCGGUGAAUGCCAA", "let-7a-5p": "UGAGGUAGUAGGUUGUAUAGUU"}
SITES = {"miR-1-3p": "ACATTCCA", "miR-124-3p": "GTGCCTTA", "let-7a-5p": "CTACCTCA"}
STUDIES = {"A": ("miR-1-3p", "miR-124-3p"), "B": ("miR-1-3p", "let-7a-5p")}
N = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """FASTA, two studies and their guides."""
    folder, rng = tmp_path_factory.mktemp("studies"), np.random.default_rng(4)
    planted = {mirna: rng.integers(0, 4, N) * (rng.random(N) < 0.4) for mirna in GUIDES}
    with open(folder / "utr.fa", "w") as fasta:
        for gene in range(N):
            letters = list("".join(rng.choice(list("ACGT"), 1500)))
            places = rng.permutation(np.arange(60, 1440, 40))
            for mirna in GUIDES:
                for _ in range(planted[mirna][gene]):
                    start, places = places[0], places[1:]
                    letters[start : start + 8] = SITES[mirna]
            fasta.write(f">NM_{gene:06d}|{gene}|G{gene}\n{''.join(letters)}\n")
    (folder / "mature.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in GUIDES.items()))
    for study, mirnas in STUDIES.items():
        columns = [-0.6 * np.log1p(0.6 * planted[mirna]) + rng.normal(0, 0.15, N) for mirna in mirnas]
        lines = ["\t".join(["gene", *mirnas])] + ["\t".join([f"G{g}", *(f"{c[g]:.4f}" for c in columns)]) for g in range(N)]
        (folder / f"{study}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "studies.toml").write_text("".join(f'[[study]]\nname = "{s}"\ntable = "{s}.tsv"\nguides = "mature.fa"\n' for s in STUDIES))
    return folder


@pytest.fixture(scope="module")
def sites(folder):
    return read_gene_sites(read_study_files(folder / "studies.toml"), folder / "utr.fa")


def test_evaluate_genes__measures_are_those_of_scipy(sites):
    evaluation = evaluate_genes(sites, [read_repression_model()], {}, folds=30)
    forms = [read_repression_model().choose(False, {})] * 4
    predictions = predict(sites, forms)
    score = next(score for score in evaluation.scores if (score.predictor, score.study) == ("repression", "A"))
    changes = [experiment.change for experiment in sites.experiments[:2]]
    r2 = pearsonr(np.concatenate(changes), np.concatenate(predictions[:2])).statistic ** 2
    assert score.r2.value == pytest.approx(r2)
    rhos = [-spearmanr(change, prediction).statistic for change, prediction in zip(changes, predictions[:2], strict=True)]
    assert score.spearman.value == pytest.approx(np.median(rhos))
    assert [row[2] for row in score.by_experiment] == pytest.approx(rhos)
    assert score.r2.low < score.r2.value < score.r2.high and score.r2.value > 0.3
    assert evaluation.studies == {"A": (2, N), "B": (2, N)}


def test_evaluate_genes__interval_is_about_that_of_samples_drawn_by_hand(sites):
    score = evaluate_genes(sites, [], {}, folds=300).scores[0]
    control = control_predictions(sites)[score.predictor]
    rng, drawn = np.random.default_rng(9), []
    for _ in range(300):
        genes = rng.integers(0, N, N)
        x = np.concatenate([experiment.change[genes] for experiment in sites.experiments[:2]])
        drawn.append(pearsonr(x, np.concatenate([values[genes] for values in control[:2]])).statistic ** 2)
    assert (score.r2.low, score.r2.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.03)


def test_controls__count_sites_by_hand(sites, folder):
    found = control_predictions(sites)
    sequences = [line.strip() for line in (folder / "utr.fa").read_text().splitlines() if not line.startswith(">")]
    expected = []
    for sequence in sequences:
        eights = sequence.count("ACATTCCA")
        sevens = sequence.count("ACATTCC") - eights
        a1 = sequence.count("CATTCCA") - eights
        expected.append(0.31 * eights + 0.16 * sevens + 0.10 * a1 + 0.02 * (sequence.count("CATTCC") - eights - sevens - a1))
    assert found[WEIGHTED_COUNT][0] == pytest.approx(np.array(expected)[sites.experiments[0].gene])
    assert found[UTR_LENGTH][0] == pytest.approx(np.log(1500))
    assert len(np.unique(found[MIRNA_ONLY][0])) == 1


def test_leave_out__an_experiment_is_predicted_by_what_never_saw_it(sites):
    changed = sites.experiments[2]
    forms = without_study(sites, sites.experiments)
    assert forms[0] is forms[1] and forms[2] is forms[3] and forms[0] != forms[2]
    assert forms[0] == fit(sites, "3utr", gather(sites, "3utr"), [2, 3]).form
    by_mirna = without_mirna(sites, sites.experiments)
    # miR-1 was added in both studies: left out, it is left out of both.
    assert by_mirna[0] is by_mirna[2]
    assert by_mirna[0] == fit(sites, "3utr", gather(sites, "3utr"), [1, 3]).form
    assert changed.guide.name == "miR-1-3p"
    assert list(protocols_for(sites, ["study"])) == ["leave one study out"]


def test_train_repression__learns_what_was_planted(sites):
    model = train_repression(sites, "mine")
    assert [form.name for form in model.forms] == ["3utr"]
    assert model.training["A"]["genes"] == N
    strengths = model.forms[0].intercepts["3utr"]
    assert strengths["8mer"] == pytest.approx(np.log(0.6), abs=0.5)
    assert max(strengths, key=strengths.get) == "8mer"


def test_isoform_weights__isoforms_that_are_not_expressed_change_nothing(sites, folder, tmp_path):
    """Beside each 3'UTR stands another gene's, of which there is no molecule; the isoform that counts is split in two halves."""
    records = (folder / "utr.fa").read_text().splitlines()
    decoys = records[3::2] + records[1:2]
    text, weights = "", "Name\tTPM\n"
    for head, letters, decoy in zip(records[::2], records[1::2], decoys, strict=True):
        name, gene, symbol = head[1:].split("|")
        for ending, body, weight in (("1", decoy, 0), ("2", letters, 3), ("3", letters, 3)):
            text += f">{name}{ending}|{gene}|{symbol}\n{body}\n"
            weights += f"{name}{ending}\t{weight}\n"
    (tmp_path / "isoforms.fa").write_text(text)
    (tmp_path / "quant.sf").write_text(weights)
    studies = read_study_files(folder / "studies.toml")
    weighted = read_gene_sites(studies, tmp_path / "isoforms.fa", isoform_weights=tmp_path / "quant.sf")
    forms = [read_repression_model().choose(False, {})] * 4
    for found, expected in zip(predict(weighted, forms), predict(sites, forms), strict=True):
        assert found == pytest.approx(expected, abs=1e-6)
    assert any(abs(a - b).max() > 0.1 for a, b in zip(predict(replace(weighted, shares=None), forms), predict(sites, forms), strict=True))
    found, expected = (fit(one, "3utr").form for one in (weighted, sites))
    assert found.scale == pytest.approx(expected.scale, abs=0.01)
    assert found.intercepts["3utr"] == pytest.approx(expected.intercepts["3utr"], abs=0.01)


def run(*words) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout + result.stderr


def test_commands__train_evaluate_and_scan_with_the_result(folder, tmp_path):
    data = ("--transcripts", folder / "utr.fa", "--studies", folder / "studies.toml")
    code, text = run("train-genes", *data, "--out", tmp_path / "mine")
    assert code == 0 and "4 experiments, 3 miRNAs" in text
    words = (*data, "--gene-model", tmp_path / "mine", "--gene-model", "repression", "--folds", 5, "--out", tmp_path / "out")
    code, text = run("evaluate-genes", *words)
    assert code == 0, text
    report = json.loads((tmp_path / "out" / "genes-evaluation.json").read_text())
    of_a = {score["predictor"]: score["r2"]["value"] for score in report["scores"] if score["study"] == "A"}
    assert {"mine", "repression", "leave one study out", "leave one miRNA out", "weighted count"} <= set(of_a)
    assert of_a["leave one study out"] > of_a["weighted count"] > of_a["UTR length"]
    assert (tmp_path / "out" / "genes-curves.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (tmp_path / "out" / "genes-curves.svg").read_text()
    scan = ("--mirnas", folder / "mature.fa", "--utrs", folder / "utr.fa", "--model", "none", "--gene-model", tmp_path / "mine")
    assert run("scan", *scan, "--out", tmp_path / "run")[0] == 0


def test_commands__a_run_gives_the_weights_of_its_fasta(folder, tmp_path):
    scan = ("--mirnas", folder / "mature.fa", "--utrs", folder / "utr.fa", "--model", "none", "--seeds", "canonical")
    assert run("scan", *scan, "--out", tmp_path / "run")[0] == 0
    studies = ("--studies", folder / "studies.toml")
    assert run("train-genes", "--transcripts", folder / "utr.fa", *studies, "--out", tmp_path / "fasta" / "mine")[0] == 0
    code, text = run("train-genes", "--run", tmp_path / "run", *studies, "--out", tmp_path / "run-model" / "mine")
    assert code == 0, text
    found, expected = (read_repression_model(tmp_path / name / "mine").forms for name in ("run-model", "fasta"))
    assert found == expected


def test_commands__a_network_trained_again_under_its_name_is_another(folder, tmp_path):
    network = tmp_path / "mine"
    shutil.copytree(find_model("fast"), network)
    inputs = ("--transcripts", folder / "utr.fa", "--studies", folder / "studies.toml")
    assert run("train-genes", *inputs, "--model", network, "--out", tmp_path / "genes")[0] == 0
    scored = read_repression_model(tmp_path / "genes").forms[1]
    assert (scored.name, scored.reads["log_odds"].name) == ("3utr-scored", "fast")
    scan = ("--mirnas", folder / "mature.fa", "--utrs", folder / "utr.fa", "--gene-model", tmp_path / "genes", "--model", network)
    code, text = run("scan", *scan, "--out", tmp_path / "same")
    assert code == 0 and "repression model" not in text
    assert pq.read_schema(tmp_path / "same" / "genes.parquet").metadata[b"repression_form"] == b"3utr-scored"
    # The same file, whose outputs are read in another way.
    write_card(network, replace(read_card(network), calibration=Calibration("isotonic", (0.0, 1.0), (0.0, 0.5))))
    said = "predicts by its form '3utr'; '3utr-scored' reads scores of --model fast, and fast is another file by its checksum"
    code, text = run("scan", *scan, "--out", tmp_path / "other")
    assert code == 0 and said in " ".join(text.split())
    assert pq.read_schema(tmp_path / "other" / "genes.parquet").metadata[b"repression_form"] == b"3utr"
    words = (*inputs, "--model", network, "--gene-model", tmp_path / "genes", "--folds", 0, "--leave-out", "none")
    code, text = run("evaluate-genes", *words)
    assert code == 0 and said in " ".join(text.split())


def test_commands__a_run_without_a_guide_is_one_line(folder, tmp_path):
    (tmp_path / "one.fa").write_text(f">one\n{GUIDES['miR-1-3p']}\n")
    scan = ("--mirnas", tmp_path / "one.fa", "--utrs", folder / "utr.fa", "--model", "none")
    assert run("scan", *scan, "--out", tmp_path / "run")[0] == 0
    code, text = run("evaluate-genes", "--run", tmp_path / "run", "--studies", folder / "studies.toml")
    assert code == 1 and text.count("\n") == 1
    assert "guides of 2 of 4 experiments are not among the 1 miRNA of the run (first: TAAGGCACGCGGTGAATGCCAA of A miR-124-3p)" in text


def test_commands__one_study_as_options_and_a_turned_sign(folder, tmp_path):
    lines = (folder / "A.tsv").read_text().splitlines()
    turned = [lines[0]] + ["\t".join([name, *(f"{-float(value):.4f}" for value in values)]) for name, *values in map(str.split, lines[1:])]
    (tmp_path / "turned.tsv").write_text("\n".join(turned) + "\n")
    words = ("--transcripts", folder / "utr.fa", "--expression", tmp_path / "turned.tsv", "--guides", folder / "mature.fa")
    code, text = run("evaluate-genes", *words, "--columns", "miR-1-*", "--folds", 0, "--leave-out", "none")
    assert code == 0
    assert "turned miR-1-3p: genes with an 8mer rise by" in text and "is the sign turned" in text
    code, text = run("train-genes", *words, "--columns", "miR-1-*", "--out", tmp_path / "mine")
    assert code == 0 and "turned miR-1-3p: genes with an 8mer rise by" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "expected --studies, or --expression and --guides"),
        (("--expression", "A.tsv"), "--expression and --guides belong together"),
        (("--studies", "none.toml"), "none.toml: no such file"),
    ],
)
def test_commands__bad_words_are_one_line(folder, words, message):
    code, text = run("evaluate-genes", "--transcripts", folder / "utr.fa", *words)
    assert code == 1 and message in text and text.count("\n") == 1
