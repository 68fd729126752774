"""Standard output and error that cannot stop a run: the reader may be gone, the disk behind a redirect full, the encoding ASCII."""

import errno
import io
import os
import sys


class _ForgivingFile(io.FileIO):
    """A descriptor whose failed writes are kept as `error` instead of raised: what is printed is a report, the results are files."""

    error: OSError | None = None

    def write(self, data) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.error = error
            return len(data)


class Terminal:
    """Both streams of this process, replaced for good; `lost` says afterwards what standard output could not take."""

    def __init__(self):
        self._out = self._replace("stdout", 1)
        self._replace("stderr", 2)

    @staticmethod
    def _replace(name: str, descriptor: int) -> _ForgivingFile | None:
        stream = getattr(sys, name)
        # None where the shell closed it; Python prints to nothing then.
        if stream is None:
            return None
        stream.flush()
        raw = _ForgivingFile(descriptor, "w", closefd=False)
        text = io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, errors="backslashreplace", line_buffering=True)
        setattr(sys, name, text)
        return raw

    def lost(self) -> str | None:
        """Why printed lines were lost, unless a reader such as `head` simply had enough."""
        if self._out is None:
            return None
        sys.stdout.flush()
        error = self._out.error
        return None if error is None or error.errno == errno.EPIPE else (error.strerror or str(error)).lower()


def keep_plain() -> None:
    """Numba without colours: where colorama is installed it would print a colour code as the last word of every command."""
    os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")
