import tomllib

import pytest
import tomli_w

from mirscan.errors import InputError
from mirscan.train.recipe import Recipe, read_recipe


def test_recipe__survives_a_trip_through_toml(tmp_path):
    recipe = Recipe(
        pairs=("a.tsv", "b.tsv"),
        weights=(1.0, 0.5),
        architecture="x",
        settings={"filters": [4, 8]},
        layer_rates={"conv": 0.1},
        milestones=(3, 5),
        anchor=30,
    )
    path = tmp_path / "training.toml"
    path.write_text(tomli_w.dumps(recipe.to_dict()))
    assert read_recipe(path) == recipe
    assert "anchor" not in tomllib.loads(tomli_w.dumps(Recipe().to_dict()))


def test_recipe__flags_win_and_are_checked():
    recipe = Recipe(pairs=("a.tsv",), epochs=3).replace(epochs=5, learning_rate=1)
    assert (recipe.epochs, recipe.learning_rate, recipe.pairs) == (5, 1.0, ("a.tsv",))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "r.toml: unknown key 'epoch'; known are pairs, weights, .*epochs"),
        ({"epochs": 0}, "epochs is 0; expected at least 1, or 0 with init"),
        ({"epochs": 2.5}, "r.toml: epochs is 2.5; expected a whole number from 0 to 100,000"),
        ({"epochs": True}, "epochs is True; expected a whole number"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; expected a number from 0 to 10"),
        ({"schedule": "slow"}, "schedule is 'slow'; expected constant, cosine"),
        ({"loss": "hinge"}, "loss is 'hinge'; expected crossentropy, focal"),
        ({"settings": 3}, "settings is 3; expected a table"),
        ({"pairs": [3]}, r"pairs is \[3\]; expected a list of texts"),
        ({"pairs": ["a"], "weights": [1, 2]}, "2 weights for 1 file of pairs"),
        ({"pairs": ["a", "b"], "right_shift": [3]}, r"right_shift is \[3\]; expected a number from 0 to 50 for each of 2 files"),
        (
            {"pairs": ["a", "b"], "teacher_shares": [0.5, 2.0]},
            r"teacher_shares is \[0.5, 2.0\]; expected a number from 0 to 1 for each of 2",
        ),
        ({"anchor": 60}, "anchor is 60; expected a place inside the window of 50 nt"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1; expected a number from 0 to 0.5"),
    ],
)
def test_recipe__wrong_values_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        Recipe.from_dict(values, "r.toml")


def test_read_recipe__broken_or_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such recipe"):
        read_recipe(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text("epochs = = 3")
    with pytest.raises(InputError, match="not a TOML file"):
        read_recipe(tmp_path / "r.toml")


def test_read_recipe__byte_order_mark_and_old_line_ends(tmp_path):
    (tmp_path / "r.toml").write_bytes("\ufeffepochs = 3\rseed = 2\r".encode())
    assert (read_recipe(tmp_path / "r.toml").epochs, read_recipe(tmp_path / "r.toml").seed) == (3, 2)
