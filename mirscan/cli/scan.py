"""`mirscan scan`, `resume` and `status`."""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.cli.signals import stoppable
from mirscan.errors import InputError

_INPUT, _WHAT, _FILTER, _HOW = "Input", "What counts", "Filters", "How to run"

Workers = Annotated[int, typer.Option("--workers", help="Processes of a local Dask cluster; 0: this process.", rich_help_panel=_HOW)]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads of this process; default: all cores.", rich_help_panel=_HOW)]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of a running Dask scheduler, tcp://host:8786.", rich_help_panel=_HOW)
]
Cluster = Annotated[
    Path | None,
    typer.Option("--cluster", help="TOML file that describes a cluster (SLURM, PBS, LSF, SGE, Kubernetes, CUDA).", rich_help_panel=_HOW),
]
Resources = Annotated[
    str | None,
    typer.Option("--resources", help="What a part takes of a worker of --scheduler or --cluster, as in GPU=1.", rich_help_panel=_HOW),
]
MemoryLimit = Annotated[str | None, typer.Option("--memory-limit", help="Memory of one worker, as in 4GiB.", rich_help_panel=_HOW)]
PartTimeout = Annotated[
    float | None, typer.Option("--part-timeout", help="Seconds after which a part is taken from a hanging worker.", rich_help_panel=_HOW)
]
Dashboard = Annotated[bool, typer.Option("--dashboard", help="Print the address of the Dask dashboard.", rich_help_panel=_HOW)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=_HOW)]


def scan(
    mirnas: Annotated[
        Path, typer.Option("--mirnas", help="miRNAs as FASTA (.gz too): miRBase, MirGeneDB or your own.", rich_help_panel=_INPUT)
    ],
    utrs: Annotated[
        list[Path],
        typer.Option("--utrs", help="3'UTRs or other transcripts as FASTA (.gz too); may be given several times.", rich_help_panel=_INPUT),
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder (or s3:// URL) for the results.")] = "mirscan-out",
    species: Annotated[
        str | None, typer.Option("--species", help="Keep miRNAs whose name begins so, as in hsa.", rich_help_panel=_INPUT)
    ] = None,
    gene_map: Annotated[
        Path | None, typer.Option("--gene-map", help="TSV of transcript, gene and optionally symbol.", rich_help_panel=_INPUT)
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(
            "--seeds", help="Rules, groups (canonical, extended, relaxed) or TOML files, separated by commas.", rich_help_panel=_WHAT
        ),
    ] = "8mer,7mer-m8,7mer-A1,6mer",
    all_types: Annotated[
        bool, typer.Option("--all-types", help="Report every type of a place, not only the strongest.", rich_help_panel=_WHAT)
    ] = False,
    model: Annotated[
        str, typer.Option("--model", help="Name or folder of a trained model, duplex, or none.", rich_help_panel=_WHAT)
    ] = "base",
    precision: Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16.", rich_help_panel=_WHAT)] = "auto",
    prefilter: Annotated[
        bool, typer.Option("--prefilter", help="Let the model's cheap first look discard hopeless candidates.", rich_help_panel=_WHAT)
    ] = False,
    features: Annotated[
        str,
        typer.Option(
            "--features",
            help="More columns, separated by commas: local_au, end_distance, supplementary, previous_distance, energy.",
            rich_help_panel=_WHAT,
        ),
    ] = "",
    min_score: Annotated[
        float, typer.Option("--min-score", help="Keep sites with at least this score, 0 to 1.", rich_help_panel=_FILTER)
    ] = 0.0,
    mask_start: Annotated[
        int,
        typer.Option(
            "--mask-start",
            help="Ignore sites that begin in the first nt of a transcript (ribosome shadow; 14 as TargetScan).",
            rich_help_panel=_FILTER,
        ),
    ] = 0,
    min_distance: Annotated[
        int, typer.Option("--min-distance", help="Nucleotides between two sites of one miRNA.", rich_help_panel=_FILTER)
    ] = 0,
    regions: Annotated[
        Path | None, typer.Option("--regions", help="BED on the transcripts: scan only there.", rich_help_panel=_FILTER)
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", help="Windows a network scores at once; default: fits the processor.", rich_help_panel=_HOW),
    ] = None,
    part_rows: Annotated[int | None, typer.Option("--part-rows", help="Candidates a part should have.", rich_help_panel=_HOW)] = None,
    workers: Workers = 0,
    threads: Threads = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    resources: Resources = None,
    memory_limit: MemoryLimit = None,
    part_timeout: PartTimeout = None,
    dashboard: Dashboard = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what a former run left in --out.", rich_help_panel=_HOW)] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the scan would cost here and on a GPU, and stop.", rich_help_panel=_HOW)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Find and score the sites of miRNAs in transcripts; an interrupted scan goes on where it stopped."""
    settings = dict(
        species=species,
        gene_map=_text(gene_map),
        seeds=_split(seeds),
        all_types=all_types,
        model=model,
        precision=precision,
        prefilter=prefilter,
        features=_split(features),
        min_score=min_score,
        mask_start=mask_start,
        min_distance=min_distance,
        regions=_text(regions),
        batch_size=batch_size,
        part_rows=part_rows,
    )
    options = _options(workers, threads, scheduler, cluster, resources, memory_limit, part_timeout, dashboard)
    if dry_run:
        _print_estimate(mirnas, utrs, settings)
        return
    from mirscan.cli.scan_report import print_result, scan_progress
    from mirscan.run import scan as run_scan

    with scan_progress(quiet) as progress:
        result = run_scan(
            mirnas=mirnas, transcripts=utrs, out=out, progress=stoppable(progress), overwrite=overwrite, **settings, **options
        )
    print_result(result, quiet)


def resume(
    folder: Annotated[str, typer.Argument(help="Folder of a run.")],
    workers: Workers = 0,
    threads: Threads = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    resources: Resources = None,
    memory_limit: MemoryLimit = None,
    part_timeout: PartTimeout = None,
    dashboard: Dashboard = False,
    quiet: Quiet = False,
) -> None:
    """Complete an interrupted scan with its own settings."""
    from mirscan.cli.scan_report import print_result, scan_progress
    from mirscan.run import resume as run_resume

    options = _options(workers, threads, scheduler, cluster, resources, memory_limit, part_timeout, dashboard)
    with scan_progress(quiet) as progress:
        result = run_resume(folder, progress=stoppable(progress), **options)
    print_result(result, quiet)


def status(folder: Annotated[str, typer.Argument(help="Folder of a run.")]) -> None:
    """Say how far a scan is."""
    from mirscan.run import read_status

    state = read_status(folder)
    print(
        f"{state.out}: {'finished' if state.is_finished else 'unfinished'}, {state.n_done} of {state.n_parts} parts, {state.bases_done:,} of {state.n_bases:,} bases, {state.n_sites:,} sites"
    )
    if state.bases_per_second:
        print(f"rate of one worker: {state.bases_per_second:,.0f} bases/s")
    print(f"at work: {state.owner}" if state.owner else "nobody is at work on it")
    if state.seconds_left is not None:
        print(f"about {state.seconds_left:.0f} s left")
    elif not state.is_finished and not state.owner:
        print(f"go on with: mirscan resume {folder}")
    for part, reason in state.failures.items():
        print(f"part {part} failed: {reason}")


def _options(workers, threads, scheduler, cluster, resources, memory_limit, part_timeout, dashboard) -> dict:
    return dict(
        workers=workers,
        threads=threads,
        scheduler=scheduler,
        cluster=_text(cluster),
        resources=resources,
        memory_limit=memory_limit,
        part_timeout=part_timeout,
        dashboard=dashboard,
    )


def _print_estimate(mirnas: Path, utrs: list[Path], settings: dict) -> None:
    from mirscan.run import estimate_scan

    for line in estimate_scan(mirnas=mirnas, transcripts=utrs, **settings):
        print(line)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _split(words: str) -> tuple[str, ...]:
    names = tuple(word.strip() for word in words.split(",") if word.strip())
    if words and not names:
        raise InputError(f"{words!r}: expected names separated by commas")
    return names
