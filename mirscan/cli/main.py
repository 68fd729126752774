"""The `mirscan` command: its subcommands, and the one place where an error becomes a line and an exit code."""

import gc
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.core import TyperGroup

from mirscan import __version__
from mirscan.cli.benchmark import benchmark_training
from mirscan.cli.command import Command
from mirscan.cli.compare import compare
from mirscan.cli.doctor import doctor
from mirscan.cli.evaluate import evaluate
from mirscan.cli.evaluate_genes import evaluate_genes
from mirscan.cli.evaluate_mirna_genes import evaluate_miraw
from mirscan.cli.evaluate_scan import evaluate_scan
from mirscan.cli.explain import explain
from mirscan.cli.export import export
from mirscan.cli.extract import extract
from mirscan.cli.hardness import hardness
from mirscan.cli.logs import log_command, log_failure, set_up_logs
from mirscan.cli.models import models_app
from mirscan.cli.negatives import negatives
from mirscan.cli.pair import duplex
from mirscan.cli.pretrain import pretrain
from mirscan.cli.query import query
from mirscan.cli.report import report
from mirscan.cli.scan import resume, scan, status
from mirscan.cli.show import show
from mirscan.cli.signals import stopping
from mirscan.cli.terminal import Terminal, keep_plain
from mirscan.cli.train import train
from mirscan.cli.train_genes import train_genes
from mirscan.errors import MirscanError
from mirscan.lean import keep_lean
from mirscan.store.explained import describe

INPUT_ERROR = 1
# What these print is a report about files; what the others print is their result.
_WRITERS = ("extract", "export", "train", "train-genes", "pretrain", "negatives", "hardness", "report", "benchmark-training")
_RESULTS_ARE_FILES = {"scan", "resume", *_WRITERS}
_PRINTS = {"--dry-run", "--help"}
# Objects after which Python looks for rings of references. Imports and a large FASTA make millions, and few rings: at every 700th
# a start takes a tenth of a second more.
_GC_OBJECTS = 100_000


class _OneLineErrors(TyperGroup):
    """Errors a user can mend end as one line and exit code 1, signals as `stopping` has it; usage errors are Typer's own, with 2."""

    def invoke(self, ctx):
        try:
            with stopping(lambda: ctx.invoked_subcommand):
                return super().invoke(ctx)
        except MirscanError as error:
            if ctx.params["debug"]:
                raise
            log_failure(str(error))
            print(f"mirscan: error: {error}", file=sys.stderr)
            raise typer.Exit(INPUT_ERROR) from None
        except OSError as error:
            if ctx.params["debug"] or error.errno is None:
                raise
            print(f"mirscan: error: {describe(error)}", file=sys.stderr)
            raise typer.Exit(INPUT_ERROR) from None


app = typer.Typer(
    cls=_OneLineErrors,
    name="mirscan",
    help="Find the targets of microRNAs in whole transcriptomes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    scan,
    resume,
    status,
    query,
    show,
    compare,
    report,
    extract,
    export,
    negatives,
    hardness,
    pretrain,
    train,
    benchmark_training,
    evaluate,
    evaluate_scan,
    train_genes,
    evaluate_genes,
    evaluate_miraw,
    explain,
    duplex,
    doctor,
):
    app.command(cls=Command)(command)
app.add_typer(models_app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mirscan {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        typer.Option(help="Log from this weight on, to --log-file or else to standard error."),
    ] = None,
    log_file: Annotated[Path | None, typer.Option(help="Append the log to this file, one JSON object a line.")] = None,
) -> None:
    """Find the targets of microRNAs in whole transcriptomes."""
    set_up_logs(log_level, log_file)
    log_command("started", version=__version__, arguments=sys.argv[1:])


def main() -> None:
    """Run the command of this process; ends as SystemExit."""
    gc.set_threshold(_GC_OBJECTS)
    terminal = Terminal()
    keep_lean()
    keep_plain()
    _refuse_other_encodings(sys.argv[1:])
    started = time.monotonic()
    try:
        app()
    except SystemExit as ended:
        log_command("ended", exit_code=ended.code or 0, seconds=round(time.monotonic() - started, 3))
        lost = terminal.lost()
        if lost and not ended.code:
            words = set(sys.argv[1:])
            is_complete = _RESULTS_ARE_FILES & words and not _PRINTS & words
            print(f"mirscan: {'note' if is_complete else 'error'}: standard output: {lost}, so lines are missing there", file=sys.stderr)
            sys.exit(0 if is_complete else INPUT_ERROR)
        raise


def _refuse_other_encodings(words: list[str]) -> None:
    """Arrow takes every path for UTF-8, so a word or this folder whose bytes are something else would name another file or none."""
    # A folder that is gone has no name.
    with suppress(OSError):
        words = [*words, os.getcwd()]
    for word in words:
        if os.fsencode(word) != word.encode("utf-8", "surrogatepass"):
            print(f"mirscan: error: {word!a}: not UTF-8; rename it, or set a UTF-8 locale such as LC_ALL=C.UTF-8", file=sys.stderr)
            raise SystemExit(INPUT_ERROR)
