"""Progress of a training: a bar with rate and time left on a terminal, a line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from mirscan.cli.signals import stoppable

# Seconds between lines where there is no terminal.
_LINE_EVERY = 30.0


@contextlib.contextmanager
def training_progress(quiet: bool) -> Iterator[tuple[Callable[[str], None], Callable]]:
    """(say, report) for `train_model`: lines for the user, and every step."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield stoppable(lambda line: None), stoppable(lambda step: None)
    elif console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task("training", total=None, note="")

            def report(step) -> None:
                note = "" if step.loss is None else f"epoch {step.epoch}, loss {step.loss:.4f}"
                bar.update(task, total=step.n_steps, completed=step.step, note=note)
                if step.validation:
                    console.print(validation_line(step), highlight=False)

            yield stoppable(lambda line: console.print(line, highlight=False)), stoppable(report)
    else:
        yield stoppable(lambda line: print(line, flush=True)), stoppable(_LinePrinter().report)


def validation_line(step) -> str:
    """One line on a validation."""
    entry = step.validation
    loss = "" if entry["loss"] is None else f"loss {entry['loss']:.4f}, "
    several = f" ({', '.join(f'{value:.4f}' for value in entry['by_file'].values())})" if len(entry["by_file"]) > 1 else ""
    return (
        f"epoch {entry['epoch']:g}, step {entry['step']:,} of {step.n_steps:,}: {loss}"
        f"validation loss {entry['validation_loss']:.4f}, "
        f"average precision {entry['average_precision']:.4f}{several}, AUROC {entry['auroc']:.4f}, {entry['seconds']:.0f} s"
    )


class _LinePrinter:
    def __init__(self):
        self.first_step = None

    def report(self, step) -> None:
        now = time.monotonic()
        if self.first_step is None:
            # Reading pairs and tracing the network lie before the first step; the rate counts from its end.
            self.first_step, self.started, self.last = step.step, now, now
        if step.validation:
            print(validation_line(step), flush=True)
        elif now - self.last >= _LINE_EVERY:
            done = step.step - self.first_step
            rate = step.pairs_done / step.step * done / (now - self.started)
            left = (step.n_steps - step.step) * (now - self.started) / done
            print(
                f"step {step.step:,} of {step.n_steps:,}: loss {step.loss:.4f}, {rate:,.0f} pairs/s, {left / 60:.0f} min left", flush=True
            )
        else:
            return
        self.last = now


def _bar(console):
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps  {task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
