"""One gene and miRNA as SVG: the isoform with all sites, and the duplex of each; for slides, and inside the report."""

from dataclasses import dataclass

from mirscan.query.pair import Pair
from mirscan.query.pair_text import describe_context, describe_counts, describe_pair, describe_place
from mirscan.report.templates import render

# Okabe & Ito's colours, told apart by all kinds of colour blindness; height says the same once more.
STYLES = {"8mer": ("#D55E00", 26), "7mer-m8": ("#0072B2", 21), "7mer-A1": ("#009E73", 16), "6mer": ("#808080", 11)}
OTHER_STYLE = ("#CC79A7", 11)
WIDTH, MARGIN, STRIP_HEIGHT, LINE = 760, 30, 76, 16
# A mark is at least so wide, in pixels.
LEAST_MARK = 3.0


@dataclass(frozen=True)
class Mark:
    """A site on the strip, in pixels."""

    x: float
    width: float
    height: int
    colour: str
    title: str


def draw_marks(pair: Pair) -> list[Mark]:
    """Marks of all sites, the weakest first, so that the strongest lie on top."""
    scale = (WIDTH - 2 * MARGIN) / max(pair.length, 1)
    marks = []
    for site in pair.sites:
        colour, height = STYLES.get(site.row["seed"], OTHER_STYLE)
        width = max((site.row["end"] - site.row["start"]) * scale, LEAST_MARK)
        marks.append(Mark(round(MARGIN + site.row["start"] * scale, 1), round(width, 1), height, colour, describe_place(site)))
    return sorted(marks, key=lambda mark: mark.height)


def draw_strip(pair: Pair) -> str:
    """The isoform with its sites alone, as an SVG element."""
    return render("strip.svg", pair=pair, marks=draw_marks(pair), width=WIDTH, margin=MARGIN, height=STRIP_HEIGHT)


def draw_pair(pair: Pair) -> str:
    """An SVG file on white ground: what the pair is, the strip, and the duplex of each site."""
    texts = [(describe_place(site), describe_context(site), site.drawing.splitlines()) for site in pair.sites]
    return render(
        "pair.svg",
        pair=pair,
        title=describe_pair(pair),
        counts=describe_counts(pair),
        marks=draw_marks(pair),
        texts=texts,
        styles={**{rule: colour for rule, (colour, _) in STYLES.items()}, "other": OTHER_STYLE[0]},
        width=WIDTH,
        margin=MARGIN,
        line=LINE,
        strip_height=STRIP_HEIGHT,
    )
