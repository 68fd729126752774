"""What a set of pairs gives away without a look at the pairing: AUROC of the miRNA alone, the site alone, the place of the seed alone."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.evaluation.evaluate import without_nan
from mirscan.evaluation.metrics import auroc
from mirscan.jit import njit
from mirscan.pairs.columns import POSITIVE, group_codes, labels_of
from mirscan.pairs.read import string_buffers
from mirscan.seeds.seed_class import SEED_CLASSES, best_seeds
from mirscan.windows import WindowLayout, encode_rows

# Rows kept at most for the numbers that need sequences: 20 MB, with 100,000 of a class an AUROC stands within .002.
SAMPLE_ROWS = 200_000
_LAYOUT = WindowLayout()
_WORD = 3
# Fewer of a class say nothing.
_MIN_CLASS = 20
_RIDGE = 1.0


@dataclass(frozen=True)
class BiasReport:
    """Counts, and AUROC (nan where a class has fewer than 20 rows) of scores that know only one side of a pair.

    `mirna_only`: the part of positives of each miRNA in this very set, the best that a score of the miRNA alone can do here; over all
    rows. The others stand on `sampled` rows, with all rows of a site or none. `site_composition`: counts of 3-mers in the window,
    learned on half of the sites and measured on the other. `site_repeats`: windows that occur in fewer rows. `position_only`: where the
    strongest canonical seed match lies, among windows that hold one, by halves likewise. `seed_only`: its type, from none to 8mer.
    """

    positives: int
    negatives: int
    mirnas: int
    sampled: int
    mirna_only: float
    site_composition: float
    site_repeats: float
    position_only: float
    seed_only: float
    seeds: dict[str, dict[str, int]]


class BiasObserver:
    """Sees tables of pairs one after the other and keeps counts by miRNA and a sample of whole sites."""

    def __init__(self):
        self._share = 1.0
        self._counts: dict[str, np.ndarray] = {}
        self._kept: list[pa.Table] = []

    def __call__(self, table: pa.Table) -> None:
        """Add the rows of `table` (columns mirna, target, label)."""
        encoded = table["mirna"].combine_chunks().dictionary_encode()
        codes, n = encoded.indices.to_numpy(), len(encoded.dictionary)
        positive = labels_of(table) >= POSITIVE
        counts = np.stack([np.bincount(codes[rows], minlength=n) for rows in (~positive, positive)], axis=1)
        for name, count in zip(encoded.dictionary.to_pylist(), counts, strict=True):
            self._counts[name] = self._counts.get(name, 0) + count
        self._kept.append(self._sample(table.select(["mirna", "target", "label"])))
        while sum(part.num_rows for part in self._kept) > SAMPLE_ROWS:
            self._share /= 2
            self._kept = [self._sample(part) for part in self._kept]

    def _sample(self, table: pa.Table) -> pa.Table:
        """The rows whose site is in the sample: all of a site or none, whatever its table."""
        return table.filter(pa.array(_hashes(table["target"]) < self._share))

    def report(self) -> BiasReport:
        """The numbers of all that was seen."""
        negatives, positives = np.array(list(self._counts.values())).T
        table = pa.concat_tables(self._kept)
        labels, half = labels_of(table) >= POSITIVE, _hashes(table["target"], salt=1) < 0.5
        mirnas, targets = encode_rows(table["mirna"], _LAYOUT.mirna_length, False), encode_rows(table["target"], _LAYOUT.length, True)
        classes, anchors = best_seeds(mirnas, targets)
        found = classes > 0
        repeats = np.bincount(sites := group_codes(table["target"]))[sites]
        return BiasReport(
            positives=int(positives.sum()),
            negatives=int(negatives.sum()),
            mirnas=len(self._counts),
            sampled=table.num_rows,
            mirna_only=_rate_auroc(positives, negatives),
            site_composition=_composition_auroc(_word_counts(targets), labels, half),
            site_repeats=_auroc(labels, -repeats.astype(np.float64)),
            position_only=_position_auroc(anchors[found], labels[found], half[found]),
            seed_only=_auroc(labels, classes.astype(np.float64)),
            seeds={
                name: {"positives": int((labels & (classes == place)).sum()), "negatives": int((~labels & (classes == place)).sum())}
                for place, name in enumerate(SEED_CLASSES)
            },
        )


def write_bias(report: BiasReport, path: Path, about: dict) -> None:
    """The report as JSON, with `about` (how the set was made) beside it."""
    path.write_text(json.dumps(without_nan({**about, "bias": asdict(report)}), indent=1) + "\n")


def bias_lines(report: BiasReport) -> list[str]:
    """The report for the terminal; .5 says that the part alone tells nothing."""
    rows = (
        ("miRNA only", report.mirna_only),
        ("site only, composition", report.site_composition),
        ("site only, repeats", report.site_repeats),
        ("position of the seed only", report.position_only),
        ("seed type only", report.seed_only),
    )
    return [f"  {name:<28}{'-' if np.isnan(value) else f'{value:.3f}'}" for name, value in rows]


def _auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    return auroc(labels, scores) if min(labels.sum(), (~labels).sum()) >= _MIN_CLASS else float("nan")


def _rate_auroc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """AUROC where each group's rows (counts, (groups,)) get the group's part of positives as score."""
    rates = positives / (positives + negatives)
    order = np.argsort(rates, kind="stable")
    _, tie = np.unique(rates[order], return_inverse=True)
    up, down = np.bincount(tie, positives[order]), np.bincount(tie, negatives[order])
    couples = positives.sum() * negatives.sum()
    return float(np.sum(up * (np.cumsum(down) - down / 2)) / couples) if couples else float("nan")


def _position_auroc(anchors: np.ndarray, labels: np.ndarray, half: np.ndarray) -> float:
    scores = np.zeros(len(labels))
    for side in (half, ~half):
        up, down = (np.bincount(anchors[side & rows], minlength=_LAYOUT.length + 1) for rows in (labels, ~labels))
        overall = (labels[side].sum() + 1) / (side.sum() + 2)
        # Two rows of the overall rate: an anchor that the other half never saw says nothing.
        scores[~side] = ((up + 2 * overall) / (up + down + 2))[anchors[~side]]
    return _auroc(labels, scores)


def _composition_auroc(counts: np.ndarray, labels: np.ndarray, half: np.ndarray) -> float:
    """Least squares with a small ridge on the classes weighted equally; each half by the weights of the other."""
    scores = np.zeros(len(labels))
    for side in (half, ~half):
        n_positive = labels[side].sum()
        if not 0 < n_positive < side.sum():
            return float("nan")
        weights = np.where(labels[side], 1 / n_positive, 1 / (side.sum() - n_positive)) * side.sum() / 2
        x = counts[side] - counts[side].mean(axis=0)
        gram = (x * weights[:, None]).T @ x + _RIDGE * np.eye(counts.shape[1])
        scores[~side] = counts[~side] @ np.linalg.solve(gram, x.T @ (weights * (labels[side] - 0.5)))
    return _auroc(labels, scores)


def _word_counts(targets: np.ndarray) -> np.ndarray:
    counts = np.zeros((len(targets), 4**_WORD), np.float64)
    _fill_word_counts(targets, counts)
    return counts


@njit
def _fill_word_counts(targets, counts):
    for row in range(len(targets)):
        for place in range(targets.shape[1] - _WORD + 1):
            word = 0
            for letter in range(_WORD):
                code = targets[row, place + letter]
                word = word * 4 + code if code < 4 and word >= 0 else -1
            if word >= 0:
                counts[row, word] += 1


def _hashes(column: pa.ChunkedArray, salt: int = 0) -> np.ndarray:
    """A number in 0-1 a string, equal for equal ones."""
    offsets, letters = string_buffers(column.combine_chunks())
    hashes = np.empty(len(column), np.float64)
    _fill_hashes(offsets, letters, salt, hashes)
    return hashes


@njit
def _fill_hashes(offsets, letters, salt, hashes):
    for row in range(len(hashes)):
        value = np.uint64(14695981039346656037) + np.uint64(salt)
        for place in range(offsets[row], offsets[row + 1]):
            value = (value ^ np.uint64(letters[place])) * np.uint64(1099511628211)
        # FNV-1a leaves the upper bits of short texts alike; one more mix spreads them.
        value = (value ^ (value >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        hashes[row] = (value ^ (value >> np.uint64(32))) / 18446744073709551616.0
