"""What a file held when it was recorded, and whether it still does."""

import hashlib
from pathlib import Path

from mirscan.store.protocol import Store


def describe_file(path: Path) -> dict:
    """Bytes and SHA-256 of a file."""
    with open(path, "rb") as handle:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}


def find_change(store: Store, name: str, expected: dict) -> str | None:
    """What is wrong with a file whose `describe_file` was once `expected` (which may hold more); None where nothing is."""
    if not store.exists(name):
        return f"{name} is missing"
    found = describe_file(store.local(name))
    return None if found == {key: expected[key] for key in found} else f"{name} has {_shown(found)}; its record says {_shown(expected)}"


def _shown(file: dict) -> str:
    return f"{file['bytes']:,} bytes, SHA-256 {file['sha256'][:12]}"
