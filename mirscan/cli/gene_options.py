"""What `train-genes` and `evaluate-genes` have in common: the options of studies and transcripts, and reading them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mirscan.cli.completion import complete
from mirscan.notices import counted

_DATA = "Data"
Transcripts = Annotated[
    list[Path] | None,
    typer.Option("--transcripts", help="FASTA of 3'UTRs or, with --cds, of whole mRNAs; repeat for more.", rich_help_panel=_DATA),
]
Run = Annotated[
    str | None,
    typer.Option("--run", help="Finished run whose transcripts, sites and scores are taken instead.", rich_help_panel=_DATA),
]
Cds = Annotated[
    Path | None,
    typer.Option("--cds", help="TSV (transcript, cds_start, cds_end; 0-based) or BED of coding sequences.", rich_help_panel=_DATA),
]
IsoformWeights = Annotated[
    Path | None,
    typer.Option(
        "--isoform-weights",
        help="Table of transcript and TPM or fraction: a gene is the mean over its isoforms.",
        rich_help_panel=_DATA,
    ),
]
Studies = Annotated[
    Path | None, typer.Option("--studies", help="TOML with a [[study]] each: name, table, guides, ...", rich_help_panel=_DATA)
]
Expression = Annotated[
    Path | None,
    typer.Option("--expression", help="Table of log2 fold changes or log2 levels, genes x experiments.", rich_help_panel=_DATA),
]
Guides = Annotated[
    Path | None, typer.Option("--guides", help="Table or FASTA of the miRNA added in each experiment.", rich_help_panel=_DATA)
]
Columns = Annotated[str, typer.Option("--columns", help="Pattern of the experiments to take from --expression.", rich_help_panel=_DATA)]
Ids = Annotated[
    list[Path] | None,
    typer.Option(
        "--ids", help="Table that joins kinds of gene ids (ensg, entrez, refseq, symbol, ...); repeat for more.", rich_help_panel=_DATA
    ),
]
Model = Annotated[
    str,
    typer.Option("--model", autocompletion=complete("model"), help="Network whose score may count too, or none.", rich_help_panel=_DATA),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads of the network.")]


def read_data(
    transcripts: Sequence[Path] | None,
    run: str | None,
    cds: Path | None,
    isoform_weights: Path | None,
    studies: Path | None,
    expression: Path | None,
    guides: Path | None,
    columns: str,
    ids: Sequence[Path] | None,
    model: str,
    threads: int | None,
    say,
):
    """(sites of the studies, notices); InputError where no study is given. `say` prints a line."""
    from mirscan.errors import InputError
    from mirscan.evaluation.gene_sites import NO_MODEL, read_gene_sites, take_gene_sites
    from mirscan.expression.studies import StudyFiles, read_study_files
    from mirscan.notices import Notices

    if (run is None) == (not transcripts):
        raise InputError("expected --transcripts, or --run")
    if run is not None and (cds is not None or isoform_weights is not None or model != NO_MODEL):
        raise InputError("--run brings its coding sequences, isoform weights and scores; leave out --cds, --isoform-weights and --model")
    if (expression is None) != (guides is None):
        raise InputError("--expression and --guides belong together; give both, or --studies")
    if (studies is None) == (expression is None):
        raise InputError("expected --studies, or --expression and --guides")
    files = read_study_files(studies) if studies else [StudyFiles(expression.name.split(".")[0], str(expression), str(guides), columns)]
    notices = Notices()
    if run is None:
        sites = read_gene_sites(files, list(transcripts), cds, ids or (), model, threads, notices, isoform_weights=isoform_weights)
    else:
        from mirscan.query.run_sites import read_run_sites

        sites = take_gene_sites(files, read_run_sites(run), ids or (), notices)
    for notice in notices:
        say(f"note: {notice}")
    say(
        f"{counted(len(sites.experiments), 'experiment')}, {counted(len(sites.mirnas), 'miRNA')}, "
        f"{counted(len(sites.places.start), 'site')}"
    )
    return sites, notices
