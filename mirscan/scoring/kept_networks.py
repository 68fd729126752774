"""Plain networks of model files, kept in the cache folder or shipped beside the file: reading one takes milliseconds, making it Keras and
seconds."""

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from mirscan.cache_folder import cache_folder
from mirscan.scoring.plain_network import Convolution, Dense, PlainNetwork
from mirscan.scoring.stem import Stem, Terms
from mirscan.shipped import models_folder

# In the folder of a shipped model. A run works with a copy of the model, which is known by its checksum and has no such file.
SHIPPED_FILE = "plain.npz"
_KINDS = {kind.__name__: kind for kind in (PlainNetwork, Convolution, Dense, Stem, Terms)}
# What the networks of one file become depends on these, too.
_MAKERS = ("compiled", "fold", "graph", "stem", "stem_kernels", "plain_network", "kept_networks")


def read_kept(sha256: str, name: str = "") -> tuple[PlainNetwork, ...] | None:
    """The networks of the model file with this checksum, shipped with the model of that name or kept; None where none are, or what is
    there cannot be read.
    """
    paths = (models_folder() / name / SHIPPED_FILE, _path(sha256))
    return next((networks for path in paths if path and (networks := read_plain(path, sha256)) is not None), None)


def keep(sha256: str, networks: tuple[PlainNetwork, ...]) -> None:
    """Keep the networks of the model file with this checksum; where nothing can be written, they are made again next time."""
    if (path := _path(sha256)) is not None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            write_plain(path, sha256, networks)


def write_plain(path: Path, sha256: str, networks: tuple[PlainNetwork, ...]) -> None:
    """Write the networks of the model file with this checksum; the same bytes for the same networks. Raises OSError."""
    arrays: dict[str, np.ndarray] = {}
    header = json.dumps({"sha256": sha256, "networks": _to_plain(networks, arrays)})
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, header=header, **arrays)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def read_plain(path: Path, sha256: str) -> tuple[PlainNetwork, ...] | None:
    """What `write_plain` wrote; None for another model file's networks, or where nothing can be read."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            return _from_plain(header["networks"], arrays) if header["sha256"] == sha256 else None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error):
        return None


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
