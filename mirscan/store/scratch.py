"""Folders for files on their way: gone at the end, and those of killed processes gone at the next start of another."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mirscan.cache_folder import temporary_folder

_PREFIX, _LOCK = "mirscan-scratch-", "in-use"


class ScratchFolder:
    """A folder in the temporary directory. The kernel frees its lock when the process ends in whatever way, so whoever gets the lock
    knows that nobody uses the folder; process ids would lie between containers.
    """

    def __init__(self):
        for abandoned in _abandoned():
            shutil.rmtree(abandoned, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Delete the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def _abandoned() -> Iterator[Path]:
    for folder in temporary_folder().glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            # Somebody else's, or about to be locked.
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
        except OSError:
            continue
        finally:
            os.close(lock)
