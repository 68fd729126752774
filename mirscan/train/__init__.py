"""Labelled pairs -> a trained, calibrated and evaluated network.

pairs.py        files of labelled pairs -> PAIRS table; conflicts and duplicates
splits.py       train / validation by miRNA family, site cluster, chromosome, column or chance; what leaks between them
recipe.py       Recipe: every setting of a training, from TOML and flags
data.py         recipe -> the arrays of a training, everything dropped or shared counted
batches.py      encoded pairs and their shuffled, shifted batches
mixup.py        mixing of letters inside a network
objective.py    losses, optimisers, schedules, weight averages
loop.py         steps, validations, checkpoints
checkpoint.py   what a killed training needs to go on
fit.py          train_model: from a recipe to a model folder
metrics.py      average precision, AUROC, within-miRNA AUROC, calibration error, bootstrap
calibration.py  raw outputs -> probabilities at a stated base rate
seed_class.py   the strongest canonical match in a window
controls.py     predictors that know less than a network should
evaluate.py     evaluate_model: models and controls side by side
report.py       an evaluation on the terminal
pictures.py     training curve; precision-recall, ROC and calibration
tensorboard.py  event files
results.py      the table in models/README.md
"""

import importlib

_PUBLIC = {
    "train_model": "fit",
    "evaluate_model": "evaluate",
    "Recipe": "recipe",
    "read_recipe": "recipe",
    "read_pairs": "pairs",
    "split_pairs": "splits",
    "leakage_report": "splits",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mirscan.train' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mirscan.train.{_PUBLIC[name]}"), name)
