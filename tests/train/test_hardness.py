import json
from functools import partial

import numpy as np
import pytest

import mirscan.train.hardness as module
from mirscan.errors import InputError
from mirscan.pairs.read import read_pairs
from mirscan.sequence.alphabet import decode
from mirscan.train.data import load_training_data
from mirscan.train.fit import train_model
from mirscan.train.hardness import Measurement, measure_hardness, published_networks
from mirscan.train.recipe import Recipe

TINY = {"stem_filters": 8, "filters": [8], "strides": [2], "pools": [1], "dense": [8], "dropout": 0.1}
SCOUT = Recipe(architecture="mirscan_base", settings=TINY, epochs=2, batch_size=32, validation_fraction=0.2, learning_rate=1e-2)


def letters(codes):
    return [decode(row).rstrip("N").replace("U", "T") for row in codes]


def write_pool(write_pairs, n=600):
    """Planted positives, and of two negatives one."""
    return write_pairs("pool.tsv", rows=[row for i, row in enumerate(write_pairs.rows(n, 20, 1)) if not row[2] or i % 4 == 0])


def test_measure_hardness__a_scout_then_a_training_by_it(write_pairs, tmp_path):
    pool = write_pool(write_pairs)
    hardness = measure_hardness(pool, tmp_path / "h.parquet", Measurement(draw_ratio=1.5), [SCOUT])
    table = read_pairs(pool)
    assert len(hardness) == table.num_rows and (tmp_path / "h.png").stat().st_size > 1000
    recipe = SCOUT.replace(
        pairs=(str(pool),), hardness=str(tmp_path / "h.parquet"), hard_ratio=2.0, hard_above=0.3, first_label=0.1, split="random"
    )
    data = load_training_data(recipe, tmp_path / "cache", lambda line: None).train
    value = dict(zip(zip(table["mirna"].to_pylist(), table["target"].to_pylist(), strict=True), hardness, strict=True))
    own = [value[pair] for pair in zip(letters(data.mirna_codes), letters(data.target_codes), strict=True)]
    expected = np.where(data.labels == 1, 0.95, 0.1 + 0.05 * np.minimum(np.floor(np.array(own) / 0.1 + 1e-5), 9))
    np.testing.assert_allclose(data.asked, expected, atol=1e-6)
    assert (data.labels == 0).sum() == round(2 * (data.labels == 1).sum())
    card = train_model(recipe, tmp_path / "m")
    assert card.training["hardness"]["file"] == "h.parquet"


def test_measure_hardness__folds_score_each_site_by_networks_that_did_not_see_it(write_pairs, tmp_path, monkeypatch):
    pool = write_pool(write_pairs, 1600)
    trained, scored = [], []
    score = module._hardness

    def spy_train(recipe, folder, **options):
        trained.append(set(read_pairs(recipe.pairs)["target"].to_pylist()))
        return train_model(recipe, folder, **options)

    def spy_score(pool, rows, folder, threads):
        scored.append({pool["target"][int(row)].as_py() for row in rows})
        return score(pool, rows, folder, threads)

    monkeypatch.setattr(module, "train_model", spy_train)
    monkeypatch.setattr(module, "_hardness", spy_score)
    measure_hardness(pool, tmp_path / "h.parquet", Measurement(folds=2, draw_ratio=1.0), [SCOUT.replace(epochs=1)])
    assert len(trained) == len(scored) == 2 and not trained[0] & scored[0] and not trained[1] & scored[1]
    assert scored[0] | scored[1] == set(read_pairs(pool)["target"].to_pylist())


def test_measure_hardness__goes_on_after_a_kill(write_pairs, killed_in_second_member, tmp_path):
    pool, committee = write_pool(write_pairs), [SCOUT, SCOUT.replace(seed=2)]
    whole = measure_hardness(pool, tmp_path / "whole.parquet", Measurement("committee", draw_ratio=1.0), committee)

    measure = partial(measure_hardness, pool, tmp_path / "killed.parquet", Measurement("committee", draw_ratio=1.0), committee)
    killed_in_second_member(measure)
    assert not (tmp_path / "killed.parquet").exists()
    again = []
    hardness = measure(report=lambda step: again.append(step.step))
    np.testing.assert_allclose(hardness, whole, atol=1e-5)
    assert again[0] > 1
    assert json.loads((tmp_path / "killed.json").read_text())["networks"] == ["1-mirscan_base", "2-mirscan_base"]


def test_published_networks__scout_and_committee():
    assert [recipe.settings for recipe in published_networks("scout")] == [{"first_filters": 8}]
    assert [recipe.architecture for recipe in published_networks("committee")] == ["resnet_deep"] * 3 + ["mirbind_cnn"] * 3


@pytest.mark.parametrize(
    ("measurement", "networks", "message"),
    [
        (Measurement("committee"), [SCOUT], "a committee of one network; expected at least two recipes"),
        (Measurement("scout"), [SCOUT, SCOUT], "a scout of 2 networks"),
        (Measurement("oracle"), [SCOUT], "kind 'oracle': unknown; expected one of scout, committee"),
        (Measurement(folds=1), [SCOUT], "folds is 1; expected 0"),
        (Measurement(folds=9000), [SCOUT], r"folds is 9000, but the pool has \d+ clusters"),
        (Measurement(draw_ratio=50), [SCOUT], r"draw_ratio is 50, but there are \d+ negatives for \d+ positives"),
    ],
)
def test_measure_hardness__what_cannot_be_measured(write_pairs, tmp_path, measurement, networks, message):
    with pytest.raises(InputError, match=message):
        measure_hardness(write_pool(write_pairs), tmp_path / "h.parquet", measurement, networks)
    assert not list(tmp_path.glob("h.parquet*"))


def test_measure_hardness__a_pool_without_negatives(write_pairs, tmp_path):
    pool = write_pairs(rows=[row for row in write_pairs.rows(300, 20, 1) if row[2]])
    with pytest.raises(InputError, match="a pool without positives or without negatives has no hardness"):
        measure_hardness(pool, tmp_path / "h.parquet", Measurement(), [SCOUT])
    assert not list(tmp_path.glob("h.parquet*"))


def test_recipe__hardness_and_teacher_exclude_each_other():
    with pytest.raises(InputError, match="hardness and teacher each say what a network is asked for"):
        Recipe(hardness="h.parquet", teacher="base")
