"""A pair of gene and miRNA for a terminal: the isoform as a strip, then every site with scores, context and duplex."""

from collections.abc import Iterator

from mirscan.notices import counted
from mirscan.query.pair import Pair, PairSite
from mirscan.tables import FEATURES, GENES, SITE_ACCESSIBILITY

# What marks a site on the strip, the strongest last so that it stays where several share a column.
_MARKS = {"6mer": "6", "7mer-A1": "7", "7mer-m8": "7", "8mer": "8"}
_OTHER_MARK = "*"
_WIDTH = 80
_UNITS = {column.name: column.unit for column in (*FEATURES, *SITE_ACCESSIBILITY)}
# What a feature is where there is nothing to say.
_NONE = {"previous_distance": -1}
_COUNTS = {"n_8mer": "8mer", "n_7mer_m8": "7mer-m8", "n_7mer_a1": "7mer-A1", "n_6mer": "6mer", "n_other": "other"}


def render_pair(pair: Pair) -> Iterator[str]:
    """Lines for a terminal."""
    yield describe_pair(pair)
    yield describe_counts(pair)
    if measures := measures_of(pair.row):
        yield ", ".join(f"{name} {pair.row[name]:.4g}" for name in measures)
    yield ""
    yield from draw_strip(pair)
    for number, site in enumerate(pair.sites, 1):
        yield ""
        yield f"{number}  {describe_place(site)}"
        yield f"   {describe_context(site)}"
        yield from (f"   {line}" for line in site.drawing.splitlines())


def describe_pair(pair: Pair) -> str:
    """Gene, miRNA and isoform in one line."""
    row = pair.row
    return f"{row['symbol']} ({row['gene']}) and {row['mirna']} on {row['transcript']}, {pair.length:,} nt"


def describe_counts(pair: Pair) -> str:
    """Sites by type, and how many of them do not overlap where some do."""
    return f"{counted(pair.row['n_sites'], 'site')}: {count_types(pair.row)}"


def count_types(row: dict) -> str:
    """Sites of a GENES row by type, and how many of them do not overlap where some do.

    >>> count_types(dict(n_8mer=1, n_7mer_m8=0, n_7mer_a1=0, n_6mer=2, n_other=0, n_sites=3, n_apart=2))
    '1 8mer, 2 6mer; 2 side by side'
    """
    counts = ", ".join(f"{row[name]} {rule}" for name, rule in _COUNTS.items() if row[name])
    return counts + (f"; {row['n_apart']} side by side" if row["n_apart"] < row["n_sites"] else "")


def measures_of(row: dict) -> list[str]:
    """Names of the measures that a GENES row has: what is neither a name nor a count of sites, and not null."""
    plain = {column.name for column in GENES.columns if "score" not in column.name}
    return [name for name, value in row.items() if isinstance(value, float | int) and (name not in plain or isinstance(value, float))]


def describe_place(site: PairSite) -> str:
    """Type, place (1-based, inclusive), on the genome too where the run knows it, score and conservation in one line."""
    row = site.row
    score = "" if row["score"] is None else f", score {row['score']:.3f}"
    conservation = "" if row.get("conservation") is None else f", conservation {row['conservation']:.2f}"
    genome = f", {row['chrom']}:{row['genome_start'] + 1:,}-{row['genome_end']:,}({row['strand']})" if row.get("chrom") else ""
    return f"{row['seed']}, nt {row['start'] + 1:,}-{row['end']:,}{genome}{score}{conservation}"


def describe_context(site: PairSite) -> str:
    """The features of a site in one line."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_number(value)}{_unit(name)}" for name, value in site.context.items() if value != _NONE.get(name)
    )


def draw_strip(pair: Pair) -> list[str]:
    """Two lines: the isoform 5'->3' with a digit where a site begins, and its ends in nt."""
    strip = ["-"] * _WIDTH
    strength = {mark: rank for rank, mark in enumerate(("-", _OTHER_MARK, *dict.fromkeys(_MARKS.values())))}
    for site in pair.sites:
        column = min(site.row["start"] * _WIDTH // max(pair.length, 1), _WIDTH - 1)
        strip[column] = max(strip[column], _MARKS.get(site.row["seed"], _OTHER_MARK), key=strength.get)
    length = f"{pair.length:,}"
    return [f"5' {''.join(strip)} 3'", f"   1{length:>{_WIDTH - 1}} nt; 8 an 8mer, 7 a 7mer, 6 a 6mer, {_OTHER_MARK} another rule"]


def _number(value: float | int) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def _unit(name: str) -> str:
    return f" {_UNITS[name]}" if _UNITS[name] else ""
