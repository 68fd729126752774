"""A scan evaluation as tables on the terminal, as files and as a picture."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from mirscan.evaluation.curves import new_figure, save_figure
from mirscan.evaluation.evaluate import without_nan
from mirscan.evaluation.report import new_console, new_table, print_table
from mirscan.evaluation.scan_task import SHARES_AT, ScanEvaluation
from mirscan.notices import counted


def print_scan_evaluation(evaluation: ScanEvaluation) -> None:
    """Print the share of known sites among the N strongest by set and scorer, and the recall of the rules."""
    console = new_console()
    console.print(
        f"{counted(evaluation.sites, 'known site')}, {counted(evaluation.transcripts, 'transcript')} "
        f"({evaluation.bases:,} nt), {counted(evaluation.mirnas, 'miRNA')}",
        highlight=False,
    )
    for name, scores in evaluation.scores.items():
        table = new_table(f"{name}, {counted(evaluation.candidates[name], 'candidate')}")
        for heading in (*(f"N={n:,}" for n in SHARES_AT), "all", "within miRNA", "and seed"):
            table.add_column(heading, justify="right", no_wrap=True)
        for score in scores:
            shares = [score.curve.get(n, math.nan) for n in SHARES_AT]
            cells = map(_cell, (*shares, score.share, score.within_mirna, score.within_mirna_and_seed))
            table.add_row(score.name, *cells, style="dim" if score.is_control else None)
        print_table(console, table)
    table = new_table("rule")
    for heading in ("candidates", "per 10 kb and miRNA", "in a known site", "known sites with one"):
        table.add_column(heading, justify="right")
    for rule in evaluation.rules:
        table.add_row(rule.rule, f"{rule.candidates:,}", f"{rule.per_10kb:.2f}", _cell(rule.in_sites, 5), _cell(rule.recall))
    print_table(console, table)


def _cell(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def draw_scan_evaluation(evaluation: ScanEvaluation, path: Path) -> None:
    """Share of the known sites among the N strongest candidates, N on a log axis, one panel a set."""
    figure, panels = new_figure(len(evaluation.scores), width=4.4 * len(evaluation.scores))
    for panel, (name, scores) in zip(panels, evaluation.scores.items(), strict=True):
        n_candidates = evaluation.candidates[name]
        for score in scores:
            style = {"linewidth": 1.2, "linestyle": "--" if score.is_control else "-"}
            panel.plot(list(score.curve), list(score.curve.values()), label=score.name, **style)
        panel.set(xscale="log", xlabel="N strongest candidates", ylabel="share of known sites", ylim=(0, None))
        panel.set(title=f"{name}, {counted(n_candidates, 'candidate')}")
        panel.legend(frameon=False, fontsize=7)
    save_figure(figure, path)


def write_scan_evaluation(evaluation: ScanEvaluation, folder: str | Path) -> None:
    """scan-task.json and scan-task.png in `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scan-task.json").write_text(json.dumps(without_nan(asdict(evaluation)), indent=1) + "\n")
    draw_scan_evaluation(evaluation, folder / "scan-task.png")
