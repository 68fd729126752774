"""`mirscan export`."""

from typing import Annotated

import typer

from mirscan.cli.completion import complete


def export(
    folder: Annotated[str, typer.Argument(help="Folder of a finished run.")],
    formats: Annotated[
        str,
        typer.Option(
            "--format", autocompletion=complete("format"), help="Files to write, separated by commas: tsv, gff3, bigbed, hub, igv."
        ),
    ],
    assembly: Annotated[str | None, typer.Option("--assembly", help="UCSC's name of the genome, as dm6, for a track hub.")] = None,
) -> None:
    """Write the sites of a finished scan as text, GFF3, bigBed, a UCSC track hub or an IGV session."""
    from mirscan.run.export import export as write_exports

    for name in write_exports(folder, [word.strip() for word in formats.split(",")], assembly):
        print(f"{folder}/{name}")
