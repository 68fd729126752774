"""Lines about places as a file, with a tabix index by htslib where it is compressed."""

import contextlib
import os
from pathlib import Path
from typing import Self

import pysam

from mirscan.output.background import Background
from mirscan.output.bgzf import BgzfFile

# A tabix index (.tbi) ends at 512 Mb; a CSI index does not.
TABIX_LIMIT = 1 << 29
# htslib's own lines on the terminal repeat what its errors say.
pysam.set_verbosity(0)


class IndexedText:
    """A file of lines about places, with a tabix index where it is compressed (`.gz`). Use as a context manager: on an error the
    unfinished file is removed.

    `preset` is tabix's word for where a line holds its place.
    """

    def __init__(self, path: str | os.PathLike, preset: str = "bed"):
        self.path = Path(path)
        self.is_compressed = self.path.suffix == ".gz"
        self._preset = preset
        self._longest = 0
        self._file = BgzfFile(path) if self.is_compressed else open(path, "wb")  # noqa: SIM115
        # Deflating is much of the work.
        self._background = Background(self._file.write)

    def put(self, text: bytes, longest: int = 0) -> None:
        """Append whole lines, of which none ends behind `longest`."""
        self._longest = max(self._longest, longest)
        self._background.put(text)

    def close(self) -> None:
        """Write what is left and build the index."""
        self._background.close()
        self._file.close()
        if self.is_compressed:
            # csi only where positions demand it: every browser reads tbi.
            pysam.tabix_index(os.fspath(self.path), preset=self._preset, force=True, csi=self._longest >= TABIX_LIMIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        try:
            if error_type is None:
                self.close()
            else:
                self._abandon()
        except BaseException:
            self._remove()
            raise
        if error_type is not None:
            self._remove()

    def _abandon(self) -> None:
        # What went wrong before matters more than what else goes wrong now.
        with contextlib.suppress(OSError):
            self._background.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
