"""GENES as tab-separated text."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from mirscan.jit import helper, njit
from mirscan.output.text import (
    DECIMALS,
    MINUS,
    NUMBER_WIDTH,
    TAB,
    ZERO,
    pack_names,
    put_byte,
    put_int,
    put_name,
    put_number,
    put_scientific,
    text_buffer,
)
from mirscan.tables import PAIR_SIGNIFICANCE

NAMES = ("gene", "symbol", "mirna", "transcript")
CHUNK_ROWS = 1 << 15
# Decimals of numbers with fewer than `DECIMALS`, as more would be false precision: `rank` tells neighbours apart, Parquet has every digit.
WHOLE, SCIENTIFIC = 0, -1
_DECIMALS = {"predicted_log2fc": 4, "percentile": 2} | {column.name: SCIENTIFIC for column in PAIR_SIGNIFICANCE}


class GenesText:
    """GENES batches of one schema as lines; null is an empty field, numbers have six decimals or fewer, p- and
    q-values four digits. pyarrow's CSV writer takes five times as long."""

    def __init__(self, schema: pa.Schema):
        self.header = ("\t".join(schema.names) + "\n").encode()
        self._has_region = "region" in schema.names
        self._numbers = [field for field in schema if not pa.types.is_dictionary(field.type)]
        self._decimals = np.array([_decimals_of(field) for field in self._numbers])

    def format(self, batch: pa.RecordBatch) -> Iterator[np.ndarray]:
        """The text of a batch in chunks (bytes,) uint8; each is overwritten by the next."""
        tables = [pack_names(f"{name}\t" for name in batch[column].dictionary.to_pylist()) for column in NAMES]
        # The region is the last column, where there is one.
        ends = [f"\t{name}\n" for name in batch["region"].dictionary.to_pylist()] if self._has_region else ["\n"]
        tables.append(pack_names(ends))
        arrays = [array for table in tables for array in (table.offsets, table.data)]
        width = sum(table.width for table in tables) + len(self._numbers) * (NUMBER_WIDTH + 1)
        buffer = text_buffer(CHUNK_ROWS * width)
        indices, values = np.zeros((len(NAMES) + 1, CHUNK_ROWS), np.int32), np.empty((len(self._numbers), CHUNK_ROWS))
        for first in range(0, len(batch), CHUNK_ROWS):
            rows = batch.slice(first, CHUNK_ROWS)
            self._fill(rows, indices, values)
            yield buffer[: format_rows(len(rows), indices, values, self._decimals, *arrays, buffer)]

    def _fill(self, rows: pa.RecordBatch, indices: np.ndarray, values: np.ndarray) -> None:
        """Put the columns of rows where the kernel reads them."""
        for number, name in enumerate((*NAMES, *("region",) * self._has_region)):
            indices[number, : len(rows)] = rows[name].indices.to_numpy()
        for number, field in enumerate(self._numbers):
            # Doubles hold every int32 and float32 as it is.
            values[number, : len(rows)] = rows[field.name].to_numpy(zero_copy_only=False)


def _decimals_of(field: pa.Field) -> int:
    return WHOLE if pa.types.is_integer(field.type) else _DECIMALS.get(field.name, DECIMALS)


@njit(allocates=False)
def format_rows(
    n_rows,
    indices,
    numbers,
    decimals,
    gene_offsets,
    genes,
    symbol_offsets,
    symbols,
    mirna_offsets,
    mirnas,
    transcript_offsets,
    transcripts,
    ends_offsets,
    ends,
    out,
):
    """Format lines into `out` (uint8, large enough) in the column order of GENES; return the bytes written.

    `indices` (5, n_rows or more) into the name tables, of which the last has the ends of lines; `numbers` (k, n_rows or more) with NaN for
    null, and their `decimals` (k,).
    """
    at = 0
    for row in range(n_rows):
        at = put_name(out, at, gene_offsets, genes, indices[0, row])
        at = put_name(out, at, symbol_offsets, symbols, indices[1, row])
        at = put_name(out, at, mirna_offsets, mirnas, indices[2, row])
        at = put_name(out, at, transcript_offsets, transcripts, indices[3, row])
        for column in range(len(decimals)):
            if column:
                at = put_byte(out, at, TAB)
            value = numbers[column, row]
            if decimals[column] == WHOLE:
                at = _put_whole(out, at, value)
            elif decimals[column] == SCIENTIFIC:
                at = put_scientific(out, at, value)
            else:
                at = put_number(out, at, value, decimals[column])
        at = put_name(out, at, ends_offsets, ends, indices[4, row])
    return at


@helper
def _put_whole(out, at, value):
    """Write a whole number, with nothing at all for NaN, which stands for null."""
    # Nearly all counts have one digit.
    if 0 <= value < 10:
        return put_byte(out, at, ZERO + np.uint8(value))
    if np.isnan(value):
        return at
    whole = np.int64(value)
    if whole < 0:
        at = put_byte(out, at, MINUS)
        whole = -whole
    return put_int(out, at, whole)
