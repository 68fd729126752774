"""evaluate_model: models and controls on one set of labelled pairs, side by side, with intervals, groups and pictures."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.evaluation.calibration import base_rate_weights
from mirscan.evaluation.controls import control_scores
from mirscan.evaluation.metrics import Estimate, Scored
from mirscan.pairs.clean import MIN_VALIDATION_ROWS, check_pairs, clean_pairs
from mirscan.pairs.columns import POSITIVE, group_codes, labels_of, seed_families
from mirscan.pairs.leakage import LeakageReport, leakage_report
from mirscan.pairs.read import read_pairs
from mirscan.seeds.seed_class import SEED_CLASSES, best_seeds
from mirscan.windows import WindowLayout, encode_pairs

# The layout for controls and seed classes: whole miRNAs, windows as most studies cut them.
_PLAIN = WindowLayout(length=50, anchor=34, mirna_length=28)
_FAMILIES_SHOWN = 12
_MIN_GROUP = 20


@dataclass(frozen=True)
class ScorerResult:
    """Metrics of one model or control; groups by name, each with its number of pairs."""

    name: str
    is_control: bool
    metrics: dict[str, Estimate]
    by_seed: dict[str, dict[str, float]] = field(default_factory=dict)
    by_family: dict[str, dict[str, float]] = field(default_factory=dict)
    card: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """Every scorer on one set; `scores` (n,) by name and `labels` (n,) stay for pictures."""

    files: tuple[str, ...]
    pairs: int
    positives: int
    mirnas: int
    conflicting_pairs: int
    results: tuple[ScorerResult, ...]
    leakage: LeakageReport | None
    labels: np.ndarray = field(repr=False)
    scores: dict[str, np.ndarray] = field(repr=False)

    def to_dict(self) -> dict:
        """JSON-ready values, without the scores of single pairs."""
        values = asdict(replace(self, labels=None, scores={}))
        return {key: value for key, value in values.items() if key not in ("labels", "scores")}


def evaluate_model(
    models: str | Path | Sequence[str | Path],
    pairs: str | Path | Sequence[str | Path],
    *,
    training: Sequence[str | Path] = (),
    controls: bool = True,
    folds: int = 1000,
    seed: int = 1,
    precision: str = "float32",
    threads: int | None = None,
) -> Evaluation:
    """Score `pairs` with each of `models` (names, folders, or `duplex`) and with the controls.

    Average precision, AUROC, within-miRNA AUROC, precision at fixed recall; for probabilities also accuracy and F1 at .5 and the
    calibration error at the card's base rate; each with its 95 % interval over `folds` bootstrap samples. `training` files serve
    the miRNA control and a count of what they share with `pairs`. Nothing is dropped: a published set counts as it is. Raises
    InputError for pairs that cannot be scored, ModelError for an unknown model.

    >>> from pathlib import Path
    >>> rows = [("UGAGGUAGUAGGUUGUAUAGUU", "GG" * k + "CTACCTCA" + "GG" * (20 - k), 1) for k in range(5, 15)]
    >>> rows += [("UGAGGUAGUAGGUUGUAUAGUU", "GG" * k + "CATTCCAA" + "GG" * (20 - k), 0) for k in range(5, 15)]
    >>> lines = ["mirna\\ttarget\\tlabel", *("\\t".join(map(str, row)) for row in rows)]
    >>> _ = Path("pairs.tsv").write_text("\\n".join(lines))
    >>> evaluation = ms.evaluate_model("duplex", "pairs.tsv", folds=10)
    >>> evaluation.results[0].name, evaluation.results[0].metrics["average_precision"].value
    ('duplex', 1.0)
    """
    models = [models] if isinstance(models, str | Path) else list(models)
    table = read_pairs(pairs)
    check_pairs(table, "evaluation", MIN_VALIDATION_ROWS)
    trained_on = read_pairs(training) if training else None
    labels, mirnas = labels_of(table), group_codes(table["mirna"])
    mirna_codes, target_codes = encode_pairs(table["mirna"], table["target"], _PLAIN)
    groups = _Groups(best_seeds(mirna_codes, target_codes)[0], seed_families(table).to_numpy(zero_copy_only=False))
    results, scores = [], {}
    for model in models:
        name, values, card, base_rate = _score(model, table, precision, threads)
        name = name if name not in scores else str(model)
        scores[name] = values
        weights = base_rate_weights(labels >= POSITIVE, base_rate) if base_rate else None
        scored = Scored(labels, values, mirnas, 0.5 if base_rate else None, weights)
        results.append(ScorerResult(name, False, scored.metrics(folds, seed), *groups.summarize(labels, values), card=card))
    for name, values in (control_scores(table, mirna_codes, target_codes, trained_on) if controls else {}).items():
        scores[name] = values
        results.append(ScorerResult(name, True, Scored(labels, values, mirnas).metrics(folds, seed), *groups.summarize(labels, values)))
    return Evaluation(
        files=tuple(Path(path).name for path in ([pairs] if isinstance(pairs, str | Path) else pairs)),
        pairs=table.num_rows,
        positives=int((labels >= POSITIVE).sum()),
        mirnas=int(mirnas.max() + 1),
        conflicting_pairs=clean_pairs(table)[1].conflicting_pairs,
        results=tuple(results),
        leakage=leakage_report(trained_on, table) if trained_on is not None else None,
        labels=labels,
        scores=scores,
    )


def _score(model: str | Path, table: pa.Table, precision: str, threads: int | None) -> tuple[str, np.ndarray, dict, float | None]:
    """(name, scores, what the report says of it, base rate or None where the score is no probability)."""
    from mirscan.scoring import load_scorer
    from mirscan.scoring.duplex_engine import DUPLEX

    scorer = load_scorer(model, precision=precision, threads=threads)
    mirna_codes, target_codes = encode_pairs(table["mirna"], table["target"], scorer.layout)
    scores = scorer.score(mirna_codes, target_codes)
    card = scorer.card
    about = {name: getattr(card, name) for name in ("architecture", "parameters", "mflop", "sha256", "training")}
    # The energy share of the pseudo-model is no probability: no threshold of .5, no calibration error.
    return card.name, scores, about, None if card.architecture == DUPLEX else card.base_rate


@dataclass(frozen=True)
class _Groups:
    seed_class: np.ndarray
    family: np.ndarray

    def summarize(self, labels: np.ndarray, scores: np.ndarray) -> tuple[dict, dict]:
        """Pairs, positives, average precision and AUROC by seed class and by the largest families."""
        by_seed = {name: self.seed_class == place for place, name in enumerate(SEED_CLASSES)}
        names, sizes = np.unique(self.family.astype(str), return_counts=True)
        by_family = {str(name): self.family == name for name in names[np.argsort(-sizes, kind="stable")][:_FAMILIES_SHOWN]}
        return tuple(
            {name: _describe(labels[rows], scores[rows]) for name, rows in groups.items() if rows.sum() >= _MIN_GROUP}
            for groups in (by_seed, by_family)
        )


def _describe(labels: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    from mirscan.evaluation.metrics import auroc, average_precision

    positives = int((labels >= POSITIVE).sum())
    both = 0 < positives < len(labels)
    return {
        "pairs": len(labels),
        "positives": positives,
        "average_precision": average_precision(labels, scores) if both else None,
        "auroc": auroc(labels, scores) if both else None,
    }


def write_evaluation(evaluation: Evaluation, folder: str | Path) -> None:
    """evaluation.json and evaluation.png in `folder`."""
    from mirscan.evaluation.curves import draw_evaluation

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(without_nan(evaluation.to_dict()), indent=1)
    (folder / "evaluation.json").write_text(text + "\n")
    draw_evaluation(
        evaluation.labels,
        evaluation.scores,
        {r.name for r in evaluation.results if "calibration_error" in r.metrics},
        folder / "evaluation.png",
    )


def without_nan(value):
    """`value` with null for every number that JSON cannot hold. JSON has no nan: a metric that cannot be computed is null."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
