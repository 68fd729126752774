"""Pairs to TSV (.gz too) or Parquet, batch by batch; the file has its name only once it is whole."""

import gzip
import io
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from mirscan.errors import InputError
from mirscan.tables import text_rows

FORMATS = (".parquet", ".tsv", ".tsv.gz")


def check_format(path: str | os.PathLike) -> Path:
    """The path; InputError where its ending is none of `FORMATS` or its folder is not there."""
    path = Path(path)
    if not path.name.endswith(FORMATS):
        raise InputError(f"--out {path}: ending not understood; expected one of {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: folder {path.parent} is not there; make it first")
    return path


class PairWriter:
    """Appends tables of one schema; a context manager that renames the file at the end and removes it on an error."""

    def __init__(self, path: str | os.PathLike, schema: pa.Schema):
        self._path = check_format(path)
        self._temporary = self._path.with_name("writing." + self._path.name)
        self._files: list[io.IOBase] = [self._temporary.open("wb")]
        self._parquet = pa.parquet.ParquetWriter(self._files[0], schema, compression="zstd") if self._path.suffix == ".parquet" else None
        if self._path.suffix == ".gz":
            # Without a time and a name inside, equal rows are equal bytes.
            self._files.insert(0, gzip.GzipFile("", "wb", compresslevel=4, fileobj=self._files[0], mtime=0))
        if self._parquet is None:
            self._files[0].write(("\t".join(schema.names) + "\n").encode())

    def write(self, table: pa.Table) -> None:
        if self._parquet is None:
            self._files[0].write(text_rows(table))
        else:
            self._parquet.write(table)

    def __enter__(self) -> "PairWriter":
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        try:
            if self._parquet is not None:
                self._parquet.close()
            for file in self._files:
                file.close()
            if error_type is None:
                os.replace(self._temporary, self._path)
        finally:
            self._temporary.unlink(missing_ok=True)
