"""`mirscan benchmark-training`: every method of training side by side."""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.cli.options import with_settings
from mirscan.cli.signals import stoppable
from mirscan.notices import counted


@with_settings(flags=BenchmarkSettings)
def benchmark_training(
    flags,
    out: Annotated[Path, typer.Option("--out", help="Folder that keeps pools, models and rows; the same command goes on in it.")] = Path(
        "training-methods"
    ),
    page: Annotated[Path | None, typer.Option("--page", help="Markdown page whose marked part becomes the table.")] = None,
) -> None:
    """Train and test every method against imbalance, with one table of the results."""
    from mirscan.benchmark.compare import benchmark_training as compare

    rows = compare(BenchmarkSettings(**flags), out, page, say=stoppable(lambda line: print(line, flush=True)))
    print(f"{counted(len(rows), 'row')}: {out / 'rows.json'}, {out / 'comparison.png'}" + (f", {page}" if page else ""))
