"""`mirscan scan`, `resume` and `status`."""

from dataclasses import asdict
from typing import Annotated

import typer

from mirscan.cli.logs import logged
from mirscan.cli.machine import AsJson, print_json
from mirscan.cli.options import with_settings
from mirscan.cli.signals import stoppable
from mirscan.notices import counted
from mirscan.run.settings import RunOptions, ScanSettings

_HOW = "How to run"
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=_HOW)]
Folder = Annotated[str, typer.Argument(help="Folder of a run.")]


@with_settings(settings=ScanSettings, options=RunOptions)
def scan(
    settings,
    options,
    out: Annotated[str, typer.Option("--out", "-o", help="Folder (or s3:// URL) for the results.")] = "mirscan-out",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the scan would cost here and on a GPU, and stop.", rich_help_panel=_HOW)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Find and score the sites of miRNAs in transcripts; an interrupted scan goes on where it stopped."""
    if not {"transcripts", "genome", "annotation"} & set(settings):
        raise typer.BadParameter("missing: transcripts as --utrs, or --genome and --annotation to cut them from")
    if dry_run:
        _print_estimate(settings)
        return
    from mirscan.cli.scan_report import print_result, scan_progress
    from mirscan.run.runs import scan as run_scan

    with scan_progress(quiet) as progress:
        result = run_scan(out=out, progress=stoppable(logged(progress)), **settings, **options)
    print_result(result, quiet)


@with_settings(options=RunOptions)
def resume(options, folder: Folder, quiet: Quiet = False) -> None:
    """Complete an interrupted scan with its own settings."""
    from mirscan.cli.scan_report import print_result, scan_progress
    from mirscan.run.runs import resume as run_resume

    with scan_progress(quiet) as progress:
        result = run_resume(folder, progress=stoppable(logged(progress)), **options)
    print_result(result, quiet)


def status(folder: Folder, as_json: AsJson = False) -> None:
    """Say how far a scan is."""
    from mirscan.run.status import read_status

    state = read_status(folder)
    if as_json:
        print_json(asdict(state))
        return
    print(
        f"{state.out}: {'finished' if state.is_finished else 'unfinished'}, {state.n_done} of {counted(state.n_parts, 'part')}, "
        f"{state.bases_done:,} of {counted(state.n_bases, 'base')}, {counted(state.n_sites, 'site')}"
    )
    if state.n_background:
        print(f"background: {state.n_background_done} of {state.n_background} parts")
    if state.bases_per_second:
        print(f"rate of one worker: {state.bases_per_second:,.0f} bases/s")
    print(f"at work: {state.owner}" if state.owner else "nobody is at work on it")
    if state.seconds_left is not None:
        print(f"about {state.seconds_left:.0f} s left")
    elif not state.is_finished and not state.owner:
        print(f"go on with: mirscan resume {folder}")
    for part, reason in state.failures.items():
        print(f"part {part} failed: {reason}")


def _print_estimate(settings: dict) -> None:
    from mirscan.run.estimate import estimate_scan

    for line in estimate_scan(**settings):
        print(line)
