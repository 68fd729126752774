"""The first run on a machine compiles for its processor in two processes at once, where one alone would take half a minute."""

import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from mirscan import __version__
from mirscan.errors import MirscanError
from mirscan.jit import code_folder
from mirscan.run.settings import ScanSettings

_DONE = f"first-run-{__version__}"
_MIRNAS, _TRANSCRIPTS = ">let-7a\nUGAGGUAGUAGGUUGUAUAGUU\n", ">T1\nGGCAACUAUACAACGUACUACCUCAUUGGCC\n"
_SCORE = "import sys; from mirscan.run.first_run import compile_scoring; compile_scoring(*sys.argv[1:])"

logger = logging.getLogger("mirscan")


def compile_first(settings: ScanSettings) -> None:
    """Compile what a run with these settings needs, unless a run did before: scoring in a process beside this one, the rest here.

    What a rarer option needs besides is compiled when it is met.
    """
    folder = code_folder()
    if folder is None or Path(folder, _DONE).exists():
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    done = Path(folder, _DONE)
    done.touch()
    logger.warning("first run on this machine: compiling for its processor, which takes about half a minute and is kept")
    # What is wrong with a model, or with a disk, is the run's to say.
    try:
        with _scoring_beside(settings) if settings.is_scored else nullcontext(), suppress(MirscanError, OSError):
            _scan_one_site("none")
    except BaseException:
        done.unlink(missing_ok=True)
        raise


@contextmanager
def _scoring_beside(settings: ScanSettings) -> Iterator[None]:
    command = [sys.executable, "-c", _SCORE, settings.model, settings.precision]
    with subprocess.Popen(command, **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)) as process:
        try:
            yield
        except BaseException:
            process.kill()
            raise


def compile_scoring(model: str, precision: str) -> None:
    """Compile what scores, and then what only files of scored sites need; the process beside this one has compiled the rest by then."""
    import numpy as np

    from mirscan.scoring import load_scorer

    scorer = load_scorer(model, precision)
    scorer.score(np.zeros((1, scorer.layout.mirna_length), np.uint8), np.zeros((1, scorer.layout.length), np.uint8))
    _scan_one_site(model)


def _scan_one_site(model: str) -> None:
    from mirscan.run.runs import scan

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("mirnas.fa").write_text(_MIRNAS)
        folder.joinpath("transcripts.fa").write_text(_TRANSCRIPTS)
        scan(folder / "mirnas.fa", folder / "transcripts.fa", out=folder / "out", model=model, threads=1)
