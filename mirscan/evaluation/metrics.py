"""What scores (n,) are worth against labels (n,) of 0 and 1 (soft labels count from .5), with bootstrap intervals. NumPy only."""

from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError

# Recalls at which precision is quoted.
RECALLS = (0.2, 0.5, 0.8)
_ECE_BINS = 10
# Draws of labels that tell what a calibration error would be by chance: the mean of so many is known within 2 %.
_MOST_DRAWS = 200
# Our own rather than scikit-learn's, which sorts anew for each of a thousand bootstrap samples and has no AUROC within groups: a ranking is
# sorted once here, and a sample is a row of counts. The tests compare both.
# Bootstrap folds at a time: the count matrix stays within some tens of MB.
_CELLS = 1 << 22


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve as the sum over thresholds of precision x gain in recall; ties share one threshold.

    >>> round(average_precision(np.array([1, 0, 1]), np.array([.9, .8, .7])), 4)
    0.8333
    """
    return float(ranked_average_precision(*Ranking(labels, scores).cumulative(_once(labels)))[0])


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Part of (positive, negative) couples in the right order; a tie counts half. nan with one class only.

    >>> auroc(np.array([1, 0, 0]), np.array([.5, .5, .1]))
    0.75
    """
    return float(ranked_auroc(*Ranking(labels, scores).cumulative(_once(labels)))[0])


def within_auroc(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> float:
    """AUROC over the couples within one group only (integers (n,), such as the miRNA): a score that knows only the group gets .5."""
    return float(GroupedRanking(labels, scores, groups).auroc(_once(labels))[0])


def count_couples(labels: np.ndarray, groups: np.ndarray) -> int:
    """Number of (positive, negative) couples within one group."""
    _, codes = np.unique(groups, return_inverse=True)
    positive = labels >= 0.5
    return int(np.sum(np.bincount(codes, positive) * np.bincount(codes, ~positive)))


def curve(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(recall, precision, false positive rate), each (thresholds,), from the highest threshold down."""
    ranking = Ranking(labels, scores)
    hits, misses = (row[0] for row in ranking.cumulative(_once(labels)))
    return hits / max(hits[-1], 1), hits / (hits + misses), misses / max(misses[-1], 1)


def _once(labels: np.ndarray) -> np.ndarray:
    return np.ones((1, len(labels)), np.float32)


class Ranking:
    """Pairs sorted by score once. `counts` (folds, n) says how often each pair is drawn; metrics of `cumulative(counts)` are (folds,)."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray):
        _refuse_nan(scores)
        self.order = np.argsort(-scores, kind="stable")
        ranked = scores[self.order]
        self.positive = (labels >= 0.5)[self.order]
        self.last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)

    def cumulative(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positives and negatives (folds, thresholds) at or above each distinct score, from the highest."""
        drawn = counts[:, self.order].astype(np.float64)
        hits = np.cumsum(drawn * self.positive, axis=1)[:, self.last_of_tie]
        return hits, np.cumsum(drawn, axis=1)[:, self.last_of_tie] - hits


def ranked_average_precision(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """Average precision (folds,) of cumulative positives and negatives (folds, thresholds)."""
    return _ratio(np.sum(np.diff(hits, prepend=0, axis=1) * _ratio(hits, hits + misses, 0.0), axis=1), hits[:, -1])


def ranked_auroc(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """AUROC (folds,) by trapezes: a tie is a slanted step, worth half."""
    before = np.concatenate([np.zeros((len(hits), 1)), hits[:, :-1]], axis=1)
    area = np.sum(np.diff(misses, prepend=0, axis=1) * (hits + before) / 2, axis=1)
    return _ratio(area, hits[:, -1] * misses[:, -1])


def ranked_precision(hits: np.ndarray, misses: np.ndarray, recall: float) -> np.ndarray:
    """Precision (folds,) at the highest threshold that reaches `recall`."""
    place = np.argmax(hits >= recall * hits[:, -1:] - 1e-9, axis=1)[:, None]
    reached = np.take_along_axis(hits, place, 1)[:, 0]
    return _ratio(reached, reached + np.take_along_axis(misses, place, 1)[:, 0])


class GroupedRanking:
    """As Ranking, for couples within a group."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray, groups: np.ndarray):
        _refuse_nan(scores)
        self.order = np.lexsort((scores, groups))
        self.positive, ranked, group = (labels >= 0.5)[self.order], scores[self.order], groups[self.order]
        starts = np.append(True, group[1:] != group[:-1])[: len(group)]
        ties = starts | np.append(True, ranked[1:] != ranked[:-1])[: len(group)]
        self.group_start, self.group = np.flatnonzero(starts), np.cumsum(starts) - 1
        self.tie_start, self.tie = np.flatnonzero(ties), np.cumsum(ties) - 1

    def auroc(self, counts: np.ndarray) -> np.ndarray:
        drawn = counts[:, self.order].astype(np.float64)
        negatives = drawn * ~self.positive
        before = np.cumsum(negatives, axis=1) - negatives
        below = before[:, self.tie_start][:, self.tie] - before[:, self.group_start][:, self.group]
        tied = np.add.reduceat(negatives, self.tie_start, axis=1)[:, self.tie]
        won = np.sum((below + tied / 2) * drawn * self.positive, axis=1)
        couples = np.add.reduceat(negatives, self.group_start, axis=1) * np.add.reduceat(drawn * self.positive, self.group_start, axis=1)
        return _ratio(won, couples.sum(axis=1))


def _refuse_nan(scores: np.ndarray) -> None:
    """InputError for a score that is not a number: a sort puts it last, a comparison calls it false, and both look like a result."""
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise InputError(
            f"{len(missing):,} of {len(scores):,} scores are not a number, the first at place {missing[0]:,}; expected numbers"
        )


def _ratio(above: np.ndarray, below: np.ndarray, empty: float = np.nan) -> np.ndarray:
    return np.divide(above, below, out=np.full(np.shape(above), empty, np.float64), where=below > 0)


def threshold_metrics(labels: np.ndarray, scores: np.ndarray, threshold: float, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy and F1 (folds,) of calling a pair positive from `threshold` up."""
    _refuse_nan(scores)
    called, positive = (scores >= threshold).astype(np.float64), (labels >= 0.5).astype(np.float64)
    drawn = counts.astype(np.float64)
    hits, n_called, n_positive, n = drawn @ (called * positive), drawn @ called, drawn @ positive, drawn.sum(axis=1)
    return {"accuracy": (n - n_called - n_positive + 2 * hits) / n, "f1": _ratio(2 * hits, n_called + n_positive, 0.0)}


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Expected calibration error (folds,): mean gap between probability and part of positives over ten equal-width bins (Guo 2017).

    `weights` (n,) bring the pairs to the base rate for which the probabilities are meant.
    """
    in_bin = np.equal.outer(_bins(probabilities), np.arange(_ECE_BINS)).astype(np.float64)
    gap = (weights * (probabilities - (labels >= 0.5)))[:, None] * in_bin
    return np.abs(counts.astype(np.float64) @ gap).sum(axis=1) / (counts.astype(np.float64) @ weights)


def calibration_error_if_right(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Calibration errors (folds,) that these probabilities would have on as many pairs if they were right, with labels drawn by them: a gap
    of chance is left in every bin, the wider the fewer its pairs.

    `weights` (n,) as for `calibration_error`, one number a class, of which both must be there.
    """
    positive = labels >= 0.5
    weight, which, random = (weights[~positive][0], weights[positive][0]), _bins(probabilities), np.random.default_rng(seed)
    # In the set itself a class is as much rarer or more frequent as its weight says.
    here = probabilities * weight[0] / (probabilities * weight[0] + (1 - probabilities) * weight[1])
    errors = np.empty(folds)
    for fold in range(folds):
        drawn = random.random(len(here)) < here
        weights = np.where(drawn, weight[1], weight[0])
        errors[fold] = np.abs(np.bincount(which, weights * (probabilities - drawn))).sum() / weights.sum()
    return errors


def _bins(probabilities: np.ndarray) -> np.ndarray:
    _refuse_nan(probabilities)
    return np.minimum((probabilities * _ECE_BINS).astype(np.int64), _ECE_BINS - 1)


@dataclass(frozen=True)
class Estimate:
    """A metric with the 2.5 % and 97.5 % quantiles of its bootstrap, without the `undefined` samples, as those of one class alone are."""

    value: float
    low: float
    high: float
    undefined: int = 0


@dataclass(frozen=True)
class Scored:
    """One scorer on one set: `scores` (n,); `threshold` and `calibration_weights` (n,) only where the score is a probability."""

    labels: np.ndarray
    scores: np.ndarray
    mirnas: np.ndarray
    threshold: float | None = None
    calibration_weights: np.ndarray | None = None

    def metrics(self, folds: int, seed: int) -> dict[str, Estimate]:
        """Every metric with its interval; the same seed draws the same pairs for every scorer of a set, so that differences are paired."""
        ranking, grouped = Ranking(self.labels, self.scores), GroupedRanking(self.labels, self.scores, self.mirnas)
        values = self._compute(ranking, grouped, np.ones((1, len(self.labels)), np.float32))
        parts = [self._compute(ranking, grouped, counts) for counts in iter_resamples(len(self.labels), folds, seed)]
        estimates = {name: _estimate(float(value[0]), [part[name] for part in parts]) for name, value in values.items()}
        positive = self.labels >= 0.5
        if self.calibration_weights is not None and folds and positive.any() and not positive.all():
            drawn = calibration_error_if_right(self.labels, self.scores, self.calibration_weights, min(folds, _MOST_DRAWS), seed)
            estimates["calibration_error_if_right"] = _estimate(float(drawn.mean()), [drawn])
        return estimates

    def _compute(self, ranking: Ranking, grouped: GroupedRanking, counts: np.ndarray) -> dict[str, np.ndarray]:
        hits, misses = ranking.cumulative(counts)
        values = {
            "average_precision": ranked_average_precision(hits, misses),
            "auroc": ranked_auroc(hits, misses),
            "within_mirna_auroc": grouped.auroc(counts),
            **{f"precision_at_recall_{recall:g}": ranked_precision(hits, misses, recall) for recall in RECALLS},
        }
        if self.threshold is not None:
            values |= threshold_metrics(self.labels, self.scores, self.threshold, counts)
        if self.calibration_weights is not None:
            values["calibration_error"] = calibration_error(self.labels, self.scores, self.calibration_weights, counts)
        return values


def iter_resamples(n: int, folds: int, seed: int):
    """Count matrices (some folds, n): how often a pair is drawn in a sample of n with replacement."""
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS // max(n, 1))
    for first in range(0, folds, at_once):
        rows = min(at_once, folds - first)
        drawn = random.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float32)


def _estimate(value: float, parts: list[np.ndarray]) -> Estimate:
    drawn = np.concatenate(parts) if parts else np.zeros(0)
    defined = drawn[np.isfinite(drawn)]
    low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (value, value)
    return Estimate(value, float(low), float(high), len(drawn) - len(defined))


def summarize(labels: np.ndarray, scores: np.ndarray, mirnas: np.ndarray) -> dict[str, float]:
    """The few numbers of metrics.json; `mirnas` (n,) integers, one a miRNA."""
    return {
        "pairs": len(labels),
        "positive_rate": float(np.mean(labels >= 0.5)),
        "average_precision": average_precision(labels, scores),
        "auroc": auroc(labels, scores),
        "within_mirna_auroc": within_auroc(labels, scores, mirnas),
        "within_mirna_couples": count_couples(labels, mirnas),
    }
