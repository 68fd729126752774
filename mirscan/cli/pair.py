"""`mirscan duplex`: the energy and the picture of one miRNA on one target."""

from typing import Annotated

import typer


def duplex(
    mirna: Annotated[str, typer.Argument(help="miRNA sequence, 5'->3'.")],
    target: Annotated[str, typer.Argument(help="Target sequence, 5'->3'.")],
) -> None:
    """Draw the best duplex of a miRNA with a target and its energy (Turner 2004)."""
    from mirscan.duplex import draw_duplex

    print(draw_duplex(mirna, target))
