"""What is logged, and where: lines for people on the terminal, or JSON lines in a file for machines that watch over runs."""

import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mirscan.errors import InputError

_ROOT = logging.getLogger("mirscan")
_RUN = logging.getLogger("mirscan.run")
# What a record carries beside its message, under `extra`.
FIELDS = "fields"


class JsonLines(logging.Formatter):
    """One JSON object a record: time (UTC, ISO 8601), level, logger, message, and the record's own fields."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        when = self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z"
        values = {"time": when, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        return json.dumps(values | getattr(record, FIELDS, {}), ensure_ascii=False)


class _LogFile(logging.FileHandler):
    """A file whose first failed write is said in one line: a full disk under the log must not end a run, nor fill the terminal."""

    _is_said = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Called by `logging` in place of raising."""
        if not self._is_said:
            self._is_said = True
            said = str(getattr(sys.exception(), "strerror", None) or sys.exception()).lower()
            print(f"mirscan: note: --log-file {self.baseFilename}: {said}, so lines are missing there", file=sys.stderr)


def set_up_logs(level: str | None, file: Path | None) -> None:
    """Send what mirscan logs from `level` (info where only `file` is given) on to `file`, or in words to standard error.

    Without both nothing is changed: warnings stand on standard error. Raises InputError where the file cannot be opened.
    """
    if level is None and file is None:
        return
    try:
        handler = logging.StreamHandler(sys.stderr) if file is None else _LogFile(file, encoding="utf-8")
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise InputError(f"--log-file {file}: {said}; expected a file in a folder you may write to") from None
    handler.setFormatter(logging.Formatter("mirscan: %(levelname)s: %(message)s") if file is None else JsonLines())
    for old in list(_ROOT.handlers):
        _ROOT.removeHandler(old)
        old.close()
    _ROOT.addHandler(handler)
    _ROOT.setLevel((level or "info").upper())


def log_command(message: str, **fields) -> None:
    """Log what the command line itself does, with fields."""
    _ROOT.info(message, extra={FIELDS: fields})


def log_failure(message: str) -> None:
    """Log why the command ends, to a file alone: the terminal gets its line anyway."""
    if any(isinstance(handler, logging.FileHandler) for handler in _ROOT.handlers):
        _ROOT.error(message)


def logged(progress: Callable) -> Callable:
    """A progress callback that also logs: plan and messages as info, every step as debug."""

    def report(event) -> None:
        if event.message:
            _RUN.info(event.message)
        elif event.plan is not None:
            _RUN.info("planned", extra={FIELDS: {"parts": event.n_parts, "parts_done": event.parts_done, "bases": event.plan.n_bases}})
        else:
            counts = {"stage": event.stage, "done": event.done, "total": event.total, "parts_done": event.parts_done, "sites": event.rows}
            _RUN.debug("progress", extra={FIELDS: counts})
        progress(event)

    return report
