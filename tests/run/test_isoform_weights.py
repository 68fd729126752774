"""--isoform-weights through whole runs: against the definition, at any number of workers, and wherever a gene is cut."""

import random
from collections import defaultdict
from math import expm1, log, log2

import pyarrow.parquet as pq
import pytest

from mirscan.errors import InputError, RunError
from mirscan.run.settings import make_settings


@pytest.fixture(scope="module")
def weights(runs, tmp_path_factory):
    """Weights of most isoforms, none of gene 3 and zeros alone for gene 5."""
    rng, path = random.Random(3), tmp_path_factory.mktemp("weights") / "quant.sf"
    chosen = [n for n in range(40) if n % 14 != 3 and n != 20]
    rows = [f"tx{n}\t900\t{0 if n % 14 == 5 or (n < 28 and n % 14 < 3) else rng.choice([1.5, 9 * rng.random()])}\n" for n in chosen]
    path.write_text("Name\tLength\tTPM\n" + "".join(rows))
    return path


def read_shares(path) -> dict[str, float]:
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    totals = defaultdict(float)
    for name, _, weight in rows:
        totals[int(name[2:]) % 14] += float(weight)
    return {name: float(weight) / totals[int(name[2:]) % 14] for name, _, weight in rows if totals[int(name[2:]) % 14] > 0}


def isoforms_alone(runs, folder, **settings) -> dict[tuple[str, str], dict]:
    """Rows by (isoform, miRNA) where each isoform is a gene of its own."""
    letters = runs.transcripts.read_text().splitlines()
    text = "".join(f"{head.split('|')[0]}\n{body}\n" for head, body in zip(letters[::2], letters[1::2], strict=True))
    (folder / "alone.fa").write_text(text)
    runs.scan(folder / "alone", transcripts=folder / "alone.fa", **settings)
    rows = pq.read_table(folder / "alone" / "genes.parquet").to_pylist()
    return {(row["transcript"], row["mirna"]): row for row in rows}


# Of a value of one isoform what is averaged, and back.
LOGARITHM = (lambda value: -expm1(-value), lambda mean: -log(1 - mean))
PLAIN = (lambda value: value, lambda mean: mean)
METHODS = {"repression": None, "occupancy": LOGARITHM, "sum": PLAIN, "noisy-or": PLAIN, "best": PLAIN}


@pytest.mark.parametrize("method", METHODS)
def test_weights__a_gene_is_the_mean_over_its_molecules(runs, weights, tmp_path, method):
    settings = {"model": "duplex", "gene_method": method}
    alone, shares = isoforms_alone(runs, tmp_path, **settings), read_shares(weights)
    runs.scan(tmp_path / "plain", **settings)
    runs.scan(tmp_path / "weighted", isoform_weights=weights, **settings)
    plain = {(row["gene"], row["mirna"]): row for row in pq.read_table(tmp_path / "plain" / "genes.parquet").to_pylist()}
    rows = pq.read_table(tmp_path / "weighted" / "genes.parquet").to_pylist()
    assert [(row["gene"], row["mirna"]) for row in rows] == list(plain)
    assert {row["gene"] for row in rows if row["isoform_share"] is None} == {"g3", "g5"}
    for row in rows:
        isoforms = [f"tx{n}" for n in range(int(row["gene"][1:]), 40, 14)]
        if row["isoform_share"] is None:
            assert {**row, "rank": 0, "percentile": 0} == {
                **plain[row["gene"], row["mirna"]],
                "isoform_share": None,
                "rank": 0,
                "percentile": 0,
            }
            continue
        changes = {name: alone[name, row["mirna"]]["predicted_log2fc"] if (name, row["mirna"]) in alone else 0.0 for name in isoforms}
        left = sum(shares.get(name, 0) * 2**change for name, change in changes.items())
        assert row["predicted_log2fc"] == pytest.approx(log2(left), abs=1e-6)
        added = {name: shares.get(name, 0) * (1 - 2 ** changes[name]) for name in isoforms}
        if METHODS[method]:
            inside, outside = METHODS[method]
            added = {n: shares.get(n, 0) * inside(alone[n, row["mirna"]]["gene_score"]) for n in isoforms if (n, row["mirna"]) in alone}
            assert row["gene_score"] == pytest.approx(outside(sum(added.values())), abs=1e-6)
        assert added[row["transcript"]] == pytest.approx(max(added.values()), abs=1e-7)
        assert row["isoform_share"] == pytest.approx(shares.get(row["transcript"], 0), abs=1e-6)
        for name in ("n_sites", "n_8mer", "n_windows", "best_score", "combined_score"):
            assert row[name] == alone[row["transcript"], row["mirna"]][name]


@pytest.mark.parametrize("workers", [1, 4])
def test_weights__any_number_of_workers_writes_equal_bytes(runs, weights, tmp_path, workers):
    for name, how in (("here", {}), ("there", {"workers": workers})):
        runs.scan(tmp_path / name, isoform_weights=weights, part_rows=30, **how)
    assert runs.results(tmp_path / "here") == runs.results(tmp_path / "there")


@pytest.mark.parametrize("settings", [{}, {"model": "duplex", "min_score": 0.4, "gene_method": "sum"}, {"background": 2}])
def test_weights__do_not_show_where_genes_are_cut(runs, weights, tmp_path, settings):
    for name, part_rows in (("cut", 5), ("whole", 10**9)):
        runs.scan(tmp_path / name, isoform_weights=weights, part_rows=part_rows, **settings)
    assert len(list((tmp_path / "cut" / "sites").iterdir())) > 10
    assert runs.contents(tmp_path / "cut") == runs.contents(tmp_path / "whole")


def test_weights__a_gene_of_which_no_expressed_isoform_has_a_site_is_as_strong_as_chance(runs, weights, tmp_path):
    runs.scan(tmp_path / "out", isoform_weights=weights, background=3)
    rows = pq.read_table(tmp_path / "out" / "genes.parquet").to_pylist()
    unchanged = [row for row in rows if row["predicted_log2fc"] == 0]
    assert unchanged and all(row["isoform_share"] == 0 and row["p_value"] == row["q_value"] == 1 for row in unchanged)
    assert min(row["p_value"] for row in rows) < 0.1


def test_weights__the_rule_is_said_and_other_weights_are_another_run(runs, weights, golden, tmp_path):
    result = runs.scan(tmp_path / "out", isoform_weights=weights)
    assert result.isoform_rule == "weighted"
    assert [warning for warning in result.warnings if "weight" in warning] == [
        "1 isoform has no weight and counts as 0 (tx20)",
        "1 gene has no isoform with a weight, so that its strongest one speaks (g3)",
        "1 gene has weights of 0 alone, so that its strongest isoform speaks (g5)",
    ]
    rules = [pq.read_schema(folder / "genes.parquet").metadata[b"isoform_rule"] for folder in (tmp_path / "out", golden)]
    assert rules == [b"weighted", b"strongest"]
    other = tmp_path / "other.tsv"
    other.write_text(weights.read_text().replace("1.5", "1.25"))
    with pytest.raises(RunError, match=r"--isoform-weights was a file of SHA-256 .*, now a file of SHA-256"):
        runs.scan(tmp_path / "out", isoform_weights=other)
    with pytest.raises(RunError, match=r"--isoform-weights was a file of SHA-256 .*, now not given"):
        runs.scan(tmp_path / "out")


def test_weights__bad_ones_leave_no_run(runs, tmp_path):
    (tmp_path / "bad.tsv").write_text("transcript\tTPM\ntx1\t-1\n")
    with pytest.raises(InputError, match=r"bad.tsv, line 2: weight '-1'"):
        runs.scan(tmp_path / "out", isoform_weights=tmp_path / "bad.tsv")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="--isoforms longest leaves one isoform of a gene, so there is nothing for --isoform-weights"):
        make_settings("m.fa", genome="g.fa", annotation="a.gtf", isoforms="longest", isoform_weights="w.tsv")
