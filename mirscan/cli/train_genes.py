"""`mirscan train-genes`: fold changes of transfections -> a model that predicts repression."""

from pathlib import Path
from typing import Annotated

import typer

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


def train_genes(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for repression.toml; its name becomes that of the model.")],
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
    threads: Threads = None,
    description: Annotated[str, typer.Option(help="A sentence for the model's file.")] = "",
) -> None:
    """Fit the repression model to the fold changes of transfections; `mirscan scan --gene-model` takes the result."""
    from mirscan.evaluation.gene_task import find_suspicions
    from mirscan.genes.repression import write_repression_model
    from mirscan.train.repression import train_repression

    sites, _ = read_data(transcripts, run, cds, isoform_weights, studies, expression, guides, columns, ids, model, threads, print)
    for warning in find_suspicions(sites):
        print(f"note: {warning}")
    fitted = train_repression(sites, out.name, description, lambda form: print(f"fitting {form}", flush=True))
    print(f"written: {write_repression_model(fitted, out)}")
