"""Several laboratories' experiments as one thing: what is to be predicted, gene by gene."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirscan.errors import InputError
from mirscan.expression.guides import Guide, read_guides
from mirscan.expression.ids import GeneIds
from mirscan.expression.table import LEVELS, read_expression, read_levels
from mirscan.notices import Notice, Notices, counted
from mirscan.sequence.text import read_toml

MIN_GENES = 50
# Less than rounding leaves between log2 fold changes is none.
_LEAST_SPREAD = 1e-9


@dataclass(frozen=True)
class StudyFiles:
    """Where a study lies. `table` of fold changes or levels; `guides`, a table or FASTA of miRNAs; `columns`, patterns of its experiments.

    `levels`: a table of log2 levels, in which a gene counts as expressed from `min_level` up; `fdr`: a table of false discovery rates.
    """

    name: str
    table: str
    guides: str
    columns: str | tuple[str, ...] = "*"
    levels: str | None = None
    min_level: float = 0.0
    fdr: str | None = None


@dataclass(frozen=True)
class Experiment:
    """One transfection: numbers of its genes (n,), log2 fold changes (n,) about their mean, false discovery rates (n,) or None.

    `is_against_others`: changes are against the mean of all experiments of the study, as levels become them, and not against a control.
    """

    study: str
    name: str
    guide: Guide
    gene: np.ndarray
    change: np.ndarray
    fdr: np.ndarray | None = None
    is_against_others: bool = False


def read_study_files(path: str | os.PathLike) -> list[StudyFiles]:
    """The studies of a TOML file of [[study]] tables, whose paths are relative to it; InputError for an unknown or missing entry."""
    entries = read_toml(path).get("study", [])
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: no [[study]] in it; expected name, table and guides of each")
    known = StudyFiles.__dataclass_fields__
    studies = []
    for number, entry in enumerate(entries, 1):
        missing = (key for key in ("name", "table", "guides") if key not in entry)
        wrong = next((key for key in entry if key not in known), next(missing, None))
        if wrong:
            what = "unknown" if wrong in entry else "no"
            raise InputError(f"{path}, study {number}: {what} entry {wrong!r}; known are {', '.join(known)}")
        paths = {key: os.fspath(Path(path).parent / entry[key]) for key in ("table", "guides", "levels", "fdr") if key in entry}
        studies.append(StudyFiles(**{**entry, **paths}))
    return studies


def read_study(files: StudyFiles, genes: GeneIds, what: str, notices: Notices | None = None) -> list[Experiment]:
    """The experiments of a study: genes that are known, expressed, and measured in all of them; rows of one gene are averaged.

    Raises InputError as the readers do, and where fewer than 50 genes are left.
    """
    notices = Notices() if notices is None else notices
    table = read_expression(files.table, files.columns, notices)
    guides = read_guides(files.guides, table.experiments, notices)
    rows = genes.find(table.ids, files.table, what, notices)
    is_used = (rows >= 0) & np.isfinite(table.values).all(axis=1)
    if files.levels is not None:
        levels = read_levels(files.levels, table, notices)
        is_used &= (np.nan_to_num(levels, nan=-np.inf) >= files.min_level).all(axis=1)
    if is_used.sum() < MIN_GENES:
        raise InputError(
            f"{files.table}: {Notice('genes are measured in all of its experiments', is_used.sum(), '')}; expected at least {MIN_GENES}"
        )
    number, values = _average(rows[is_used], table.values[is_used], files.name, notices)
    for k, name in enumerate(table.experiments):
        if np.ptp(values[:, k]) < _LEAST_SPREAD:
            raise InputError(
                f"{files.table}: {name} is {values[0, k]:g} for all {counted(len(number), 'gene')} that count; leave it out (--columns)"
            )
    fdr = None if files.fdr is None else _average(rows[is_used], read_levels(files.fdr, table, notices)[is_used], files.name, Notices())[1]
    return [
        Experiment(
            study=files.name,
            name=name,
            guide=guide,
            gene=number,
            change=values[:, k] - values[:, k].mean(),
            fdr=None if fdr is None else fdr[:, k],
            is_against_others=table.kind == LEVELS,
        )
        for k, (name, guide) in enumerate(zip(table.experiments, guides, strict=True))
    ]


def _average(genes: np.ndarray, values: np.ndarray, study: str, notices: Notices) -> tuple[np.ndarray, np.ndarray]:
    """Distinct genes (k,) with the mean (k, experiments) of their rows."""
    number, row, size = np.unique(genes, return_inverse=True, return_counts=True)
    notices.add(f"genes of {study} have several rows and got their mean", "", int((size > 1).sum()))
    sums = np.stack([np.bincount(row, column, len(number)) for column in values.T], axis=1)
    return number, sums / size[:, None]


def distinct_strands(experiments: Sequence[Experiment]) -> list[str]:
    """The sequences of guides and of passenger strands, each once."""
    strands = [experiment.guide.guide for experiment in experiments] + [experiment.guide.passenger for experiment in experiments]
    return [strand for strand in dict.fromkeys(strands) if strand]
