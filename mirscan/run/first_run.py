"""The first run on a machine compiles for its processor in two processes at once, where one alone would take twice as long."""

import gc
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from mirscan import __version__
from mirscan.errors import MirscanError
from mirscan.jit import code_folder
from mirscan.run.settings import ScanSettings

_DONE = f"first-run-{__version__}"
# let-7a, and a transcript with one 8mer of it.
MIRNA, TRANSCRIPT = "UGAGGUAGUAGGUUGUAUAGUU", "GGCAACUAUACAACGUACUACCUCAUUGGCC"
_SCORE = "import sys; from mirscan.run import first_run; first_run.compile_scoring(*sys.argv[1:])"

logger = logging.getLogger("mirscan")


def compile_first(settings: ScanSettings, scan: Callable) -> None:
    """Compile what a run with these settings needs, unless a run did before: scoring in a process beside this one, the rest here, by a
    `scan` of one site.

    What a rarer option needs besides is compiled when it is met.
    """
    folder = code_folder()
    if folder is None or Path(folder, _DONE).exists():
        return
    done = Path(folder, _DONE)
    try:
        done.parent.mkdir(parents=True, exist_ok=True)
        done.touch()
    except OSError:
        # Full: then nothing is kept for a second process to find.
        return
    logger.warning("first run on this machine: compiling for its processor, which takes about a quarter of a minute and is kept")
    # What is wrong with a model, or with a disk, is the run's to say.
    try:
        beside = _scoring_beside(settings) if settings.is_scored else nullcontext()
        with beside, _without_collection(), suppress(MirscanError, OSError):
            _scan_and_forget(scan)
    except BaseException:
        done.unlink(missing_ok=True)
        raise


@contextmanager
def _without_collection() -> Iterator[None]:
    """The compiler makes millions of small objects that stay; to look for garbage among them takes a seventh of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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
    """Compile what scores."""
    import numpy as np

    from mirscan.scoring import load_scorer

    with _without_collection():
        scorer = load_scorer(model, precision)
        scorer.score(np.zeros((1, scorer.layout.mirna_length), np.uint8), np.zeros((1, scorer.layout.length), np.uint8))


def scan_one_site(scan: Callable, folder: Path, model: str) -> Path:
    """Scan `TRANSCRIPT` for `MIRNA` in a folder that is there; returns the run's folder."""
    mirnas, transcripts, out = folder / "mirnas.fa", folder / "transcripts.fa", folder / "out"
    mirnas.write_text(f">let-7a\n{MIRNA}\n")
    transcripts.write_text(f">T1\n{TRANSCRIPT}\n")
    scan(mirnas, transcripts, out=out, model=model, threads=1)
    return out


def _scan_and_forget(scan: Callable) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scan_one_site(scan, Path(folder), "none")
