"""`mirscan evaluate-scan`: do known sites stand at the head of a scan's list?"""

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.cli.completion import complete
from mirscan.store.explained import refuse_unwritable

# Seconds between two lines of progress.
_LINE_EVERY = 10.0


def evaluate_scan(
    transcripts: Annotated[list[Path], typer.Option("--transcripts", help="FASTA of the transcripts; repeat for more.")],
    sites: Annotated[Path, typer.Option("--sites", help="Known sites, TSV, CSV or Parquet: miRNA sequence, transcript, start, end.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", autocompletion=complete("model"), help="Name or folder of a model, or duplex; repeat for more [base]."),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            "--seeds", autocompletion=complete("rule"), help="Group of seed rules; repeat for more [canonical, extended, relaxed]."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for scan-task.json and scan-task.png.")] = None,
    where: Annotated[str, typer.Option(help="Use the sites of rows with COLUMN=VALUE only.")] = "",
    mirnas: Annotated[Path | None, typer.Option("--mirnas", help="FASTA of more miRNAs to scan with [those of the sites].")] = None,
    all_transcripts: Annotated[bool, typer.Option("--all-transcripts", help="Scan transcripts without a known site, too.")] = False,
    all_types: Annotated[
        bool, typer.Option("--all-types", help="List every type of a place and all overlapping matches, not only the strongest.")
    ] = False,
    controls: Annotated[bool, typer.Option("--controls/--no-controls", help="Rank by seed type, duplex energy and chance, too.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of chance.")] = 1,
    precision: Annotated[Literal["auto", "float32", "bfloat16"], typer.Option(help="Numbers a network computes with.")] = "float32",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
) -> None:
    """Share of known sites among the N strongest candidates of a scan, for models and controls."""
    from mirscan.evaluation.scan_task import SETS
    from mirscan.evaluation.scan_task import evaluate_scan as run_task
    from mirscan.evaluation.scan_task_report import print_scan_evaluation, write_scan_evaluation
    from mirscan.notices import Notices

    if out is not None:
        refuse_unwritable(out)
    evaluation = run_task(
        transcripts,
        sites,
        model or ["base"],
        sets=seeds or SETS,
        where=where,
        mirnas=mirnas,
        all_transcripts=all_transcripts,
        all_types=all_types,
        controls=controls,
        seed=seed,
        precision=precision,
        threads=threads,
        progress=_line_printer(),
    )
    for notice in Notices.from_dict(evaluation.notices):
        print(notice)
    print_scan_evaluation(evaluation)
    if out is not None:
        write_scan_evaluation(evaluation, out)
        print(f"written: {out / 'scan-task.json'}, {out / 'scan-task.png'}")


def _line_printer():
    """A function that says now and then how many candidates are scored."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _LINE_EVERY:
            last = time.monotonic()
            print(f"{done:,} of {total:,} candidates scored", file=sys.stderr, flush=True)

    return report
