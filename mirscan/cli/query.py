"""`mirscan query`: rows of a finished run."""

import shutil
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.cli.completion import complete
from mirscan.errors import InputError
from mirscan.notices import counted

# Rows that a terminal shows unless told otherwise.
_SCREEN = 20


def query(
    folder: Annotated[str, typer.Argument(help="Folder of a finished run.")],
    gene: Annotated[
        list[str] | None,
        typer.Option("--gene", "-g", help="Symbol, gene id or transcript; a pattern such as SIRT*; @FILE with a name a line."),
    ] = None,
    mirna: Annotated[
        list[str] | None, typer.Option("--mirna", "-m", help="miRNA, with or without its species; a pattern such as *let-7*; @FILE.")
    ] = None,
    sites: Annotated[
        bool | None,
        typer.Option(
            "--sites/--pairs",
            help="Sites, or one row a gene and miRNA. Default: pairs, and sites where a pair or something of sites is asked for.",
        ),
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", autocompletion=complete("rule"), help="Seed rule of the sites, as in 8mer.")
    ] = None,
    place: Annotated[str, typer.Option(help="NAME or NAME:FIRST-LAST on a transcript or chromosome, 1-based and inclusive.")] = "",
    region: Annotated[list[str] | None, typer.Option(help="Region of the transcript, where the run knows it.")] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Least score of a site, or best score of a pair.")] = 0.0,
    where: Annotated[str, typer.Option(help="Condition in SQL on the columns, as in 'energy < -20'.")] = "",
    sql: Annotated[str, typer.Option(help="A whole SELECT over the tables sites and genes, instead of the options above.")] = "",
    top: Annotated[
        int | None, typer.Option(min=0, help=f"The N strongest; 0 for all. Default: {_SCREEN} on the terminal, all in other formats.")
    ] = None,
    format_: Annotated[
        Literal["text", "tsv", "bed", "parquet", "json", "funmirbench"] | None,
        typer.Option("--format", help="Default: by the ending of --out, text without it."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write instead of the terminal.")] = None,
) -> None:
    """Genes of a miRNA, miRNAs of a gene, sites of a pair or place, or any SQL, out of a finished scan."""
    from mirscan.query.finished_run import open_run
    from mirscan.query.formats import format_of
    from mirscan.query.select import Filters, select_rows

    out = None if out == Path("-") else out
    kind = format_ or (format_of(out) if out else "text")
    wanted = Filters(tuple(gene or ()), tuple(mirna or ()), tuple(types or ()), place, tuple(region or ()), min_score, where)
    if kind == "parquet" and out is None and sys.stdout.isatty():
        raise InputError("--format parquet is not for a terminal; give --out, or send it into a file")
    if sql and wanted != Filters():
        raise InputError("--sql stands beside other filters; expected it alone, with its own WHERE")
    run = open_run(folder)
    if sites is None:
        sites = wanted.is_of_sites or kind == "bed"
    limit = top if top is not None else _SCREEN + 1 if kind == "text" else 0
    table = run.sql(sql) if sql else select_rows(run, wanted, sites, limit)
    _put_out(table, kind, out, more_than=_SCREEN if top is None and not sql else None)


def _put_out(table, kind: str, out: Path | None, more_than: int | None) -> None:
    """`more_than`: rows shown of a text that was cut by default."""
    from mirscan.query.formats import FORMATS, print_bytes, render_text, write_file

    if kind != "text":
        data = FORMATS[kind](table)
        if out is None:
            print_bytes(data)
        else:
            write_file(data, out)
            print(f"written: {out}, {counted(table.num_rows, 'row')}")
        return
    is_cut = more_than is not None and table.num_rows > more_than
    lines = list(render_text(table.slice(0, more_than), _terminal_width() if out is None else None)) if table.num_rows else ["no rows"]
    if is_cut:
        lines.append(f"the {more_than} strongest; --top N for more, --top 0 for all")
    if out is None:
        print("\n".join(lines))
    else:
        write_file(("\n".join(lines) + "\n").encode(), out)


def _terminal_width() -> int | None:
    """Columns of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
