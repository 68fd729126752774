"""An evaluation as tables on the terminal."""

import math
from collections.abc import Iterator, Sequence

from mirscan.evaluation.evaluate import Evaluation
from mirscan.evaluation.metrics import RECALLS, Estimate
from mirscan.notices import Notice, counted

_COLUMNS = {
    "average_precision": "AP",
    "auroc": "AUROC",
    "within_mirna_auroc": "within miRNA",
    "f1": "F1",
    "accuracy": "accuracy",
    **{f"precision_at_recall_{recall:g}": f"P@R={recall:g}" for recall in RECALLS},
    "calibration_error": "ECE",
    "calibration_error_if_right": "if right",
}
# Columns whose interval is printed; the others' are in the JSON.
_WITH_INTERVAL = ("average_precision", "auroc", "within_mirna_auroc")
# What a narrow terminal shows.
_MAIN_COLUMNS = (*_WITH_INTERVAL, "f1", "accuracy", "calibration_error")
_WIDEST = 1000


def print_evaluation(evaluation: Evaluation, groups: bool) -> None:
    """Print the table of scorers, and those by seed type and miRNA family on request."""
    console = new_console()
    console.print(
        f"{', '.join(evaluation.files)}: {counted(evaluation.pairs, 'pair')}, "
        f"{evaluation.positives:,} positive, {counted(evaluation.mirnas, 'miRNA')}",
        highlight=False,
    )
    if evaluation.conflicting_pairs:
        console.print(str(Notice("pairs carry both labels; they count as they stand", evaluation.conflicting_pairs, "")), highlight=False)
    if evaluation.leakage is not None:
        console.print(str(evaluation.leakage).replace("validation pairs", "evaluated pairs"), highlight=False)
    print_table(console, *_scorer_tables(evaluation))
    for line in _undefined(evaluation):
        console.print(line, highlight=False)
    if groups:
        for title, attribute in (("seed match in the window", "by_seed"), ("miRNA family", "by_family")):
            print_table(console, _group_table(evaluation, title, attribute))


def new_console():
    """A console as wide as the terminal, or as a wide table where the output is a file."""
    import sys

    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 170)


def new_table(first: str):
    """A table whose first column, which is never wrapped, has this heading."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    return table


def print_table(console, *tables) -> None:
    """Print the first of the tables, given from wide to narrow, that a line of the console has room for, else the last, in full width."""
    room = console.width
    for table in tables:
        for column in table.columns:
            texts = (column.header, *column.cells)
            column.min_width = max(len(piece) for text in texts for piece in ((text,) if column.no_wrap else text.split()))
        width = console.measure(table, options=console.options.update(max_width=_WIDEST)).minimum
        if width <= room:
            break
    # Rich would squeeze the columns, the names first.
    console.width = max(width, room)
    console.print(table)
    console.width = room


def _scorer_tables(evaluation: Evaluation) -> Iterator:
    """With intervals, without, and with fewer columns."""
    yield _scorer_table(evaluation, tuple(_COLUMNS), _WITH_INTERVAL)
    yield _scorer_table(evaluation, tuple(_COLUMNS), ())
    yield _scorer_table(evaluation, _MAIN_COLUMNS, ())


def _scorer_table(evaluation: Evaluation, columns: Sequence[str], with_interval: Sequence[str]):
    table = new_table("scorer")
    for key in columns:
        table.add_column(_COLUMNS[key], justify="right", no_wrap=True)
    for result in evaluation.results:
        cells = [_cell(result.metrics.get(key), key in with_interval) for key in columns]
        table.add_row(result.name, *cells, style="dim" if result.is_control else None)
    return table


def _undefined(evaluation: Evaluation) -> list[str]:
    """A line for every metric that has no value in some bootstrap samples of some scorer."""
    counts = {
        heading: max((result.metrics[key].undefined for result in evaluation.results if key in result.metrics), default=0)
        for key, heading in _COLUMNS.items()
    }
    return [
        f"{heading}: {Notice('bootstrap samples have no value and are left out of its interval', n, '')}"
        for heading, n in counts.items()
        if n
    ]


def _cell(estimate: Estimate | None, interval: bool) -> str:
    if estimate is None or math.isnan(estimate.value):
        return "-"
    return f"{estimate.value:.3f}" + (f" ({estimate.low:.3f}-{estimate.high:.3f})" if interval else "")


def _group_table(evaluation: Evaluation, title: str, attribute: str):
    table = new_table(title)
    table.add_column("pairs", justify="right", no_wrap=True)
    table.add_column("positive", justify="right", no_wrap=True)
    for result in evaluation.results:
        table.add_column(f"{result.name} AP", justify="right")
    for group, first in getattr(evaluation.results[0], attribute).items():
        values = [getattr(result, attribute)[group]["average_precision"] for result in evaluation.results]
        table.add_row(group, str(first["pairs"]), str(first["positives"]), *("-" if value is None else f"{value:.3f}" for value in values))
    return table
