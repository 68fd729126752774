"""`mirscan negatives`: negatives for any positives, and what the result gives away."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mirscan.cli.completion import complete
from mirscan.notices import counted


def negatives(
    pairs: Annotated[list[Path], typer.Argument(help="Positives: TSV, CSV (.gz too) or Parquet; rows labelled negative are left out.")],
    kind: Annotated[
        Literal["other-mirna", "other-cluster", "same-transcript", "random-window", "shuffled", "scan"],
        typer.Option("--kind", help="How they are made."),
    ],
    out: Annotated[Path, typer.Option("--out", help="File to write: .parquet, .tsv or .tsv.gz; the bias report lies beside it as .json.")],
    ratio: Annotated[int, typer.Option(help="Negatives a positive, 1 to 1000.")] = 1,
    transcripts: Annotated[
        list[Path] | None, typer.Option("--transcripts", help="FASTA that windows are cut from; repeat for more.")
    ] = None,
    mirnas: Annotated[Path | None, typer.Option("--mirnas", help="FASTA of more miRNAs to draw from [those of the positives].")] = None,
    seed_match: Annotated[
        Literal["any", "with", "without"], typer.Option(help="Windows of same-transcript: any, with or without a 6mer of the miRNA.")
    ] = "any",
    seeds: Annotated[
        str, typer.Option(autocompletion=complete("seeds"), help="Seed rules of scan candidates, as for mirscan scan.")
    ] = "canonical",
    placement: Annotated[
        Literal["scan", "anywhere"], typer.Option(help="Windows of scan: scan (as a scan cuts them) or anywhere (seed at any place).")
    ] = "scan",
    strata: Annotated[
        Literal["natural", "seed", "mirna"],
        typer.Option(help="Draw scan candidates or random windows: natural, mirna (as often as positives) or, candidates only, seed."),
    ] = "natural",
    seedless: Annotated[
        float, typer.Option(help="Part kept of random windows without a seed match; each weighs as many as it stands for.")
    ] = 1.0,
    length: Annotated[int, typer.Option(min=8, help="nt of a window that is cut.")] = 50,
    anchor: Annotated[int, typer.Option(help="Place in the window opposite miRNA nt 1 where a scan cuts it.")] = 34,
    only_negatives: Annotated[bool, typer.Option("--only-negatives", help="Leave the positives out of the file.")] = False,
    allow_fewer: Annotated[bool, typer.Option("--allow-fewer", help="Write what there is where the ratio cannot be met.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 1,
) -> None:
    """Make negatives for positives, and say what miRNA, site or place alone give away in the result."""
    from dataclasses import asdict

    from mirscan.evaluation.bias import BiasObserver, bias_lines, write_bias
    from mirscan.notices import Notices
    from mirscan.pairs.negatives import NegativeSettings, write_negatives
    from mirscan.pairs.scan_negatives import ScanDraw
    from mirscan.pairs.write import FORMATS
    from mirscan.windows import WindowLayout

    scan = ScanDraw(seeds, placement, strata, WindowLayout(length, anchor))
    settings = NegativeSettings(kind, ratio, tuple(map(str, transcripts or ())), seed_match, scan, allow_fewer, seed, seedless)
    observer, notices = BiasObserver(), Notices()
    written = write_negatives(pairs, settings, out, mirnas, not only_negatives, observer, notices)
    for notice in notices:
        print(notice)
    fewer = f" ({written.wanted:,} wanted)" if written.negatives < written.wanted else ""
    print(f"{written.path}: {counted(written.positives, 'positive')}, {counted(written.negatives, 'negative')}{fewer}")
    report = observer.report()
    print(f"AUROC of what should tell nothing (.5), on {counted(report.sampled, 'row')}:")
    print("\n".join(bias_lines(report)))
    beside = out.with_name(out.name.removesuffix(next(end for end in reversed(FORMATS) if out.name.endswith(end))) + ".json")
    write_bias(report, beside, {"pairs": [str(path) for path in pairs], "settings": asdict(settings), "notices": notices.to_dict()})
    print(f"written: {out}, {beside}")
