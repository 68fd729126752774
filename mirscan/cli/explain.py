"""`mirscan explain`: which nucleotides carry a model's scores."""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.store.explained import refuse_unwritable


def explain(
    model: Annotated[str, typer.Argument(help="Name or folder of a model, or duplex.")],
    pairs: Annotated[list[Path], typer.Argument(help="Labelled pairs, of which the positives are mutated.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for by-position.tsv and by-position.png.")] = Path("mirscan-explained"),
    max_pairs: Annotated[int, typer.Option(min=5, help="Positive pairs to mutate, drawn at random.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
) -> None:
    """Mutate every base of bound pairs and show where it changes the score."""
    from mirscan.explain.by_position import explain_by_position, write_effects

    refuse_unwritable(out)
    effects = explain_by_position(model, pairs, max_pairs, seed, threads)
    written = write_effects(effects, out)
    print(f"{effects.model}: mean change of the log odds when the base opposite or at a miRNA position is another one")
    for row in effects.table().to_pylist():
        if row["side"] == "mirna":
            print(f"  nt {row['position']:2}  {row['mean']:+.2f}  ({row['first_quartile']:+.2f} to {row['third_quartile']:+.2f})")
    print(f"written: {', '.join(map(str, written))}")
