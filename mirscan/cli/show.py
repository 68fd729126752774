"""`mirscan show`: the sites of one gene and miRNA of a finished run."""

from pathlib import Path
from typing import Annotated

import typer


def show(
    gene: Annotated[str, typer.Argument(help="Symbol, gene id or transcript.")],
    mirna: Annotated[str, typer.Argument(help="miRNA, with or without its species.")],
    folder: Annotated[str, typer.Argument(help="Folder of a finished run.")] = "mirscan-out",
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the same as a picture.")] = None,
) -> None:
    """Draw where a miRNA's sites lie on a gene's transcript, and the duplex of each."""
    from mirscan.query.finished_run import open_run
    from mirscan.query.pair import open_pairs
    from mirscan.query.pair_text import render_pair

    pair = open_pairs(open_run(folder)).read(gene, mirna)
    print("\n".join(render_pair(pair)))
    if svg is not None:
        from mirscan.query.formats import write_file
        from mirscan.report.pair_picture import draw_pair

        write_file(draw_pair(pair).encode(), svg)
        print(f"written: {svg}")
