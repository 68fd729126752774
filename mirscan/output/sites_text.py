"""SITES as tab-separated text, for programs that read no Parquet."""

import io
import os
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from mirscan.output.bgzf import BgzfFile

_UNQUOTED, _QUOTED = (pyarrow.csv.WriteOptions(include_header=False, delimiter="\t", quoting_style=style) for style in ("none", "needed"))


def write_sites_text(path: str | os.PathLike, batches: Iterator[pa.RecordBatch]) -> None:
    """Write batches of SITES with one header line, compressed; null is an empty field, blocks are written as 100-104,200-204."""
    with closing(BgzfFile(path)) as file:
        for number, batch in enumerate(batches):
            if number == 0:
                file.write(("\t".join(batch.schema.names) + "\n").encode())
            file.write(text_rows(pa.table([_as_text(column) for column in batch.columns], names=batch.schema.names)))


def text_rows(table: pa.Table) -> bytes:
    """Rows between tabs, without a heading; null is an empty field. Text is quoted only where some of it would break the rows: quotes in
    names, and tabs and line ends in what a user's SQL makes.
    """
    buffer = io.BytesIO()
    try:
        pyarrow.csv.write_csv(table, buffer, _UNQUOTED)
    except pa.ArrowInvalid:
        buffer = io.BytesIO()
        pyarrow.csv.write_csv(table, buffer, _QUOTED)
    return buffer.getvalue()


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    if not pa.types.is_list(column.type):
        return column
    blocks = column.flatten()
    pairs = pc.binary_join_element_wise(*(pc.cast(blocks.field(side), pa.string()) for side in ("start", "end")), "-")
    # `flatten` begins with the first list, wherever its values begin.
    offsets = pc.subtract(column.offsets, column.offsets[0])
    return pc.binary_join(pa.ListArray.from_arrays(offsets, pairs), ",")
