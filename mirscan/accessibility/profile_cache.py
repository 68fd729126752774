"""Profiles kept between runs in the cache folder, one file each, named by a digest of all that they follow from.

A file appears whole or not at all, and what it holds is checked when it is read; processes may share the folder. Where nothing can be
written, nothing is kept.
"""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mirscan.cache_folder import cache_folder

# Enough for the profiles of 500 million bases; beyond it the oldest go.
MOST_BYTES = 2_000_000_000
_FOLDER, _BUCKETS, _DIGEST = "accessibility", 256, 16


def kept(described: bytes, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The profile (2, n) int16 of what is `described`: the kept one, else that of `make`, which is kept then."""
    folder = cache_folder()
    if folder is None:
        return make()
    key = _digest(described)
    path = folder / _FOLDER / key[:1].hex() / key[1:].hex()
    profile = _read(path, key)
    if profile is None:
        profile = make()
        _write(path, profile.tobytes(), key)
        if key[1] == 0:
            # Once in 256 times is often enough.
            _trim(path.parent)
    return profile


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def _read(path: Path, key: bytes) -> np.ndarray | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    profile, check = content[:-_DIGEST], content[-_DIGEST:]
    # After a power cut a file may hold zeros.
    return np.frombuffer(profile, np.int16).reshape(2, -1) if check == _digest(key + profile) else None


def _write(path: Path, profile: bytes, key: bytes) -> None:
    scratch = path.with_name(f"{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(profile + _digest(key + profile))
        os.replace(scratch, path)
    except OSError:
        # A cache that cannot be written costs the next run some time, and this one nothing.
        with contextlib.suppress(OSError):
            scratch.unlink()


def _trim(bucket: Path) -> None:
    """Delete the oldest files of a bucket beyond its share, those that killed processes left among them."""
    total = 0
    # Another process may trim it, too.
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(bucket.iterdir(), key=os.path.getmtime, reverse=True):
            total += path.stat().st_size
            if total > MOST_BYTES // _BUCKETS:
                path.unlink()
