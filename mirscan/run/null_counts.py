"""Counts of sites and pairs on shuffled transcripts by miRNA and level: of one part, of all, and as what p-values are looked up in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.genes.significance import N_LEVELS, Null, least_of, make_null
from mirscan.output.parquet import ParquetRows
from mirscan.tables import BACKGROUND

# Counts of a part lie under one number: stratum + 1 (0 for sites), miRNA, rule + 1 (0 for pairs) and level, each a digit.
COUNTS_SCHEMA = pa.schema([("key", pa.int64()), ("n", pa.int64())])
# Numbers that wait before equal ones are added up.
_WAITING = 1 << 22
_BATCH_ROWS = 1 << 17


@dataclass(frozen=True)
class Keys:
    """The numbers of one run, of `n_mirnas` miRNAs and `n_rules` rules."""

    n_mirnas: int
    n_rules: int

    def of_sites(self, mirna: np.ndarray, seed: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Numbers (n,) of sites."""
        return (mirna.astype(np.int64) * (self.n_rules + 1) + seed + 1) * N_LEVELS + level

    def of_pairs(self, stratum: np.ndarray, mirna: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Numbers (n,) of pairs."""
        return ((stratum.astype(np.int64) + 1) * self.n_mirnas + mirna) * (self.n_rules + 1) * N_LEVELS + level

    def parts(self, keys: np.ndarray) -> tuple[np.ndarray, ...]:
        """(stratum, miRNA, rule, level), each (n,); stratum -1 of sites, rule -1 of pairs."""
        rest, level = np.divmod(keys, N_LEVELS)
        rest, rule = np.divmod(rest, self.n_rules + 1)
        stratum, mirna = np.divmod(rest, self.n_mirnas)
        return stratum - 1, mirna, rule - 1, level


class Counts:
    """Adds up how often each number came."""

    def __init__(self):
        self._keys: list[np.ndarray] = []
        self._counts: list[np.ndarray] = []
        self._waiting = 0

    def add(self, keys: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Take in numbers (n,), each once or `counts` (n,) times."""
        self._keys.append(keys)
        self._counts.append(np.ones(len(keys), np.int64) if counts is None else counts)
        self._waiting += len(keys)
        if self._waiting > _WAITING:
            self.sums()

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """(distinct numbers, ascending; how often each came)."""
        keys, place = np.unique(np.concatenate([*self._keys, np.empty(0, np.int64)]), return_inverse=True)
        counts = np.bincount(place, weights=np.concatenate([*self._counts, np.empty(0)]), minlength=len(keys)).astype(np.int64)
        self._keys, self._counts, self._waiting = [keys], [counts], 0
        return keys, counts


def write_counts(counts: Counts, path: Path) -> None:
    """The counts of a part as Parquet."""
    with ParquetRows(path, COUNTS_SCHEMA) as rows:
        rows.write(pa.record_batch(list(counts.sums()), schema=COUNTS_SCHEMA))


def add_counts(paths: Iterable[Path]) -> Counts:
    """The counts of all parts."""
    total = Counts()
    for path in paths:
        table = pq.read_table(path)
        total.add(table["key"].to_numpy(), table["n"].to_numpy())
    return total


def write_background(counts: Counts, keys: Keys, mirnas: list[str], rules: list[str], is_scored: bool, path: Path, metadata: dict) -> None:
    """The counts of all parts as the BACKGROUND table: names and the least strength of each level instead of numbers."""
    schema = BACKGROUND.schema(metadata)
    with ParquetRows(path, schema) as rows:
        for stratum, mirna, rule, level, n in _slices(counts, keys):
            least = least_of(level)
            # Levels of sites are of odds.
            value = np.where(rule < 0, least, least / (1 + least)) if is_scored else np.where(rule < 0, least, np.nan)
            columns = [
                pa.DictionaryArray.from_arrays(pa.array(mirna.astype(np.int32)), pa.array(mirnas)),
                pa.DictionaryArray.from_arrays(pa.array(rule.astype(np.int8), mask=rule < 0), pa.array(rules)),
                pa.array(stratum.astype(np.int32), mask=rule >= 0),
                pa.array(level.astype(np.int16)),
                pa.array(value.astype(np.float32), from_pandas=True),
                pa.array(n),
            ]
            rows.write(pa.record_batch(columns, schema=schema))


@dataclass(frozen=True)
class RunNull:
    """What p-values of a run are looked up in: sites by miRNA; pairs by stratum x number of miRNAs + miRNA."""

    sites: Null
    pairs: Null


def read_null(path: Path, n_mirnas: int, draws_of_stratum: np.ndarray) -> RunNull:
    """The null of a BACKGROUND file; `draws_of_stratum` (k,): shuffled transcripts of each stratum, also those without any site."""
    table = pq.read_table(path, columns=["mirna", "transcripts", "level", "n"])
    stratum = table["transcripts"].combine_chunks().fill_null(-1).to_numpy()
    mirna = table["mirna"].combine_chunks().indices.to_numpy()
    level, n = table["level"].to_numpy(), table["n"].to_numpy()
    is_site = stratum < 0
    # Sites of one miRNA are ordered by rule, then by level.
    order = np.lexsort((level[is_site], mirna[is_site]))
    of_sites = [column[is_site][order] for column in (mirna, level, n)]
    n_sites = np.bincount(of_sites[0], weights=of_sites[2], minlength=n_mirnas).astype(np.int64)
    group = stratum[~is_site].astype(np.int64) * n_mirnas + mirna[~is_site]
    return RunNull(make_null(*of_sites, n_sites), make_null(group, level[~is_site], n[~is_site], np.repeat(draws_of_stratum, n_mirnas)))


def _slices(counts: Counts, keys: Keys) -> Iterator[tuple[np.ndarray, ...]]:
    numbers, n = counts.sums()
    for first in range(0, len(numbers), _BATCH_ROWS):
        rows = slice(first, first + _BATCH_ROWS)
        yield *keys.parts(numbers[rows]), n[rows]
