"""Files that are whole or not there, and files made of others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1 << 20
# Blocks of 12 kB, each written by itself, cost the system three times as long.
BUFFER_BYTES = 1 << 18


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A new binary file; gone again where the block raises."""
    try:
        with open(path, "wb", BUFFER_BYTES) as file:
            yield file
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise


def append_file(target: BinaryIO, path: str | os.PathLike, first: int = 0, last: int | None = None) -> None:
    """Append bytes `first` to `last` (half-open; by default its end) of the file `path`."""
    with open(path, "rb") as source:
        left = (os.fstat(source.fileno()).st_size if last is None else last) - source.seek(first)
        while left > 0:
            chunk = source.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise OSError(f"{path}: ends {left:,} bytes early")
            target.write(chunk)
            left -= len(chunk)
