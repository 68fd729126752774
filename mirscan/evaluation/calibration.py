"""Raw outputs -> probabilities at a stated base rate, as a piecewise-linear map that fits in a card."""

import numpy as np

from mirscan.pairs.columns import POSITIVE
from mirscan.trained_models import Calibration

# Steps of an isotonic fit are joined by at most so many points: more would only be noise of the validation pairs.
MAX_POINTS = 64
_EPSILON = 1e-6
# Scores that do not tell the classes apart, or the wrong way round, still keep their order.
FLATTEST = 1e-3


def calibrate(labels: np.ndarray, scores: np.ndarray, method: str, base_rate: float, sets: np.ndarray | None = None) -> Calibration:
    """Map from raw `scores` (n,) to the probability of a positive where `base_rate` of all pairs is positive.

    `isotonic` follows the data by a rising line (pool adjacent violators, Zadrozny 2002); `temperature` divides the logit by one
    number and adds another (Platt 1999), which suits few pairs. The fit weighs the classes so that positives make up `base_rate`, and the
    sets of pairs (`sets` (n,), numbered) alike: a study of many pairs does not decide what a score means in another.
    """
    if method == "none":
        return Calibration()
    positive = labels >= POSITIVE
    weights = base_rate_weights(positive, base_rate, sets)
    if method == "temperature":
        slope, shift = _fit_logistic(_logit(scores), positive, weights)
        # Half of the points lie evenly in the log odds of the score, half in those of the probability: a steep map has its rise between.
        steps = np.linspace(-9, 9, MAX_POINTS // 2 - 1)
        x = np.sort(np.concatenate(([0.0], _sigmoid(steps), _sigmoid((steps - shift) / slope), [1.0])))
        y = _sigmoid(slope * _logit(x) + shift)
    else:
        x, y = _isotonic_points(scores.astype(np.float64), positive.astype(np.float64), weights)
    return Calibration(method, *_rising(x, y))


def held_out_calibration(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, method: str, base_rate: float, sets: np.ndarray | None = None
) -> np.ndarray:
    """Calibrated scores (n,) of pairs that the calibration has not seen: each half of the groups (n,) with the map of the other half.

    Where a half has one class or nothing (a single miRNA, say), there is no unseen half to fit on and all pairs are used.
    """
    half = np.random.default_rng(0).integers(0, 2, int(groups.max()) + 1)[groups]
    calibrated = np.empty(len(scores))
    for side in (0, 1):
        others = half != side
        if len(np.unique(labels[others] >= POSITIVE)) < 2:
            others = np.ones(len(scores), bool)
        fitted = calibrate(labels[others], scores[others], method, base_rate, None if sets is None else sets[others])
        calibrated[half == side] = fitted.apply(scores[half == side])
    return calibrated


def base_rate_weights(positive: np.ndarray, base_rate: float, sets: np.ndarray | None = None) -> np.ndarray:
    """Weights (n,), mean 1, under which positives make up `base_rate`, and in each class all `sets` (n,) that have it count the same."""
    groups = 2 * (np.zeros(len(positive), np.int64) if sets is None else sets) + positive
    sizes = np.bincount(groups, minlength=2)
    weights = np.where(positive, base_rate, 1 - base_rate) * len(positive)
    for side in (0, 1):
        weights[positive == bool(side)] /= max(np.count_nonzero(sizes[side::2]), 1)
    return weights / sizes[groups]


def _logit(probabilities: np.ndarray) -> np.ndarray:
    clipped = np.clip(probabilities.astype(np.float64), _EPSILON, 1 - _EPSILON)
    return np.log(clipped / (1 - clipped))


def _fit_logistic(logits: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope (at least FLATTEST) and shift of the weighted logistic regression on one input."""
    from sklearn.linear_model import LogisticRegression

    # Platt 1999: targets a little inside 0 and 1 keep the slope finite where the classes are separated completely. A pair with target t
    # is t of a positive and 1 - t of a negative.
    n_positive = int(positive.sum())
    targets = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (len(positive) - n_positive + 2))
    if np.ptp(logits) > 0:
        # In standard units, and with Newton's steps: on scores that lie close together L-BFGS stops early, even at a falling slope.
        centre, spread = logits.mean(), logits.std()
        model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8, max_iter=1000)
        sides, shares = np.repeat([1, 0], len(logits)), np.concatenate([weights * targets, weights * (1 - targets)])
        fitted = model.fit(np.tile((logits - centre) / spread, 2)[:, None], sides, sample_weight=shares)
        slope = float(fitted.coef_[0, 0]) / spread
        if slope > FLATTEST:
            return slope, float(fitted.intercept_[0]) - slope * centre
    level = np.average(targets, weights=weights)
    return FLATTEST, float(np.log(level / (1 - level)) - FLATTEST * np.average(logits, weights=weights))


def _sigmoid(line: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(line / 2)) / 2


def _isotonic_points(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre of each block of the isotonic fit, blocks merged until at most MAX_POINTS are left."""
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(scores, kind="stable")
    x, y, w = scores[order], positive[order], weights[order]
    # Blocks of at least n / MAX_POINTS pairs, so that no point rests on a handful of pairs.
    edges = np.unique(np.linspace(0, len(x), min(MAX_POINTS, max(2, len(x) // 20)) + 1).astype(int))[:-1]
    weight = np.add.reduceat(w, edges)
    centre, rate = np.add.reduceat(w * x, edges) / weight, np.add.reduceat(w * y, edges) / weight
    level = isotonic_regression(rate, sample_weight=weight)
    firsts = np.flatnonzero(np.append(True, np.diff(level) > 0))
    centre = np.add.reduceat(weight * centre, firsts) / np.add.reduceat(weight, firsts)
    level = level[firsts]
    sizes = np.add.reduceat(np.diff(np.append(edges, len(x))), firsts)
    # n pairs of one class do not say never or always, and where all of n are sites the best of a scan would tie: the rule of succession.
    if level[0] == 0:
        level[0] = min(1 / (sizes[0] + 2), level[1] / 2)
    if level[-1] == 1:
        level[-1] = max(1 - 1 / (sizes[-1] + 2), (1 + level[-2]) / 2)
    # Beyond the outer blocks the line goes on, half way to certainty: level ends would tie the best sites of a scan.
    lowest, highest = level[0] / 2, (1 + level[-1]) / 2
    return np.concatenate(([0.0], centre, [1.0])), np.concatenate(([lowest], level, [highest]))


def _rising(x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Plain rounded numbers, x strictly rising, y rising."""
    x, y = np.round(x, 6), np.round(np.maximum.accumulate(y), 6)
    keep = np.append(True, np.diff(x) > 0)
    return tuple(x[keep].tolist()), tuple(y[keep].tolist())
