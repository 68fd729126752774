"""A thread that consumes what the caller produces, so that compressing and computing overlap."""

import queue
import threading
from collections.abc import Callable
from typing import Any

# Two items ahead keep both sides busy; more would only hold more memory.
AHEAD = 2
_END = object()


class Background:
    """Calls `consume(item)` for every `put` item, in order, in one thread; an error there surfaces at the next `put` or at `close`."""

    def __init__(self, consume: Callable[[Any], None]):
        self._consume = consume
        self._queue: queue.Queue = queue.Queue(AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, item: Any) -> None:
        self._raise_error()
        self._queue.put(item)

    def close(self) -> None:
        """Wait until everything is consumed."""
        if self._thread.is_alive():
            self._queue.put(_END)
            self._thread.join()
        self._raise_error()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (item := self._queue.get()) is not _END:
            # After an error the queue is still emptied, so that a waiting `put` never hangs.
            if self._error is None:
                try:
                    self._consume(item)
                except BaseException as error:
                    self._error = error
