"""Growing negatives against a plain replay of the rule, and a training that is killed and goes on."""

import json

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.train.batches import EncodedPairs
from mirscan.train.fit import train_model
from mirscan.train.iterative import f1_at_ratio, iterations
from mirscan.train.recipe import Recipe
from mirscan.train.sampling import plan_sampling

N_SITES, N_NEGATIVES = 40, 12
TINY = {"stem_filters": 8, "filters": [8], "strides": [2], "pools": [1], "dense": [8], "dropout": 0.1}
GOOD, BAD = {"step": 1, "recall": 1.0, "false_positive_rate": 0.0}, {"step": 1, "recall": 0.2, "false_positive_rate": 0.5}


def pairs():
    """Each site with its positive first, then its negatives."""
    sites = np.random.default_rng(0).integers(0, 4, (N_SITES, 50)).astype(np.uint8).repeat(1 + N_NEGATIVES, axis=0)
    labels = (np.arange(len(sites)) % (1 + N_NEGATIVES) == 0).astype(np.float32)
    return EncodedPairs(np.zeros((len(sites), 20), np.uint8), sites, labels, np.ones(len(sites), np.float32))


def recipe(**settings):
    plain = {"new_positives": 10, "iteration_steps": 5, "max_ratio": 4, "own_negatives": True}
    return Recipe(class_sampling="iterative", **{**plain, **settings})


def test_f1_at_ratio__equals_counting():
    random = np.random.default_rng(1)
    labels, called = random.random(5000) < 0.3, random.random(5000) < 0.4
    recall, rate = called[labels].mean(), called[~labels].mean()
    ratio = (~labels).sum() / labels.sum()
    hits = (called & labels).sum()
    assert f1_at_ratio(recall, rate, ratio) == pytest.approx(2 * hits / (called.sum() + labels.sum()))
    assert f1_at_ratio(0.0, 0.0, 3) == 0


def test_iterations__the_ratio_rises_by_one_where_the_network_does_well():
    states = iterations(recipe(), [GOOD, BAD, GOOD, GOOD, GOOD, GOOD])
    assert [state.ratio for state in states] == [1, 2, 2, 3, 4, 4, 4]
    assert [state.positives for state in states] == [10, 20, 20, 30, 40, 50, 60]
    assert len(iterations(recipe(), [{**GOOD, "step": 0}])) == 1


def test_batches__new_positives_with_new_negatives_or_the_same_with_others():
    data = pairs()
    plan = plan_sampling(recipe(), data, data.weights)[0]
    first, replaced = plan.batches(0, []), plan.batches(1, [GOOD])
    partly = plan.batches(1, [BAD])
    own = [set(rows.ravel()[data.labels[rows.ravel()] == 1]) for rows in (first, partly, replaced)]
    assert own[0] == own[1] and not own[0] & own[2] and len(own[0]) == len(own[2]) == 10
    negatives = [set(rows.ravel()) - positive for rows, positive in zip((first, partly, replaced), own, strict=True)]
    assert negatives[0] != negatives[1] and [len(part) for part in negatives] == [10, 10, 20]
    for rows, positive in zip(negatives, own, strict=True):
        assert {row // (1 + N_NEGATIVES) for row in rows} <= {row // (1 + N_NEGATIVES) for row in positive}
    assert first.shape == (5, 4) and replaced.shape == (5, 6) and (first == plan.batches(0, [])).all()


def test_batches__positives_come_round_only_when_all_were_seen():
    data = pairs()
    plan = plan_sampling(recipe(max_ratio=1), data, data.weights)[0]
    rounds = [plan.batches(n, [GOOD] * n).ravel() for n in range(8)]
    seen = [set(rows[data.labels[rows] == 1]) for rows in rounds]
    everything = set(np.flatnonzero(data.labels))
    assert set.union(*seen[:4]) == everything == set.union(*seen[4:]) and sum(map(len, seen[:4])) == N_SITES


def test_batches__too_few_positives_or_negatives():
    data = pairs()
    with pytest.raises(InputError, match="new_positives is 41, but there are 40 positives"):
        plan_sampling(recipe(new_positives=41), data, data.weights)
    plan = plan_sampling(recipe(start_ratio=13, max_ratio=20), data, data.weights)[0]
    with pytest.raises(InputError, match="130 negatives wanted for 10 positives, there are 120 of their sites; lower max_ratio"):
        plan.batches(0, [])
    with pytest.raises(InputError, match="expected validate_every of 0"):
        recipe(validate_every=3)


def test_train_model__iterative_killed_in_mid_iteration_and_resumed_equals_the_undisturbed_run(write_pairs, tmp_path):
    rows = write_pairs.rows(1500, 30, 1)
    settings = {"architecture": "mirscan_base", "settings": TINY, "epochs": 4, "validation_fraction": 0.2, "learning_rate": 1e-2}
    growing = Recipe(
        pairs=(str(write_pairs(rows=rows)),),
        class_sampling="iterative",
        new_positives=60,
        iteration_steps=12,
        raise_above=0.3,
        schedule="constant",
        checkpoint_minutes=0.0,
        **settings,
    )
    train_model(growing, tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(step):
        if step.step == 30:
            raise Stop

    with pytest.raises(Stop):
        train_model(growing, tmp_path / "killed", report=stop)
    train_model(growing, tmp_path / "killed", resume=True)
    whole, killed = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "killed"))
    assert whole["iterations"] == killed["iterations"] and len(whole["iterations"]) == 4
    assert whole["iterations"][-1]["ratio"] > 1 and (tmp_path / "whole" / "iterations.png").stat().st_size > 1000
