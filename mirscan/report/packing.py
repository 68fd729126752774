"""A table in as few letters as a page can hold it: by column, names by number, gzip in base64; the browser unpacks it."""

import base64
import gzip
import json

import pyarrow as pa


def pack_table(table: pa.Table) -> str:
    """Base64 of gzipped JSON: {"rows": n, "columns": {name: {"names": distinct, "index": numbers} or {"values": numbers}}}.

    Floats keep six significant digits; null stays null.
    """
    packed = {"rows": table.num_rows, "columns": {name: _pack_column(table[name]) for name in table.column_names}}
    text = json.dumps(packed, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _pack_column(column: pa.ChunkedArray) -> dict:
    if pa.types.is_string(column.type):
        coded = column.combine_chunks().dictionary_encode()
        return {"names": coded.dictionary.to_pylist(), "index": coded.indices.to_pylist()}
    values = column.to_pylist()
    is_float = pa.types.is_floating(column.type)
    return {"values": [float(f"{value:.6g}") if value is not None else None for value in values] if is_float else values}
