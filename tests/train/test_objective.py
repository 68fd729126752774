import numpy as np
import pytest

from mirscan.train.objective import balance_weights, learning_rate_at, smooth_labels, update_average
from mirscan.train.recipe import Recipe

STEPS = 10


def rates(**settings):
    recipe = Recipe(epochs=10, learning_rate=1.0, **settings)
    return np.array([learning_rate_at(recipe, step, STEPS) for step in range(100)])


def test_learning_rate__one_cycle_rises_then_falls():
    rate = rates(schedule="one-cycle", warmup=0.3, final_rate=0.001)
    assert rate[0] == pytest.approx(1 / 25) and rate.argmax() == 30 and rate[30] == pytest.approx(1)
    assert (np.diff(rate[:31]) > 0).all() and (np.diff(rate[30:]) < 0).all() and rate[-1] < 0.01


def test_learning_rate__cosine_constant_and_warmup():
    assert rates(schedule="cosine", final_rate=0.0)[50] == pytest.approx(0.5)
    assert (rates(schedule="constant") == 1).all()
    warm = rates(schedule="constant", warmup=0.1)
    assert (np.diff(warm[:10]) > 0).all() and warm[0] < 0.1 and (warm[10:] == 1).all()


def test_learning_rate__steps():
    assert rates(schedule="step", decay=0.1, decay_epochs=4)[[39, 40, 79, 80]] == pytest.approx([1, 0.1, 0.1, 0.01])
    assert rates(schedule="multi-step", decay=0.5, milestones=(2, 7))[[19, 20, 69, 70]] == pytest.approx([1, 0.5, 0.5, 0.25])
    assert rates(schedule="exponential", decay=0.5)[[0, 10, 20]] == pytest.approx([1, 0.5, 0.25])
    recipe = Recipe(schedule="plateau", learning_rate=1.0, decay=0.5)
    assert [learning_rate_at(recipe, 50, STEPS, reductions=n) for n in (0, 1, 2)] == [1, 0.5, 0.25]


def test_smooth_labels__half_stays_half():
    assert smooth_labels(np.array([0.0, 0.5, 1.0]), 0.1).tolist() == pytest.approx([0.05, 0.5, 0.95])


@pytest.mark.parametrize("size", [1, 1e-12, 1e-40, 1e9])
def test_balance_weights__classes_weigh_the_same_and_the_mean_stays_one(size):
    labels, weights = np.array([1, 0, 0, 0], np.float32), np.full(4, size, np.float32)
    balanced = balance_weights(labels, weights, 0)
    assert balanced[0] == pytest.approx(balanced[1:].sum()) and balanced.mean() == pytest.approx(1)
    assert balance_weights(labels, weights, 3).tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_update_average__swa_is_the_mean_and_ema_forgets():
    values = [np.array([float(value)]) for value in (1, 2, 6)]
    for name, expected in (("swa", 3.0), ("ema", None)):
        average = [values[0].copy()]
        for n, value in enumerate(values[1:], start=1):
            update_average(average, [value], Recipe(average=name, ema_momentum=0.9), n)
        if expected is not None:
            assert average[0][0] == pytest.approx(expected)
        else:
            assert 1 < average[0][0] < 6
