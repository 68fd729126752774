"""What the strongest pairs are, and where each gene stands among those of its miRNA."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirscan.genes.ranking import rank_pairs
from mirscan.run.gene_files import N_TOP, GeneFiles
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


pairs_of_genes = st.lists(
    st.tuples(st.integers(0, 49), st.integers(0, 2), st.sampled_from([-2.0, -0.5, -0.25, -0.0, 0.0, 0.5])), max_size=40
)


@settings(max_examples=100, deadline=None)
@given(pairs_of_genes)
def test_rank_pairs__equals_the_definition(pairs):
    ranked = rank_pairs(pa.Table.from_batches([genes(pairs)]))
    expected = rank_slowly(pairs)
    assert ranked["rank"].to_pylist() == [rank for rank, _ in expected]
    assert ranked["percentile"].to_pylist() == pytest.approx([percentile for _, percentile in expected], abs=1e-4)


def write(folder, pairs, size: int) -> GeneFiles:
    with GeneFiles(folder / "scratch", folder / "genes.parquet", folder / "genes.tsv.gz", GENES.schema()) as files:
        for first in range(0, len(pairs), size):
            files.write(genes(pairs[first : first + size]))
    return files


def test_gene_files__batches_do_not_show(tmp_path):
    rng = np.random.default_rng(1)
    pairs = [(number // 3, number % 3, -float(rng.random())) for number in range(150)]
    written = []
    for size in (150, 30):
        folder = tmp_path / str(size)
        folder.mkdir()
        files = write(folder, pairs, size)
        written.append(((folder / "genes.parquet").read_bytes(), (folder / "genes.tsv.gz").read_bytes()))
        assert (files.n_pairs, len(files.genes)) == (150, 50)
        assert not (folder / "scratch").exists()
    assert written[0] == written[1]
    ranks = pq.read_table(tmp_path / "150" / "genes.parquet")["rank"].to_pylist()
    assert ranks == [rank for rank, _ in rank_slowly(pairs)]


def test_gene_files__strongest_pairs_come_first_and_the_first_wins_a_tie(tmp_path):
    pairs = [(number, 0, -1.0 if number in (7, 9) else -number / 100) for number in range(50)]
    top = write(tmp_path, pairs, 5).top
    assert len(top) == N_TOP
    assert [row["gene"] for row in top[:3]] == ["g7", "g9", "g49"]
    assert [row["rank"] for row in top[:3]] == [1, 1, 3]


def test_gene_files__an_error_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), GeneFiles(tmp_path / "s", tmp_path / "p", tmp_path / "t", GENES.schema()) as files:
        files.write(genes([(0, 0, -1.0)]))
        raise RuntimeError
    assert not list(tmp_path.iterdir())
