"""One row of the comparison: a method with a seed, trained, tested and kept."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet

from mirscan.benchmark.grounds import Ground, data_file, draw_pairs
from mirscan.benchmark.methods import Method
from mirscan.benchmark.settings import BenchmarkSettings
from mirscan.evaluation.metrics import average_precision, within_auroc
from mirscan.evaluation.scan_task import evaluate_scan
from mirscan.pairs.columns import group_codes, labels_of
from mirscan.pairs.read import read_pairs
from mirscan.train.checkpoint import CHECKPOINT_FILE
from mirscan.train.fit import WORK_FOLDER, train_model
from mirscan.train.hardness import Measurement, measure_hardness
from mirscan.train.recipe import Recipe
from mirscan.trained_models import CARD_FILE, METRICS_FILE
from mirscan.windows import encode_pairs

_RATIOS = {"one": 1, "ten": 10}
_MIRNA_LENGTH = 20
# Lengths of a scan's list at which its share of known sites is told.
_SHARES_AT = (1_000, 10_000, 100_000)
_FOLDS = 3
# Validations of a training.
_VALIDATIONS = 16
# Networks of a committee, which differ in their seed.
_COMMITTEE = 3


@dataclass(frozen=True)
class Place:
    """Where a comparison keeps what it makes."""

    folder: Path

    def row(self, method: Method, seed: int) -> Path:
        return self.folder / "rows" / f"{method.slug}-{seed}.json"

    def model(self, method: Method, seed: int) -> Path:
        return self.folder / "models" / f"{method.slug}-{seed}"

    def draw(self, ground: Ground, ratio: int, positives: float, seed: int) -> Path:
        return self.folder / ground.name / f"draw-{ratio}-{positives:g}-{seed}.parquet"

    def hardness(self, ground: Ground, kind: str) -> Path:
        return self.folder / ground.name / f"hardness-{kind}.parquet"


def make_row(method: Method, seed: int, ground: Ground, settings: BenchmarkSettings, place: Place, say: Callable[[str], None]) -> dict:
    """The row of a method and seed, as it was kept or trained and tested now."""
    path = place.row(method, seed)
    if path.is_file():
        return json.loads(path.read_text())
    minutes = _measure(method, ground, settings, place, say) if method.hardness else 0.0
    recipe, folder = make_recipe(method, seed, ground, settings, place), place.model(method, seed)
    if not (folder / CARD_FILE).is_file():
        train_model(recipe, folder, resume=(folder / WORK_FOLDER / CHECKPOINT_FILE).is_file())
    metrics = json.loads((folder / METRICS_FILE).read_text())
    row = {
        "method": method.name,
        "ground": ground.name,
        "seed": seed,
        "pairs": metrics["pairs"]["training_pairs"],
        "minutes": round(minutes + metrics["seconds"] / 60, 3),
        "scores": score_sets(str(folder), ground, settings),
        "scan": scan_shares(str(folder), settings) if settings.scan_task and ground.name == "chimeras" else {},
    }
    _keep(row, path)
    return row


def _keep(row: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing." + path.name)
    temporary.write_text(json.dumps(row, indent=1) + "\n")
    os.replace(temporary, path)


def make_recipe(method: Method, seed: int, ground: Ground, settings: BenchmarkSettings, place: Place) -> Recipe:
    """The common recipe with what the method changes; a method on other pairs has as many epochs as give about as many pairs in all."""
    changes = dict(method.recipe)
    if method.hardness:
        changes |= {"hardness": str(place.hardness(ground, method.hardness)), "hard_ratio": float(settings.train_ratio)}
    pairs = _pairs(method, seed, ground, settings, place)
    epochs = _epochs(method, pairs, ground, settings)
    if changes.pop("two_phases", False):
        changes["sampling_epochs"] = max(epochs * 2 // 3, 1)
    if changes.get("class_sampling") == "iterative":
        changes |= _iterations(ground, settings)
    common = {
        "pairs": (str(pairs),),
        "validation": (str(ground.validation),),
        "allow_leak": True,
        "architecture": settings.architecture,
        "mirna_length": _MIRNA_LENGTH,
        "epochs": epochs,
        "batch_size": settings.batch_size,
        "learning_rate": 2e-3,
        "average": "ema",
        "precision": settings.precision,
        "threads": settings.threads,
        "calibration": "none",
        "seed": seed,
        # Equally often for every method: one of few pairs has epochs by the hundred.
        "validate_every": max(_pairs_in_all(ground, settings) // settings.batch_size // _VALIDATIONS, 1),
    }
    return Recipe(**{**common, **changes})


def _pairs(method: Method, seed: int, ground: Ground, settings: BenchmarkSettings, place: Place) -> Path:
    """The pool, or a draw of it with the ratio of the method."""
    if method.draw == "pool":
        return ground.pools[method.pool]
    ratio = _RATIOS.get(method.draw, settings.train_ratio)
    path = place.draw(ground, ratio, method.positives, seed)
    if not path.is_file():
        _write_table(draw_pairs(read_pairs(ground.pools["given"]), ratio, seed, method.positives), path)
    return path


def _write_table(table, path: Path) -> None:
    temporary = path.with_name("writing." + path.name)
    pyarrow.parquet.write_table(table.drop_columns(["source"]), temporary)
    temporary.rename(path)


def _pairs_in_all(ground: Ground, settings: BenchmarkSettings) -> int:
    n_positive = int((labels_of(read_pairs(ground.pools["given"])) >= 0.5).sum())
    return settings.epochs * n_positive * (1 + settings.train_ratio)


def _epochs(method: Method, pairs: Path, ground: Ground, settings: BenchmarkSettings) -> int:
    """So many epochs that a method sees about as many pairs as the common recipe does of 1 positive and `train_ratio` negatives."""
    if method.hardness:
        return settings.epochs
    wanted = _pairs_in_all(ground, settings)
    n = pyarrow.parquet.read_metadata(pairs).num_rows
    drawn = labels_of(read_pairs(pairs)) >= 0.5
    per_epoch = {"under": 2 * int(drawn.sum()), "over": 2 * int((~drawn).sum())}.get(method.recipe.get("class_sampling"), n)
    if method.recipe.get("members"):
        # Each member sees its own part of the pairs.
        per_epoch = int(drawn.sum()) * 2 * method.recipe["members"]
    return max(round(wanted / per_epoch), 1)


def _iterations(ground: Ground, settings: BenchmarkSettings) -> dict:
    """The published numbers, in the proportion of the positives that are there; in all as many pairs as the other methods see."""
    n_positive = int((labels_of(read_pairs(ground.pools["given"])) >= 0.5).sum())
    iterations = 28 if not settings.quick else 3
    return {
        "epochs": iterations,
        "new_positives": max(min(1000, n_positive // 15), 1),
        "iteration_steps": max(_pairs_in_all(ground, settings) // settings.batch_size // iterations, 2),
        "average": "none",
        "validate_every": 0,
    }


def _measure(method: Method, ground: Ground, settings: BenchmarkSettings, place: Place, say: Callable[[str], None]) -> float:
    """Measure the hardness of the pool, unless it was; minutes that its networks trained."""
    path, kept = place.hardness(ground, method.hardness), place.hardness(ground, method.hardness).with_suffix(".minutes")
    if path.is_file() and kept.is_file():
        return float(kept.read_text())
    seeds = range(1, 1 + (_COMMITTEE if method.hardness == "committee" else 1))
    recipes = [_scout(settings, seed) for seed in seeds]
    kind, folds = ("committee" if len(recipes) > 1 else "scout"), (_FOLDS if method.hardness == "folds" else 0)
    seconds = [0.0]

    def count(step) -> None:
        if step.validation:
            seconds.append(step.validation["seconds"])

    measure_hardness(ground.pools["given"], path, Measurement(kind, folds, settings.train_ratio / 2), recipes, say=say, report=count)
    # Every training's clock begins anew; its last validation says how long it took.
    ends = [now for now, after in zip(seconds, [*seconds[1:], 0.0], strict=True) if after <= now]
    kept.write_text(f"{sum(ends) / 60:.3f}")
    return float(kept.read_text())


def _scout(settings: BenchmarkSettings, seed: int) -> Recipe:
    return Recipe(
        architecture=settings.architecture,
        mirna_length=_MIRNA_LENGTH,
        epochs=max(settings.epochs // 2, 1),
        batch_size=settings.batch_size,
        learning_rate=2e-3,
        average="ema",
        precision=settings.precision,
        threads=settings.threads,
        seed=seed,
        validation_fraction=0.1,
    )


def score_sets(model: str, ground: Ground, settings: BenchmarkSettings) -> dict[str, dict[str, float]]:
    """Average precision and within-miRNA AUROC of a model on every test set of the ground."""
    from mirscan.scoring import load_scorer

    scorer = load_scorer(model, threads=settings.threads or None)
    scores = {}
    for title, path in ground.tests.items():
        pairs = read_pairs(path)
        outputs = scorer.outputs(*encode_pairs(pairs["mirna"], pairs["target"], scorer.layout))
        scores[title] = measure(pairs, outputs)
    return scores


def scan_shares(model: str, settings: BenchmarkSettings) -> dict[str, float]:
    """Share of the chimeric sites of the Hejret test set among the N strongest candidates of the mRNAs that hold them."""
    mrna, sites = data_file(settings, "human_mrna.fa", "reference"), data_file(settings, "clip_sites_on_mrna.tsv")
    sets = ("canonical", "relaxed")
    evaluation = evaluate_scan(
        mrna, sites, [model], sets=sets, where="dataset=hejret_test", controls=False, threads=settings.threads or None
    )
    shares = {}
    for name in sets:
        (score,) = evaluation.scores[name]
        for n in _SHARES_AT:
            shares[f"{name}, N = {n:,}"] = round(score.curve.get(n, score.share), 4)
    return shares


def measure(pairs, outputs: np.ndarray) -> dict[str, float]:
    """The numbers of one cell."""
    labels, mirnas = labels_of(pairs), group_codes(pairs["mirna"])
    numbers = {"average_precision": average_precision(labels, outputs), "within_mirna": within_auroc(labels, outputs, mirnas)}
    return {name: round(value, 4) for name, value in numbers.items()}
