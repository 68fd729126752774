"""Parquet files joined: column chunks are copied as they are, and one footer says where they now lie.

Field numbers of parquet.thrift, Apache Parquet format 2.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from mirscan.output.files import append_file
from mirscan.output.thrift import I16, STRUCT, decode_struct, encode_struct

MAGIC = b"PAR1"
# A file ends with its footer, the length of the footer as 4 bytes, and the magic word.
_END = 8
# Of FileMetaData; of a SchemaElement; of a RowGroup; of a ColumnChunk; of its ColumnMetaData.
_SCHEMA, _N_ROWS, _ROW_GROUPS = 2, 3, 4
_NAME = 4
_COLUMNS, _GROUP_BYTES, _GROUP_ROWS, _GROUP_PLACE, _GROUP_COMPRESSED, _GROUP_NUMBER = 1, 2, 3, 5, 6, 7
_CHUNK_PLACES, _META = (2, 4, 6), 3
_CHUNK_PATH, _PAGE_PLACES = 3, (9, 10, 11, 14)


class ParquetJoin:
    """Appends Parquet files to a file, which is one when it is closed; columns are flat."""

    def __init__(self, file: BinaryIO, empty: str | os.PathLike):
        """`empty`: a file without rows, whose schema and metadata are those of the joined one."""
        self._footer = _read_footer(Path(empty))[1]
        self._names = [element[_NAME][1] for element in self._footer[_SCHEMA][1][1][1:]]
        self._file, self._groups, self._n_rows = file, [], 0
        self._file.write(MAGIC)
        self._n_bytes = len(MAGIC)

    def write(self, *paths: str | os.PathLike) -> None:
        """Append the rows of files that have the same row groups, and together the columns of the schema."""
        for groups in zip(*(self._copy(Path(path)) for path in paths), strict=True):
            self._groups.append(_join_groups(groups, self._names, len(self._groups)))
            self._n_rows += groups[0][_GROUP_ROWS][1]

    def close(self) -> None:
        """Write the footer; the file stays open."""
        row_groups = self._footer[_ROW_GROUPS][0], (STRUCT, self._groups)
        footer = encode_struct({**self._footer, _N_ROWS: (self._footer[_N_ROWS][0], self._n_rows), _ROW_GROUPS: row_groups})
        self._file.write(footer + struct.pack("<I", len(footer)) + MAGIC)

    def _copy(self, path: Path) -> list[dict[int, tuple]]:
        """Copy all before the footer; return the row groups with the places that they have now."""
        footer_at, footer = _read_footer(path)
        append_file(self._file, path, len(MAGIC), footer_at)
        groups = [_shift_group(group, self._n_bytes - len(MAGIC)) for group in footer[_ROW_GROUPS][1][1]]
        self._n_bytes += footer_at - len(MAGIC)
        return groups


def _read_footer(path: Path) -> tuple[int, dict[int, tuple]]:
    """(where it begins, the footer) of a Parquet file."""
    with open(path, "rb") as file:
        file.seek(-_END, os.SEEK_END)
        size = struct.unpack("<I", file.read(_END - len(MAGIC)))[0]
        at = file.seek(-_END - size, os.SEEK_END)
        return at, decode_struct(file.read(size))


def _join_groups(groups: Sequence[dict[int, tuple]], names: Sequence[bytes], number: int) -> dict[int, tuple]:
    """The row group that has the columns of all `groups` in the order of `names`, and is the `number`th."""
    chunks = {chunk[_META][1][_CHUNK_PATH][1][1][0]: chunk for group in groups for chunk in group[_COLUMNS][1][1]}
    joined = groups[0] | {_COLUMNS: (groups[0][_COLUMNS][0], (STRUCT, [chunks[name] for name in names]))}
    for field in (_GROUP_BYTES, _GROUP_COMPRESSED):
        joined[field] = groups[0][field][0], sum(group[field][1] for group in groups)
    # The number is 16 bits wide and optional: where it does not fit, it is left out, as by writers who leave it out everywhere.
    kind, _ = joined.pop(_GROUP_NUMBER, (I16, None))
    return joined | {_GROUP_NUMBER: (kind, number)} if number < 1 << 15 and _GROUP_NUMBER in groups[0] else joined


def _shift_group(group: dict[int, tuple], n_bytes: int) -> dict[int, tuple]:
    """A row group that lies `n_bytes` further back."""
    kind, (item_kind, chunks) = group[_COLUMNS]
    return _shift_places(group, (_GROUP_PLACE,), n_bytes) | {
        _COLUMNS: (kind, (item_kind, [_shift_chunk(chunk, n_bytes) for chunk in chunks]))
    }


def _shift_chunk(chunk: dict[int, tuple], n_bytes: int) -> dict[int, tuple]:
    kind, meta = chunk[_META]
    return _shift_places(chunk, _CHUNK_PLACES, n_bytes) | {_META: (kind, _shift_places(meta, _PAGE_PLACES, n_bytes))}


def _shift_places(fields: dict[int, tuple], places: tuple[int, ...], n_bytes: int) -> dict[int, tuple]:
    # Zero is no place, the magic word lies there: writers say so for what they leave out.
    return fields | {place: (fields[place][0], fields[place][1] + n_bytes) for place in places if place in fields and fields[place][1]}
