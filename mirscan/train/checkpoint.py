"""What a killed training needs to go on exactly where it was: one file, replaced as a whole."""

import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from mirscan.errors import RunError
from mirscan.train.recipe import Recipe

CHECKPOINT_FILE = "checkpoint.npz"
# Settings that may differ between the first part of a training and its resumption.
_FREE_SETTINGS = ("threads", "checkpoint_minutes", "tensorboard", "patience", "calibration", "base_rate")


@dataclass
class Progress:
    """Where a training stands; the order of the pairs and every random draw follow from seed, epoch and step."""

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    best_score: float = -1.0
    best_step: int = -1
    validations_without_gain: int = 0
    reductions: int = 0
    since_reduction: int = 0
    n_averaged: int = 0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)


@dataclass
class Checkpoint:
    """`network` and `optimizer`: all variables in Keras' order; `best` and `average`: the network's weights, empty before there are any."""

    progress: Progress
    recipe: dict
    data_digest: str
    network: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]
    average: list[np.ndarray]


_GROUPS = ("network", "optimizer", "best", "average")


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write beside, flush to disk, rename: a kill at any moment leaves the old file or the new one."""
    state = {"progress": asdict(checkpoint.progress), "recipe": checkpoint.recipe, "data_digest": checkpoint.data_digest}
    arrays = {f"{group}/{i:04d}": array for group in _GROUPS for i, array in enumerate(getattr(checkpoint, group))}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing-" + path.name)
    with open(temporary, "wb") as handle:
        np.savez(handle, state=np.array(json.dumps(state)), **arrays)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint of a training; RunError when there is none or it cannot be read."""
    if not path.is_file():
        raise RunError(f"{path}: no checkpoint, so no training to go on with or to finish here; give its --out, or start anew")
    try:
        # Opened here: NumPy would leave a damaged file open.
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            state = json.loads(str(file["state"]))
            groups = {group: [file[key] for key in sorted(file.files) if key.startswith(group + "/")] for group in _GROUPS}
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: not a checkpoint that can be read ({error}); delete it and start anew") from error
    return Checkpoint(Progress(**state["progress"]), state["recipe"], state["data_digest"], **groups)


def check_resumable(path: Path, checkpoint: Checkpoint, recipe: dict, data_digest: str) -> None:
    """RunError when the checkpoint was made with another recipe (naming what differs) or on other pairs."""
    # A setting that the checkpoint's version did not know yet had what is now its default.
    old, new = Recipe.from_dict(checkpoint.recipe, str(path)).to_dict(), Recipe.from_dict(recipe, "recipe").to_dict()
    differing = [key for key in {**old, **new} if key not in _FREE_SETTINGS and old.get(key) != new.get(key)]
    if differing:
        key = differing[0]
        change = f"{key} was {old.get(key)!r} and is now {new.get(key)!r}"
        raise RunError(f"{path}: made with another recipe: {change}; resume with the same recipe or use another folder")
    if checkpoint.data_digest != data_digest:
        raise RunError(f"{path}: made on other training pairs than the files hold now; use another folder")
