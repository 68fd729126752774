"""The `mirscan` command: its subcommands, and the one place where an error becomes a line and an exit code."""

import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from mirscan import __version__
from mirscan.cli.evaluate import evaluate
from mirscan.cli.evaluate_scan import evaluate_scan
from mirscan.cli.models import models_app
from mirscan.cli.negatives import negatives
from mirscan.cli.pair import duplex
from mirscan.cli.scan import resume, scan, status
from mirscan.cli.signals import Terminated, catch_signals
from mirscan.cli.train import train
from mirscan.errors import MirscanError

INPUT_ERROR, INTERRUPTED, TERMINATED = 1, 130, 143


class _OneLineErrors(TyperGroup):
    """Errors a user can mend end as one line and exit code 1, Ctrl-C as 130; usage errors are Typer's own, with 2."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except MirscanError as error:
            if ctx.params["debug"]:
                raise
            print(f"mirscan: error: {error}", file=sys.stderr)
            raise typer.Exit(INPUT_ERROR) from None
        except KeyboardInterrupt as error:
            is_terminated = isinstance(error, Terminated)
            said = "terminated" if is_terminated else "interrupted"
            print(f"mirscan: {said}; what is done stays done, run the same command again to go on", file=sys.stderr)
            raise typer.Exit(TERMINATED if is_terminated else INTERRUPTED) from None


app = typer.Typer(
    cls=_OneLineErrors,
    name="mirscan",
    help="Find the targets of microRNAs in whole transcriptomes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(scan)
app.command()(resume)
app.command()(status)
app.command()(negatives)
app.command()(train)
app.command()(evaluate)
app.command()(evaluate_scan)
app.add_typer(models_app, name="models")
app.command()(duplex)


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
) -> None:
    """Find the targets of microRNAs in whole transcriptomes."""


def main() -> None:
    """Entry point of the `mirscan` command."""
    catch_signals()
    app()
