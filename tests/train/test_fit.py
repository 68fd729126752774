import itertools
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

from mirscan.errors import InputError, RunError
from mirscan.scoring import load_scorer
from mirscan.train.data import load_training_data
from mirscan.train.fit import train_model
from mirscan.train.recipe import Recipe, read_recipe
from mirscan.trained_models import file_sha256, load_model
from mirscan.windows import encode_pairs

TINY = {"stem_filters": 8, "filters": [8], "strides": [2], "pools": [1], "dense": [8], "dropout": 0.1}
MAIN = Path(__file__).parents[2]


def tiny(*pairs, **changes):
    values = {
        "pairs": tuple(map(str, pairs)),
        "architecture": "mirscan_base",
        "settings": TINY,
        "epochs": 2,
        "batch_size": 32,
        "validation_fraction": 0.2,
        **changes,
    }
    return Recipe(**values)


def weights_of(folder):
    return [np.array(weight) for weight in keras.saving.load_model(folder / "model.keras", compile=False).weights]


def test_train_model__learns_a_planted_seed_and_writes_a_model_folder(write_pairs, tmp_path):
    lines, steps = [], []
    recipe = tiny(write_pairs(n=3000, n_mirnas=60), epochs=12, learning_rate=1e-2, window_shift=1)
    card = train_model(recipe, tmp_path / "m", say=lines.append, report=steps.append)
    metrics = json.loads((tmp_path / "m" / "metrics.json").read_text())
    history = metrics["history"]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    # A seed by chance occurs in one negative of a hundred; a network that reads pairing finds nearly all others.
    assert metrics["validation"]["average_precision"] > 0.8 > history[0]["average_precision"]
    assert metrics["pairs"]["leakage"]["shared_families"] == 0
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "card.toml",
        "metrics.json",
        "model.keras",
        "training.png",
        "training.toml",
    ]
    assert card.layout.anchor in (30, 31, 32) and card.calibration.x and len(card.examples) == 5
    model = load_model(tmp_path / "m")
    assert model.card == card and model.network.dtype_policy.name == "float32"
    assert [step.step for step in steps] == list(range(1, steps[-1].n_steps + 1))
    assert any("same family for 0" in line for line in lines)


def test_train_model__recipe_in_the_folder_reproduces_it(write_pairs, tmp_path):
    pairs = write_pairs()
    train_model(tiny(pairs, mixup=0.2, average="ema", label_smoothing=0.05), tmp_path / "first")
    train_model(read_recipe(tmp_path / "first" / "training.toml"), tmp_path / "second")
    for one, two in zip(weights_of(tmp_path / "first"), weights_of(tmp_path / "second"), strict=True):
        np.testing.assert_array_equal(one, two)


KILLED = """
import os, signal, sys
from mirscan.train.fit import train_model
from mirscan.train.recipe import read_recipe

def report(step):
    if step.step == 13:
        os.kill(os.getpid(), signal.SIGKILL)

train_model(read_recipe(sys.argv[1]), sys.argv[2], report=report)
"""


@pytest.mark.timeout(900)  # a second process loads TensorFlow: minutes on a machine that is busy otherwise
def test_train_model__killed_in_mid_epoch_and_resumed_equals_the_undisturbed_run(write_pairs, tmp_path):
    import tomli_w

    recipe = tiny(write_pairs(), average="swa", window_shift=2, checkpoint_minutes=0.0, epochs=3)
    train_model(recipe, tmp_path / "whole")
    (tmp_path / "recipe.toml").write_text(tomli_w.dumps(recipe.to_dict()))
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "recipe.toml", tmp_path / "killed"], cwd=MAIN, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / "killed" / "card.toml").exists()

    with pytest.raises(InputError, match="a training was interrupted here; go on with --resume"):
        train_model(recipe, tmp_path / "killed")

    steps = []
    train_model(recipe, tmp_path / "killed", resume=True, report=lambda step: steps.append(step.step))
    assert steps[0] == 14
    for one, two in zip(weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed"), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    histories = [json.loads((tmp_path / name / "metrics.json").read_text())["history"] for name in ("whole", "killed")]
    for entries in histories:
        for entry in entries:
            del entry["seconds"]
    assert [entry["step"] for entry in histories[0]] == [entry["step"] for entry in histories[1]]
    np.testing.assert_allclose([entry["loss"] for entry in histories[0]], [entry["loss"] for entry in histories[1]], rtol=1e-5)


def test_train_model__finish_writes_the_best_weights_so_far(write_pairs, tmp_path):
    class Stop(Exception):
        pass

    def stop(step):
        if step.epoch == 2:
            raise Stop

    recipe = tiny(write_pairs(), epochs=50)
    with pytest.raises(Stop):
        train_model(recipe, tmp_path / "m", report=stop)
    train_model(recipe, tmp_path / "m", finish=True)
    assert json.loads((tmp_path / "m" / "metrics.json").read_text())["steps"] < 50
    with pytest.raises(InputError, match="holds a trained model already"):
        train_model(recipe, tmp_path / "m")


def test_train_model__loss_that_is_not_a_number_stops_and_keeps_the_last_good_checkpoint(write_pairs, tmp_path, monkeypatch):
    def spoil_one(labels, weights, positive_weight):
        return np.where(np.arange(len(labels)) == 77, np.nan, 1).astype(np.float32)

    monkeypatch.setattr("mirscan.train.loop.balance_weights", spoil_one)
    steps = []
    with pytest.raises(RunError, match=r"the loss is not a number at step \d+ \(epoch 1\); .*Try a lower learning rate") as caught:
        train_model(tiny(write_pairs(), checkpoint_minutes=0.0, seed=2), tmp_path / "m", report=lambda step: steps.append(step.step))
    assert f"at step {len(steps) + 1} (epoch 1); the last good checkpoint is {tmp_path / 'm' / 'training' / 'checkpoint.npz'}" in str(
        caught.value
    )
    assert not (tmp_path / "m" / "card.toml").exists()
    with np.load(tmp_path / "m" / "training" / "checkpoint.npz") as file:
        assert json.loads(str(file["state"]))["progress"]["step"] == len(steps) > 0
        assert all(np.isfinite(file[key]).all() for key in file.files if key.startswith("network/"))


def test_train_model__goes_on_from_another_model(write_pairs, tmp_path):
    pairs = write_pairs()
    train_model(tiny(pairs), tmp_path / "first")
    lines = []
    frozen = Recipe(
        pairs=(str(pairs),),
        init=str(tmp_path / "first"),
        epochs=1,
        batch_size=64,
        layer_rates={"stem": 0.0, "dense": 2.0},
        validation_fraction=0.2,
    )
    card = train_model(frozen, tmp_path / "second", say=lines.append)
    assert card.architecture == "mirscan_base" and card.training["init"][0]["model"] == "first"
    assert any(line.endswith(f"weight arrays start from {tmp_path / 'first'}") for line in lines)
    first, second = (keras.saving.load_model(tmp_path / name / "model.keras", compile=False) for name in ("first", "second"))
    changed = {a.path: bool((np.array(a) != np.array(b)).any()) for a, b in zip(first.weights, second.weights, strict=True)}
    assert not any(change for path, change in changed.items() if path.startswith("stem"))
    assert any(change for path, change in changed.items() if path.startswith("dense"))
    with pytest.raises(InputError, match=r"layer_rates names 'trunk', but no layer begins so; layers: .*dense_1"):
        train_model(frozen.replace(layer_rates={"trunk": 0.1}), tmp_path / "third")
    with pytest.raises(InputError, match=r"weight arrays of this network are in .* by layer name and shape"):
        train_model(tiny(pairs, architecture="three_block_cnn", settings={}, init=str(tmp_path / "first")), tmp_path / "fourth")


def test_train_model__soft_labels_bfloat16_weights_and_focal_loss(write_pairs, tmp_path):
    soft = [(mirna, site, round(0.1 + 0.8 * label, 2)) for mirna, site, label in write_pairs.rows(300, 20, 1)]
    teacher = write_pairs("teacher.tsv", rows=soft, heading=("mirna", "site", "target"))
    real = write_pairs("real.tsv", seed=2)
    validation = write_pairs("validation.tsv", n=150, seed=3)
    recipe = tiny(
        teacher,
        real,
        weights=(0.5, 1.0),
        validation=(str(validation),),
        precision="mixed_bfloat16",
        loss="focal",
        positive_weight=0.0,
        clip_norm=1.0,
    )
    card = train_model(recipe, tmp_path / "m")
    assert card.training["soft_labels"] and [entry["file"] for entry in card.training["pairs"]] == ["teacher.tsv", "real.tsv"]
    assert load_model(tmp_path / "m").network.layers[-1].dtype_policy.name == "float32"


def test_train_model__stops_when_patience_ends(write_pairs, tmp_path):
    steps = []
    recipe = tiny(write_pairs(), learning_rate=0.0, schedule="plateau", decay_epochs=1, patience=3, epochs=30)
    train_model(recipe, tmp_path / "m", report=steps.append)
    metrics = json.loads((tmp_path / "m" / "metrics.json").read_text())
    assert len(metrics["history"]) == 4 and metrics["best_step"] == metrics["history"][0]["step"]


def test_train_model__pairs_of_other_length_are_cut_or_padded_and_counted(write_pairs, tmp_path):
    rows = [(mirna, site[: 40 + i % 20], label) for i, (mirna, site, label) in enumerate(write_pairs.rows(300, 20, 1))]
    lines = []
    train_model(tiny(write_pairs(rows=rows), epochs=1, split="random"), tmp_path / "m", say=lines.append)
    counted = json.loads((tmp_path / "m" / "metrics.json").read_text())["pairs"]["sites_of_other_length"]
    assert 100 < counted < 150
    assert any(line.startswith(f"{counted} training sites are not 50 nt long") for line in lines)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": ()}, "no pairs"),
        ({"architecture": ""}, "no architecture; give --architecture"),
        ({"split": "chromosome"}, "not every pair has one"),
        ({"init": "nowhere"}, "neither a known name nor a folder"),
        ({"architecture": "alexnet"}, "unknown architecture 'alexnet'; known: mirscan_base"),
        ({"settings": {"kernels": 3}}, "unknown setting kernels; known: "),
    ],
)
def test_train_model__recipes_that_cannot_be_trained(write_pairs, tmp_path, changes, message):
    from mirscan.errors import MirscanError

    with pytest.raises(MirscanError, match=message):
        train_model(tiny(write_pairs()).replace(**changes), tmp_path / "m")
    assert not (tmp_path / "m" / "card.toml").exists()


def test_train_model__validation_that_leaks_is_refused_unless_told(write_pairs, tmp_path):
    pairs = write_pairs()
    with pytest.raises(InputError, match="leak: training, too, has 400 pairs and 400 sites of the 400 validation pairs"):
        train_model(tiny(pairs, validation=(str(pairs),)), tmp_path / "m")
    train_model(tiny(pairs, validation=(str(pairs),), allow_leak=True, epochs=1), tmp_path / "m")
    assert json.loads((tmp_path / "m" / "metrics.json").read_text())["pairs"]["leakage"]["shared_pairs"] == 400


def test_train_model__one_class_and_few_rows(write_pairs, tmp_path):
    rows = write_pairs.rows(300, 20, 1)
    with pytest.raises(InputError, match="training: 80 pairs; expected at least 100"):
        train_model(tiny(write_pairs(rows=rows[:100]), split="random"), tmp_path / "m")
    with pytest.raises(InputError, match="labels are positive; expected both classes"):
        train_model(tiny(write_pairs(rows=[(*row[:2], 1) for row in rows]), split="random"), tmp_path / "m")


def test_train_model__several_validation_sets_count_by_the_mean_of_each(write_pairs, tmp_path):
    recipe = tiny(write_pairs(), validation=(str(write_pairs("v.tsv", n=120, seed=3)),), also_split=True, epochs=1, tensorboard=True)
    train_model(recipe, tmp_path / "m")
    entry = json.loads((tmp_path / "m" / "metrics.json").read_text())["history"][0]
    assert sorted(entry["by_file"]) == ["pairs.tsv", "v.tsv"]
    assert entry["average_precision"] == pytest.approx(np.mean(list(entry["by_file"].values())))
    assert sum(b"average_precision" in path.read_bytes() for path in (tmp_path / "m" / "tensorboard").iterdir()) == 1


def test_train_model__duplex_features_are_computed_once_and_kept(write_pairs, tmp_path, monkeypatch):
    recipe = tiny(write_pairs(), duplex=True, epochs=1)
    card = train_model(recipe, tmp_path / "first", cache=tmp_path / "cache")
    assert card.inputs_duplex and load_model(tmp_path / "first").card == card
    assert len(list((tmp_path / "cache").glob("duplex-*.npy"))) == 2
    monkeypatch.setattr("mirscan.duplex.duplex_features", None)
    data = load_training_data(recipe, tmp_path / "cache", lambda line: None)
    assert data.train.duplex.shape == (len(data.train), 8) and len(data.validation.duplex) == len(data.validation)


def test_train_model__averaged_with_models_of_other_design(write_pairs, tmp_path):
    pairs = write_pairs()
    small = {"stem_filters": 8, "filters": (8,), "strides": (1,), "pools": (2,), "dense": (8,)}
    for name, changes in (("1", {"duplex": True}), ("2", {"architecture": "mirscan_fast", "settings": small})):
        train_model(tiny(pairs, anchor=30, epochs=1, **changes), tmp_path / name)
    calibrates = Recipe(pairs=(str(pairs),), init=(str(tmp_path / "1"),), averaged_with=(str(tmp_path / "2"),), epochs=0)
    card = train_model(calibrates.replace(validation_fraction=0.2), tmp_path / "both")
    one, two, both = (load_scorer(tmp_path / name, "float32") for name in ("1", "2", "both"))
    mirnas, windows = encode_pairs(["UGAGGUAGUAGGUUGUAUAGUU"] * 2, ["ACGGACUACCUCA" * 4, "GGAUCGA" * 8], card.layout)
    expected = (one.outputs(mirnas, windows) + two.outputs(mirnas, windows)) / 2
    np.testing.assert_allclose(both.outputs(mirnas, windows), expected, atol=1e-6)
    assert card.architecture == "mirscan_base + mirscan_fast"
    assert card.layout.anchor == 30 and card.inputs_duplex and card.parameters == one.card.parameters + two.card.parameters
    assert [model["model"] for model in card.training["averaged_with"]] == ["2"] and len(card.training["ancestors"]) == 2

    again = train_model(Recipe(pairs=(str(pairs),), init=(str(tmp_path / "both"),), epochs=0, validation_fraction=0.2), tmp_path / "again")
    assert again.parameters == one.card.parameters
    with pytest.raises(InputError, match=r"averaged_with .*2 reads 24 nt .* 50 nt with anchor 30, this network .* anchor 20; expected"):
        train_model(calibrates.replace(anchor=20), tmp_path / "m")
    with pytest.raises(InputError, match=r"averaged_with .*1 reads duplex energies; expected duplex = true"):
        train_model(tiny(pairs, averaged_with=(str(tmp_path / "1"),)), tmp_path / "m")


def test_train_model__mean_of_models_and_a_teacher(write_pairs, tmp_path):
    pairs = write_pairs()
    for seed in (1, 2):
        train_model(tiny(pairs, seed=seed, epochs=1), tmp_path / str(seed))
    both = (str(tmp_path / "1"), str(tmp_path / "2"))
    card = train_model(Recipe(pairs=(str(pairs),), init=both, epochs=0, validation_fraction=0.2), tmp_path / "mean")
    for one, two, mean in zip(*(weights_of(tmp_path / name) for name in ("1", "2", "mean")), strict=True):
        np.testing.assert_allclose(mean, (one + two) / 2, atol=1e-7)
    assert [start["model"] for start in card.training["init"]] == ["1", "2"] and card.training["pairs"] == []
    assert json.loads((tmp_path / "mean" / "metrics.json").read_text())["best_step"] == 0

    recipe = tiny(pairs, epochs=1, teacher=both[0], teacher_share=0.75)
    data = load_training_data(recipe, tmp_path / "cache", lambda line: None)
    own = load_training_data(recipe.replace(teacher=""), tmp_path / "cache", lambda line: None).train.labels
    assert set(np.unique(own)) == {0, 1} and (np.abs(data.train.labels - own) <= 0.75).all() and len(np.unique(data.train.labels)) > 50
    assert train_model(recipe, tmp_path / "student", cache=tmp_path / "cache").training["teacher"]["model"] == "1"


def test_load_training_data__a_teacher_for_some_files(write_pairs, tmp_path):
    files = [str(write_pairs(name, seed=seed)) for name, seed in (("a.tsv", 1), ("b.tsv", 2))]
    train_model(tiny(files[0], epochs=1), tmp_path / "teacher")
    recipe = tiny(files[0], pairs=tuple(files), teacher=str(tmp_path / "teacher"))
    labels = {
        shares: load_training_data(recipe.replace(teacher_shares=shares), tmp_path / "cache", lambda line: None).train.labels
        for shares in ((), (0.0, 1.0), (0.0, 0.0))
    }
    untaught = np.isin(labels[0.0, 1.0], (0, 1))
    assert 0 < untaught.sum() < len(untaught)
    np.testing.assert_array_equal(labels[0.0, 1.0], np.where(untaught, labels[0.0, 0.0], labels[()]))


def test_load_training_data__a_teacher_without_its_liking_for_some_mirnas(write_pairs, tmp_path):
    """Every miRNA's best tenth of random targets ends up nearly level, and the order of a miRNA's own pairs stays the teacher's."""
    pairs = write_pairs(n=600)
    train_model(tiny(pairs, epochs=3), tmp_path / "teacher")
    recipe = tiny(pairs, teacher=str(tmp_path / "teacher"))
    before, after = (
        load_training_data(recipe.replace(teacher_background=part), tmp_path / "cache", lambda line: None).train for part in (0.0, 1.0)
    )
    mirnas = np.unique(before.mirna_codes, axis=0, return_inverse=True)[1].reshape(-1)
    log_odds = [np.log(data.labels / (1 - data.labels)) for data in (before, after)]
    for mirna in np.unique(mirnas):
        difference = (log_odds[0] - log_odds[1])[mirnas == mirna]
        assert np.ptp(difference) < 0.01
    level = [np.std([np.quantile(odds[mirnas == mirna], 0.9) for mirna in np.unique(mirnas)]) for odds in log_odds]
    assert level[1] < level[0]
    assert abs(np.mean([log_odds[0][mirnas == m][0] - log_odds[1][mirnas == m][0] for m in np.unique(mirnas)])) < 1e-3


def test_load_training_data__mining_draws_negatives_that_the_model_believes(write_pairs, tmp_path):
    pairs = write_pairs()
    train_model(tiny(pairs, epochs=1), tmp_path / "first")
    data = load_training_data(tiny(pairs, mining=str(tmp_path / "first")), tmp_path / "cache", lambda line: None).train
    taught = load_training_data(tiny(pairs, teacher=str(tmp_path / "first")), tmp_path / "cache", lambda line: None).train
    negative, scores = data.labels == 0, taught.labels.astype(np.float64)
    expected = scores / (scores + 10 * (1 - scores))
    assert (data.difficulty[~negative] == 1).all()
    np.testing.assert_allclose(data.difficulty[negative], np.maximum(expected[negative], 0.2), rtol=1e-4)
    card = train_model(tiny(pairs, epochs=1, mining=str(tmp_path / "first")), tmp_path / "second")
    assert card.training["mining"]["model"] == "first"


def test_train_model__validation_file_of_one_class_is_left_out_of_the_mean(write_pairs, tmp_path):
    negatives = write_pairs("negatives.tsv", rows=[(m, t, 0) for m, t, _ in write_pairs.rows(40, 40, 7)])
    lines = []
    train_model(tiny(write_pairs(), validation=(str(negatives),), also_split=True), tmp_path / "m", say=lines.append)
    assert "validation pairs of negatives.tsv are of one class and rank nothing; the best weights are those of pairs.tsv" in lines
    history = json.loads((tmp_path / "m" / "metrics.json").read_text())["history"]
    assert all(list(entry["by_file"]) == ["pairs.tsv"] and entry["average_precision"] > 0 for entry in history)


def test_train_model__each_validation_file_of_one_class(write_pairs, tmp_path):
    rows = write_pairs.rows(60, 60, 7)
    files = [write_pairs(f"only-{label}.tsv", rows=[row for row in rows if row[2] == label]) for label in (0, 1)]
    train_model(tiny(write_pairs(), validation=tuple(map(str, files))), tmp_path / "m")
    history = json.loads((tmp_path / "m" / "metrics.json").read_text())["history"]
    assert all(list(entry["by_file"]) == ["all files"] for entry in history)


def nan_at(call: int, monkeypatch) -> None:
    """Make the outputs of one validation, counted from 1, and of no other one not a number."""
    from mirscan.train import loop

    predict, calls = loop.predict_pairs, itertools.count(1)

    def spoiled(network, pairs):
        outputs = predict(network, pairs)
        return outputs * np.float32(np.nan) if next(calls) == call else outputs

    monkeypatch.setattr(loop, "predict_pairs", spoiled)


def only_json(text: str) -> dict:
    """JSON as RFC 8259 has it: without NaN."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_train_model__outputs_that_are_not_numbers_stop_it(write_pairs, tmp_path, monkeypatch):
    nan_at(1, monkeypatch)
    with pytest.raises(RunError, match=r"an output on the validation pairs is not a number at step .*; no earlier weights are kept. Try a"):
        train_model(tiny(write_pairs(), epochs=1, batch_size=1000), tmp_path / "m")


def test_train_model__outputs_that_are_not_numbers_at_the_end_leave_the_best_before(write_pairs, tmp_path, monkeypatch):
    nan_at(2, monkeypatch)
    lines = []
    train_model(tiny(write_pairs(), epochs=2), tmp_path / "m", say=lines.append)
    metrics = only_json((tmp_path / "m" / "metrics.json").read_text())
    assert metrics["best_step"] == metrics["history"][0]["step"] and len(metrics["history"]) == 1
    assert any("not a number at step" in line and f"weights after step {metrics['best_step']}." in line for line in lines)
    assert load_model(tmp_path / "m").card.examples


@pytest.mark.parametrize("average", ["none", "ema"])
def test_train_model__outputs_that_are_not_numbers_at_the_only_validation_leave_the_last_checkpoint(
    write_pairs, tmp_path, monkeypatch, average
):
    for name, minutes in (("often", 0.0), ("seldom", 99.0)):
        nan_at(1, monkeypatch)
        train_model(tiny(write_pairs(), epochs=1, checkpoint_minutes=minutes, average=average), tmp_path / name)
    often, seldom = (only_json((tmp_path / name / "metrics.json").read_text()) for name in ("often", "seldom"))
    assert 0 < often["best_step"] == often["steps"] - 1 and seldom["best_step"] == seldom["steps"] // 2


def test_train_model__finish_before_the_first_validation(write_pairs, tmp_path):
    class Stop(Exception):
        pass

    def stop(step):
        if step.step == 2:
            raise Stop

    recipe = tiny(write_pairs(), checkpoint_minutes=0.0)
    with pytest.raises(Stop):
        train_model(recipe, tmp_path / "m", report=stop)
    train_model(recipe, tmp_path / "m", finish=True)
    assert json.loads((tmp_path / "m" / "metrics.json").read_text())["best_step"] == 2


def test_train_model__finish_leaves_out_members_that_were_not_begun(write_pairs, killed_in_second_member, tmp_path):
    recipe = tiny(write_pairs(), members=3)
    killed_in_second_member(partial(train_model, recipe, tmp_path / "m"))
    lines = []
    train_model(recipe, tmp_path / "m", finish=True, say=lines.append)
    assert "1 member was not begun and is left out of the mean" in lines
    network = load_model(tmp_path / "m").network
    assert [layer.name for layer in network.layers if layer.name.startswith("member")] == ["member_1", "member_2"]


def test_train_model__pairs_without_weight_are_counted_and_tiny_weights_are_weights(write_pairs, tmp_path):
    rows = [(*row, 0 if number % 3 else 1e-40) for number, row in enumerate(write_pairs.rows(300, 20, 1))]
    lines = []
    train_model(
        tiny(write_pairs(rows=rows, heading=("mirna", "target", "label", "weight")), learning_rate=1e-2), tmp_path / "m", say=lines.append
    )
    n_idle = next(int(line.split()[0]) for line in lines if line.endswith("training pairs have weight 0 and count for nothing"))
    assert 140 < n_idle < 200
    history = json.loads((tmp_path / "m" / "metrics.json").read_text())["history"]
    assert history[-1]["loss"] < 0.97 * history[0]["loss"]


def test_loop__saves_nothing_where_moments_are_spoiled(write_pairs, tmp_path, monkeypatch):
    """Weights may still be numbers when the optimiser's averages of them are not any more: the next step would spoil them."""
    from mirscan.train import loop

    saved, values = [], loop._values
    monkeypatch.setattr(loop, "write_checkpoint", lambda path, checkpoint: saved.append(checkpoint))
    train_model(tiny(write_pairs(), epochs=1, checkpoint_minutes=0.0), tmp_path / "good")
    n_good = len(saved)
    monkeypatch.setattr(
        loop, "_values", lambda variables: [v * np.nan if "iteration" in variables[0].path else v for v in values(variables)]
    )
    train_model(tiny(write_pairs(), epochs=1, checkpoint_minutes=0.0), tmp_path / "spoiled")
    assert n_good > 0 and len(saved) == n_good


def test_train_model__metrics_that_cannot_be_computed_are_null(write_pairs, tmp_path):
    """Every miRNA has one pair, so there are no couples within a miRNA."""
    from mirscan.cli.train import _print_summary

    pairs = write_pairs(rows=write_pairs.rows(300, 300, 1))
    card = train_model(tiny(pairs, epochs=1, split="random"), tmp_path / "m")
    assert only_json((tmp_path / "m" / "metrics.json").read_text())["validation"]["within_mirna_auroc"] is None
    _print_summary(tmp_path / "m", card)


def test_train_model__class_without_weight_is_refused(write_pairs, tmp_path):
    rows = [(*row, 1 - row[2]) for row in write_pairs.rows(300, 20, 1)]
    pairs = write_pairs(rows=rows, heading=("mirna", "target", "label", "weight"))
    with pytest.raises(InputError, match=r"training: all \d+ positive pairs have weight 0; expected both classes to weigh something"):
        train_model(tiny(pairs), tmp_path / "m")


def test_train_model__pairs_that_go_away_meanwhile_do_not_cost_the_model(write_pairs, tmp_path):
    pairs = write_pairs()
    checksum = file_sha256(pairs)
    card = train_model(tiny(pairs, epochs=1), tmp_path / "m", report=lambda step: pairs.unlink(missing_ok=True))
    assert not pairs.exists() and card.training["pairs"] == [{"file": "pairs.tsv", "sha256": checksum}]
