"""Conservation as a feature: on a made-up genome conserved sites do more, which a fit must find, and a scan without it must say."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pybigtools
import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.evaluation.gene_sites import take_gene_sites
from mirscan.evaluation.gene_task import evaluate_genes
from mirscan.expression.studies import read_study_files
from mirscan.genes.repression import read_repression_model
from mirscan.query.run_sites import read_run_sites
from mirscan.train.leave_out import protocols_for

GUIDES = {"miR-1-3p": "UGGAAUGUAAAGAAGUAUGUAU", "miR-124-3p": "UAAGGCACGCGGUGAAUGCCAA", "let-7a-5p": "UGAGGUAGUAGGUUGUAUAGUU"}
SITES = {"miR-1-3p": "ACATTCCA", "miR-124-3p": "GTGCCTTA", "let-7a-5p": "CTACCTCA"}
STUDIES = {"A": ("miR-1-3p", "miR-124-3p"), "B": ("miR-1-3p", "let-7a-5p")}
N, GENE, CODING = 250, 1000, 90
CONSERVED, NEUTRAL, WEIGHT = 4.0, -0.5, 0.4
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def one_gene(rng, number: int) -> tuple[str, list[tuple[int, float]], dict[str, float]]:
    """Letters of a transcript; (start, conservation) of its sites; by miRNA the sum of their effects."""
    letters = list(
        "".join(rng.choice(list("ACGT"), GENE)).replace("CATTCC", "CATGCC").replace("TGCCTT", "TGCGTT").replace("TACCTC", "TACGTC")
    )
    letters[0:3], letters[CODING - 3 : CODING] = "ATG", "TAA"
    places, tracks, effects = rng.permutation(np.arange(CODING + 60, GENE - 60, 40)).tolist(), [], {}
    for mirna, site in SITES.items():
        values = rng.choice([CONSERVED, NEUTRAL], rng.integers(0, 4) * (rng.random() < 0.5)).tolist()
        for value in values:
            start = places.pop()
            letters[start : start + len(site)] = site
            tracks.append((start, value))
        effects[mirna] = sum(0.3 * np.exp(WEIGHT * value) for value in values)
    return "".join(letters), tracks, effects


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Genome, annotation, track, miRNAs and two studies; every other gene lies on the reverse strand."""
    folder, rng = tmp_path_factory.mktemp("conserved"), np.random.default_rng(7)
    genes = [one_gene(rng, number) for number in range(N)]
    chromosome, lines, rows = "", [], []
    for number, (letters, tracks, _) in enumerate(genes):
        offset, reverse = number * GENE, number % 2
        chromosome += letters.translate(COMPLEMENT)[::-1] if reverse else letters

        def at(start, end, offset=offset, reverse=reverse):
            return (offset + GENE - end, offset + GENE - start) if reverse else (offset + start, offset + end)

        words = f'gene_id "G{number}"; transcript_id "T{number}";'
        for kind, (start, end) in (("exon", at(0, GENE)), ("CDS", at(0, CODING))):
            lines.append(f"chr1\tx\t{kind}\t{start + 1}\t{end}\t.\t{'-' if reverse else '+'}\t.\t{words}\n")
        rows += [("chr1", *at(start, start + 8), value) for start, value in tracks]
    (folder / "genome.fa").write_text(f">chr1\n{chromosome}\n")
    (folder / "genes.gtf").write_text("".join(lines))
    pybigtools.open(str(folder / "phylop.bw"), "w").write({"chr1": len(chromosome)}, sorted(rows))
    pybigtools.open(str(folder / "other.bw"), "w").write({"chr1": len(chromosome)}, [(*row[:3], -row[3]) for row in sorted(rows)])
    (folder / "mature.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in GUIDES.items()))
    for study, mirnas in STUDIES.items():
        columns = [-0.6 * np.log1p([gene[2][mirna] for gene in genes]) + rng.normal(0, 0.15, N) for mirna in mirnas]
        table = ["\t".join(["gene", *mirnas])] + ["\t".join([f"G{g}", *(f"{c[g]:.4f}" for c in columns)]) for g in range(N)]
        (folder / f"{study}.tsv").write_text("\n".join(table) + "\n")
    (folder / "studies.toml").write_text("".join(f'[[study]]\nname = "{s}"\ntable = "{s}.tsv"\nguides = "mature.fa"\n' for s in STUDIES))
    return folder


def mirscan(*words) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def scan(world, out, *words) -> str:
    where = ("--genome", world / "genome.fa", "--annotation", world / "genes.gtf", "--region", "3utr")
    return mirscan("scan", "--mirnas", world / "mature.fa", *where, "--model", "none", *words, "--out", out)


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    """`run` with conservation, the `model` it taught, and what was said."""
    folder = tmp_path_factory.mktemp("trained")
    scan(world, folder / "run", "--conservation", world / "phylop.bw")
    said = mirscan("train-genes", "--run", folder / "run", "--studies", world / "studies.toml", "--out", folder / "mine")
    return SimpleNamespace(run=folder / "run", model=folder / "mine", said=said)


def test_train_genes__finds_what_conservation_does(world, trained):
    assert "fitting 3utr-conserved" in trained.said
    forms = {form.name: form for form in read_repression_model(trained.model).forms}
    assert list(forms) == ["3utr", "3utr-conserved"]
    assert forms["3utr-conserved"].weights["3utr"]["conservation"] == pytest.approx(WEIGHT, abs=0.05)
    assert forms["3utr-conserved"].reads["conservation"].name == "phylop.bw"
    assert not forms["3utr"].reads and "conservation" not in forms["3utr"].weights["3utr"]


def test_evaluate_genes__conservation_predicts_studies_that_took_no_part(world, trained):
    sites = take_gene_sites(read_study_files(world / "studies.toml"), read_run_sites(trained.run))
    blind = replace(sites, sources={}, conservation=None)
    found = [{score.study: score.r2.value for score in evaluate_genes(one, [], protocols_for(one, ["study"]), folds=0).scores
              if score.predictor == "leave one study out"} for one in (sites, blind)]  # fmt: skip
    assert all(found[0][study] > found[1][study] + 0.1 for study in STUDIES)


def test_scan__predicts_by_the_form_that_knows_the_track(world, trained, tmp_path):
    said = scan(world, tmp_path / "out", "--conservation", world / "phylop.bw", "--gene-model", trained.model)
    assert "repression model" not in said
    genes, sites = (pq.read_table(tmp_path / "out" / name) for name in ("genes.parquet", "sites"))
    assert genes.schema.metadata[b"repression_form"] == b"3utr-conserved"
    alone = [row for row in genes.to_pylist() if row["n_sites"] == row["n_8mer"] == 1 and row["mirna"] == "miR-1-3p"]
    kept = {(site["gene"], site["mirna"]): site["conservation"] > 1 for site in sites.to_pylist()}
    means = [np.mean([row["predicted_log2fc"] for row in alone if kept[row["gene"], row["mirna"]] == known]) for known in (True, False)]
    assert means[0] < 2 * means[1] < 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which is not given"),
        (("--conservation", "other.bw"), "and other.bw is another file by its checksum"),
    ],
)
def test_scan__without_that_track_says_so_and_does_without(world, trained, tmp_path, words, said):
    words = [world / word if word.endswith(".bw") else word for word in words]
    text = " ".join(scan(world, tmp_path / "out", *words, "--gene-model", trained.model).split())
    assert f"predicts by its form '3utr'; '3utr-conserved' reads --conservation phylop.bw, {said}" in text
    assert pq.read_schema(tmp_path / "out" / "genes.parquet").metadata[b"repression_form"] == b"3utr"


def test_background__a_shuffle_is_as_conserved_as_its_place(world, trained, tmp_path):
    words = ("--conservation", world / "phylop.bw", "--gene-model", trained.model, "--background", "5")
    scan(world, tmp_path / "out", *words)
    rows = pq.read_table(tmp_path / "out" / "genes.parquet").to_pylist()
    strongest = min(rows, key=lambda row: row["predicted_log2fc"])
    assert strongest["p_value"] < 0.01 < max(row["p_value"] for row in rows)
