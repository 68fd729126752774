import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, precision_recall_curve, roc_auc_score

from mirscan.errors import InputError
from mirscan.evaluation.calibration import base_rate_weights
from mirscan.evaluation.metrics import (
    GroupedRanking,
    Ranking,
    Scored,
    auroc,
    average_precision,
    calibration_error,
    calibration_error_if_right,
    count_couples,
    curve,
    ranked_auroc,
    ranked_average_precision,
    ranked_precision,
    within_auroc,
)

scored_pairs = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=60
).filter(lambda rows: 0 < sum(row[0] for row in rows) < len(rows))


def columns(rows):
    labels, scores, groups, counts = np.array(rows).T
    return labels.astype(np.float32), scores / 8, groups, counts


def slow_within(labels, scores, groups):
    won = couples = 0
    for group in set(groups.tolist()):
        positive, negative = scores[(groups == group) & (labels == 1)], scores[(groups == group) & (labels == 0)]
        difference = positive[:, None] - negative[None]
        won += (difference > 0).sum() + (difference == 0).sum() / 2
        couples += difference.size
    return (won / couples if couples else np.nan), couples


@settings(max_examples=100, deadline=None)
@given(scored_pairs)
def test_metrics__equal_scikit_learn_and_the_definition(rows):
    labels, scores, groups, _ = columns(rows)
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    within, couples = slow_within(labels, scores, groups)
    assert within_auroc(labels, scores, groups) == pytest.approx(within, abs=1e-12, nan_ok=True)
    assert count_couples(labels, groups) == couples


@settings(max_examples=100, deadline=None)
@given(scored_pairs)
def test_metrics__counts_equal_repeated_rows(rows):
    labels, scores, groups, counts = columns(rows)
    repeated = [np.repeat(column, counts) for column in (labels, scores, groups)]
    if 0 < repeated[0].sum() < len(repeated[0]):
        cumulative = Ranking(labels, scores).cumulative(counts[None])
        assert ranked_average_precision(*cumulative)[0] == pytest.approx(average_precision(*repeated[:2]), abs=1e-12)
        assert ranked_auroc(*cumulative)[0] == pytest.approx(auroc(*repeated[:2]), abs=1e-12)
        assert GroupedRanking(labels, scores, groups).auroc(counts[None])[0] == pytest.approx(
            within_auroc(*repeated), abs=1e-12, nan_ok=True
        )


def test_precision_at_recall__first_threshold_that_reaches_it():
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 200), random.integers(0, 40, 200) / 40
    precision, recall, _ = precision_recall_curve(labels, scores)
    place = np.flatnonzero(recall >= 0.5)[-1]
    assert ranked_precision(*Ranking(labels, scores).cumulative(np.ones((1, 200))), 0.5)[0] == pytest.approx(precision[place])


def test_metrics__one_class_only_is_nan():
    assert np.isnan(auroc(np.ones(5), np.arange(5.0))) and np.isnan(average_precision(np.zeros(5), np.arange(5.0)))
    assert np.isnan(within_auroc(np.array([1, 0]), np.array([0.1, 0.2]), np.array([0, 1])))


def test_metrics__a_score_that_knows_only_the_group_gets_half():
    random = np.random.default_rng(2)
    groups = random.integers(0, 10, 500)
    labels = (random.random(500) < groups / 10).astype(np.float32)
    assert auroc(labels, groups / 10) > 0.75
    assert within_auroc(labels, groups / 10, groups) == 0.5


def test_scored_metrics__intervals_hold_the_value_and_thresholds_equal_scikit_learn():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 600).astype(np.float32)
    scores = np.clip(0.3 * labels + 0.7 * random.random(600), 0, 1)
    metrics = Scored(labels, scores, random.integers(0, 20, 600), 0.5, np.ones(600)).metrics(folds=200, seed=1)
    assert metrics["accuracy"].value == pytest.approx(accuracy_score(labels, scores >= 0.5))
    assert metrics["f1"].value == pytest.approx(f1_score(labels, scores >= 0.5))
    for name in ("average_precision", "auroc", "within_mirna_auroc", "accuracy", "f1"):
        assert metrics[name].low < metrics[name].value < metrics[name].high
    # Standard error of an accuracy p of n pairs: sqrt(p (1 - p) / n), so a 95 % interval is 3.92 of those wide.
    p = metrics["accuracy"].value
    assert metrics["accuracy"].high - metrics["accuracy"].low == pytest.approx(3.92 * np.sqrt(p * (1 - p) / 600), rel=0.25)
    assert Scored(labels, scores, np.zeros(600)).metrics(folds=20, seed=5) == Scored(labels, scores, np.zeros(600)).metrics(
        folds=20, seed=5
    )


def test_calibration_error__known_gap():
    labels, scores = np.array([0, 1, 1, 1]), np.array([0.25, 0.25, 0.95, 0.95])
    # bin 2: mean .25, observed .5; bin 9: mean .95, observed 1
    assert calibration_error(labels, scores, np.ones(4), np.ones((1, 4)))[0] == pytest.approx((2 * 0.25 + 2 * 0.05) / 4)


@pytest.mark.parametrize("base_rate", [0.5, 0.1])
def test_calibration_error_if_right__is_what_right_probabilities_have(base_rate):
    random = np.random.default_rng(3)
    right = random.random(400)
    found, expected = [], []
    for _ in range(60):
        labels = (random.random(400) < right).astype(np.int8)
        weights = base_rate_weights(labels >= 0.5, base_rate)
        odds = right / (1 - right) * np.divide(*[weights[labels == label][0] for label in (1, 0)])
        probabilities = odds / (1 + odds)
        found.append(calibration_error(labels, probabilities, weights, np.ones((1, 400)))[0])
        expected.append(calibration_error_if_right(labels, probabilities, weights, 20, seed=1).mean())
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.1)
    # Four times as many pairs, half the gap of chance.
    many = [np.repeat(values, 4) for values in (labels, probabilities, weights)]
    assert calibration_error_if_right(*many, 200, seed=1).mean() == pytest.approx(np.mean(expected) / 2, rel=0.15)


def test_curve__ends_at_full_recall():
    recall, precision, false_positive_rate = curve(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert recall.tolist() == [0.5, 0.5, 1, 1] and precision[-1] == 0.5 and false_positive_rate[-1] == 1


@pytest.mark.parametrize("measure", [average_precision, auroc, curve, lambda y, s: within_auroc(y, s, np.zeros(3, int))])
def test_metrics__scores_that_are_not_numbers_are_refused(measure):
    with pytest.raises(InputError, match="1 of 3 scores are not a number, the first at place 1; expected numbers"):
        measure(np.array([1, 0, 1]), np.array([0.9, np.nan, 0.7]))


def test_metrics__infinite_scores_rank():
    assert average_precision(np.array([1, 0, 1]), np.array([np.inf, -np.inf, 0])) == 1


def test_calibration_error__probabilities_that_are_not_numbers_are_refused():
    with pytest.raises(InputError, match="not a number"):
        calibration_error(np.array([1, 0]), np.array([0.5, np.nan]), np.ones(2), np.ones((1, 2)))


def test_estimates__samples_of_one_class_are_counted():
    """Of five pairs with one positive, (4/5)^5 = 32.8 % of samples hold no positive and have no average precision."""
    labels, scores = np.array([1, 0, 0, 0, 0]), np.arange(5) / 5
    metrics = Scored(labels, scores, np.zeros(5, int)).metrics(2000, 1)
    assert metrics["average_precision"].undefined == pytest.approx(0.328 * 2000, abs=80)
    assert Scored(np.array([1, 0] * 50), np.arange(100) / 100, np.zeros(100, int)).metrics(50, 1)["auroc"].undefined == 0
