"""Where files may be kept between runs: the first folder that can be written, or none. Nobody needs a home folder to use mirscan."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from mirscan.errors import RunError


@cache
def cache_folder() -> Path | None:
    """A folder of this user alone, made on first use: in NUMBA_CACHE_DIR, else the user's cache folder (XDG_CACHE_HOME, ~/.cache), else
    the temporary directory. None where none of them can be written.
    """
    return next(filter(_is_usable, _candidates()), None)


def temporary_folder() -> Path:
    """The temporary directory of this machine; RunError where there is none, as in a container whose files are read-only."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        raise RunError("no temporary directory can be written; set TMPDIR to a folder that can") from None


def redirect_unwritable_home(variable: str, name: str) -> None:
    """Point a library that keeps files in the home folder to the cache folder instead, where there is no home to write to.

    A variable that is set already stays as it is.
    """
    if not os.access(os.path.expanduser("~"), os.W_OK) and (folder := cache_folder()) is not None:
        os.environ.setdefault(variable, str(folder / name))


def _candidates() -> Iterator[Path]:
    own = f"mirscan-{os.getuid()}"
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(given, own)
    home = os.path.expanduser("~")
    # Without a home folder "~" stays as it is.
    if shared := os.environ.get("XDG_CACHE_HOME") or (home.startswith("/") and f"{home}/.cache"):
        yield Path(shared, "mirscan")
    with suppress(RunError):
        yield temporary_folder() / own


def _is_usable(folder: Path) -> bool:
    """Whether files can be written there and nobody else can put theirs there: what lies in it is run as machine code."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.lstat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o022
