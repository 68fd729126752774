"""A run in an object store, through fsspec."""

import os
import uuid
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from mirscan.store.scratch import ScratchFolder


@dataclass(frozen=True)
class UrlStore:
    """A folder of an object store (s3://, gs://, ...) through fsspec. Files are made in a local folder and uploaded whole."""

    root: str
    _scratch: ScratchFolder = field(default_factory=ScratchFolder, compare=False)

    def __post_init__(self):
        weakref.finalize(self, self._scratch.close)

    @property
    def _fs(self):
        import fsspec

        return fsspec.core.url_to_fs(self.root)[0]

    def _url(self, name: str) -> str:
        return f"{self._fs._strip_protocol(self.root)}/{name}"

    def exists(self, name: str) -> bool:
        return self.size(name) is not None

    def size(self, name: str) -> int | None:
        fs = self._fs
        fs.invalidate_cache()
        return int(fs.info(self._url(name))["size"]) if fs.isfile(self._url(name)) else None

    def modified(self, name: str) -> float:
        """Time of the last write by the store's own clock."""
        return self._fs.modified(self._url(name)).timestamp()

    def names(self) -> list[str]:
        fs = self._fs
        fs.invalidate_cache()
        prefix = self._url("")
        found = fs.find(prefix) if fs.exists(prefix.rstrip("/")) else []
        return sorted(path[len(prefix) :] for path in found)

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes `start` to `stop` (half-open)."""
        return self._fs.cat_file(self._url(name), start=start, end=stop)

    def write(self, name: str, data: bytes) -> None:
        self._fs.pipe_file(self._url(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """Write unless the file exists; say whether it was written. Object stores cannot do both at once, so read back what won."""
        if self.exists(name):
            return False
        self.write(name, data)
        return self.read(name) == data

    def publish(self, source: Path, name: str, is_lasting: bool = True) -> None:
        """Upload a finished file of `scratch`; a store shows an object when all of it has arrived, and then it lasts."""
        self._fs.put_file(os.fspath(source), self._url(name))
        source.unlink()

    def local(self, name: str) -> Path:
        """A local copy, fetched anew: objects are replaced by resumed runs."""
        target = Path(self._scratch.path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._fs.get_file(self._url(name), os.fspath(target))
        return target

    def scratch(self, name: str) -> Path:
        folder = Path(self._scratch.path, "unfinished")
        folder.mkdir(exist_ok=True)
        return folder / f"{uuid.uuid4().hex[:8]}-{Path(name).name}"

    def remove(self, name: str) -> None:
        if self.exists(name):
            self._fs.rm_file(self._url(name))
