"""`mirscan train`: flags and TOML to one recipe, then one call."""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.cli.options import with_settings
from mirscan.notices import counted
from mirscan.train.recipe import Recipe, read_recipe


@with_settings(flags=Recipe)
def train(
    flags,
    out: Annotated[Path, typer.Option("--out", help="Folder of the new model.")] = Path("mirscan-model"),
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="TOML file of settings, such as training.toml of a model; flags win over it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out after a kill.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Write the model from the best weights of an interrupted training.")] = False,
    keep_work: Annotated[bool, typer.Option("--keep-work", help="Keep checkpoint and cached duplex energies.")] = False,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Folder that keeps duplex energies between trainings on the same pairs.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a network on labelled pairs; the model folder works with scan --model."""
    from mirscan.cli.training_progress import training_progress
    from mirscan.train.fit import train_model

    asked = (read_recipe(recipe) if recipe else Recipe()).replace(**flags)
    with training_progress(quiet) as (say, report):
        card = train_model(asked, out, resume=resume, finish=finish, keep_work=keep_work, cache=cache, say=say, report=report)
    _print_summary(out, card)


def _print_summary(out: Path, card) -> None:
    import json

    metrics = json.loads((out / "metrics.json").read_text())
    scores = metrics["validation"]
    print(f"{out}: {card.architecture}, {card.parameters:,} parameters, best at step {metrics['best_step']:,} of {metrics['steps']:,}")
    shown = [
        f"{title} {'undefined' if scores[name] is None else format(scores[name], '.4f')}"
        for name, title in (("average_precision", "average precision"), ("auroc", "AUROC"), ("within_mirna_auroc", "within-miRNA AUROC"))
    ]
    print(f"validation ({counted(scores['pairs'], 'pair')}): {', '.join(shown)}")
    print(f"scan with it: mirscan scan --model {out} ...")
