"""Rows of the comparison as Markdown between marks of a page, two for each ground, and as a picture."""

from pathlib import Path

import numpy as np

from mirscan.benchmark.methods import Method
from mirscan.errors import InputError

BEGIN, END = "<!-- comparison on {}: made by mirscan benchmark-training -->", "<!-- end of the comparison on {} -->"


def write_page(path: Path, texts: dict[str, str]) -> None:
    """Put the text of each ground between its marks of a page, all or none; InputError where the page lacks them."""
    page = path.read_text(encoding="utf-8") if path.is_file() else ""
    for ground, text in texts.items():
        begin, end = BEGIN.format(ground), END.format(ground)
        if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
            raise InputError(f"{path}: expected a page that holds the lines {begin} and {end} once, in this order")
        page = f"{page.split(begin)[0]}{begin}\n{text}\n{end}{page.split(end)[1]}"
    path.write_text(page, encoding="utf-8")


def comparison(rows: list[dict], methods: list[Method], about: str) -> str:
    """`about`, then the table of one ground: a method a line, in the order of `methods`, means over seeds in the cells, controls last."""
    titles = list(rows[0]["scores"])
    names = [method.name for method in methods if any(row["method"] == method.name for row in rows)]
    names += [name for name in dict.fromkeys(row["method"] for row in rows) if name not in names]
    lines = [_line(name, [row for row in rows if row["method"] == name], titles) for name in names]
    head = f"| {rows[0]['ground']} | pairs | minutes | {' | '.join(titles)} |\n| --- | ---: | ---: |{' --- |' * len(titles)}"
    parts = [about, "\n".join([head, *lines])]
    if any(row.get("scan") for row in rows):
        parts.append(_scan_table([row for row in rows if row.get("scan")], names))
    return "\n\n".join(parts)


def _scan_table(rows: list[dict], names: list[str]) -> str:
    """Shares of known sites among the strongest N candidates of a scan, means over seeds."""
    titles = list(rows[0]["scan"])
    lines = [f"| known sites among the strongest N | {' | '.join(titles)} |", f"| --- |{' ---: |' * len(titles)}"]
    for name in names:
        runs = [row["scan"] for row in rows if row["method"] == name]
        if runs:
            lines.append(f"| {name} | {' | '.join(_short(float(np.mean([run[title] for run in runs]))) for title in titles)} |")
    return "\n".join(lines)


def _line(name: str, runs: list[dict], titles: list[str]) -> str:
    cells = [_cell([run["scores"][title] for run in runs]) for title in titles]
    pairs, minutes = runs[0]["pairs"], np.mean([run["minutes"] for run in runs])
    size = f"{pairs:,} | {minutes:.1f}" if pairs else " | "
    return f"| {name} | {size} | {' | '.join(cells)} |"


def _cell(scores: list[dict[str, float]]) -> str:
    """Mean average precision, its range over seeds, and the mean within a miRNA."""
    values = [score["average_precision"] for score in scores]
    spread = f" ({_short(min(values))}-{_short(max(values))})" if len(values) > 1 else ""
    return f"{_short(float(np.mean(values)))}{spread} / {_short(float(np.mean([score['within_mirna'] for score in scores])))}"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if np.isfinite(value) else "-"


def draw_comparison(rows: list[dict], path: Path) -> None:
    """Average precision of every method on the hardest set of its ground, a point a seed."""
    from mirscan.evaluation.curves import new_figure, save_figure

    grounds = list(dict.fromkeys(row["ground"] for row in rows))
    figure, panels = new_figure(len(grounds), width=7 * len(grounds))
    figure.set_figheight(5.5)
    for panel, ground in zip(panels, grounds, strict=True):
        own = [row for row in rows if row["ground"] == ground]
        title = next(iter(own[0]["scores"]))
        mean = {}
        for row in own:
            mean.setdefault(row["method"], []).append(row["scores"][title]["average_precision"])
        names = sorted(mean, key=lambda name: np.mean(mean[name]))
        for place, name in enumerate(names):
            panel.plot(mean[name], [place] * len(mean[name]), "o", color="tab:blue", markersize=4)
        panel.set_yticks(range(len(names)), names, fontsize=7)
        panel.set(xlabel="average precision", title=f"{ground}: {title}")
    save_figure(figure, path)
