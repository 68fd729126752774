import collections
import json
import os
import platform

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mirscan.errors import InputError
from mirscan.genes import aggregate_genes
from mirscan.run import resume
from mirscan.run.sites import whole_transcripts
from mirscan.scoring import score_candidates, strongest_sites
from mirscan.search.candidates import find_candidates, iter_candidates
from mirscan.seeds.rules import BUILT_IN, GROUPS
from mirscan.sequence.mirnas import read_mirnas
from mirscan.sequence.transcriptome import read_transcriptome
from tests.reference import one_of_overlapping


@pytest.fixture(scope="module")
def scored(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("scored") / "out"
    runs.scan(out, model="duplex")
    return out


@pytest.fixture(scope="module")
def strict(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("strict") / "out"
    result = runs.scan(out, model="duplex", min_score=0.4)
    return out, result


def key(row: dict) -> tuple:
    return row["transcript"], row["start"], row["mirna"]


def test_scored__sites_equal_the_functions_for_tables(runs, scored):
    transcriptome, mirnas = read_transcriptome(runs.transcripts), read_mirnas(runs.mirnas)
    expected = score_candidates(find_candidates(transcriptome, mirnas), transcriptome, mirnas, "duplex").to_pylist()
    found = runs.sites(scored).to_pylist()
    assert sorted(found, key=key) == sorted(expected, key=key)


@pytest.fixture(scope="module")
def relaxed(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("relaxed") / "out"
    runs.scan(out, model="duplex", seeds="relaxed")
    return out


def test_scored__of_overlapping_matches_the_strongest_is_a_site(runs, relaxed, scored):
    transcriptome, mirnas = read_transcriptome(runs.transcripts), read_mirnas(runs.mirnas)
    every = score_candidates(find_candidates(transcriptome, mirnas, "relaxed"), transcriptome, mirnas, "duplex")
    rules = list(BUILT_IN)
    rows = every.to_pylist()
    expected = one_of_overlapping(rows, lambda row: row["score"] - 1e-9 * rules.index(row["seed"]))
    found = runs.sites(relaxed)
    assert len(expected) < len(rows)
    assert sorted(found.to_pylist(), key=key) == sorted(expected, key=key)
    assert strongest_sites(every).num_rows == len(expected)
    is_canonical = [row["seed"] in GROUPS["canonical"] for row in expected]
    assert sum(is_canonical) == runs.sites(scored).num_rows
    genes = pq.read_table(relaxed / "genes.parquet", columns=["n_sites", "n_windows"])
    # A match that is no site counts as looked at.
    assert np.all(genes["n_sites"].to_numpy() <= genes["n_windows"].to_numpy()) and genes["n_sites"] != genes["n_windows"]


@pytest.mark.parametrize("how", [{"part_rows": 200}, {"workers": 2}])
def test_scored__overlaps_do_not_know_of_parts(runs, relaxed, tmp_path, how):
    runs.scan(tmp_path / "out", model="duplex", seeds="relaxed", **how)
    assert runs.sites(tmp_path / "out").to_pylist() == runs.sites(relaxed).to_pylist()


def test_scored__all_types_has_all_matches(runs, tmp_path):
    runs.scan(tmp_path / "out", model="duplex", seeds="relaxed", all_types=True)
    transcriptome, mirnas = read_transcriptome(runs.transcripts), read_mirnas(runs.mirnas)
    assert runs.sites(tmp_path / "out").num_rows == len(find_candidates(transcriptome, mirnas, "relaxed", all_types=True))


def test_whole_transcripts__cuts_between_transcripts_only(runs):
    transcriptome, mirnas = read_transcriptome(runs.transcripts), read_mirnas(runs.mirnas)
    whole = find_candidates(transcriptome, mirnas)
    for size in (1, 7, 50, 10_000):
        batches = list(whole_transcripts(iter_candidates(transcriptome, mirnas, batch_rows=size)))
        assert pa.Table.from_batches(batches).to_pylist() == whole.to_pylist()
        names = [set(batch["transcript"].to_pylist()) for batch in batches]
        assert sum(map(len, names)) == len(set.union(*names))
    assert list(whole_transcripts(iter([]))) == []


def test_scored__bed_and_genes_carry_the_scores(runs, scored):
    sites = runs.sites(scored)
    scores = sites["score"].to_numpy()
    assert [int(row[4]) for row in runs.bed(scored)] == np.floor(scores.astype(np.float64) * 1000 + 0.5).astype(int).tolist()
    found = {(row["gene"], row["mirna"]): row for row in pq.read_table(scored / "genes.parquet").to_pylist()}
    for row in aggregate_genes(sites, read_transcriptome(runs.transcripts), read_mirnas(runs.mirnas)).to_pylist():
        assert found[row["gene"], row["mirna"]] | {"symbol": row["gene"]} == row
    assert pq.read_schema(scored / "sites" / "part-00000.parquet").metadata[b"model"] == b"duplex"


def test_scored__result_ranks_by_predicted_repression(runs, scored):
    result = resume(scored)
    best = np.sort(pq.read_table(scored / "genes.parquet")["predicted_log2fc"].to_numpy())
    assert [row["predicted_log2fc"] for row in result.top_pairs] == pytest.approx(best[:10].tolist())
    assert result.top_pairs[0]["rank"] == 1
    report = json.loads((scored / "run.json").read_text())["result"]
    assert report["scorer"]["engine"] == "duplex"
    assert report["scoring"]["pairs"] == result.n_sites >= report["scoring"]["computed"] > 0
    # This process alone made the parts.
    assert set(report["peak_memory_mb"]) == {"main", f"{platform.node()}:{os.getpid()}"}


@pytest.mark.parametrize(
    ("method", "combine"),
    [
        ("sum", lambda scores: scores.sum()),
        ("occupancy", lambda scores: np.log1p(scores.sum())),
        ("best", lambda scores: scores.max()),
        ("noisy-or", lambda scores: 1 - np.prod(1 - scores * 0.005 / (scores * 0.005 + (1 - scores) * 0.995))),
    ],
)
def test_scored__gene_method_ranks_the_genes(runs, tmp_path, method, combine):
    runs.scan(tmp_path / "out", model="duplex", gene_method=method)
    genes = pq.read_table(tmp_path / "out" / "genes.parquet").to_pandas()
    sites = runs.sites(tmp_path / "out").to_pandas()
    single = genes[genes.n_sites <= 1].merge(sites, on=["transcript", "mirna"])
    assert len(single) > 3
    assert single.gene_score.to_numpy() == pytest.approx(
        single.score.map(lambda p: combine(np.array([p], np.float64))).to_numpy(), abs=1e-6
    )
    order = genes.sort_values(["mirna", "rank"])
    assert all(group.gene_score.is_monotonic_decreasing for _, group in order.groupby("mirna", observed=True))


def test_scored__gene_method_without_scores_is_refused(runs, tmp_path):
    with pytest.raises(InputError, match="--gene-method sum adds up scores"):
        runs.scan(tmp_path / "out", gene_method="sum")


def test_scored__whole_mrnas_have_regions(runs, tmp_path):
    lengths = read_transcriptome(runs.transcripts)
    table = "transcript\tcds_start\tcds_end\n"
    table += "".join(f"{name}\t100\t300\n" for name in lengths.names.to_pylist()[:-1])
    (tmp_path / "cds.tsv").write_text(table)
    result = runs.scan(tmp_path / "out", cds=tmp_path / "cds.tsv")
    sites = runs.sites(tmp_path / "out").to_pandas()
    last = lengths.names[-1].as_py()
    expected = [
        "3utr" if name == last or start >= 300 else "5utr" if start < 100 else "cds"
        for name, start in zip(sites.transcript, sites.start, strict=True)
    ]
    assert sites.region.tolist() == expected
    genes = pq.read_table(tmp_path / "out" / "genes.parquet")
    assert genes.schema.metadata[b"repression_form"] == b"mrna"
    pairs = genes.to_pandas()
    counted = sites.groupby(["transcript", "mirna", "region"], observed=True).size()
    for row in pairs.itertuples():
        assert (row.n_5utr, row.n_cds, row.n_3utr) == tuple(
            counted.get((row.transcript, row.mirna, region), 0) for region in ("5utr", "cds", "3utr")
        )
    assert "1 transcript has no coding sequence and counts as 3'UTR" in " ".join(result.warnings)
    runs.scan(tmp_path / "two", cds=tmp_path / "cds.tsv", part_rows=37, threads=2)
    assert runs.contents(tmp_path / "two") == runs.contents(tmp_path / "out")


def test_scored__min_score_drops_rows_but_not_the_windows_considered(runs, scored, strict):
    out, result = strict
    every = runs.sites(scored).to_pylist()
    kept = runs.sites(out).to_pylist()
    assert kept == [row for row in every if row["score"] >= np.float32(0.4)]
    assert 0 < len(kept) < len(every) == result.n_candidates
    assert result.n_sites == len(kept)
    considered = collections.Counter((row["transcript"], row["mirna"]) for row in every)
    genes = pq.read_table(out / "genes.parquet").to_pylist()
    assert len(genes) == len({(row["gene"], row["mirna"]) for row in kept})
    assert all(row["n_windows"] == considered[row["transcript"], row["mirna"]] >= row["n_sites"] for row in genes)
    assert any(row["n_windows"] > row["n_sites"] for row in genes)


def test_scored__parts_and_lost_window_counts_do_not_show(runs, strict, tmp_path):
    out, _ = strict
    runs.scan(tmp_path / "one", model="duplex", min_score=0.4, part_rows=10**6)
    assert runs.contents(tmp_path / "one") == runs.contents(out)
    runs.scan(tmp_path / "two", model="duplex", min_score=0.4)
    (tmp_path / "two" / "work" / "part-00001.windows.parquet").unlink()
    resume(tmp_path / "two")
    assert runs.results(tmp_path / "two") == runs.results(out)


def test_scored__features_become_columns(runs, scored, tmp_path):
    runs.scan(tmp_path / "out", model="duplex", features="energy,local_au,previous_distance", min_score=0.4)
    table = runs.sites(tmp_path / "out")
    assert table.schema.names[-3:] == ["local_au", "previous_distance", "energy"]
    assert (table["energy"].to_numpy() < 0).all()
    assert table["local_au"].to_numpy().min() > 0
    assert table["previous_distance"].to_numpy().min() == -1
    plain = runs.sites(tmp_path / "out").drop(["local_au", "previous_distance", "energy"])
    assert plain.to_pylist() == [row for row in runs.sites(scored).to_pylist() if row["score"] >= np.float32(0.4)]
