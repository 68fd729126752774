"""Ctrl-C and SIGTERM: the run stops, its folder is left free, and neither signal can get lost."""

import signal
from collections.abc import Callable


class Terminated(KeyboardInterrupt):
    """SIGTERM, by which batch systems and Kubernetes end a job; answered like Ctrl-C."""


_KINDS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
_asked: list[type[KeyboardInterrupt]] = []


def catch_signals() -> None:
    """Let both signals raise in the main thread; one that is ignored, as Ctrl-C in a background job, stays ignored."""
    for number in _KINDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def stoppable(progress: Callable) -> Callable:
    """A progress callback that raises what a signal asked for: raised inside a destructor, Python would print it and go on."""

    def report(event) -> None:
        if _asked:
            raise _asked[-1]
        progress(event)

    return report


def _stop(number: int, frame) -> None:
    _asked.append(_KINDS[number])
    raise _KINDS[number]
