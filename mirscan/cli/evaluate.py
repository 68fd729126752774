"""`mirscan evaluate`: models and controls side by side on labelled pairs."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    pairs: Annotated[list[Path], typer.Argument(help="Labelled pairs: TSV, CSV (.gz too) or Parquet.")],
    model: Annotated[list[str] | None, typer.Option("--model", help="Name or folder of a model, or duplex; repeat for more [base].")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for evaluation.json and evaluation.png.")] = None,
    training: Annotated[list[Path] | None, typer.Option("--training", help="Files the models learned from: for the miRNA control and a leakage count.")] = None,
    controls: Annotated[bool, typer.Option("--controls/--no-controls", help="Score with miRNA, duplex energy and seed class alone, too.")] = True,
    folds: Annotated[int, typer.Option(min=0, max=100_000, help="Bootstrap samples for the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 1,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or auto.")] = "float32",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    groups: Annotated[bool, typer.Option("--groups", help="Print the tables by seed type and miRNA family, too.")] = False,
) -> None:
    """Average precision, AUROC and more of models and controls, with bootstrap intervals."""
    from mirscan.train.evaluate import evaluate_model, write_evaluation
    from mirscan.train.report import print_evaluation

    result = evaluate_model(
        model or ["base"], pairs, training=training or (), controls=controls, folds=folds, seed=seed, precision=precision, threads=threads
    )
    print_evaluation(result, groups)
    if out is not None:
        write_evaluation(result, out)
        print(f"written: {out / 'evaluation.json'}, {out / 'evaluation.png'}")
