"""Labelled pairs -> a trained, calibrated and evaluated network.

    pairs.py        files of labelled pairs -> PAIRS table; conflicts and duplicates
    splits.py       train / validation by miRNA family, site cluster, chromosome, column or chance; what leaks between them
    recipe.py       Recipe: every setting of a training, from TOML and flags
    batches.py      encoded pairs and their shuffled, shifted, mixed batches
    objective.py    losses, optimisers, schedules, weight averages
    checkpoint.py   what a killed training needs to go on
    fit.py          train_model: the loop
    metrics.py      average precision, AUROC, within-miRNA AUROC, calibration error, bootstrap
    calibration.py  raw probabilities -> probabilities at a stated base rate
    controls.py     predictors that know less than a network should
    evaluate.py     evaluate_model: metrics, groups, controls, pictures
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
