"""Joined Parquet files are read by Arrow and by DuckDB, which has a reader of its own."""

import io

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mirscan.output.parquet_join import ParquetJoin
from mirscan.output.thrift import decode_struct, encode_struct


def make_table(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    names = pa.DictionaryArray.from_arrays(rng.integers(0, 3, n).astype(np.int32), [f"a{seed}", "b", "päper"])
    table = pa.table({"name": names, "n": rng.integers(-(10**9), 10**9, n), "score": rng.random(n, dtype=np.float32)})
    return table.replace_schema_metadata({"model": "none"})


def as_file(table: pa.Table, **options) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=100, **options)
    return buffer.getvalue()


def join(path, groups_of_files: list[list[bytes]], empty: bytes) -> None:
    """Join files; those of one inner list have some of the columns each."""
    folder = path.with_suffix("")
    folder.mkdir()
    (folder / "empty").write_bytes(empty)
    with open(path, "wb") as file:
        joined = ParquetJoin(file, folder / "empty")
        for group in groups_of_files:
            for number, data in enumerate(group):
                (folder / str(number)).write_bytes(data)
            joined.write(*(folder / str(number) for number in range(len(group))))
        joined.close()


OPTIONS = [{}, {"write_page_index": True, "compression": "zstd"}, {"use_dictionary": False}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cut", [None, (["score", "name"], ["n"])])
def test_parquet_join__holds_the_rows_and_columns_of_all_files_in_order(tmp_path, options, cut):
    tables = [make_table(n, seed) for seed, n in enumerate([250, 0, 1, 1_730])]
    columns = cut or (tables[0].schema.names,)
    path = tmp_path / "all.parquet"
    join(path, [[as_file(table.select(names), **options) for names in columns] for table in tables], as_file(tables[1], **options))
    expected = [row for table in tables for row in table.to_pylist()]
    found = pq.read_table(path)
    assert found.to_pylist() == expected
    assert found.schema.equals(tables[0].schema, check_metadata=True)
    assert duckdb.sql(f"select * from '{path}'").fetchall() == [tuple(row.values()) for row in expected]
    # Statistics of row groups are used to skip them.
    largest = max(expected, key=lambda row: row["n"])
    assert pq.read_table(path, filters=[("n", ">=", largest["n"])]).to_pylist() == [largest]
    joined = pq.ParquetFile(path)
    groups = [joined.read_row_group(number) for number in range(joined.num_row_groups)]
    assert [row for group in groups for row in group.to_pylist()] == expected
    for group in map(joined.metadata.row_group, range(joined.num_row_groups)):
        assert group.total_byte_size == sum(group.column(column).total_uncompressed_size for column in range(3))


def test_parquet_join__one_file_stays_as_it_is(tmp_path):
    data = as_file(make_table(1_000, 1))
    join(tmp_path / "one.parquet", [[data]], as_file(make_table(0, 1)))
    assert (tmp_path / "one.parquet").read_bytes() == data


def test_parquet_join__files_of_other_row_groups_are_refused(tmp_path):
    table = make_table(300, 1)
    with pytest.raises(ValueError, match="zip"):
        join(tmp_path / "x.parquet", [[as_file(table.select(["name"])), as_file(table.select(["n", "score"])[:50])]], as_file(table[:0]))


def test_thrift__footers_survive_and_unknown_types_are_refused():
    for seed, n in enumerate([0, 5, 3_000]):
        data = as_file(make_table(n, seed))
        footer = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]
        assert encode_struct(decode_struct(footer)) == footer
    values = {1: (5, -3), 40: (7, 0.5), 41: (1, True), 42: (2, False), 43: (9, (8, [b"x"] * 20)), 300: (6, -(2**62)), 301: (3, 7)}
    assert decode_struct(encode_struct(values)) == values
    with pytest.raises(ValueError, match="thrift type 11 at byte 1"):
        decode_struct(bytes([0x1B, 0]))
