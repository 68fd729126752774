import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from mirscan.evaluation.calibration import FLATTEST, _fit_logistic, base_rate_weights, calibrate, held_out_calibration
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


def test_calibrate__isotonic_ties_no_scores_where_all_or_none_are_positive():
    random = np.random.default_rng(5)
    scores = random.random(3000)
    labels = np.where(scores > 0.8, 1, np.where(scores < 0.2, 0, random.random(3000) < scores)).astype(np.float32)
    calibrated = calibrate(labels, scores, "isotonic", 0.5).apply(np.linspace(0, 1, 201))
    assert np.all(np.diff(calibrated) > 0)
    # Among six hundred sites of six hundred, and among as many that are none.
    assert 0.99 < calibrated[185] < 1 and 0 < calibrated[15] < 0.01


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


def separated(seed):
    """Classes without overlap, more or less far apart around some score."""
    random = np.random.default_rng(seed)
    positive = np.arange(200 + 37 * seed) % (2 + seed % 9) == 0
    middle, gap = random.choice([0.5, 0.9, 0.999, 0.01]), 10 ** random.uniform(-4, -0.5)
    steps = np.where(positive, 1, -1) * random.uniform(0.2, 1, len(positive))
    return positive, np.clip(middle + gap * steps * middle * (1 - middle), 1e-6, 1 - 1e-6)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("base_rate", [0.5, 0.001])
def test_fit_logistic__is_the_optimum_that_scipy_finds(seed, base_rate):
    positive, scores = separated(seed)
    if seed == 0:
        scores = 1 - scores
    weights, n = base_rate_weights(positive, base_rate), int(positive.sum())
    targets = np.where(positive, (n + 1) / (n + 2), 1 / (len(positive) - n + 2))
    logits = np.log(scores / (1 - scores))

    def loss(line, logits=logits):
        z = line[0] * logits + line[1]
        return np.sum(weights * (targets * np.logaddexp(0, -z) + (1 - targets) * np.logaddexp(0, z))) / weights.sum()

    standard = (logits - logits.mean()) / logits.std()
    best = min(
        (
            minimize(
                lambda line: loss(line, standard), start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 9000}
            )
            for start in ((0.5, 0), (8, 0), (3, -8))
        ),
        key=lambda found: found.fun,
    )
    line = _fit_logistic(logits, positive, weights)
    if seed == 0:
        # Scores the wrong way round: the flattest rising line, at the level that fits it best.
        assert line[0] == FLATTEST
        assert loss(line) <= minimize(lambda shift: loss((FLATTEST, shift[0])), [0], tol=1e-12).fun + 1e-7
    else:
        assert loss(line) <= best.fun + 1e-9


@pytest.mark.parametrize("score", [0.0, 0.3, 1.0])
def test_calibrate__scores_that_are_all_the_same_get_the_base_rate(score):
    labels = (np.arange(1000) % 2).astype(np.float32)
    assert calibrate(labels, np.full(1000, score), "temperature", 0.2).apply(np.array([score]))[0] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("slope", [0.2, 1, 5, 25])
@pytest.mark.parametrize("shift", [-4, 0, 3])
def test_calibrate__points_follow_a_steep_line(monkeypatch, slope, shift):
    monkeypatch.setattr("mirscan.evaluation.calibration._fit_logistic", lambda *args: (slope, shift))
    fitted = calibrate(np.array([0, 1]), np.array([0.1, 0.9]), "temperature", 0.5)
    x = np.linspace(0.001, 0.999, 5000)
    exact = 1 / (1 + np.exp(-(slope * np.log(x / (1 - x)) + shift)))
    assert len(fitted.x) <= 64
    np.testing.assert_allclose(fitted.apply(x), exact, atol=0.012)


def test_calibrate__every_set_counts_the_same_however_many_pairs_it_has():
    """Two studies in which the same score means different things: the map lies half way between them."""
    random = np.random.default_rng(3)
    scores = random.random(11_000)
    sets = np.repeat([0, 1], [1_000, 10_000])
    labels = (random.random(11_000) < np.where(sets == 0, scores, scores**3)).astype(float)
    fitted = calibrate(labels, scores, "isotonic", labels.mean(), sets)
    rates = []
    for number in (0, 1):
        mean = labels[sets == number].mean()
        chance = 0.7 if number == 0 else 0.7**3
        rates.append((chance / mean, (1 - chance) / (1 - mean)))
    up, down = np.mean(rates, axis=0) * (labels.mean(), 1 - labels.mean())
    assert fitted.apply(np.array([0.7]))[0] == pytest.approx(up / (up + down), abs=0.05)


def test_base_rate_weights__classes_and_sets_have_their_shares():
    positive, sets = np.array([True, False, False, True, True, False]), np.array([0, 0, 0, 1, 1, 2])
    weights = base_rate_weights(positive, 0.25, sets)
    assert weights.mean() == pytest.approx(1)
    assert [weights[(sets == number) & positive].sum() for number in (0, 1)] == pytest.approx([0.75, 0.75])
    assert [weights[(sets == number) & ~positive].sum() for number in (0, 2)] == pytest.approx([2.25, 2.25])
