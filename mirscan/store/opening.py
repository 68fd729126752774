"""From --out to the store at that place."""

import os

from mirscan.errors import RunError
from mirscan.store.local import LocalStore
from mirscan.store.protocol import Store
from mirscan.store.url import UrlStore


def open_store(out: str | os.PathLike) -> Store:
    """The store at a folder or URL; raises RunError where fsspec does not know the protocol."""
    out = os.fspath(out)
    if not out:
        raise RunError("--out is empty; expected a folder or URL (an unset shell variable?)")
    if "://" not in out:
        return LocalStore(os.path.abspath(out))
    if out.startswith("file://"):
        return LocalStore(os.path.abspath(out.removeprefix("file://")))
    store = UrlStore(out.rstrip("/"))
    try:
        _ = store._fs
    except (ImportError, ValueError) as error:
        raise RunError(f"--out {out}: {error}; install the fsspec package for this protocol or choose a local folder") from None
    return store
