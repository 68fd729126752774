"""Two runs side by side, against ranks counted slowly from their genes.parquet."""

import pyarrow.parquet as pq
import pytest
from scipy.stats import spearmanr

from mirscan.errors import InputError, RunError
from mirscan.query.compare import compare_runs, draw_comparison
from mirscan.query.finished_run import open_run
from mirscan.query.formats import FORMATS
from mirscan.query.select import query_run
from mirscan.run import scan

INPUTS = {"mirnas": "examples/mirnas.fa", "transcripts": "examples/utrs.fa.gz", "threads": 1}


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    scan(out=folder / "a", model="none", **INPUTS)
    scan(out=folder / "b", model="duplex", seeds=["8mer", "7mer-m8"], **INPUTS)
    return folder / "a", folder / "b"


def ranks(out):
    """(miRNA, gene) -> how many genes of the miRNA are stronger, and half of those as strong."""
    strongest_first = query_run(out, sites=False)
    pairs = list(zip(*(strongest_first[name].to_pylist() for name in ("mirna", "gene")), strict=True))
    columns = ("predicted_log2fc", "n_8mer", "n_7mer_m8", "n_7mer_a1", "n_6mer", "n_apart")
    values = list(zip(*(strongest_first[name].to_pylist() for name in columns), strict=True))
    of_mirna = {mirna: [value for value, pair in zip(values, pairs, strict=True) if pair[0] == mirna] for mirna, _ in pairs}
    found = {}
    for pair, value in zip(pairs, values, strict=True):
        same = [i for i, other in enumerate(of_mirna[pair[0]], 1) if other == value]
        found[pair] = sum(same) / len(same)
    return found


def test_compare__pairs_ranks_and_correlation_as_counted_by_hand(two_runs):
    comparison = compare_runs(*two_runs, top=5)
    a, b = ranks(two_runs[1]), {}
    rows = {(row["mirna"], row["gene"]): (row["rank_a"], row["rank_b"]) for row in comparison.pairs.to_pylist()}
    assert {pair: both[1] for pair, both in rows.items() if both[1] is not None} == a
    for row in comparison.mirnas.to_pylist():
        of_mirna = [both for (mirna, _), both in rows.items() if mirna == row["mirna"]]
        both = [pair for pair in of_mirna if None not in pair]
        assert (row["n_both"], row["n_only_a"], row["n_only_b"]) == (
            len(both),
            sum(pair[1] is None for pair in of_mirna),
            sum(pair[0] is None for pair in of_mirna),
        )
        b[row["mirna"]] = sum(pair[0] <= 5 and pair[1] <= 5 for pair in both)
        if len(both) > 2:
            assert row["spearman"] == pytest.approx(spearmanr(*zip(*both, strict=True)).statistic)
    assert b == dict(zip(comparison.mirnas["mirna"].to_pylist(), comparison.mirnas["n_top_both"].to_pylist(), strict=True))
    gained = {(row["mirna"], row["gene"]) for row in comparison.changed(gained=True).to_pylist()}
    assert gained == {pair for pair, (old, new) in rows.items() if new is not None and new <= 5 and (old is None or old > 5)}


def test_compare__a_run_with_itself_changes_nothing(two_runs, tmp_path):
    comparison = compare_runs(two_runs[1], two_runs[1], top=5)
    assert comparison.spearman == 1 and not comparison.changed(gained=True).num_rows and not comparison.changed(gained=False).num_rows
    draw_comparison(comparison, ("a", "b"), tmp_path / "same.svg")
    assert "<svg" in (tmp_path / "same.svg").read_text()


def test_compare__runs_that_do_not_fit(two_runs, tmp_path):
    (tmp_path / "mirnas.fa").write_text(">other\nUGAGGUAGUAGGUUGUAUAGUU\n")
    scan(out=tmp_path / "c", model="none", **INPUTS | {"mirnas": tmp_path / "mirnas.fa"})
    with pytest.raises(InputError, match="no gene and miRNA in common"):
        compare_runs(two_runs[0], tmp_path / "c")
    with pytest.raises(RunError, match="not a run of mirscan"):
        compare_runs(two_runs[0], tmp_path)


def test_funmirbench__every_pair_with_its_score(two_runs):
    pairs = open_run(two_runs[1]).sql("SELECT * FROM genes ORDER BY gene, mirna")
    heading, *lines = FORMATS["funmirbench"](pairs).decode().splitlines()
    assert heading == "Ensembl_ID\tGene_Name\tmiRNA_ID\tmiRNA_Name\tScore"
    rows = [line.split("\t") for line in lines]
    expected = {(row["gene"], row["mirna"]): -row["predicted_log2fc"] for row in pq.read_table(two_runs[1] / "genes.parquet").to_pylist()}
    assert {(row[0], row[3]): float(row[4]) for row in rows} == pytest.approx(expected)
    with pytest.raises(InputError, match="scan with a model"):
        FORMATS["funmirbench"](open_run(two_runs[0]).sql("SELECT * EXCLUDE (predicted_log2fc) FROM genes"))
