"""What a list of scores is worth against labels. NumPy only; scores (n,), labels (n,) of 0 and 1 (soft labels count from .5)."""

import numpy as np


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve as the sum over thresholds of precision x gain in recall; ties share one threshold.

    >>> average_precision(np.array([1, 0, 1]), np.array([.9, .8, .7])).__round__(4)
    0.8333
    """
    hits, taken = _cumulative(labels, scores)
    if not len(hits) or hits[-1] == 0:
        return float("nan")
    return float(np.sum(np.diff(hits, prepend=0) * hits / taken) / hits[-1])


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Part of (positive, negative) couples in the right order; a tie counts half. nan with one class only.

    >>> auroc(np.array([1, 0, 0]), np.array([.5, .5, .1]))
    0.75
    """
    won, couples = _won_couples(labels, scores, np.zeros(len(labels), np.int64))
    return won / couples if couples else float("nan")


def within_auroc(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> tuple[float, int]:
    """AUROC over couples of one group only (integers (n,), such as the miRNA), and the number of couples.

    A score that knows only the group gets .5.
    """
    won, couples = _won_couples(labels, scores, groups)
    return (won / couples if couples else float("nan")), couples


def _cumulative(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positives and pairs above each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)
    return np.cumsum(labels[order] >= 0.5)[last], last + 1


def _won_couples(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> tuple[float, int]:
    order = np.lexsort((scores, groups))
    positive, ranked, group = labels[order] >= 0.5, scores[order], groups[order]
    if not len(order):
        return 0.0, 0
    new_group = np.append(True, group[1:] != group[:-1])
    new_tie = new_group | np.append(True, ranked[1:] != ranked[:-1])
    negatives = np.cumsum(~positive)
    before_group = (negatives - ~positive)[new_group][np.cumsum(new_group) - 1]
    ties = np.flatnonzero(new_tie)
    tie = np.cumsum(new_tie) - 1
    below = (negatives - ~positive)[ties][tie] - before_group
    tied = np.add.reduceat(~positive, ties, dtype=np.int64)[tie]
    per_group = np.add.reduceat(np.stack([positive, ~positive]), np.flatnonzero(new_group), axis=1, dtype=np.int64)
    return float(np.sum((below + 0.5 * tied)[positive])), int(np.sum(per_group[0] * per_group[1]))


def summarize(labels: np.ndarray, scores: np.ndarray, mirnas: np.ndarray) -> dict[str, float]:
    """The numbers quoted for a scorer; `mirnas` (n,) integers, one a miRNA."""
    within, couples = within_auroc(labels, scores, mirnas)
    return {
        "pairs": len(labels),
        "positive_rate": float(np.mean(labels >= 0.5)),
        "average_precision": average_precision(labels, scores),
        "auroc": auroc(labels, scores),
        "within_mirna_auroc": within,
        "within_mirna_couples": couples,
    }
