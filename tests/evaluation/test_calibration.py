import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from mirscan.evaluation.calibration import base_rate_weights, calibrate, held_out_calibration
from mirscan.evaluation.metrics import auroc, calibration_error


def overconfident(n=20_000, seed=0):
    """Labels drawn at p, scores at the steeper logit 3 logit(p) + 1."""
    random = np.random.default_rng(seed)
    p = random.beta(2, 2, n)
    labels = (random.random(n) < p).astype(np.float32)
    return labels, (1 / (1 + np.exp(-(3 * np.log(p / (1 - p)) + 1)))).astype(np.float32)


def error(labels, scores, weights):
    return calibration_error(labels, scores, weights, np.ones((1, len(labels))))[0]


@pytest.mark.parametrize("method", ["isotonic", "temperature"])
@pytest.mark.parametrize("base_rate", [0.5, 0.1])
def test_calibrate__error_on_new_pairs_falls_below_two_percent(method, base_rate):
    labels, scores = overconfident()
    calibration = calibrate(labels, scores, method, base_rate)
    new_labels, new_scores = overconfident(seed=1)
    weights = base_rate_weights(new_labels >= 0.5, base_rate)
    assert error(new_labels, new_scores, weights) > 0.1
    assert error(new_labels, calibration.apply(new_scores), weights) < 0.02


@pytest.mark.parametrize("method", ["isotonic", "temperature"])
def test_calibrate__keeps_the_order_of_scores(method):
    labels, scores = overconfident(2000)
    calibration = calibrate(labels, scores, method, 0.5)
    steps = np.diff(calibration.apply(np.linspace(0, 1, 101)))
    assert (steps > 0).all()
    assert auroc(labels, calibration.apply(scores)) == pytest.approx(auroc(labels, scores), abs=0.002)
    assert len(calibration.x) <= 66 and calibration.x[0] == 0 and calibration.x[-1] == 1


def test_calibrate__isotonic_follows_scikit_learn():
    labels, scores = overconfident()
    reference = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    places = np.quantile(scores, np.linspace(0.05, 0.95, 19))
    np.testing.assert_allclose(calibrate(labels, scores, "isotonic", labels.mean()).apply(places), reference.predict(places), atol=0.05)


def test_calibrate__none_and_separable_scores():
    assert calibrate(np.array([0, 1]), np.array([0.1, 0.9]), "none", 0.5).x == ()
    labels = np.repeat([0.0, 1.0], 200)
    calibration = calibrate(labels, labels * 0.9 + 0.05, "temperature", 0.5)
    assert np.isfinite(calibration.y).all() and calibration.y[0] < 0.1 < 0.9 < calibration.y[-1]


def test_held_out_calibration__a_single_mirna_still_gets_a_map():
    labels, scores = np.tile([0.0, 1.0], 60), np.tile([0.2, 0.7], 60)
    calibrated = held_out_calibration(labels, scores, np.zeros(120, int), "isotonic", 0.5)
    assert calibrated[1] > 0.9 and calibrated[0] < 0.1
