import itertools
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirscan.errors import InputError
from mirscan.genes import aggregate_genes
from mirscan.genes.aggregation import GeneAggregator, name_genes
from mirscan.tables import GENES, SITES

RULES = ("8mer", "7mer-m8", "7mer-A1", "6mer", "offset-6mer")
LENGTHS = {"8mer": 8, "7mer-m8": 7, "7mer-A1": 7, "6mer": 6, "offset-6mer": 6}
COUNTS = {"8mer": "n_8mer", "7mer-m8": "n_7mer_m8", "7mer-A1": "n_7mer_a1", "6mer": "n_6mer", "offset-6mer": "n_other"}


def make_sites(rows) -> pa.Table:
    """rows: (transcript, gene, mirna, start, seed, score)."""
    columns = {
        "transcript": [row[0] for row in rows],
        "gene": [row[1] for row in rows],
        "mirna": [row[2] for row in rows],
        "start": [row[3] for row in rows],
        "end": [row[3] + LENGTHS[row[4]] for row in rows],
        "seed": [row[4] for row in rows],
        "score": [row[5] for row in rows],
        "window_start": [None] * len(rows),
        "window_end": [None] * len(rows),
    }
    schema = SITES.schema()
    arrays = []
    for field in schema:
        is_name = pa.types.is_dictionary(field.type)
        plain = pa.array(columns[field.name], pa.string() if is_name else field.type)
        arrays.append(plain.dictionary_encode().cast(field.type) if is_name else plain)
    return pa.table(arrays, schema=schema)


def combine_slowly(sites) -> float:
    """The greatest 1 - product of (1 - p) of any set of sites (start, end, p) that do not overlap, by trying all sets."""
    best = 0.0
    for size in range(1, len(sites) + 1):
        for chosen in itertools.combinations(sorted(sites), size):
            if all(one[1] <= other[0] for one, other in itertools.pairwise(chosen)):
                best = max(best, 1 - np.prod([1 - p for _, _, p in chosen]))
    return best


def count_apart_slowly(sites) -> int:
    """The most sites (start, end) of any set that do not overlap, by trying all sets."""
    for size in range(len(sites), 0, -1):
        for chosen in itertools.combinations(sorted(sites), size):
            if all(one[1] <= other[0] for one, other in itertools.pairwise(chosen)):
                return size
    return 0


def aggregate_slowly(rows, is_scored: bool) -> list[dict]:
    isoforms = defaultdict(list)
    for row in rows:
        isoforms[row[1], row[2], row[0]].append(row)
    best = {}
    for (gene, mirna, transcript), sites in isoforms.items():
        counts = {name: sum(COUNTS[row[4]] == name for row in sites) for name in COUNTS.values()}
        apart = count_apart_slowly([(row[3], row[3] + LENGTHS[row[4]]) for row in sites])
        combined = combine_slowly([(row[3], row[3] + LENGTHS[row[4]], row[5]) for row in sites]) if is_scored else None
        record = {"gene": gene, "symbol": gene, "mirna": mirna, "transcript": transcript, "n_sites": len(sites), **counts, "n_apart": apart}
        record |= {"best_score": max(row[5] for row in sites) if is_scored else None, "combined_score": combined, "n_windows": len(sites)}
        record |= {"predicted_log2fc": None, "rank": None, "percentile": None}
        rank = (combined or 0.0, *counts.values())
        if (gene, mirna) not in best or rank > best[gene, mirna][0]:
            best[gene, mirna] = (rank, record)
    genes, mirnas = (list(dict.fromkeys(row[column] for row in rows)) for column in (1, 2))
    order = sorted(best, key=lambda pair: (genes.index(pair[0]), mirnas.index(pair[1])))
    return [best[pair][1] for pair in order]


def assert_same(found: pa.Table, expected: list[dict]) -> None:
    assert found.schema.names == list(GENES.names)
    assert found.drop(["best_score", "combined_score"]).to_pylist() == [
        {name: value for name, value in row.items() if not name.endswith("_score")} for row in expected
    ]
    for name in ("best_score", "combined_score"):
        assert found[name].to_pylist() == pytest.approx([row[name] for row in expected], abs=1e-6)


@st.composite
def site_rows(draw, is_scored: bool):
    rows = []
    for transcript in range(draw(st.integers(1, 5))):
        gene = f"g{draw(st.integers(0, 2))}"
        starts = sorted(draw(st.lists(st.integers(0, 25), max_size=8)))
        for start in starts:
            # Few distinct scores, eighths, so that ties and equal sums happen and are exact.
            score = draw(st.integers(0, 7)) / 8 if is_scored else None
            rows.append((f"t{transcript}", gene, f"m{draw(st.integers(0, 2))}", start, draw(st.sampled_from(RULES)), score))
    return rows


@settings(max_examples=150, deadline=None)
@given(site_rows(is_scored=False))
def test_aggregate_genes__equals_the_definition_without_scores(rows):
    assert_same(aggregate_genes(make_sites(rows)), aggregate_slowly(rows, is_scored=False))


@settings(max_examples=150, deadline=None)
@given(site_rows(is_scored=True))
def test_aggregate_genes__combined_score_equals_the_definition(rows):
    found = {(row["gene"], row["mirna"]): row["combined_score"] for row in aggregate_genes(make_sites(rows)).to_pylist()}
    expected = {(row["gene"], row["mirna"]): row["combined_score"] for row in aggregate_slowly(rows, is_scored=True)}
    assert found == pytest.approx(expected, abs=1e-6)


def test_aggregate_genes__one_row_describes_the_better_isoform():
    rows = [("t1", "g", "m", 0, "8mer", 0.5), ("t1", "g", "m", 50, "6mer", 0.1), ("t2", "g", "m", 0, "8mer", 0.75)]
    assert_same(aggregate_genes(make_sites(rows)), aggregate_slowly(rows, is_scored=True))
    assert aggregate_genes(make_sites(rows)).to_pylist()[0]["transcript"] == "t2"


def test_aggregate_genes__isoforms_apart_in_the_input_merge_to_one_row():
    rows = [("t1", "g", "m", 0, "6mer", None), ("t2", "h", "m", 0, "8mer", None), ("t3", "g", "m", 0, "8mer", None)]
    found = aggregate_genes(make_sites(rows)).to_pylist()
    assert [(row["gene"], row["transcript"], row["n_sites"]) for row in found] == [("g", "t3", 1), ("h", "t2", 1)]


def test_aggregate_genes__the_first_isoform_wins_a_tie():
    rows = [("t1", "g", "m", 0, "8mer", 0.5), ("t2", "g", "m", 9, "8mer", 0.5)]
    assert aggregate_genes(make_sites(rows)).to_pylist()[0]["transcript"] == "t1"


def test_aggregate_genes__of_overlapping_sites_the_best_counts():
    rows = [
        ("t", "g", "m", 0, "8mer", 0.5),
        ("t", "g", "m", 6, "8mer", 0.75),
        ("t", "g", "m", 12, "8mer", 0.5),
        ("t", "g", "m", 40, "8mer", 0.5),
    ]
    # 0.5 and 0.5 either side equal the 0.75 between them; the site at 40 stands alone.
    assert aggregate_genes(make_sites(rows)).to_pylist()[0]["combined_score"] == pytest.approx(1 - 0.25 * 0.5)


def test_aggregate_genes__tandem_repeat_counts_once_a_length():
    rows = [("t", "g", "m", start, "8mer", None) for start in range(0, 40, 2)]
    found = aggregate_genes(make_sites(rows)).to_pylist()[0]
    assert (found["n_sites"], found["n_8mer"], found["n_apart"]) == (20, 20, 5)


def test_aggregate_genes__certain_site_gives_one():
    assert aggregate_genes(make_sites([("t", "g", "m", 0, "8mer", 1.0)])).to_pylist()[0]["combined_score"] == 1.0


def test_aggregate_genes__nothing_in_nothing_out():
    assert len(aggregate_genes(make_sites([]))) == 0


def test_aggregate_genes__half_scored_table_is_refused():
    with pytest.raises(InputError, match="1 of 2 sites have no score"):
        aggregate_genes(make_sites([("t", "g", "m", 0, "8mer", 1.0), ("t", "g", "m", 9, "8mer", None)]))


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_gene_aggregator__batches_do_not_show(step):
    rng = np.random.default_rng(5)
    n = 500
    transcript = np.sort(rng.integers(0, 12, n)).astype(np.int32)
    start = rng.integers(0, 300, n).astype(np.int32)
    order = np.lexsort((start, transcript))
    columns = [
        transcript,
        rng.integers(0, 5, n).astype(np.int32),
        start[order],
        start[order] + np.int32(7),
        rng.integers(0, 5, n).astype(np.int32),
    ]
    columns.append(rng.random(n, dtype=np.float32))
    windows = np.full(n, 9, np.int32)
    transcripts, genes = pa.array([f"t{i}" for i in range(12)]), pa.array([f"g{i // 3}" for i in range(12)])
    names = name_genes(transcripts, genes, pa.array(["S"] * 12), pa.array([f"m{i}" for i in range(5)]), RULES)
    aggregator = GeneAggregator(names, is_scored=True)
    batches = [aggregator.add(*(column[first : first + step] for column in (*columns, windows))) for first in range(0, n, step)]
    found = pa.Table.from_batches([*batches, aggregator.finish()])
    whole = GeneAggregator(names, is_scored=True)
    assert found.combine_chunks().equals(pa.Table.from_batches([whole.add(*columns, windows), whole.finish()]).combine_chunks())
    assert set(found["n_windows"].to_pylist()) == {9}
    assert set(found["symbol"].to_pylist()) == {"S"}
    assert found["n_sites"].to_numpy().sum() < n
