"""Expression tables: genes x experiments of log2 fold changes, or of log2 levels that become fold changes against the other experiments."""

import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError
from mirscan.expression.delimited import MISSING, Delimited, read_delimited
from mirscan.notices import Notices, counted

FOLD_CHANGES, LEVELS = "fold changes", "levels"
_EXPECTED = "genes in rows and experiments in columns"
# log2 TPM or CPM reach 16 or so; counts of reads reach thousands. A fold change of 2**30 is a division by nothing.
_MOST_LEVEL, _MOST_CHANGE = 25.0, 30.0
# Most genes do not change: ratios that are no logarithms lie about 1 in every experiment.
_USUAL_RATIO = 0.9, 1.1
# Mean-normalising against fewer experiments would mostly subtract a miRNA from itself.
MIN_EXPERIMENTS = 3


@dataclass(frozen=True)
class Expression:
    """`ids[k]` (n,) are the k-th name of each row; `values` (n, experiments) float64, log2 fold changes, NaN where there is none."""

    path: str
    ids: tuple[tuple[str, ...], ...]
    experiments: tuple[str, ...]
    values: np.ndarray
    kind: str


def read_expression(path: str | os.PathLike, columns: str | Sequence[str] = "*", notices: Notices | None = None) -> Expression:
    """An expression table: columns of numbers are experiments, the first column and columns of words are ids.

    `columns` are patterns of the experiments to take. Numbers that do not lie about 0 are levels (log2 TPM, CPM): the mean of a gene over
    all experiments is subtracted, as McGeary et al. 2019 do. A column that holds one value alone is left out and said.
    Raises InputError for numbers that look like counts, fewer than three columns of levels, and where no column fits.
    """
    notices = Notices() if notices is None else notices
    table = read_delimited(path, notices, _EXPECTED)
    numbers = {name: column for place, name in enumerate(table.headings) if place and (column := _numbers(table, place)) is not None}
    if not numbers:
        raise InputError(f"{table.path}: no column of numbers; expected {_EXPECTED}")
    chosen = _choose(table, numbers, [columns] if isinstance(columns, str) else list(columns), notices)
    values, kind = _as_fold_changes(np.stack(list(chosen.values()), axis=1), table.path)
    if kind == LEVELS:
        middle = f"their values lie about {np.nanmedian(np.stack(list(chosen.values()))):.2g}"
        what = f"columns of {table.path} were taken for log2 levels, since {middle}; changes are against the mean of all"
        notices.add(what, count=len(chosen))
    words = [0, *(place for place, name in enumerate(table.headings) if place and name not in numbers)]
    ids = tuple(tuple(row[place] for row in table.rows) for place in words)
    return Expression(table.path, ids, tuple(chosen), values, kind)


def _choose(table: Delimited, numbers: dict[str, np.ndarray], patterns: list[str], notices: Notices) -> dict[str, np.ndarray]:
    """The columns of `numbers` that fit a pattern and tell anything."""
    wanted = [name for name in table.headings[1:] if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    chosen = {name: numbers[name] for name in wanted if name in numbers}
    if not chosen:
        raise InputError(f"{table.path}: no column is called {' or '.join(patterns)}; its experiments are {_some(list(numbers))}")
    for name in wanted:
        if MISSING.issuperset(table.column(name)):
            notices.add("columns hold no value and were left out", f"{name} of {table.path}")
        elif name in chosen and np.nanmin(chosen[name]) == np.nanmax(chosen[name]):
            notices.add("columns hold one value alone and were left out", f"{name} of {table.path}")
            del chosen[name]
    if not chosen:
        raise InputError(f"{table.path}: every column holds one value alone; expected log2 fold changes or log2 levels")
    return chosen


def read_levels(path: str | os.PathLike, like: Expression, notices: Notices | None = None) -> np.ndarray:
    """Values (n, experiments) of a companion table, such as log CPM or FDR, in the rows and columns of `like`; NaN where it has none.

    Raises InputError where it lacks an experiment, or all of the genes.
    """
    table = read_delimited(path, Notices() if notices is None else notices, _EXPECTED)
    missing = [name for name in like.experiments if name not in table.headings]
    if missing:
        raise InputError(f"{table.path}: no column {missing[0]!r}; expected the experiments of {like.path}")
    row_of = {row[0]: number for number, row in enumerate(table.rows)}
    rows = np.array([row_of.get(name, -1) for name in like.ids[0]])
    if np.all(rows < 0):
        raise InputError(f"{table.path}: none of the genes of {like.path} is in it; expected the same ids")
    columns = [_numbers(table, table.headings.index(name)) for name in like.experiments]
    if any(column is None for column in columns):
        raise InputError(f"{table.path}: a column of words where numbers are expected")
    return np.where(rows[:, None] >= 0, np.stack(columns, axis=1)[rows], np.nan)


def _numbers(table: Delimited, place: int) -> np.ndarray | None:
    """The column as numbers, None where it holds words or nothing."""
    try:
        column = np.array([np.nan if row[place] in MISSING else float(row[place]) for row in table.rows])
    except ValueError:
        return None
    column[~np.isfinite(column)] = np.nan
    return None if np.isnan(column).all() else column


def _as_fold_changes(values: np.ndarray, path: str) -> tuple[np.ndarray, str]:
    lowest, highest = np.nanmin(values), np.nanmax(values)
    # Fold changes lie about 0, also where some genes have none; a few levels are below 0, too.
    is_levels = lowest >= 0 or np.nanmedian(values) > 1
    if is_levels and highest > _MOST_LEVEL:
        raise InputError(f"{path}: values from {lowest:g} to {highest:g} look like counts; expected log2 fold changes or log2 levels")
    if max(-lowest, highest) > _MOST_CHANGE:
        raise InputError(f"{path}: values from {lowest:g} to {highest:g}; expected log2 fold changes, within {_MOST_CHANGE:g} of 0")
    if not is_levels:
        return values, FOLD_CHANGES
    middles = np.nanmedian(values, axis=0)
    if lowest > 0 and _USUAL_RATIO[0] <= middles.min() and middles.max() <= _USUAL_RATIO[1]:
        raise InputError(f"{path}: values about 1 from {lowest:.2g} to {highest:.2g} look like plain ratios; expected log2 fold changes")
    if values.shape[1] < MIN_EXPERIMENTS:
        raise InputError(
            f"{path}: values about {np.nanmedian(values):.2g} are levels, and {counted(values.shape[1], 'column')} of them; "
            f"expected fold changes, or levels of at least {MIN_EXPERIMENTS} experiments to compare"
        )
    return values - np.nanmean(values, axis=1, keepdims=True), LEVELS


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
