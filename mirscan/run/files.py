"""Every file of a run folder, and the two kinds of place a run folder can be: a local folder or an object store."""

import errno
import hashlib
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mirscan.errors import RunError

# The settings, inputs, versions and parts; it is written when planning is complete, so a folder that has it is a run.
PLAN = "plan.json"
# Who works here now; see lock.py.
LOCK = "lock.json"
# What finished runs say about themselves: versions, counts, seconds, warnings. Written last: its presence means finished.
REPORT = "run.json"
# All sites as BED9 with bgzip, and its index.
BED, BED_INDEX, BED_INDEX_LONG = "sites.bed.gz", "sites.bed.gz.tbi", "sites.bed.gz.csi"
# One row a gene and miRNA, for programs and for people.
GENES, GENES_TEXT = "genes.parquet", "genes.tsv"
# Parquet parts of the sites, readable as one dataset.
SITES = "sites"
# What the run itself needs: inputs as they were planned, the records of parts. Not part of the result.
WORK = "work"
# The packed transcripts that every worker maps.
TRANSCRIPTOME = f"{WORK}/transcriptome"
# Copies of the small inputs, so that a run can be resumed without them.
INPUTS = f"{WORK}/inputs"
# Files being written; whatever lies here when a run starts is rubbish of one that died.
UNFINISHED = f"{WORK}/unfinished"
RESULTS = (BED, BED_INDEX, BED_INDEX_LONG, GENES, GENES_TEXT, REPORT)
# Packages that talk to object stores for fsspec, and whose errors therefore are about the store.
_STORE_CLIENTS = {"botocore", "aiobotocore", "s3fs", "gcsfs", "google", "adlfs", "azure", "aiohttp"}


def part_sites(part: int) -> str:
    """The SITES rows of a part."""
    return f"{SITES}/part-{part:05d}.parquet"


def part_record(part: int) -> str:
    """Counts and checksums of a part; written last, its presence means done."""
    return f"{WORK}/part-{part:05d}.json"


def part_windows(part: int) -> str:
    """Candidates per transcript and miRNA before --min-score, where some sites remain."""
    return f"{WORK}/part-{part:05d}.windows.parquet"


def part_failure(part: int) -> str:
    """Why a part failed the last time; absent when it did not."""
    return f"{WORK}/part-{part:05d}.failed.json"


class Store(Protocol):
    """A place for a run. Names are relative paths with `/`; a file appears whole or not at all."""

    root: str

    def exists(self, name: str) -> bool: ...
    def size(self, name: str) -> int | None: ...
    def modified(self, name: str) -> float: ...
    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, data: bytes) -> None: ...
    def create(self, name: str, data: bytes) -> bool: ...
    def publish(self, source: Path, name: str) -> None: ...
    def local(self, name: str) -> Path: ...
    def scratch(self, name: str) -> Path: ...
    def remove(self, name: str) -> None: ...


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

    def read(self, name: str) -> bytes:
        return self.path(name).read_bytes()

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

    def publish(self, source: Path, name: str) -> None:
        """Move a finished file of `scratch` into place, after its bytes are safely on the disk."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(source)
        os.replace(source, target)
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


@dataclass(frozen=True)
class UrlStore:
    """A folder of an object store (s3://, gs://, ...) through fsspec. Files are made in a local folder and uploaded whole."""

    root: str
    _folder: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="mirscan-"))

    def __post_init__(self):
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

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

    def read(self, name: str) -> bytes:
        return self._fs.cat_file(self._url(name))

    def write(self, name: str, data: bytes) -> None:
        self._fs.pipe_file(self._url(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """Write unless the file exists; say whether it was written. Object stores cannot do both at once, so read back what won."""
        if self.exists(name):
            return False
        self.write(name, data)
        return self.read(name) == data

    def publish(self, source: Path, name: str) -> None:
        """Upload a finished file of `scratch`; a store shows an object when all of it has arrived."""
        self._fs.put_file(os.fspath(source), self._url(name))
        source.unlink()

    def local(self, name: str) -> Path:
        """A local copy, fetched anew: objects are replaced by resumed runs."""
        target = Path(self._folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._fs.get_file(self._url(name), os.fspath(target))
        return target

    def scratch(self, name: str) -> Path:
        folder = Path(self._folder, "unfinished")
        folder.mkdir(exist_ok=True)
        return folder / f"{uuid.uuid4().hex[:8]}-{Path(name).name}"

    def remove(self, name: str) -> None:
        if self.exists(name):
            self._fs.rm_file(self._url(name))


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


@contextmanager
def explained_errors(root: str) -> Iterator[None]:
    """Turn an operating system's or an object store's error on the run folder into one RunError line."""
    try:
        yield
    except OSError as error:
        raise explain(error, root) from error
    except Exception as error:
        # Clients of object stores have errors of their own.
        if "://" not in root or type(error).__module__.partition(".")[0] not in _STORE_CLIENTS:
            raise
        said = str(error).splitlines()[0]
        raise RunError(
            f"{root}: the object store refuses ({said}). Mend this (credentials, address), then run the same command."
        ) from error


def explain(error: OSError, root: str) -> RunError:
    """One line for an error while a run folder is written, with what to do."""
    said = (error.strerror or str(error)).split("\n")[0]
    # A run that is not planned yet has nothing to resume.
    is_planned = Path(root, PLAN).exists()
    again = f"`mirscan resume {root}`; finished parts are kept" if is_planned else "run the same command again"
    if is_full(error):
        return RunError(f"{root}: the disk is full. Free space, then {again}.")
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return RunError(f"{root}: cannot be written ({said.lower()}); choose a folder you may write to with --out.")
    if isinstance(error, FileExistsError | NotADirectoryError):
        return RunError(f"{root}: is not a folder ({said.lower()}); choose another --out.")
    return RunError(f"{root}: {said.lower().rstrip('.')}. Mend this, then {again}.")


def is_full(error: OSError) -> bool:
    """Whether the error says that the disk or the quota is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
