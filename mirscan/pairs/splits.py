"""Validation pairs that a network has not seen in disguise: splits by group."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.columns import cluster_codes, family_codes, group_codes

_COLUMN_NAMES = {"train": ("train", "training"), "validation": ("validation", "valid", "val", "eval", "evaluation", "dev")}


def split_pairs(pairs: pa.Table, by: str, fraction: float, seed: int) -> tuple[pa.Table, pa.Table]:
    """(train, validation) tables; what `by` groups stays on one side.

    `by` is `family` (column family, else the seed family, miRNA nt 2-8), `cluster` (column cluster, else the same target
    sequence), `chromosome`, `random`, or `column` (a column split that says train or validation; other words, such as test, are
    left out of both). `fraction` is about the part of pairs in validation. Raises InputError where the column is missing or one
    side stays empty.
    """
    if by == "column":
        return _split_by_column(pairs)
    groups = np.arange(pairs.num_rows) if by == "random" else _GROUPERS[by](pairs)
    in_validation = _draw_groups(groups, fraction, seed)
    if not in_validation.any() or in_validation.all():
        raise InputError(
            f"split by {by}: {counted(len(np.unique(groups)), 'group')} of {counted(pairs.num_rows, 'pair')} "
            f"cannot give {fraction:g} of them; "
            "choose another split or fraction"
        )
    return pairs.filter(pa.array(~in_validation)), pairs.filter(pa.array(in_validation))


def _by_chromosome(pairs: pa.Table) -> np.ndarray:
    if "chromosome" not in pairs.column_names or pairs["chromosome"].null_count:
        raise InputError("split by chromosome: not every pair has one; expected a column chr or chromosome in every file")
    return group_codes(pairs["chromosome"])


_GROUPERS = {"family": family_codes, "cluster": cluster_codes, "chromosome": _by_chromosome}


def _draw_groups(groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Rows (n,) bool of groups drawn at random until `fraction` of the rows is reached; a group larger than the rest is passed over."""
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    wanted, taken = fraction * len(groups), np.zeros(len(sizes), bool)
    left = wanted
    for group in np.random.default_rng([seed, 0x5B117]).permutation(len(sizes)):
        if sizes[group] <= left + 0.05 * wanted:
            taken[group] = True
            left -= sizes[group]
        if left <= 0:
            break
    return taken[codes]


def _split_by_column(pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    if "split" not in pairs.column_names:
        raise InputError("split by column: no column split in the pairs; expected one that says train or validation")
    word = pc.utf8_lower(pairs["split"])
    sides = [pairs.filter(pc.is_in(word, pa.array(_COLUMN_NAMES[side]))) for side in ("train", "validation")]
    if not all(side.num_rows for side in sides):
        found = sorted(str(value) for value in pc.unique(pairs["split"]).to_pylist())
        raise InputError(
            f"split by column: {sides[0].num_rows} train and {counted(sides[1].num_rows, 'validation pair')}; "
            f"the column says {', '.join(found[:8])}"
        )
    return sides[0], sides[1]
