"""Pictures of a training and an evaluation (matplotlib, loaded on use)."""

from pathlib import Path


def draw_training(history: list[dict], best_step: int, path: Path) -> None:
    """Loss, validation loss, average precision and learning rate over the steps of a training."""
    figure, (losses, scores) = _figure(2, width=9)
    steps = [entry["step"] for entry in history]
    losses.plot(steps, [entry["loss"] for entry in history], marker=".", label="training loss")
    losses.plot(steps, [entry["validation_loss"] for entry in history], marker=".", label="validation cross-entropy")
    losses.set(xlabel="step", ylabel="loss")
    losses.legend(frameon=False)
    scores.plot(steps, [entry["average_precision"] for entry in history], marker=".", label="validation average precision")
    scores.plot(steps, [entry["auroc"] for entry in history], marker=".", label="validation AUROC")
    scores.axvline(best_step, color="grey", linewidth=0.8, linestyle=":", label="weights kept")
    scores.set(xlabel="step", ylabel="score")
    scores.legend(frameon=False, loc="lower right")
    _save(figure, path)


def _figure(n_panels: int, width: float):
    # The object interface needs no display and leaves the caller's pyplot state alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, n_panels)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _save(figure, path: Path) -> None:
    figure.savefig(path, dpi=130)
