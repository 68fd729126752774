import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mirscan.output import parquet
from mirscan.output.parquet import ParquetRows
from mirscan.tables import SITES

SCHEMA = SITES.schema({"model": "base"})


def make_batch(n: int = 1000) -> pa.RecordBatch:
    rng = np.random.default_rng(7)
    start = np.arange(n, dtype=np.int32)
    names = {"transcript": ["tx1", "tx2"], "gene": ["gA", "gB"], "mirna": ["miR-1", "miR-2", "miR-3"], "seed": ["8mer", "6mer"]}
    columns = {
        name: pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, len(values), n), SCHEMA.field(name).type.index_type), pa.array(values)
        )
        for name, values in names.items()
    }
    columns |= {"start": start, "end": start + 8, "window_start": start, "window_end": start + 50, "score": rng.random(n, dtype=np.float32)}
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def write(path, batches, **options) -> bytes:
    with ParquetRows(path, SCHEMA, **options) as rows:
        for batch in batches:
            rows.write(batch)
    return path.read_bytes()


@pytest.mark.parametrize("step", [1, 99, 256, 1000])
def test_parquet__bytes_do_not_depend_on_batches_or_threads(tmp_path, monkeypatch, step):
    monkeypatch.setattr(parquet, "ROW_GROUP", 256)
    batch = make_batch()
    whole = write(tmp_path / "whole.parquet", [batch])
    cut = [batch.slice(first, step) for first in range(0, len(batch), step)]
    assert write(tmp_path / "cut.parquet", cut, background=True) == whole
    assert pq.ParquetFile(tmp_path / "whole.parquet").metadata.num_row_groups == 4


def test_parquet__rows_come_back_with_descriptions_and_model(tmp_path):
    batch = make_batch()
    write(tmp_path / "part.parquet", [batch])
    table = pq.read_table(tmp_path / "part.parquet")
    assert table.equals(pa.Table.from_batches([batch]))
    assert table.schema.metadata[b"model"] == b"base"
    assert b"0-based" in table.schema.field("start").metadata[b"description"]


def test_parquet__pandas_and_duckdb_read_names_as_text(tmp_path):
    write(tmp_path / "part.parquet", [make_batch()])
    frame = pd.read_parquet(tmp_path / "part.parquet")
    assert set(frame["seed"].unique()) == {"8mer", "6mer"}
    found = duckdb.sql(f"select transcript, gene, mirna, seed, start, score from '{tmp_path}/part.parquet' where start = 3").fetchall()
    assert found == [tuple(frame.loc[3, ["transcript", "gene", "mirna", "seed", "start", "score"]])]


def test_parquet__no_rows_make_a_readable_file(tmp_path):
    write(tmp_path / "part.parquet", [])
    assert pq.read_table(tmp_path / "part.parquet").schema.names == list(SITES.names)


@pytest.mark.parametrize("background", [False, True])
def test_parquet__an_error_removes_the_unfinished_file(tmp_path, background):
    with pytest.raises(KeyError), ParquetRows(tmp_path / "part.parquet", SCHEMA, background=background) as rows:
        rows.write(make_batch())
        raise KeyError("mid way")
    assert list(tmp_path.iterdir()) == []
