"""Plain networks of model files, kept in the cache folder: reading one takes milliseconds, making it takes Keras and seconds."""

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from mirscan.cache_folder import cache_folder
from mirscan.scoring.plain_network import Convolution, Dense, PlainNetwork
from mirscan.scoring.stem import Stem, Terms

_KINDS = {kind.__name__: kind for kind in (PlainNetwork, Convolution, Dense, Stem, Terms)}
# What a network of one file becomes depends on these, too.
_MAKERS = ("compiled", "fold", "graph", "stem", "stem_kernels", "plain_network", "kept_networks")


def read_kept(sha256: str) -> PlainNetwork | None:
    """The network of the model file with this checksum; None where none is kept, or what is kept cannot be read."""
    path = _path(sha256)
    if path is None:
        return None
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _from_plain(json.loads(str(arrays["network"])), arrays)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def keep(sha256: str, network: PlainNetwork) -> None:
    """Keep the network of the model file with this checksum; where nothing can be written, it is made again next time."""
    path = _path(sha256)
    if path is None:
        return
    arrays: dict[str, np.ndarray] = {}
    header = json.dumps(_to_plain(network, arrays))
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, network=header, **arrays)
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)


def _path(sha256: str) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    digest = hashlib.sha256(sha256.encode())
    for name in _MAKERS:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return folder / "networks" / f"{digest.hexdigest()[:24]}.npz"


def _to_plain(value, arrays: dict[str, np.ndarray]):
    """What JSON can hold; arrays go into `arrays`, and their names stand for them."""
    if is_dataclass(value):
        entries = {field.name: _to_plain(getattr(value, field.name), arrays) for field in fields(value) if field.name != "tensor"}
        return {"kind": type(value).__name__, **entries}
    if isinstance(value, np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, tuple):
        return [_to_plain(item, arrays) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _from_plain(value, arrays):
    if isinstance(value, list):
        return tuple(_from_plain(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return _KINDS[value["kind"]](**{name: _from_plain(item, arrays) for name, item in value.items() if name != "kind"})
