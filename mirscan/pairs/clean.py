"""What a set of pairs must have, and what is taken out of it: contradictions and repetitions."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.columns import POSITIVE, labels_of, pair_keys, weights_of

MIN_ROWS = 100
# Fewer held-out pairs say nothing about which weights are best.
MIN_VALIDATION_ROWS = 20


def check_pairs(pairs: pa.Table, what: str, min_rows: int = MIN_ROWS) -> None:
    """Raise InputError unless there are at least `min_rows` pairs and both classes (soft labels count from .5)."""
    if pairs.num_rows < min_rows:
        raise InputError(f"{what}: {counted(pairs.num_rows, 'pair')}; expected at least {min_rows}")
    labels = labels_of(pairs)
    n_positive = int((labels >= POSITIVE).sum())
    if n_positive in (0, len(labels)):
        raise InputError(f"{what}: all {len(labels)} labels are {'positive' if n_positive else 'negative'}; expected both classes")


def check_weights(pairs: pa.Table) -> None:
    """Raise InputError where all pairs of a class weigh nothing: it would not be learned."""
    weights, positive = weights_of(pairs), labels_of(pairs) >= POSITIVE
    for name, rows in (("positive", positive), ("negative", ~positive)):
        if weights is not None and not weights[rows].any():
            raise InputError(
                f"training: all {counted(int(rows.sum()), f'{name} pair')} have weight 0; expected both classes to weigh something"
            )


def count_idle(pairs: pa.Table) -> int:
    """Pairs of weight 0."""
    weights = weights_of(pairs)
    return 0 if weights is None else int((weights == 0).sum())


@dataclass(frozen=True)
class CleaningCounts:
    """What `clean_pairs` took out."""

    rows_read: int
    rows_kept: int
    conflicting_pairs: int
    conflicting_rows: int
    duplicate_rows: int


def clean_pairs(pairs: pa.Table) -> tuple[pa.Table, CleaningCounts]:
    """Drop pairs that occur as positive and as negative (every row of them), and all but the first row of the others."""
    keys = pair_keys(pairs)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.concatenate(([True], keys[order][1:] != keys[order][:-1]))) if len(keys) else np.zeros(0, int)
    positive = (labels_of(pairs) >= POSITIVE)[order]
    sizes = np.diff(np.append(starts, len(keys)))
    n_positive = np.add.reduceat(positive.astype(np.int64), starts) if len(keys) else np.zeros(0, int)
    conflicting = (n_positive > 0) & (n_positive < sizes)
    # A stable sort keeps the first row of the file at the start of its group.
    keep = np.sort(order[starts[~conflicting]])
    counts = CleaningCounts(
        rows_read=len(keys),
        rows_kept=len(keep),
        conflicting_pairs=int(conflicting.sum()),
        conflicting_rows=int(sizes[conflicting].sum()),
        duplicate_rows=int((sizes[~conflicting] - 1).sum()),
    )
    return (pairs if len(keep) == len(keys) else pairs.take(pa.array(keep))), counts
