"""`mirscan evaluate`: models and controls side by side on labelled pairs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.cli.completion import complete
from mirscan.cli.machine import AsJson, print_json, print_note
from mirscan.store.explained import refuse_unwritable


def evaluate(
    pairs: Annotated[list[Path], typer.Argument(help="Labelled pairs: TSV, CSV (.gz too) or Parquet.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", autocompletion=complete("model"), help="Name or folder of a model, or duplex; repeat for more [base]."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for evaluation.json and evaluation.png.")] = None,
    training: Annotated[
        list[Path] | None, typer.Option("--training", help="Files the models learned from: for the miRNA control and a leakage count.")
    ] = None,
    controls: Annotated[
        bool, typer.Option("--controls/--no-controls", help="Score with miRNA, duplex energy and seed class alone, too.")
    ] = True,
    folds: Annotated[int, typer.Option(min=0, max=100_000, help="Bootstrap samples for the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 1,
    precision: Annotated[Literal["auto", "float32", "bfloat16"], typer.Option(help="Numbers a network computes with.")] = "float32",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="Add the results to this file, from which mirscan models table makes a table.")
    ] = None,
    set_name: Annotated[str, typer.Option(help="Name of the set in the record [from the first file].")] = "",
    label: Annotated[
        str, typer.Option(help="Name of the row in the record; runs with the same label are averaged [each model's name].")
    ] = "",
    groups: Annotated[bool, typer.Option("--groups", help="Print the tables by seed type and miRNA family, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Average precision, AUROC and more of models and controls, with bootstrap intervals."""
    from mirscan.evaluation.evaluate import evaluate_model, without_nan, write_evaluation
    from mirscan.evaluation.report import print_evaluation

    if out is not None:
        refuse_unwritable(out)
    if record is not None:
        refuse_unwritable(record.parent, "--record")
    result = evaluate_model(
        model or ["base"], pairs, training=training or (), controls=controls, folds=folds, seed=seed, precision=precision, threads=threads
    )
    if as_json:
        print_json(without_nan(result.to_dict()))
    else:
        print_evaluation(result, groups)
    if record is not None:
        from mirscan.evaluation.results import measure_speed, record_evaluation, set_title
        from mirscan.scoring import load_scorer

        scorers = [load_scorer(name, threads=1) for name in model or ["base"]]
        speed = {scorer.card.name: measure_speed(scorer) for scorer in scorers}
        record_evaluation(record, result, set_name or set_title(pairs[0].name), label, speed)
        print_note(f"recorded in {record}; make the table with mirscan models table --results {record}", as_json)
    if out is not None:
        write_evaluation(result, out)
        print_note(f"written: {out / 'evaluation.json'}, {out / 'evaluation.png'}", as_json)
