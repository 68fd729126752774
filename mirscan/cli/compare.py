"""`mirscan compare`: two finished runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from mirscan.notices import counted

# Lines of each kind that a terminal shows.
_SHOWN = 10


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Folder of a finished run.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Folder of another: other model, rules, transcripts or version.")],
    top: Annotated[int, typer.Option(min=1, help="Strongest genes of each miRNA that are compared.")] = 100,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File for every pair with its rank in both runs: .tsv, .parquet or .json.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="File for a picture: .png or .svg.")] = None,
) -> None:
    """Say how alike two runs rank the genes of each miRNA, and which genes are gained and lost among the strongest."""
    from mirscan.errors import InputError
    from mirscan.query.compare import compare_runs, draw_comparison
    from mirscan.query.formats import FORMATS, format_of, render_text, write_file

    kind = format_of(out) if out else None
    if kind == "bed":
        raise InputError(f"--out {out}: pairs of genes and miRNAs have no place; expected .tsv, .parquet or .json")
    if picture and picture.suffix not in (".png", ".svg"):
        raise InputError(f"--picture {picture}: ending not understood; expected .png or .svg")
    comparison = compare_runs(a, b, top)
    totals = [sum(comparison.mirnas[name].to_pylist()) for name in ("n_both", "n_only_a", "n_only_b")]
    print(f"{counted(totals[0], 'pair')} of gene and miRNA in both, {totals[1]:,} only in {a}, {totals[2]:,} only in {b}")
    if comparison.spearman is not None:
        print(f"ranks within a miRNA: Spearman {comparison.spearman:.3f}, the median of {counted(comparison.mirnas.num_rows, 'miRNA')}")
    for word, gained in (("gained", True), ("lost", False)):
        changed = comparison.changed(gained)
        print(f"{word}, among the {top} strongest of their miRNA in {b if gained else a} alone: {counted(changed.num_rows, 'pair')}")
        print("\n".join(f"  {line}" for line in render_text(changed.slice(0, _SHOWN))))
    if out:
        write_file(FORMATS[kind](comparison.pairs), out)
        print(f"written: {out}, {counted(comparison.pairs.num_rows, 'pair')}")
    if picture:
        draw_comparison(comparison, (Path(a).name, Path(b).name), picture)
        print(f"written: {picture}")
