"""Validation pairs that a network has not seen in disguise: splits by group, and a count of what two sets share."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.train.pairs import group_codes, pair_keys

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
            f"split by {by}: {len(np.unique(groups))} groups of {pairs.num_rows} pairs cannot give {fraction:g} of them; "
            "choose another split or fraction"
        )
    return pairs.filter(pa.array(~in_validation)), pairs.filter(pa.array(in_validation))


def seed_families(pairs: pa.Table) -> pa.Array:
    """Family (n,) strings: the column where it is filled, else miRNA nt 2-8, or the family named for that seed in other rows."""
    seeds = pc.utf8_slice_codeunits(pairs["mirna"].combine_chunks(), 1, 8)
    if "family" not in pairs.column_names:
        return seeds
    named = pairs["family"].combine_chunks()
    # Files without the column must meet those with it: the same seed gets the same family name.
    known = pa.table({"seed": seeds, "family": named}).filter(pc.is_valid(named)).group_by("seed").aggregate([("family", "min")])
    place = pc.index_in(seeds, known["seed"].combine_chunks())
    return pc.coalesce(named, pc.take(known["family_min"].combine_chunks(), place), seeds)


def _by_family(pairs: pa.Table) -> np.ndarray:
    return group_codes(pa.chunked_array([seed_families(pairs)]))


def _by_cluster(pairs: pa.Table) -> np.ndarray:
    if "cluster" not in pairs.column_names:
        return group_codes(pairs["target"])
    # Clusters are numbered within a file, so the file belongs to the name.
    named = pc.binary_join_element_wise(pairs["source"], pairs["cluster"], " ")
    return group_codes(pc.coalesce(named, pairs["target"]))


def _by_chromosome(pairs: pa.Table) -> np.ndarray:
    if "chromosome" not in pairs.column_names or pairs["chromosome"].null_count:
        raise InputError("split by chromosome: not every pair has one; expected a column chr or chromosome in every file")
    return group_codes(pairs["chromosome"])


_GROUPERS = {"family": _by_family, "cluster": _by_cluster, "chromosome": _by_chromosome}


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
            f"split by column: {sides[0].num_rows} train and {sides[1].num_rows} validation pairs; the column says {', '.join(found[:8])}"
        )
    return sides[0], sides[1]


@dataclass(frozen=True)
class LeakageReport:
    """Rows of the held-out set whose pair, site, miRNA or family also occurs in training, and its number of rows."""

    rows: int
    shared_pairs: int
    shared_sites: int
    shared_mirnas: int
    shared_families: int

    def __str__(self) -> str:
        return (
            f"of {self.rows:,} validation pairs, training has the same pair for {self.shared_pairs:,}, "
            f"the same site for {self.shared_sites:,}, "
            f"the same miRNA for {self.shared_mirnas:,}, the same family for {self.shared_families:,}"
        )


def leakage_report(train: pa.Table, held_out: pa.Table) -> LeakageReport:
    """What `held_out` shares with `train`."""
    both = pa.concat_tables([train, held_out], promote_options="default")
    n = train.num_rows

    def shared(codes: np.ndarray) -> int:
        return int(np.isin(codes[n:], codes[:n]).sum())

    return LeakageReport(
        rows=held_out.num_rows,
        shared_pairs=shared(pair_keys(both)),
        shared_sites=shared(group_codes(both["target"])),
        shared_mirnas=shared(group_codes(both["mirna"])),
        shared_families=shared(_by_family(both)),
    )


# What each kind of split promises to keep apart; a given file or column must at least not repeat sites.
_PROMISES = {
    "family": ("shared_pairs", "shared_families"),
    "cluster": ("shared_pairs", "shared_sites"),
    "chromosome": ("shared_pairs", "shared_sites"),
    "random": ("shared_pairs",),
    "given": ("shared_pairs", "shared_sites"),
}


def refuse_leak(report: LeakageReport, split: str) -> None:
    """InputError when the held-out pairs share with training what a split of this kind (or `given`) must keep apart."""
    leaks = [name for name in _PROMISES[split] if getattr(report, name)]
    if leaks:
        what = " and ".join(f"{getattr(report, name):,} {name.removeprefix('shared_')}" for name in leaks)
        raise InputError(
            f"leak: {what} of the {report.rows:,} validation pairs also occur in training (split: {split}); "
            "choose another split, or --allow-leak to train all the same"
        )
