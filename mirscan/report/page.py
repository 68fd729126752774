"""A finished run as one HTML file that needs no network: templates, the charts and tables of `assets/`, and the data inside."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from mirscan.notices import Notices
from mirscan.query.finished_run import FinishedRun, open_run
from mirscan.query.formats import write_file
from mirscan.query.pair_text import describe_context, describe_counts, describe_place
from mirscan.report.browser import make_browser
from mirscan.report.charts import make_charts
from mirscan.report.contents import DUPLEXES, Contents
from mirscan.report.packing import pack_table
from mirscan.report.pair_picture import OTHER_STYLE, STYLES, draw_strip
from mirscan.report.templates import ASSETS, TEMPLATES, render
from mirscan.seeds.rules import BUILT_IN
from mirscan.store.names import PAGE

_BROWSER = "igv.min.js"
_LIBRARIES = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "tabulator.min.js")
# Settings that a reader wants to see only where they are set.
_QUIET = (None, False, 0, 0.0, "", [], ())


def write_html_report(out: str | os.PathLike, path: str | os.PathLike | None = None) -> str:
    """Write the page of the finished run at `out` to `path`, or as report.html into the run; return where it lies.

    Raises RunError where there is no finished run, InputError where `path` cannot be written.

    >>> _ = ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out="reported-run", model="none")
    >>> ms.write_html_report("reported-run", "page.html")
    'page.html'
    """
    run = open_run(out)
    page = make_page(run).encode()
    if path is not None:
        write_file(page, path)
        return os.fspath(path)
    run.store.write(PAGE, page)
    return f"{run.store.root}/{PAGE}"


def make_page(run: FinishedRun) -> str:
    """The text of the page."""
    contents = Contents(run)
    result = run.report["result"]
    columns, charts, cards = contents.columns(), make_charts(contents), contents.cards()
    tables = {of: contents.strongest(of) for of in ("mirna", "gene")}
    browser = make_browser(contents, cards)
    return render(
        "page.html",
        run=run,
        result=result,
        rules=[(rule, result["n_by_seed"][rule], BUILT_IN[rule].description if rule in BUILT_IN else "") for rule in contents.rules],
        colours={rule: STYLES.get(rule, OTHER_STYLE)[0] for rule in contents.rules},
        charts=charts,
        specs={chart.id: chart.spec for chart in charts},
        columns=columns,
        significant=contents.has_background,
        predicts=any(column.name == "predicted_log2fc" for column in columns),
        headings=[_heading(column, tables["gene"][column.name].type) for column in columns],
        tables={of: (table.num_rows, pack_table(table)) for of, table in tables.items()},
        cards=[_card(pair, [column for column in columns if "score" in column.name or "log2fc" in column.name]) for pair in cards],
        browser=browser,
        silent=contents.silent_mirnas(),
        notices=list(map(str, Notices.from_dict(result["notices"]))),
        facts=list(_facts(run)),
        style="".join(map(_read, (ASSETS / "tabulator.min.css", TEMPLATES / "page.css", TEMPLATES / "table.css"))),
        to_json=to_json,
        **_libraries(with_browser=browser is not None),
    )


def _heading(column, kind: pa.DataType) -> dict:
    """A column for the page's script."""
    return {**asdict(column), "is_number": not pa.types.is_string(kind), "is_whole": pa.types.is_integer(kind)}


def _libraries(with_browser: bool) -> dict[str, list]:
    """Scripts of others with their licences, and the page's own script behind them; igv.js only where a genome is shown."""
    names = [*_LIBRARIES, *([_BROWSER] if with_browser else [])]
    used = {entry["package"] for entry in json.loads((ASSETS / "assets.json").read_text()) if entry["file"] in names}
    licences = [(package, (ASSETS / f"{package}.LICENSE").read_text(encoding="utf-8")) for package in sorted(used)]
    return {"licences": licences, "scripts": [_read(ASSETS / name) for name in names] + [_read(TEMPLATES / "page.js")]}


def to_json(value) -> str:
    """JSON that can stand inside a script element, whatever names it holds.

    >>> to_json("</script>")
    '"\\\\u003c/script>"'
    """
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _card(pair, columns) -> dict:
    """A pair's card: strip, and the strongest of its sites with their duplexes, 5'->3'."""
    order = {rule: rank for rank, rule in enumerate(BUILT_IN)}
    strongest = sorted(pair.sites, key=lambda site: (-(site.row["score"] or 0), order.get(site.row["seed"], len(order))))[:DUPLEXES]
    shown = sorted(strongest, key=lambda site: site.row["start"])
    return {
        "pair": pair,
        "counts": describe_counts(pair),
        "measures": [f"{column.title} {pair.row[column.name]:.3g}" for column in columns if pair.row[column.name] is not None],
        "strip": draw_strip(pair),
        "sites": [(describe_place(site), *_split_drawing(site.drawing), describe_context(site)) for site in shown],
        "n_more": len(pair.sites) - len(shown),
    }


def _split_drawing(drawing: str) -> tuple[str, str]:
    """The strands, and what stands below them."""
    *strands, energy = drawing.splitlines()
    return "\n".join(strands), energy


def _facts(run: FinishedRun) -> Iterator[tuple[str, str]]:
    """What was run, as (name, value)."""
    report = run.report
    yield "mirscan", report["identity"]["mirscan"]
    yield "finished", f"{report['finished']} on {report['machine']}"
    yield "command", " ".join(report["arguments"])
    for digest, source in report["inputs"].items():
        yield "input", f"{source['path']}, {source['bytes']:,} bytes, SHA-256 {digest[:16]}"
    for name, value in report["settings"].items():
        if value not in _QUIET and name not in ("mirnas", "transcripts"):
            yield name.replace("_", " "), ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    yield "seconds", ", ".join(f"{stage} {value:.1f}" for stage, value in report["result"]["seconds"].items())
    yield "versions", ", ".join(f"{name} {version}" for name, version in report["versions"].items())


def _read(path: Path) -> str:
    # A browser ends a script at this word wherever it stands.
    return re.sub("</(script|style)", r"<\\/\1", path.read_text(encoding="utf-8"), flags=re.IGNORECASE)
