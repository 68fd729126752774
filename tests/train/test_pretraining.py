"""A nucleotide encoder: hidden letters, the same weights after a kill, and site networks that start with it."""

import keras
import numpy as np
import pytest

import mirscan.train.pretraining as module
from mirscan.errors import InputError, ModelError, RunError
from mirscan.networks.nucleotide_encoder import MASK, hide_letters
from mirscan.shipped import models_folder
from mirscan.train.fit import train_model
from mirscan.train.pretraining import ENCODER_FILE, PretrainSettings, find_encoder, pretrain, read_encoder_card
from mirscan.train.recipe import Recipe
from mirscan.trained_models import load_model

SIZE = {"width": 16, "n_layers": 1, "n_heads": 2, "feed_forward": 16, "longest": 40}


@pytest.fixture
def fasta(tmp_path):
    """Sequences in which every letter follows from the one before: a hidden one can be told from its neighbours."""
    path, random = tmp_path / "sequences.fa", np.random.default_rng(1)
    turns = ["ACGU"[i:] + "ACGU"[:i] for i in range(4)]
    path.write_text("".join(f">s{i}\n{turns[random.integers(4)] * (3 + i % 40)}\n" for i in range(200)))
    return path


def settings(fasta, **changes):
    return PretrainSettings((str(fasta),), **{**SIZE, "steps": 30, "batch_size": 16, "learning_rate": 1e-2, **changes})


def weights_of(folder):
    return [np.array(weight) for weight in keras.saving.load_model(folder / ENCODER_FILE, compile=False).weights]


def test_hide_letters__parts_and_what_becomes_of_them():
    codes = np.random.default_rng(0).integers(0, 5, (400, 100)).astype(np.uint8)
    hidden, chosen = hide_letters(codes, 0.2, np.random.default_rng(1))
    assert (codes[chosen] < 4).all() and (hidden == codes)[~chosen].all()
    assert chosen[codes < 4].mean() == pytest.approx(0.2, abs=0.01)
    assert (hidden[chosen] == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert (hidden[chosen] == codes[chosen]).mean() == pytest.approx(0.1 + 0.1 / 4, abs=0.02)


def test_draw__windows_are_of_their_own_side_and_equally_likely(fasta):
    own = settings(fasta)
    sources = [module.read_transcriptome(fasta)]
    for held_out in (True, False):
        side = module._sides(sources, own, held_out)[0]
        records = [sources[0].codes[sources[0].begin[r] : sources[0].end[r]] for r in range(200) if (r % 50 == 0) == held_out]
        possible = {
            np.pad(record[start : start + 40], (0, max(40 - len(record), 0)), constant_values=4).tobytes()
            for record in records
            for start in range(max(len(record) - 40, 0) + 1)
        }
        drawn = side.draw(20_000, 40, np.random.default_rng(2))
        assert {window.tobytes() for window in drawn} <= possible
        # Each place where a window may start is as likely as any other, and a record too short for one has a single place.
        short, places = sum(len(record) < 40 for record in records), sum(max(len(record) - 40, 0) + 1 for record in records)
        assert (drawn[:, -1] == 4).mean() == pytest.approx(short / places, abs=0.005)


def test_pretrain__learns_what_neighbours_tell(fasta, tmp_path):
    metrics = pretrain(settings(fasta, steps=400), tmp_path / "encoder")
    assert metrics["accuracy"] > 0.9 > 0.4 > metrics["most_frequent"]
    with pytest.raises(InputError, match="holds an encoder already"):
        pretrain(settings(fasta), tmp_path / "encoder")


@pytest.mark.parametrize(("records", "which"), [(("N" * 60, "ACGU" * 20), "held out"), (("ACGU" * 20, "N" * 60), "learned from")])
def test_pretrain__records_without_a_base_are_refused(tmp_path, records, which):
    path = tmp_path / "sequences.fa"
    path.write_text("".join(f">s{i}\n{record}\n" for i, record in enumerate(records)))
    with pytest.raises(InputError, match=f"sequences.fa: the records {which} hold no base but N"):
        pretrain(settings(path), tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()


def test_pretrain__weights_that_are_not_numbers_are_no_encoder(fasta, tmp_path, monkeypatch):
    """The loss of the last step is one of the weights before it."""

    def spoil(network, *rest):
        network.weights[0].assign(network.weights[0] * np.nan)
        return 1.0

    monkeypatch.setattr(module, "_step", spoil)
    with pytest.raises(RunError, match="a weight is not a number at step 1; try a lower --learning-rate"):
        pretrain(settings(fasta, steps=1), tmp_path / "encoder")
    assert not (tmp_path / "encoder").exists()


def test_pretrain__killed_and_resumed_equals_the_undisturbed_run(fasta, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_EVERY", 10)
    pretrain(settings(fasta, dropout=0.0), tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(line):
        if line.startswith("step 20 "):
            raise Stop

    with pytest.raises(Stop):
        pretrain(settings(fasta), tmp_path / "killed", say=stop)
    with pytest.raises(RunError, match="made with steps 30, not 40; use the same settings"):
        pretrain(settings(fasta, steps=40), tmp_path / "killed", resume=True)
    pretrain(settings(fasta), tmp_path / "killed", resume=True)
    for one, two in zip(weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed"), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    with pytest.raises(RunError, match="nothing to resume from"):
        pretrain(settings(fasta), tmp_path / "new", resume=True)


@pytest.mark.parametrize("head", ["fc", "cnn", "bilstm"])
def test_train_model__frozen_encoder_under_each_head(fasta, write_pairs, tmp_path, head):
    pretrain(settings(fasta), tmp_path / "encoder")
    recipe = Recipe(
        pairs=(str(write_pairs()),),
        encoder=str(tmp_path / "encoder"),
        settings={"head": head},
        layer_rates={"encoder": 0.0},
        mirna_length=30,
        target_length=30,
        epochs=1,
        batch_size=64,
        validation_fraction=0.2,
    )
    card = train_model(recipe, tmp_path / "m")
    network = load_model(tmp_path / "m").network
    for one, two in zip(weights_of(tmp_path / "encoder"), network.get_layer("encoder").weights, strict=True):
        np.testing.assert_array_equal(one, np.array(two))
    assert card.architecture == "encoded_sites" and card.training["encoder"]["sequences"][0]["file"] == "sequences.fa"


def test_copy_encoder__folders_and_networks_that_do_not_fit(fasta, write_pairs, tmp_path):
    recipe = Recipe(pairs=(str(write_pairs()),), encoder=str(tmp_path / "encoder"), epochs=1, validation_fraction=0.2, target_length=30)
    with pytest.raises(ModelError, match=r"not an encoder .*; expected a folder of mirscan pretrain"):
        train_model(recipe, tmp_path / "m")
    pretrain(settings(fasta), tmp_path / "encoder")
    with pytest.raises(InputError, match="encoder is given, but deep_target has none; expected architecture encoded_sites"):
        train_model(recipe.replace(architecture="deep_target"), tmp_path / "m")
    with pytest.raises(ModelError, match="does not fit; leave the encoder's sizes out of the recipe"):
        train_model(recipe.replace(settings={"width": 32}), tmp_path / "m")
    with pytest.raises(ModelError, match="longest 40; expected at least the length of either strand"):
        train_model(recipe.replace(target_length=50), tmp_path / "m")
    (tmp_path / "encoder" / ENCODER_FILE).write_bytes(b"another")
    with pytest.raises(ModelError, match=r"is not the file that encoder\.toml describes"):
        train_model(recipe, tmp_path / "m")


def test_find_encoder__shipped_by_name_unless_a_folder_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = read_encoder_card("encoder")
    assert find_encoder("encoder") == models_folder() / "encoder"
    metrics = shipped["origin"]["metrics"]
    assert metrics["accuracy"] > metrics["most_frequent"] + 0.15
    (tmp_path / "encoder").mkdir()
    with pytest.raises(ModelError, match=r"encoder: not an encoder .* or a shipped one: encoder"):
        read_encoder_card("encoder")


def test_copy_encoder__of_the_shipped_encoder(write_pairs, tmp_path):
    recipe = Recipe(
        (str(write_pairs()),),
        architecture="encoded_sites",
        encoder="encoder",
        layer_rates={"encoder": 0.0},
        epochs=1,
        validation_fraction=0.2,
    )
    train_model(recipe, tmp_path / "m")
    network = load_model(tmp_path / "m").network
    for one, two in zip(weights_of(find_encoder("encoder")), network.get_layer("encoder").weights, strict=True):
        np.testing.assert_array_equal(one, np.array(two))


def test_pretrain__settings_and_sequences_that_cannot_be(fasta, tmp_path):
    with pytest.raises(InputError, match="--width 16: not divisible by 3 heads"):
        settings(fasta, n_heads=3)
    with pytest.raises(InputError, match="no sequences"):
        PretrainSettings(())
    (tmp_path / "one.fa").write_text(">a\nACGUACGUACGUACGUACGUACGU\n")
    with pytest.raises(InputError, match="1 sequence; expected at least 2"):
        pretrain(settings(tmp_path / "one.fa"), tmp_path / "encoder")
