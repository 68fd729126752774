"""Rows of one kind in a file, cut into pieces of which each is read alone: what many jobs write and many others gather."""

import os

import numpy as np

from mirscan.output.files import whole_file
from mirscan.store.protocol import Store

_PLACE = np.dtype("<i8")


def write_pieces(path: str | os.PathLike, rows: np.ndarray, ends: np.ndarray) -> None:
    """Write rows (n,); piece `i` ends before row `ends[i]`."""
    with whole_file(path) as file:
        file.write(np.concatenate(([0], ends)).astype(_PLACE))
        file.write(rows)


def gather_piece(store: Store, names: list[str], number: int, n_pieces: int, kind: np.dtype) -> list[np.ndarray]:
    """Piece `number` of each of the files `names`, which have `n_pieces` of `kind`."""
    return [_read_piece(store, name, number, n_pieces, kind) for name in names]


def _read_piece(store: Store, name: str, number: int, n_pieces: int, kind: np.dtype) -> np.ndarray:
    at = number * _PLACE.itemsize
    first, last = np.frombuffer(store.read(name, at, at + 2 * _PLACE.itemsize), _PLACE).tolist()
    head = (n_pieces + 1) * _PLACE.itemsize
    return np.frombuffer(store.read(name, head + first * kind.itemsize, head + last * kind.itemsize), kind)
