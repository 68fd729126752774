"""The picture of a training: loss and scores over its steps."""

from pathlib import Path

import numpy as np

from mirscan.evaluation.curves import new_figure, save_figure


def draw_training(history: list[dict], best_step: int, path: Path) -> None:
    """Loss, validation loss, average precision and learning rate over the steps of a training."""
    figure, (losses, scores) = new_figure(2, width=9)
    steps = [entry["step"] for entry in history]
    losses.plot(steps, [np.nan if entry["loss"] is None else entry["loss"] for entry in history], marker=".", label="training loss")
    losses.plot(steps, [entry["validation_loss"] for entry in history], marker=".", label="validation cross-entropy")
    losses.set(xlabel="step", ylabel="loss")
    losses.legend(frameon=False)
    scores.plot(steps, [entry["average_precision"] for entry in history], marker=".", label="validation average precision")
    scores.plot(steps, [entry["auroc"] for entry in history], marker=".", label="validation AUROC")
    scores.axvline(best_step, color="grey", linewidth=0.8, linestyle=":", label="weights kept")
    scores.set(xlabel="step", ylabel="score")
    scores.legend(frameon=False, loc="lower right")
    save_figure(figure, path)
