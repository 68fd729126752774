"""`mirscan report`: a finished run as a page for a browser."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[str, typer.Argument(help="Folder of a finished run.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="HTML file to write instead of report.html in the run.")] = None,
) -> None:
    """Write one HTML file, which needs no network: charts, tables to search, the strongest sites drawn, how it was made."""
    from mirscan.report.page import write_html_report

    print(f"written: {write_html_report(folder, out)}")
