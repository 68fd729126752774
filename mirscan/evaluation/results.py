"""Records of evaluations (results.json) and the table that is made of them (models/README.md)."""

import json
import os
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirscan.errors import InputError
from mirscan.evaluation.evaluate import Evaluation, without_nan
from mirscan.genes.repression import RepressionModel, read_repression_model
from mirscan.notices import counted

RESULTS_FILE = "results.json"
_SPEED_MIRNAS, _SPEED_WINDOWS = 32, 512


def record_evaluation(
    path: str | Path, evaluation: Evaluation, set_name: str, label: str = "", speed: dict[str, float] | None = None
) -> None:
    """Add an evaluation to a results file: one record a scorer and set; a newer one of the same model file and set replaces it.

    `label` joins runs that differ in their seed alone into one row; default: each model's name. `speed` gives windows/s by model name.
    """
    path = Path(path)
    records = read_results(path) if path.exists() else []
    for result in evaluation.results:
        record = {
            "label": result.name if result.is_control or not label else label,
            "name": result.name,
            "control": result.is_control,
            **{key: result.card[key] for key in ("architecture", "parameters", "mflop", "sha256") if key in result.card},
            "training": _training_label(result.card.get("training", {})),
            "windows_per_second": (speed or {}).get(result.name),
            "set": set_name,
            "pairs": evaluation.pairs,
            "positives": evaluation.positives,
            "metrics": {name: [round(x, 5) for x in (value.value, value.low, value.high)] for name, value in result.metrics.items()},
        }
        key = _key(record)
        records = [old for old in records if _key(old) != key] + [record]
    records.sort(key=lambda r: (r["set"], r["control"], r["label"], r["name"], r.get("sha256", "")))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("writing-" + path.name)
    temporary.write_text(json.dumps(without_nan(records), indent=1) + "\n")
    os.replace(temporary, path)


def read_results(path: str | Path) -> list[dict]:
    """Records of a results file; InputError when it is not one."""
    try:
        records = json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; make it with mirscan evaluate --record {path}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not JSON ({error}); expected a file of mirscan evaluate --record") from None
    if not isinstance(records, list) or not all(isinstance(record, dict) and "set" in record and "metrics" in record for record in records):
        raise InputError(f"{path}: expected a list of records as mirscan evaluate --record writes them")
    return records


def set_title(file_name: str) -> str:
    """How a reader knows a file of pairs.

    >>> set_title("AGO2_CLASH_Hejret2023_test.tsv.gz")
    'Hejret 2023 test'
    """
    stem = file_name.removesuffix(".gz").rsplit(".", 1)[0]
    return _published()["titles"].get(stem, stem)


def measure_speed(scorer) -> float:
    """Windows a CPU-second of `scorer`, on random pairs after a warm-up, as a scan brings them: many windows of a miRNA side by side. One
    thread makes it a figure for one core."""
    random = np.random.default_rng(0)
    mirnas = random.integers(0, 4, (_SPEED_MIRNAS, scorer.layout.mirna_length)).astype(np.uint8).repeat(_SPEED_WINDOWS, axis=0)
    targets = random.integers(0, 4, (len(mirnas), scorer.layout.length)).astype(np.uint8)
    scorer.score(mirnas[:1024], targets[:1024])
    started = time.process_time()
    scorer.score(mirnas, targets)
    return round(len(mirnas) / max(time.process_time() - started, 1e-9))


def write_table(results: str | Path, path: str | Path) -> None:
    """Write models/README.md from a results file, the published numbers and the shipped repression model."""
    Path(path).write_text(results_table(read_results(results), read_repression_model()))


def results_table(records: list[dict], repression: RepressionModel | None = None) -> str:
    """The Markdown text: one table a test set, models, controls and published numbers together, best average precision first; and what a
    repression model's file says of its forms.
    """
    parts = [_HEAD]
    for name in dict.fromkeys(record["set"] for record in records):
        own = [record for record in records if record["set"] == name]
        rows = [*_rows(own), *_published_rows(name)]
        rows.sort(key=lambda row: -row.average_precision)
        parts.append(
            f"## {name}\n\n{counted(own[0]['pairs'], 'pair')}, {own[0]['positives']:,} positive.\n\n{_COLUMNS}\n"
            + "\n".join(row.cells for row in rows)
            + "\n"
        )
    if repression is not None:
        parts.append(_repression_table(repression))
    parts.append(_sources())
    return "\n".join(parts)


def _repression_table(model: RepressionModel) -> str:
    """Each form by study, fitted without it, and the weighted count beside them."""
    measured = {f"**{model.name}, {form}**": studies for form, studies in model.metrics["leave_one_study_out"].items()}
    measured["*weighted count of sites*"] = model.metrics["weighted_count"]
    studies = list(next(iter(measured.values())))
    headings = [f"{study} ({len(model.training[study]['experiments'])})" for study in studies]
    lines = [_line(["form", *headings]), _line(["---", *["---:"] * len(studies)])]
    for name, values in measured.items():
        lines.append(_line([name, *(f"{values[study]['r2']:.3f} / {values[study]['spearman']:.3f}" for study in studies)]))
    return _REPRESSION + "\n".join(lines) + "\n"


_HEAD = """# Results

Made by `mirscan models table` from `results.json` (which `mirscan evaluate --record` fills), `mirscan/evaluation/published.toml` and
`repression/repression.toml`; not edited by hand.

**bold**: models of mirscan. *italic*: controls, predictors that know less than a network should. Plain: published by others or measured
with their published models. AP: average precision, with the 95 % interval of 1,000 bootstrap samples, or lowest and highest of n trainings
that differ in their seed. Within miRNA: AUROC over positive and negative windows of the same miRNA; a score that knows only the miRNA gets
.5. ECE: expected calibration error at the base rate of the card. Accuracy and F1 at a score of .5. Windows/s: one core in the fast path.
No test set was used to choose an architecture, an epoch, a weight or a threshold.
"""
_REPRESSION = """## Fold changes of genes

Squared correlation of all log2 fold changes of a study with the prediction / median rank correlation of its transfections, each
predicted by weights that were fitted without the study (`mirscan evaluate-genes --leave-out study`). The list of features, not the weights,
was chosen with all three in sight. Forms: whole mRNAs with their coding sequences, and 3'UTRs alone. Weights, data and commands:
[genes](../docs/genes.md).

"""
_COLUMNS = (
    "| scorer | architecture | trained on | parameters | MFLOP | windows/s | AP | AUROC | within miRNA | F1 | accuracy | ECE |\n"
    "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


@dataclass(frozen=True)
class _Row:
    average_precision: float
    cells: str


def _rows(records: list[dict]) -> list[_Row]:
    rows = []
    for label in dict.fromkeys(record["label"] for record in records):
        runs = [record for record in records if record["label"] == label]
        first, best = runs[0], [run["metrics"]["average_precision"] for run in runs]
        mean = float(np.mean([value[0] for value in best]))
        low, high = (best[0][1], best[0][2]) if len(runs) == 1 else (min(value[0] for value in best), max(value[0] for value in best))
        several = f", n={len(runs)}" if len(runs) > 1 else ""
        others = [_mean(runs, name) for name in ("auroc", "within_mirna_auroc", "f1", "accuracy", "calibration_error")]
        name = f"*{label}*" if first["control"] else f"**{label}**"
        speed = f"{first['windows_per_second']:,.0f}" if first.get("windows_per_second") else ""
        parameters = f"{first['parameters']:,}" if first.get("parameters") else ""
        mflop = f"{first['mflop']:.1f}" if first.get("mflop") else ""
        cells = [
            name,
            first.get("architecture", ""),
            first["training"],
            parameters,
            mflop,
            speed,
            f"{mean:.3f} ({low:.3f}-{high:.3f}{several})",
            *others,
        ]
        rows.append(_Row(mean, _line(cells)))
    return rows


def _mean(runs: list[dict], name: str) -> str:
    values = [run["metrics"][name][0] for run in runs if run["metrics"].get(name) and run["metrics"][name][0] is not None]
    return f"{np.mean(values):.3f}" if values else ""


def _published_rows(set_name: str) -> list[_Row]:
    rows = []
    for number, entry in enumerate(_published()["published"], start=1):
        metrics = entry.get(set_name)
        if metrics is None:
            continue
        parameters = f"{entry['parameters']:,}" if "parameters" in entry else ""
        auroc = f"{metrics['auroc']:.3f}" if "auroc" in metrics else ""
        cells = [
            f"{entry['name']} [{number}]",
            "",
            entry.get("training", ""),
            parameters,
            "",
            "",
            f"{metrics['average_precision']:.3f}",
            auroc,
            "",
            "",
            "",
            "",
        ]
        rows.append(_Row(metrics["average_precision"], _line(cells)))
    return rows


def _sources() -> str:
    return (
        "## Sources\n\n"
        + "\n".join(f"[{number}] {entry['name']}: {entry['source']}.  " for number, entry in enumerate(_published()["published"], start=1))
        + "\n"
    )


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _key(record: dict) -> tuple:
    return record["set"], record["name"] if record["control"] else (record.get("sha256") or record["name"])


def _training_label(training: dict) -> str:
    """Sets by title, stages in order."""
    return ", then ".join(_stages(training, training.get("ancestors", {})))


def _stages(training: dict, ancestors: dict[str, dict]) -> list[str]:
    """What each training of the chain learned from, the first one first, one that goes on with the same left out; of a mean of networks,
    the longest chain."""
    # Cards of version 0.1.0 hold the training of a start in its own entry.
    chains = [_stages(ancestors.get(start["sha256"], start.get("training", {})), ancestors) for start in training.get("init", [])]
    own = " + ".join(set_title(entry["file"]) for entry in training.get("pairs", []))
    before = max(chains, key=len, default=[])
    return before if not own or before[-1:] == [own] else [*before, own]


def _published() -> dict:
    return tomllib.loads((Path(__file__).parent / "published.toml").read_text())
