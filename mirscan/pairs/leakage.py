"""What two sets of pairs share: pairs, sites, families."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.columns import family_codes, group_codes, pair_keys

_SHARED = {"shared_pairs": "pair", "shared_sites": "site", "shared_mirnas": "miRNA", "shared_families": "family"}
# What each kind of split promises to keep apart; a given file or column must at least not repeat sites.
_PROMISES = {
    "family": ("shared_pairs", "shared_families"),
    "cluster": ("shared_pairs", "shared_sites"),
    "chromosome": ("shared_pairs", "shared_sites"),
    "random": ("shared_pairs",),
    "given": ("shared_pairs", "shared_sites"),
}


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
            f"of {counted(self.rows, 'validation pair')}, training has the same pair for {self.shared_pairs:,}, "
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
        shared_families=shared(family_codes(both)),
    )


def refuse_leak(report: LeakageReport, split: str) -> None:
    """InputError when the held-out pairs share with training what a split of this kind (or `given`) must keep apart."""
    leaks = [name for name in _PROMISES[split] if getattr(report, name)]
    if leaks:
        what = " and ".join(counted(getattr(report, name), _SHARED[name]) for name in leaks)
        raise InputError(
            f"leak: training, too, has {what} of the {report.rows:,} validation pairs (split: {split}); "
            "choose another split, or --allow-leak to train all the same"
        )
