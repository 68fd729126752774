"""SITES as tab-separated text, for programs that read no Parquet."""

import os
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc

from mirscan.output.bgzf import BgzfFile
from mirscan.tables import text_rows


def write_sites_text(path: str | os.PathLike, batches: Iterator[pa.RecordBatch]) -> None:
    """Write batches of SITES with one header line, compressed; null is an empty field, blocks are written as 100-104,200-204."""
    with closing(BgzfFile(path)) as file:
        for number, batch in enumerate(batches):
            if number == 0:
                file.write(("\t".join(batch.schema.names) + "\n").encode())
            file.write(text_rows(pa.table([_as_text(column) for column in batch.columns], names=batch.schema.names)))


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
