"""Parquet files whose bytes depend on the rows alone, not on how they arrived."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.output.background import Background

# A million SITES rows are 3 MB on disk and 34 MB in memory, and about what a part has: two halves would be twice as many pages,
# compressors and entries of the footer, which one process joins. Readers take row groups in parallel.
ROW_GROUP = 1 << 20
# Measured on 2 M canonical sites: zstd level 1 with delta-packed positions 2.7 bytes a row and 15 M rows/s on one core;
# pyarrow's defaults 4.6 bytes and 7 M rows/s.
COMPRESSION, COMPRESSION_LEVEL = "zstd", 1
# Values that Arrow encodes at once. It looks for the least and greatest of each lot, for names by gathering them anew: in its usual lots
# of 1,024 that is a sixth of all the time.
LOT = 1 << 16
# Minimum and maximum of miRNA and seed span everything in every row group; leaving them out saves a third of the time.
WITHOUT_STATISTICS = ("mirna", "seed", "symbol")


class ParquetRows:
    """Appends record batches of one schema to a Parquet file in row groups of exactly `ROW_GROUP` rows.

    Batches must share their dictionaries within a row group. With `background` encoding runs in a thread of its own. Use as a
    context manager: on an error the unfinished file is removed.
    """

    def __init__(self, path: str | os.PathLike, schema: pa.Schema, background: bool = False):
        self.path = Path(path)
        self.n_rows = 0
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        self._writer = pq.ParquetWriter(os.fspath(path), schema, **_options(schema))
        self._background = Background(self._write_group) if background else None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch of any length."""
        self.n_rows += len(batch)
        while len(batch):
            taken = min(len(batch), ROW_GROUP - self._n_waiting)
            self._waiting.append(batch.slice(0, taken))
            self._n_waiting += taken
            batch = batch.slice(taken)
            if self._n_waiting == ROW_GROUP:
                self._flush()

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._n_waiting:
            self._flush()
        if self._background:
            self._background.close()
        self._writer.close()

    def _flush(self) -> None:
        group, self._waiting, self._n_waiting = self._waiting, [], 0
        if self._background:
            self._background.put(group)
        else:
            self._write_group(group)

    def _write_group(self, batches: list[pa.RecordBatch]) -> None:
        # One chunk a column: pages are cut within chunks, so chunks would show in the bytes.
        table = pa.Table.from_batches(batches, self._schema).combine_chunks()
        self._writer.write_table(table, row_group_size=ROW_GROUP)

    def __enter__(self) -> "ParquetRows":
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        if error_type is None:
            self.close()
            return
        try:
            if self._background:
                self._background.close()
            self._writer.close()
        finally:
            self.path.unlink(missing_ok=True)


def _options(schema: pa.Schema) -> dict:
    names = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    integers = [path for field in schema for path in _integer_paths(field.name, field.type)]
    return {
        "compression": COMPRESSION,
        "compression_level": COMPRESSION_LEVEL,
        "write_batch_size": LOT,
        "use_dictionary": names,
        "column_encoding": dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        "write_statistics": [field.name for field in schema if field.name not in WITHOUT_STATISTICS],
    }


def _integer_paths(name: str, kind: pa.DataType) -> list[str]:
    """Paths, as Parquet writes them, of the whole numbers within a column; dictionaries have an encoding of their own."""
    if pa.types.is_list(kind):
        return _integer_paths(f"{name}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [path for field in kind for path in _integer_paths(f"{name}.{field.name}", field.type)]
    return [name] if pa.types.is_integer(kind) else []
