"""Seconds of the stages of a run."""

import contextlib
import time
from collections.abc import Iterator


@contextlib.contextmanager
def clock(seconds: dict[str, float], what: str) -> Iterator[None]:
    """Note under `what` the wall seconds that the block takes."""
    started = time.monotonic()
    yield
    seconds[what] = time.monotonic() - started
