"""Window and pair numbers of pairs of a miRNA and a gene, against plain counting over the rows of a scan."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import InputError
from mirscan.evaluation.mirna_genes import ANY_6MER, LENGTH_ONLY, MIRNA_ONLY, evaluate_mirna_genes, pair_metrics
from mirscan.scoring import load_scorer, score_candidates
from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import read_transcriptome

LETTERS = np.array(list("ACGT"))


@pytest.fixture
def world(tmp_path):
    """(table, FASTA): 4 miRNAs x 12 genes of 400 nt in two sets; half of the pairs of the first two miRNAs hold an 8mer."""
    random = np.random.default_rng(5)
    mirnas = ["".join(random.choice(LETTERS, 22)) for _ in range(4)]
    genes = ["".join(random.choice(LETTERS, 1500 + 100 * i)) for i in range(12)]
    rows = []
    for m, mirna in enumerate(mirnas):
        word = mirna[1:8].translate(str.maketrans("ACGT", "TGCA"))[::-1] + "A"
        for g in range(12):
            bound = (g + m) % 2
            if bound and m < 2:
                start = 40 + 60 * m
                genes[g] = genes[g][:start] + word + genes[g][start + 8 :]
            rows.append((str(g % 3 == 0), mirna.replace("T", "U"), f"g{g}", str(bound)))
    table, fasta = tmp_path / "genes.tsv", tmp_path / "utr.fa"
    table.write_text("\n".join("\t".join(row) for row in [("test_set", "mirna_seq", "ensg", "label"), *rows]) + "\n")
    fasta.write_text("".join(f">g{g}\n{sequence}\n" for g, sequence in enumerate(genes)))
    return table, fasta, rows


def test_evaluate_mirna_genes__equals_counting_over_a_scan(world):
    table, fasta, rows = world
    rule, threshold = "offset-9-mer-m7", 0.45
    evaluation = evaluate_mirna_genes(table, fasta, ["duplex"], rule=rule, threshold=threshold)
    mirnas = sorted({row[1].replace("U", "T") for row in rows})
    transcriptome, mirna_set = read_transcriptome(fasta), mirnas_from_sequences(mirnas, mirnas)
    sites = score_candidates(find_candidates(transcriptome, mirna_set, rule), transcriptome, mirna_set, load_scorer("duplex")).to_pylist()
    for name in ("True", "False"):
        label, called, best, right, n_windows, n_positive = [], [], [], 0, 0, 0
        for _, mirna, gene, bound in (row for row in rows if row[0] == name):
            own = [site["score"] for site in sites if site["mirna"] == mirna.replace("U", "T") and site["transcript"] == gene]
            label.append(int(bound))
            best.append(max(own, default=-1.0))
            called.append(best[-1] >= threshold)
            right += sum((score >= threshold) == (bound == "1") for score in own)
            n_windows += len(own)
            n_positive += len(own) * (bound == "1")
        numbers = evaluation.scores[0].by_set[name]
        assert evaluation.windows[name] == n_windows > 20 and evaluation.pairs[name] == len(label)
        assert evaluation.without[name] == best.count(-1.0)
        assert numbers["window_accuracy"] == pytest.approx(right / n_windows)
        assert numbers["constant"] == pytest.approx(max(n_positive, n_windows - n_positive) / n_windows)
        assert numbers["accuracy"] == pytest.approx(accuracy_score(label, called))
        assert numbers["f1"] == pytest.approx(f1_score(label, called))
        assert numbers["auroc"] == pytest.approx(roc_auc_score(label, best))


def test_pair_metrics__equal_scikit_learn():
    random = np.random.default_rng(2)
    label, scores = random.random(200) < 0.4, random.random(200)
    numbers = pair_metrics(label, scores > 0.6, scores)
    assert numbers["precision"] == pytest.approx(precision_score(label, scores > 0.6))
    assert numbers["recall"] == pytest.approx(recall_score(label, scores > 0.6))
    assert numbers["specificity"] == pytest.approx(recall_score(~label, scores <= 0.6))


def test_evaluate_miraw__prints_models_and_controls_and_keeps_all(world, tmp_path):
    table, fasta, _ = world
    run = CliRunner().invoke(
        app, ["evaluate-miraw", str(table), "--transcripts", str(fasta), "--model", "duplex", "--out", str(tmp_path / "e.json")]
    )
    assert run.exit_code == 0, run.output
    for name in ("duplex", MIRNA_ONLY, LENGTH_ONLY, ANY_6MER):
        assert f"| {name} | mean of 2 |" in run.output
    kept = json.loads((tmp_path / "e.json").read_text())
    assert set(kept["scores"][0]["by_set"]) == {"True", "False"} and kept["rule"] == "offset-9-mer-m7"


def test_evaluate_mirna_genes__tables_that_are_none(world, tmp_path):
    _, fasta, rows = world
    other = tmp_path / "other.tsv"
    other.write_text("mirna\tensg\tlabel\nx\tg1\t1\n")
    with pytest.raises(InputError, match="no column for mirna among mirna, ensg, label; understood: mirna: mirna_seq"):
        evaluate_mirna_genes(other, fasta)
    other.write_text(f"mirna_seq\tensg\tlabel\n{rows[0][1]}\tg1\tyes\n")
    with pytest.raises(InputError, match="line 2: label is 'yes'; expected 0 or 1"):
        evaluate_mirna_genes(other, fasta)
    other.write_text(f"mirna_seq\tensg\tlabel\n{rows[0][1]}\tENSG1\t1\n")
    with pytest.raises(InputError, match=r"none of its genes \(ENSG1 is the first\) is in the FASTA \(g0"):
        evaluate_mirna_genes(other, fasta)
