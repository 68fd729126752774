"""`mirscan evaluate-genes`: does predicted repression agree with measured fold changes?"""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.cli.completion import complete
from mirscan.cli.gene_options import (
    Cds,
    Columns,
    Expression,
    Guides,
    Ids,
    IsoformWeights,
    Model,
    Run,
    Studies,
    Threads,
    Transcripts,
    read_data,
)
from mirscan.cli.machine import AsJson, print_json, print_note


def evaluate_genes(
    transcripts: Transcripts = None,
    run: Run = None,
    cds: Cds = None,
    isoform_weights: IsoformWeights = None,
    studies: Studies = None,
    expression: Expression = None,
    guides: Guides = None,
    columns: Columns = "*",
    ids: Ids = None,
    model: Model = "none",
    gene_model: Annotated[
        list[str] | None,
        typer.Option("--gene-model", autocompletion=complete("gene_model"), help="Name or file; repeat for more [repression]."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", help="Refit the model without each study, each mirna, or none; repeat for more [study, mirna]."),
    ] = None,
    folds: Annotated[int, typer.Option(min=0, help="Bootstrap samples of genes.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for genes-evaluation.json and the curves.")] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """r2, rank correlation and AUROC of predicted against measured fold changes, beside controls and refits that leave them out."""
    from dataclasses import asdict

    from mirscan.evaluation.evaluate import without_nan
    from mirscan.evaluation.gene_report import draw_gene_curves, print_gene_evaluation
    from mirscan.evaluation.gene_task import evaluate_genes as evaluate
    from mirscan.evaluation.gene_task import predict, write_gene_evaluation
    from mirscan.genes.repression import read_repression_model
    from mirscan.train.leave_out import protocols_for

    models = [read_repression_model(name) for name in gene_model or ["repression"]]
    say = lambda line: print_note(line, as_json)  # noqa: E731
    sites, notices = read_data(transcripts, run, cds, isoform_weights, studies, expression, guides, columns, ids, model, threads, say)
    for line in (line for one in models for line in one.describe_unread(sites.coding is not None, sites.sources)):
        say(f"note: {line}")
    protocols = protocols_for(sites, leave_out or ("study", "mirna"))
    evaluation = evaluate(sites, models, protocols, folds, seed, notices.to_dict())
    if as_json:
        print_json(without_nan(asdict(evaluation)))
    else:
        print_gene_evaluation(evaluation)
    if out is not None:
        write_gene_evaluation(evaluation, out)
        forms = [models[0].choose(sites.coding is not None, sites.sources)] * len(sites.experiments)
        paths = draw_gene_curves(sites, predict(sites, forms), out)
        say(f"written: {', '.join(map(str, [out / 'genes-evaluation.json', *paths]))}")
