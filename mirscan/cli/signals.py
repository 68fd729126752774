"""Ctrl-C, SIGTERM and SIGHUP: the command ends with one line and its own exit code, its folder is left free, and no signal can get lost."""

import atexit
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM, by which batch systems and Kubernetes end a job; answered like Ctrl-C."""


class HungUp(KeyboardInterrupt):
    """SIGHUP, by which a terminal that is closed ends what runs in it; under nohup it is ignored."""


_KINDS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated, signal.SIGHUP: HungUp}
# What is said, and the exit code of a shell for a process that the signal ended.
_ENDS = {KeyboardInterrupt: ("interrupted", 130), Terminated: ("terminated", 143), HungUp: ("the terminal is gone", 129)}
_GO_ON = "what is done stays done, run the same command again to go on"
_WITH_RESUME = "the same command with --resume goes on from the last checkpoint; before the first, leave --resume out"
# How each command goes on; the others write a file whole or not at all.
_HOW = {"scan": _GO_ON, "resume": _GO_ON, "benchmark-training": _GO_ON, "train": _WITH_RESUME, "pretrain": _WITH_RESUME}
_ANEW = "run the same command again"
_asked: list[type[KeyboardInterrupt]] = []


def catch_signals() -> None:
    """Let these signals raise in the main thread; one that is ignored, as Ctrl-C in a background job, stays ignored."""
    for number in _KINDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = tell_unraised


def tell_unraised(unraisable) -> None:
    """What Python prints of an error in a destructor, unless a signal raised it: `stoppable` raises that again."""
    if not issubclass(unraisable.exc_type, tuple(_ENDS)):
        sys.__unraisablehook__(unraisable)


@contextlib.contextmanager
def stopping(command: Callable[[], str | None] = lambda: None) -> Iterator[None]:
    """What a signal stops inside ends as one line and SystemExit. `command` gives the name of what is running.

    Libraries catch the exception of a signal and raise one of their own; once a signal has come, every error is its doing.
    """
    try:
        yield
    except BaseException as error:
        kind = _asked[-1] if _asked else type(error)
        if kind not in _ENDS or getattr(error, "code", 1) == 0:
            raise
        said, code = _ENDS[kind]
        # Of a terminal that is gone nothing is left to write to.
        with contextlib.suppress(OSError):
            print(f"mirscan: {said}; {_HOW.get(command(), _ANEW)}", file=sys.stderr)
        # Said once, where this stands inside another one.
        _asked.clear()
        raise SystemExit(code) from None


def leave(code: int) -> NoReturn:
    """End the process with this exit code, without taking down what it holds.

    After a signal, destructors of libraries may wait forever for threads that were taken by surprise, TensorFlow's among them. At any other
    end they give back piece by piece what the system takes back at once: four tenths of a second after a large scan.
    """
    if code in {code for _, code in _ENDS.values()}:
        # What libraries fail at now is the signal's doing.
        sys.unraisablehook = lambda unraisable: None
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, AttributeError):
            stream.flush()
    os._exit(code)


def stoppable(progress: Callable) -> Callable:
    """A progress callback that raises what a signal asked for: raised inside a destructor, Python would print it and go on."""

    def report(event) -> None:
        if _asked:
            raise _asked[-1]
        progress(event)

    return report


def _stop(number: int, frame) -> None:
    _asked.append(_KINDS[number])
    # Dask, torn from its work, logs tracebacks.
    for handler in (logging.lastResort, *logging.getLogger("distributed").handlers):
        handler.setLevel(logging.CRITICAL + 1)
    raise _KINDS[number]
