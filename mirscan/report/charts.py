"""The charts of the page as Vega-Lite specifications; without data there is no chart."""

import math
from dataclasses import dataclass

from mirscan.report.contents import SCORES, SHUFFLED, TRUE, Contents
from mirscan.report.pair_picture import OTHER_STYLE, STYLES

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# Part of a type's sites that a step of scores must hold to be worth room.
_LEAST = 0.005


@dataclass(frozen=True)
class Chart:
    """A chart with what it says in words."""

    id: str
    title: str
    sentence: str
    spec: dict


def make_charts(contents: Contents) -> list[Chart]:
    """Charts that this run has data for, in the order of the page."""
    made = (_types(contents), _scores(contents), _density(contents))
    return [chart for chart in made if chart.spec["data"]["values"]]


def _types(contents: Contents) -> Chart:
    by = "region" if contents.has_regions else "rule"
    encoding = {
        "y": {"field": by, "type": "nominal", "sort": contents.rules, "title": None},
        "x": {"field": "sites", "type": "quantitative", "title": "sites", "axis": {"format": "~s"}},
        "color": _colour(contents, legend=contents.has_regions),
        "tooltip": [{"field": by}, {"field": "rule"}, {"field": "sites", "type": "quantitative", "format": ","}],
    }
    title = "Sites by type and region" if contents.has_regions else "Sites by type"
    sentence = "An 8mer represses most, a 6mer hardly: the mean effect of a site falls from .31 to .02 log2 (Grimson 2007)."
    bars = _spec(contents.sites_by_type(), {"type": "bar"}, encoding, height=150)
    by_chance = contents.sites_by_chance()
    if not by_chance:
        return Chart("types", title, sentence, bars)
    return Chart("types", title, f"{sentence} The lines: as many stand on shuffled transcripts.", _with_marks(bars, by_chance))


def _with_marks(bars: dict, by_chance: list[dict]) -> dict:
    """A line across each bar where chance would end it."""
    layer = {name: bars.pop(name) for name in ("mark", "encoding")}
    place = {"field": "by_chance", "type": "quantitative"}
    marks = {
        "data": {"values": by_chance},
        "mark": {"type": "tick", "color": "currentColor", "thickness": 2, "size": 28},
        "encoding": {"y": layer["encoding"]["y"], "x": place, "tooltip": [{"field": "rule"}, {**place, "format": ",.0f"}]},
    }
    return {**bars, "layer": [layer, marks]}


def _scores(contents: Contents) -> Chart:
    shares = contents.scores()
    first = _first_score(shares)
    encoding = {
        "x": {"field": "score", "type": "quantitative", "title": "score", "scale": {"domain": [first, 1]}},
        "y": {"field": "share", "type": "quantitative", "title": "share of the type's sites", "axis": {"format": "%"}},
        "color": _colour(contents),
        "tooltip": [
            {"field": "rule"},
            {"field": "score", "type": "quantitative"},
            {"field": "share", "type": "quantitative", "format": ".1%"},
        ],
    }
    sentence = f"Each line is one type of site, in {SCORES} steps. A type whose line lies further right is more often called bound."
    if contents.has_background:
        lines = {"domain": [TRUE, SHUFFLED], "range": [[1, 0], [3, 2]]}
        encoding["strokeDash"] = {"field": "of", "type": "nominal", "scale": lines, "legend": None}
        sentence += " Broken lines: shuffled transcripts; what lies right of them is more than chance."
    if first:
        sentence += f" Scores below {first:g}, where no step holds {_LEAST:.1%} of a type, are left out."
    # A step ends where the next one begins, and the last one at 1.
    ends = [{**row, "score": 1} for row in shares if row["score"] == (SCORES - 1) / SCORES]
    mark = {"type": "line", "interpolate": "step-after", "clip": True}
    return Chart("scores", "Scores", sentence, _spec([*shares, *ends], mark, encoding))


def _first_score(shares: list[dict]) -> float:
    """Tenth at which the chart begins: below it no step holds `_LEAST` of a type."""
    return math.floor(10 * min((row["score"] for row in shares if row["share"] >= _LEAST), default=0)) / 10


def _density(contents: Contents) -> Chart:
    encoding = {
        "x": {"field": "place", "type": "quantitative", "title": "place on the transcript, 5' to 3'", "axis": {"format": "%"}},
        "y": {"field": "density", "type": "quantitative", "title": "density", "scale": {"zero": True}},
        "color": _colour(contents),
        "tooltip": [{"field": "rule"}, {"field": "density", "type": "quantitative", "format": ".2f"}],
    }
    sentence = f"In {contents.n_places} equal pieces of every transcript; 1 is what evenly spread sites would give."
    return Chart("density", "Where sites lie", sentence, _spec(contents.density(), {"type": "line"}, encoding))


def _spec(values: list[dict], mark: dict, encoding: dict, height: int = 220) -> dict:
    return {"$schema": _SCHEMA, "width": "container", "height": height, "data": {"values": values}, "mark": mark, "encoding": encoding}


def _colour(contents: Contents, legend: bool = True) -> dict:
    colours = [STYLES.get(rule, OTHER_STYLE)[0] for rule in contents.rules]
    # Rules beyond the canonical ones share a colour; their legend and tooltips tell them apart.
    shown = {"title": None, "orient": "top"} if legend else None
    return {"field": "rule", "type": "nominal", "scale": {"domain": contents.rules, "range": colours}, "legend": shown}
