"""`mirscan evaluate-miraw`: pairs of a miRNA and a gene, as miRAW, DeepTarget and TargetFM are tested."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.cli.completion import complete
from mirscan.notices import counted


def evaluate_miraw(
    pairs: Annotated[Path, typer.Argument(help="miRNA sequence, gene, label and test set: TSV, CSV (.gz too) or Parquet.")],
    transcripts: Annotated[list[Path], typer.Option("--transcripts", help="FASTA of the genes' 3'UTRs; repeat for more.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", autocompletion=complete("model"), help="Name or folder of a model, or duplex; repeat for more [base]."),
    ] = None,
    rule: Annotated[
        str, typer.Option("--seeds", autocompletion=complete("rule"), help="Seed rule that makes the candidates.")
    ] = "offset-9-mer-m7",
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Score from which a window counts as bound.")] = 0.5,
    out: Annotated[Path | None, typer.Option("--out", help="JSON file with every number.")] = None,
    precision: Annotated[Literal["auto", "float32", "bfloat16"], typer.Option(help="Numbers a network computes with.")] = "float32",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
) -> None:
    """Window and pair accuracy of models on genes that are bound or not, beside controls."""
    from mirscan.evaluation.mirna_genes import evaluate_mirna_genes, gene_table, write_gene_evaluation
    from mirscan.notices import Notices

    evaluation = evaluate_mirna_genes(
        pairs, transcripts, model or ["base"], rule=rule, threshold=threshold, precision=precision, threads=threads
    )
    for notice in Notices.from_dict(evaluation.notices):
        print(notice)
    for title, n in evaluation.pairs.items():
        print(
            f"set {title}: {counted(n, 'pair')}, {counted(evaluation.windows[title], 'window')}, "
            f"{counted(evaluation.without[title], 'pair')} without one"
        )
    print(gene_table(evaluation))
    if out is not None:
        write_gene_evaluation(evaluation, out)
        print(f"written: {out}")
