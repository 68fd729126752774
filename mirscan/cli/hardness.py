"""`mirscan hardness`: how wrong networks are about each pair of a pool, for trainings with --hardness."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.notices import counted


def hardness(
    pairs: Annotated[list[Path], typer.Argument(help="Pool of labelled pairs, as from mirscan negatives: TSV, CSV (.gz too) or Parquet.")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write; JSON and picture lie beside it.")] = Path("hardness.parquet"),
    kind: Annotated[Literal["scout", "committee"], typer.Option(help="One network, or several.")] = "scout",
    recipe: Annotated[
        list[Path] | None, typer.Option("--recipe", help="Recipe of a network; repeat for a committee [those of the published work].")
    ] = None,
    folds: Annotated[int, typer.Option(min=0, help="Score each pair by networks that did not train on its site; 0: by all.")] = 0,
    draw_ratio: Annotated[float, typer.Option(min=0.01, help="Negatives a positive that the networks train on.")] = 20.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of draw and folds.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Measure the hardness of every pair of a pool with small networks."""
    from mirscan.cli.training_progress import training_progress
    from mirscan.train.hardness import Measurement, measure_hardness
    from mirscan.train.recipe import read_recipe

    networks = [read_recipe(path) for path in recipe or []]
    with training_progress(quiet) as (say, report):
        values = measure_hardness(pairs, out, Measurement(kind, folds, draw_ratio, seed), networks, say=say, report=report)
    counts = ", ".join(f"{(values > step).sum():,} above {step:.1f}" for step in (0.1, 0.5, 0.9))
    print(f"{out}: hardness of {counted(len(values), 'pair')}, mean {values.mean():.4f}; {counts}")
    print(f"train with it: mirscan train {' '.join(map(str, pairs))} --hardness {out} ...")
