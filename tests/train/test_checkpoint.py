import numpy as np
import pytest

from mirscan.errors import RunError
from mirscan.train.checkpoint import Checkpoint, Progress, check_resumable, read_checkpoint, write_checkpoint
from mirscan.train.recipe import Recipe

RECIPE = Recipe(pairs=("a.tsv",), architecture="x").to_dict()


def checkpoint(**changes):
    values = {"progress": Progress(epoch=2, step=7, history=[{"loss": 0.5}]), "recipe": RECIPE, "data_digest": "d"}
    arrays = {"network": [np.ones(3), np.zeros((2, 2))], "optimizer": [np.array(7)], "best": [], "average": []}
    return Checkpoint(**{**values, **arrays, **changes})


def test_checkpoint__survives_a_trip_to_disk_and_leaves_no_other_file(tmp_path):
    write_checkpoint(tmp_path / "c.npz", checkpoint())
    read = read_checkpoint(tmp_path / "c.npz")
    assert read.progress == checkpoint().progress and read.best == [] and read.data_digest == "d"
    for one, two in zip(read.network, checkpoint().network, strict=True):
        np.testing.assert_array_equal(one, two)
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_checkpoint__order_of_more_than_ten_arrays_is_kept(tmp_path):
    write_checkpoint(tmp_path / "c.npz", checkpoint(network=[np.array(i) for i in range(120)]))
    assert [int(array) for array in read_checkpoint(tmp_path / "c.npz").network] == list(range(120))


def test_read_checkpoint__missing_or_damaged(tmp_path):
    with pytest.raises(RunError, match="no checkpoint, so no training to go on with or to finish here"):
        read_checkpoint(tmp_path / "c.npz")
    write_checkpoint(tmp_path / "c.npz", checkpoint())
    (tmp_path / "c.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:200])
    with pytest.raises(RunError, match="not a checkpoint that can be read"):
        read_checkpoint(tmp_path / "c.npz")


def test_check_resumable__another_recipe_or_other_pairs_are_refused(tmp_path):
    path = tmp_path / "c.npz"
    with pytest.raises(RunError, match=r"learning_rate was 0\.001 and is now 0\.01; resume with the same recipe or use another folder"):
        check_resumable(path, checkpoint(), {**RECIPE, "learning_rate": 0.01}, "d")
    with pytest.raises(RunError, match="made on other training pairs"):
        check_resumable(path, checkpoint(), RECIPE, "other")
    check_resumable(path, checkpoint(), {**RECIPE, "threads": 2, "checkpoint_minutes": 9.0}, "d")


def test_check_resumable__a_setting_that_the_checkpoint_did_not_know_had_its_default(tmp_path):
    older = {key: value for key, value in RECIPE.items() if key not in ("teacher", "also_split", "init")}
    check_resumable(tmp_path / "c.npz", checkpoint(recipe={**older, "init": ""}), RECIPE, "d")
    with pytest.raises(RunError, match="teacher was '' and is now 'base'"):
        check_resumable(tmp_path / "c.npz", checkpoint(recipe=older), {**RECIPE, "teacher": "base"}, "d")
