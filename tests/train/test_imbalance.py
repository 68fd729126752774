"""Methods against imbalance, each against its plain definition."""

import json
from functools import partial

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.seeds.seed_class import SEED_CLASSES, best_seeds, shift_by_seed
from mirscan.train.batches import EncodedPairs, encode_table
from mirscan.train.ensemble import member_pairs
from mirscan.train.fit import train_model
from mirscan.train.imbalance import hardest_share
from mirscan.train.mixup import draw_similar
from mirscan.train.priors import positive_factor, seed_shift
from mirscan.train.recipe import Recipe
from mirscan.train.sampling import plan_sampling
from mirscan.trained_models import load_model, read_card
from mirscan.windows import WindowLayout

LABELS = np.repeat([1, 0], [10, 90]).astype(np.float32)
TINY = {"stem_filters": 8, "filters": [8], "strides": [2], "pools": [1], "dense": [8], "dropout": 0.1}


def sampling(recipe):
    data = EncodedPairs(np.zeros((100, 20), np.uint8), np.zeros((100, 50), np.uint8), LABELS, np.ones(100, np.float32))
    return plan_sampling(recipe, data, data.weights)[0]


def batches(epoch=0, **settings):
    return sampling(Recipe(batch_size=12, **settings)).batches(epoch, [])


def test_sampling_all__every_pair_once_in_another_order_each_epoch():
    rows = [sampling(Recipe(batch_size=25, seed=seed)).batches(epoch, []) for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))]
    assert all(sorted(row.ravel()) == list(range(100)) and row.shape == (4, 25) for row in rows)
    assert (rows[0] == rows[1]).all() and (rows[0] != rows[2]).any() and (rows[0] != rows[3]).any()


def test_sampling_under__all_positives_and_other_negatives_each_epoch():
    first, second = (batches(epoch, class_sampling="under", negative_ratio=2.0).ravel() for epoch in (0, 1))
    # 30 pairs are two batches of twelve: six of them wait for the next epoch.
    for rows in (first, second):
        assert len(rows) == 24 == len(set(rows)) and (LABELS[rows] == 1).sum() <= 10
    assert set(first) != set(second)
    whole = sampling(Recipe(batch_size=30, class_sampling="under", negative_ratio=2.0)).batches(0, []).ravel()
    assert set(range(10)) <= set(whole) and len(set(whole)) == 30


def test_sampling_over__every_negative_once_and_positives_equally_often():
    rows = sampling(Recipe(batch_size=180, class_sampling="over", negative_ratio=1.0)).batches(0, []).ravel()
    counts = np.bincount(rows, minlength=100)
    assert (counts[10:] == 1).all() and counts[:10].sum() == 90 and np.ptp(counts[:10]) <= 1


def test_sampling_balanced__the_same_mixture_in_every_batch():
    rows = batches(class_sampling="balanced", negative_ratio=3.0)
    assert (LABELS[rows].sum(axis=1) == 3).all() and rows.shape == (10, 12)
    assert (np.bincount(rows.ravel(), minlength=100)[10:] == 1).all()


def test_sampling_two_phases__then_all_pairs_as_they_are():
    settings = {"class_sampling": "balanced", "negative_ratio": 1.0, "sampling_epochs": 2}
    assert (LABELS[batches(1, **settings)].mean(axis=1) == 0.5).all()
    second = batches(2, **settings)
    assert second.shape == batches(1, **settings).shape and 0.05 < LABELS[second].mean() < 0.15


def test_sampling__a_ratio_that_the_pairs_do_not_have():
    with pytest.raises(InputError, match=r"negative_ratio is 20, but the training pairs have 90 negatives for 10 positives \(9 each\)"):
        batches(class_sampling="under", negative_ratio=20.0)


def test_hardest_share__positives_and_the_worst_negatives_count():
    losses = np.array([0.1, 5.0, 0.3, 4.0, 2.0, 9.0], np.float32)
    positive = np.array([True, False, False, False, False, True])
    factors = np.array(hardest_share(losses, positive, 0.5))
    assert (factors > 0).tolist() == [True, True, False, True, False, True] and factors.mean() == pytest.approx(1)
    assert (np.array(hardest_share(losses, positive, 1.0)) == 1).all()


def test_draw_similar__negatives_stay_and_positives_meet_their_nearest():
    codes = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [3, 3, 3, 3], [0, 0, 0, 0]], np.uint8)
    labels = np.array([[1.0], [1.0], [0.0], [0.0]], np.float32)
    extra, mixed = draw_similar(labels, codes, 1.0, np.random.default_rng(0))
    assert extra["partner"].ravel().tolist() == [1, 0, 2, 3] and (mixed == labels).all()
    assert (extra["share"][2:] == 1).all() and (extra["share"][:2] < 1).all()
    alone, _ = draw_similar(np.array([[1.0], [0.0]]), codes[:2], 1.0, np.random.default_rng(0))
    assert alone["partner"].ravel().tolist() == [0, 1]


def test_member_pairs__all_positives_and_each_member_its_own_negatives():
    data = EncodedPairs(np.arange(100)[:, None], np.zeros((100, 50)), LABELS, np.ones(100))
    one, two = (set(member_pairs(Recipe(members=3, negative_ratio=2.0), data, member).mirna_codes[:, 0]) for member in (0, 1))
    assert set(range(10)) <= one & two and len(one) == len(two) == 30 and one != two
    with pytest.raises(InputError, match="draw 200 negatives each, but there are 90"):
        member_pairs(Recipe(members=3, negative_ratio=20.0), data, 0)


def rows_with_seeds(write_pairs, n=600):
    """Planted pairs: two of three hold no seed, whatever their label."""
    rows = write_pairs.rows(n, 20, 3)
    return [(mirna, site if i % 3 else site[::-1], label) for i, (mirna, site, label) in enumerate(rows)]


def test_seed_shift__equals_counting(write_pairs):
    import pyarrow as pa

    rows = rows_with_seeds(write_pairs)
    table = pa.table(dict(zip(("mirna", "target"), list(zip(*rows, strict=True))[:2], strict=True)))
    table = table.append_column("label", pa.array([float(row[2]) for row in rows], pa.float32()))
    data = encode_table(table, WindowLayout())
    shift = seed_shift(Recipe(seed_priors={"7mer-m8": 0.01, "none": 0.001}), data)
    classes = best_seeds(data.mirna_codes, data.target_codes)[0]
    for name, part in (("7mer-m8", 0.01), ("none", 0.001)):
        own = data.labels[classes == SEED_CLASSES.index(name)]
        learned = np.log((own.sum() + 0.5) / ((1 - own).sum() + 0.5))
        assert shift[name] == pytest.approx(np.log(part / (1 - part)) - learned, abs=1e-3)
    moved = shift_by_seed(np.full(len(classes), 0.3, np.float32), data.mirna_codes, data.target_codes, {"none": 1.5})
    expected = np.where(classes == 0, 1 / (1 + np.exp(-(np.log(0.3 / 0.7) + 1.5))), 0.3)
    np.testing.assert_allclose(moved, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 1.0),
        ({"positive_weight": 0.0}, 9.0),
        ({"positive_weight": 4.0}, 4.0),
        ({"class_sampling": "under", "negative_ratio": 3.0}, 3.0),
        ({"class_sampling": "over", "negative_ratio": 3.0, "positive_weight": 0.0}, 9.0),
        ({"members": 4, "negative_ratio": 1.0}, 9.0),
        ({"class_sampling": "balanced", "sampling_epochs": 3}, 1.0),
    ],
)
def test_positive_factor__by_sampling_and_weight(settings, expected):
    assert positive_factor(Recipe(**settings), LABELS) == pytest.approx(expected)


def test_train_model__every_method_in_one_training_and_its_resumption(write_pairs, killed_in_second_member, tmp_path):
    """Balanced batches, mined negatives, positives mixed as features, three members and seed priors: killed in the second member."""
    recipe = Recipe(
        pairs=(str(write_pairs()),),
        architecture="mirscan_base",
        settings=TINY,
        epochs=2,
        batch_size=32,
        validation_fraction=0.2,
        class_sampling="balanced",
        negative_ratio=0.5,
        sampling_epochs=1,
        hard_share=0.5,
        mixup=1.0,
        mixup_place="features",
        mixup_partners="positives",
        members=3,
        seed_priors={"none": 0.01, "8mer": 0.5},
    )
    train_model(recipe, tmp_path / "whole")

    killed_in_second_member(partial(train_model, recipe, tmp_path / "killed"))
    train_model(recipe, tmp_path / "killed", resume=True)
    models = [load_model(tmp_path / name) for name in ("whole", "killed")]
    for one, two in zip(models[0].network.weights, models[1].network.weights, strict=True):
        np.testing.assert_allclose(np.array(one), np.array(two), atol=1e-6)
    assert len(json.loads((tmp_path / "whole" / "metrics.json").read_text())["members"]) == 2
    card = read_card(tmp_path / "whole")
    assert set(card.seed_shift) == {"none", "8mer"} and len(card.examples) == 5


def test_score__a_models_seed_shift_moves_its_scores(write_pairs, tmp_path):
    """The score of a pair equals the plain network's output, shifted by hand, then calibrated."""
    from mirscan.scoring import load_scorer
    from mirscan.windows import encode_pairs

    pairs = write_pairs(rows=rows_with_seeds(write_pairs))
    recipe = Recipe(
        pairs=(str(pairs),), architecture="mirscan_base", settings=TINY, epochs=1, validation_fraction=0.2, seed_priors={"none": 0.001}
    )
    card = train_model(recipe, tmp_path / "m")
    rows = rows_with_seeds(write_pairs)[:60]
    codes = encode_pairs([row[0] for row in rows], [row[1] for row in rows], card.layout)
    raw = load_model(tmp_path / "m").network.predict_on_batch(dict(zip(("mirna_codes", "target_codes"), codes, strict=True)))[:, 0]
    odds = raw / (1 - raw) * np.exp(np.where(best_seeds(*codes)[0] == 0, card.seed_shift["none"], 0.0))
    scores = load_scorer(str(tmp_path / "m"), precision="float32").score(*codes)
    np.testing.assert_allclose(scores, np.interp(odds / (1 + odds), card.calibration.x, card.calibration.y), atol=1e-4)
