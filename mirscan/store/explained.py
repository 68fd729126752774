"""Errors of file systems and object stores as one line with what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mirscan.errors import InputError, RunError
from mirscan.store.names import PLAN

# Packages that talk to object stores for fsspec, and whose errors therefore are about the store.
_STORE_CLIENTS = {"botocore", "aiobotocore", "s3fs", "gcsfs", "google", "adlfs", "azure", "aiohttp"}


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


def describe(error: OSError) -> str:
    """One line for an error outside a run folder: which file, what the system says, what to do."""
    said = (error.strerror or str(error)).split("\n")[0].lower()
    way_out = "free space" if is_full(error) else "mend this or choose another path"
    return f"{error.filename or 'a file'}: {said}; {way_out}, then run the same command again"


def refuse_unwritable(folder: str | os.PathLike, option: str = "--out") -> None:
    """Raise InputError where a folder is none, or can be neither made nor written: before the work that would be lost with it."""
    path = Path(folder).absolute()
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if not there.is_dir():
        raise InputError(f"{option} {folder}: {there} is a file; expected a folder. Choose another.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{option} {folder}: {there} cannot be written; choose a folder you may write to")


def is_full(error: OSError) -> bool:
    """Whether the error says that the disk or the quota is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
