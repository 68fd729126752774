"""Pictures of an evaluation (matplotlib, loaded on use), and the plain figure they share with those of a training."""

from pathlib import Path

import numpy as np

from mirscan.cache_folder import redirect_unwritable_home
from mirscan.evaluation.metrics import auroc, average_precision, curve


def new_figure(n_panels: int, width: float):
    redirect_unwritable_home("MPLCONFIGDIR", "matplotlib")
    # The object interface needs no display and leaves the caller's pyplot state alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, n_panels, squeeze=False)[0]
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def save_figure(figure, path: Path) -> None:
    figure.savefig(path, dpi=130)


def draw_evaluation(labels: np.ndarray, scores: dict[str, np.ndarray], probabilities: set[str], path: Path) -> None:
    """Precision-recall and ROC curves of every scorer, and the calibration of those in `probabilities`."""
    figure, (precision_recall, roc, calibration) = new_figure(3, width=13)
    for name, values in scores.items():
        recall, precision, false_positive_rate = curve(labels, values)
        precision_recall.plot(recall, precision, label=f"{name} ({average_precision(labels, values):.3f})", linewidth=1.2)
        roc.plot(false_positive_rate, recall, label=f"{name} ({auroc(labels, values):.3f})", linewidth=1.2)
        if name in probabilities:
            calibration.plot(*_calibration_points(labels, values), marker="o", label=name)
    precision_recall.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02), title="average precision")
    roc.set(xlabel="false positive rate", ylabel="recall", title="AUROC")
    calibration.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="perfect")
    calibration.set(xlabel="score", ylabel="part of positives", title=f"calibration ({np.mean(labels >= 0.5):.0%} positives)")
    for panel in (precision_recall, roc, calibration):
        panel.legend(frameon=False, fontsize=7)
    save_figure(figure, path)


def _calibration_points(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean score and part of positives in ten equal-width bins that hold at least five pairs."""
    which = np.minimum((scores * 10).astype(int), 9)
    size = np.bincount(which, minlength=10)
    used = size >= 5
    return (np.bincount(which, scores, minlength=10)[used] / size[used], np.bincount(which, labels >= 0.5, minlength=10)[used] / size[used])
