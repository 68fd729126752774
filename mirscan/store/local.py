"""A run in a folder of a file system: a file appears whole or not at all, also after a power cut."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from mirscan.store.names import UNFINISHED


@dataclass(frozen=True)
class LocalStore:
    """A folder on a file system, perhaps one that many machines share."""

    root: str

    def path(self, name: str) -> Path:
        return Path(self.root, name)

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def size(self, name: str) -> int | None:
        return self.path(name).stat().st_size if self.exists(name) else None

    def modified(self, name: str) -> float:
        """Time of the last write by the file system's own clock."""
        return self.path(name).stat().st_mtime

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in Path(self.root).rglob("*") if path.is_file())

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes `start` to `stop` (half-open)."""
        with open(self.path(name), "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            return os.pread(file.fileno(), (size if stop is None else stop) - start, start)

    def write(self, name: str, data: bytes) -> None:
        self.publish(self._written(name, data), name)

    def create(self, name: str, data: bytes) -> bool:
        """Write unless the file exists; say whether it was written. Atomic, also on NFS."""
        source = self._written(name, data)
        try:
            os.link(source, self.path(name))
            return True
        except FileExistsError:
            return False
        finally:
            source.unlink()

    def publish(self, source: Path, name: str, is_lasting: bool = True) -> None:
        """Move a finished file of `scratch` into place, where it `is_lasting` after its bytes are safely on the disk."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_lasting:
            _sync(source)
        os.replace(source, target)
        if is_lasting:
            _sync(target.parent)

    def local(self, name: str) -> Path:
        return self.path(name)

    def scratch(self, name: str) -> Path:
        """A path for an unfinished file of this name; unique, so that two workers never share one."""
        folder = self.path(UNFINISHED)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{uuid.uuid4().hex[:8]}-{Path(name).name}"

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def _written(self, name: str, data: bytes) -> Path:
        source = self.scratch(name)
        source.write_bytes(data)
        return source


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
