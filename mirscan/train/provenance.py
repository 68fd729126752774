"""What a model learned from: its files by checksum, and the same of every model behind it, each once."""

from pathlib import Path

from mirscan.train.pretraining import read_encoder_card
from mirscan.train.recipe import Recipe
from mirscan.trained_models import NETWORK_FILE, file_sha256, find_model, read_card

_SEVERAL, _OTHERS = ("init", "averaged_with"), ("teacher", "mining")


def provenance(recipe: Recipe, soft_labels: bool) -> dict:
    """The `training` of a card. A fine-tuned network also knows what its start and its teacher were trained on: `init`, `averaged_with`,
    `teacher` and `mining` name models by checksum, and `ancestors` holds the training of each of these and of those behind them."""
    entries = {
        "pairs": _files(recipe.pairs) if recipe.epochs else [],
        "validation": _files(recipe.validation),
        "soft_labels": soft_labels,
    }
    if recipe.hardness:
        entries["hardness"] = _files((recipe.hardness,))[0]
    if recipe.encoder:
        entries["encoder"] = {"encoder": Path(recipe.encoder).name, **read_encoder_card(recipe.encoder)["origin"]}
    ancestors = {}
    for role in _SEVERAL:
        if getattr(recipe, role):
            entries[role] = [_model(name, ancestors) for name in getattr(recipe, role)]
    for role in _OTHERS:
        if getattr(recipe, role):
            entries[role] = _model(getattr(recipe, role), ancestors)
    return entries | ({"ancestors": ancestors} if ancestors else {})


def _files(paths: tuple[str, ...]) -> list[dict]:
    return [{"file": Path(path).name, "sha256": file_sha256(path)} for path in paths]


def _model(name: str, ancestors: dict[str, dict]) -> dict:
    folder = find_model(name)
    sha256, training = file_sha256(folder / NETWORK_FILE), dict(read_card(folder).training)
    ancestors.update(training.pop("ancestors", {}))
    ancestors[sha256] = training
    return {"model": folder.name, "sha256": sha256}
