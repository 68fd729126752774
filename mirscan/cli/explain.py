"""`mirscan explain`: which nucleotides carry a model's scores."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.cli.completion import complete
from mirscan.notices import counted
from mirscan.store.explained import refuse_unwritable


def explain(
    model: Annotated[str, typer.Argument(autocompletion=complete("model"), help="Name or folder of a model, or duplex.")],
    pairs: Annotated[list[Path], typer.Argument(help="Labelled pairs, of which the positives count, or the folder of a finished run.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tables and pictures.")] = Path("mirscan-explained"),
    method: Annotated[
        Literal["mutagenesis", "gradients"], typer.Option(help="Replace every base, or integrated gradients (networks only).")
    ] = "mutagenesis",
    gene: Annotated[list[str] | None, typer.Option("--gene", "-g", help="Of a run: sites of this gene only.")] = None,
    mirna: Annotated[list[str] | None, typer.Option("--mirna", "-m", help="Of a run: sites of this miRNA only.")] = None,
    max_pairs: Annotated[int, typer.Option(min=1, help="Pairs: positives drawn at random, or the strongest sites of a run.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 1,
    picture: Annotated[Literal["png", "svg"], typer.Option(help="Kind of pictures.")] = "png",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
) -> None:
    """Show which bases of bound pairs, or of a run's sites, carry the score: by position, and letter by letter."""
    from mirscan.explain.by_position import explain_by_position, explain_windows
    from mirscan.explain.pictures import write_effects

    refuse_unwritable(out)
    if len(pairs) == 1 and pairs[0].is_dir():
        from mirscan.query.finished_run import open_run
        from mirscan.query.select import Filters
        from mirscan.query.site_codes import read_site_codes

        run, wanted = open_run(pairs[0]), Filters(tuple(gene or ()), tuple(mirna or ()))
        effects = explain_windows(model, lambda layout: read_site_codes(run, wanted, max_pairs, layout), threads, method)
    else:
        effects = explain_by_position(model, pairs, max_pairs, seed, threads, method)
    written = write_effects(effects, out, picture)
    said = {"mutagenesis": "change of the log odds when a base is another one", "gradients": "what a base adds to the log odds"}
    print(f"{effects.model}, {counted(len(effects.mirna), 'pair')}: mean {said[method]}")
    for row in effects.table().to_pylist():
        if row["side"] == "mirna":
            print(f"  nt {row['position']:2}  {row['mean']:+.2f}  ({row['first_quartile']:+.2f} to {row['third_quartile']:+.2f})")
    print(f"written: {', '.join(map(str, written))}")
