"""What the strongest pairs are, and where each gene stands among those of its miRNA."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirscan.genes.ranking import rank_pairs
from mirscan.run.gene_tables import N_TOP, PairTally
from mirscan.tables import GENES

MIRNAS = ["m0", "m1", "m2"]


def genes(pairs) -> pa.RecordBatch:
    """Pairs as (gene number, miRNA number, predicted log2 fold change)."""
    arrays = []
    for field in GENES.schema():
        if field.name == "mirna":
            arrays.append(pa.DictionaryArray.from_arrays(pa.array([pair[1] for pair in pairs], pa.int32()), pa.array(MIRNAS)))
        elif pa.types.is_dictionary(field.type):
            names = pa.array([f"g{number}" for number in range(50)])
            arrays.append(pa.DictionaryArray.from_arrays(pa.array([pair[0] for pair in pairs], pa.int32()), names))
        elif field.name == "predicted_log2fc":
            arrays.append(pa.array([pair[2] for pair in pairs], pa.float32()))
        else:
            arrays.append(pa.array([1] * len(pairs), field.type))
    return pa.record_batch(arrays, schema=GENES.schema())


def rank_slowly(pairs) -> list[tuple[int, float]]:
    ranks = []
    for _, mirna, change in pairs:
        others = [other[2] for other in pairs if other[1] == mirna]
        stronger = sum(other < change for other in others)
        ranks.append((stronger + 1, 100 * (1 - stronger / len(others))))
    return ranks


changes = st.sampled_from([-2.0, -0.5, -0.25, -0.0, 0.0, 0.5]) | st.floats(-30, 30, width=32)
pairs_of_genes = st.lists(st.tuples(st.integers(0, 49), st.integers(0, 2), changes), max_size=40)


@settings(max_examples=100, deadline=None)
@given(pairs_of_genes)
def test_rank_pairs__equals_the_definition(pairs):
    ranked = rank_pairs(pa.Table.from_batches([genes(pairs)]))
    expected = rank_slowly(pairs)
    assert ranked["rank"].to_pylist() == [rank for rank, _ in expected]
    assert ranked["percentile"].to_pylist() == pytest.approx([percentile for _, percentile in expected], abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(pairs_of_genes, st.integers(1, 5))
def test_pair_tally__strongest_pairs_come_first_and_batches_do_not_show(pairs, size):
    tally = PairTally()
    for first in range(0, len(pairs), size):
        tally.note(genes(pairs[first : first + size]))
    assert tally.n_pairs == len(pairs)
    assert tally.genes == {f"g{pair[0]}" for pair in pairs}
    # Python's sort is stable, so the first wins a tie.
    assert [(row["gene"], row["mirna"]) for _, row in tally.top] == [
        (f"g{gene}", MIRNAS[mirna]) for gene, mirna, _ in sorted(pairs, key=lambda pair: pair[2])[:N_TOP]
    ]


def test_ranks__of_a_run_are_those_among_all_genes_of_the_mirna(runs, golden):
    """Counted slowly from the table itself, whose rows come from several parts."""
    rows = pq.read_table(golden / "genes.parquet").to_pylist()
    expected = rank_slowly([(row["gene"], row["mirna"], row["predicted_log2fc"]) for row in rows])
    assert len(list((golden / "sites").iterdir())) > 3
    assert [row["rank"] for row in rows] == [rank for rank, _ in expected]
    assert [row["percentile"] for row in rows] == pytest.approx([percentile for _, percentile in expected], abs=1e-4)
