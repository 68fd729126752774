"""Tensors of a PyTorch file (.pth, .pt) without PyTorch and without running what is pickled in it.

A pickle may call any function it names. Here names lead to four harmless stand-ins or to an error, so a file can only describe tensors.
"""

import collections
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirscan.errors import InputError

_TYPES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "BoolStorage": "|b1",
}


@dataclass(frozen=True)
class _Storage:
    dtype: str


class _Settings:
    """Stands in for argparse.Namespace: takes attributes and does nothing."""


def read_torch_file(path: str | Path) -> dict:
    """What a file of `torch.save` (zip format) holds, with NumPy arrays for tensors and `vars` of a Namespace for settings.

    Raises InputError for another format and for anything but dictionaries, plain values and tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            return _Reader(archive, name, path).load()
    except (zipfile.BadZipFile, StopIteration):
        raise InputError(f"{path}: not a zip file of torch.save; expected PyTorch 1.6 or later, or the file saved anew by it") from None
    except (pickle.UnpicklingError, KeyError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read as weights ({error}); expected tensors by name") from None


class _Reader(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, name: str, path: Path):
        self._archive, self._folder, self._path = archive, name.removesuffix("data.pkl"), path
        super().__init__(archive.open(name))

    def find_class(self, module: str, name: str):
        if module == "torch" and name in _TYPES:
            return _Storage(_TYPES[name])
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _make_tensor,
            ("argparse", "Namespace"): _Settings,
        }
        if (module, name) not in known:
            raise InputError(f"{self._path}: wants to call {module}.{name}; expected tensors by name only. It is not read.")
        return known[module, name]

    def persistent_load(self, key):
        _, storage, number, _, _ = key
        return np.frombuffer(self._archive.read(f"{self._folder}data/{number}"), storage.dtype)


def _make_tensor(storage: np.ndarray, offset: int, shape: tuple, strides: tuple, *_) -> np.ndarray:
    """A copy of the stretch of a storage that a tensor is."""
    item = storage.itemsize
    if shape and offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) >= len(storage) and 0 not in shape:
        raise ValueError(f"a tensor of shape {tuple(shape)} is longer than its data")
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, [step * item for step in strides])
    return np.array(view)
