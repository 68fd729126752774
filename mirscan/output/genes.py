"""GENES as tab-separated text, compressed, written as a stream."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.jit import njit
from mirscan.output.background import Background
from mirscan.output.bgzip import BgzipFile
from mirscan.output.text import (
    NUMBER_WIDTH,
    TAB,
    NameTable,
    pack_names,
    put_byte,
    put_int,
    put_name,
    put_number,
)

NAMES = ("gene", "symbol", "mirna", "transcript")
CHUNK_ROWS = 1 << 15


class GenesTsv:
    """Appends GENES batches of one schema to a bgzip TSV with one header line; null is an empty field, numbers have six decimals.

    `regions` (n,) say what each of the n transcripts in the batches' dictionary is, and become the last column. pyarrow's CSV writer
    takes five times as long. All batches share the dictionaries of the first. Use as a context manager: on an error the unfinished file is
    removed.
    """

    def __init__(self, path: str | os.PathLike, schema: pa.Schema, regions: pa.StringArray | None = None):
        self.path = Path(path)
        self._regions = regions
        self._numbers = [field for field in schema if not pa.types.is_dictionary(field.type)]
        self._is_whole = np.array([pa.types.is_integer(field.type) for field in self._numbers])
        # A human scan's table is a gigabyte of text and a tenth of it compressed.
        self._file = BgzipFile(path)
        self._file.write(("\t".join(schema.names) + "\n").encode())
        self._background = Background(self._file.write)
        self._names: tuple[NameTable, ...] = ()
        self._buffer = np.empty(0, dtype=np.uint8)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a GENES batch."""
        if not self._names:
            self._names = tuple(pack_names(f"{name}\t" for name in batch[column].dictionary.to_pylist()) for column in NAMES)
            n_transcripts = len(batch["transcript"].dictionary)
            ends = ["\n"] * n_transcripts if self._regions is None else [f"\t{region}\n" for region in self._regions.to_pylist()]
            self._names += (pack_names(ends),)
            width = sum(table.width for table in self._names) + len(self._numbers) * (NUMBER_WIDTH + 1)
            self._buffer = np.empty(CHUNK_ROWS * width, dtype=np.uint8)
        tables = [array for table in self._names for array in (table.offsets, table.data)]
        for first in range(0, len(batch), CHUNK_ROWS):
            rows = batch.slice(first, CHUNK_ROWS)
            indices = np.stack([rows[name].indices.to_numpy() for name in NAMES])
            # Doubles hold every int32 and float32 as it is.
            numbers = np.stack([rows[field.name].to_numpy(zero_copy_only=False).astype(np.float64) for field in self._numbers])
            size = format_rows(indices, numbers, self._is_whole, *tables, self._buffer)
            self._background.put(self._buffer[:size].tobytes())

    def __enter__(self) -> "GenesTsv":
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        try:
            self._background.close()
        finally:
            self._file.close()
            if error_type is not None:
                self.path.unlink(missing_ok=True)


@njit
def format_rows(
    indices,
    numbers,
    is_whole,
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

    `indices` (4, n) into the first four name tables, and the fourth into the ends of lines, too; `numbers` (k, n) with NaN for null, those
    of `is_whole` (k,) without decimals.
    """
    at, last = 0, len(is_whole) - 1
    for row in range(indices.shape[1]):
        at = put_name(out, at, gene_offsets, genes, indices[0, row])
        at = put_name(out, at, symbol_offsets, symbols, indices[1, row])
        at = put_name(out, at, mirna_offsets, mirnas, indices[2, row])
        at = put_name(out, at, transcript_offsets, transcripts, indices[3, row])
        for column in range(last + 1):
            value = numbers[column, row]
            at = put_int(out, at, np.int64(value)) if is_whole[column] and not np.isnan(value) else put_number(out, at, value)
            if column < last:
                at = put_byte(out, at, TAB)
        at = put_name(out, at, ends_offsets, ends, indices[3, row])
    return at
