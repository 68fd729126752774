"""One self-contained HTML page about a run, from run.json and targets.tsv. Names come from strangers' files: all are escaped."""

import argparse
import csv
import json
from html import escape
from pathlib import Path

N_MIRNAS, N_GENES = 50, 10
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { padding: .15rem .8rem .15rem 0; text-align: left; vertical-align: top; }
th { border-bottom: 1px solid #888; }
.number { text-align: right; }
.bar { background: #3b7dd8; height: .8rem; display: inline-block; }
.warning { color: #a33; }
"""
# Settings that matter to a reader only when they are set.
FILTERS = ("species", "min_score", "mask_start", "min_distance", "regions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    run = json.loads(arguments.run.read_text(encoding="utf-8"))
    with open(arguments.targets, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    arguments.out.write_text(write_page(run, rows), encoding="utf-8")


def write_page(run: dict, targets: list[dict]) -> str:
    """The page as text; `targets` are the rows of targets.tsv."""
    result = run["result"]
    body = [
        "<h1>miRNA target scan</h1>",
        f"<p>{result['n_sites']:,} sites of {result['n_mirnas']:,} miRNAs in {result['n_transcripts']:,} transcripts"
        f" ({result['n_bases']:,} nt): {result['n_pairs']:,} gene x miRNA pairs in {result['n_genes']:,} genes.</p>",
        *(f'<p class="warning">{escape(warning)}</p>' for warning in result["warnings"]),
        "<h2>Sites by seed type</h2>",
        seed_table(result["n_by_seed"]),
        "<h2>Strongest genes</h2>",
        target_table(targets),
        "<h2>How it was made</h2>",
        facts_table(run),
        "<h2>Files</h2>",
        table(("file", "bytes"), [(name, f"{size:,}") for name, size in result["files"].items() if not name.startswith("sites/")]),
        f"<p>All sites: {sum(name.startswith('sites/') for name in result['files'])} Parquet files in <code>sites/</code>.</p>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>miRNA target scan</title>'
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def seed_table(counts: dict[str, int]) -> str:
    """Counts with a bar each."""
    most, total = max([*counts.values(), 1]), max(sum(counts.values()), 1)
    rows = "".join(
        f'<tr><td>{escape(seed)}</td><td class="number">{count:,}</td><td class="number">{count / total:.1%}</td>'
        f'<td><span class="bar" style="width:{20 * count / most:.2f}rem"></span></td></tr>'
        for seed, count in counts.items()
    )
    return f'<table><tr><th>seed</th><th class="number">sites</th><th class="number">part</th><th></th></tr>{rows}</table>'


def target_table(targets: list[dict]) -> str:
    """One row a miRNA with its strongest genes; a run of all miRBase would make a page nobody can open."""
    by_mirna: dict[str, list[dict]] = {}
    for row in targets:
        by_mirna.setdefault(row["mirna"], []).append(row)
    rows = [(mirna, ", ".join(describe(row) for row in genes[:N_GENES])) for mirna, genes in list(by_mirna.items())[:N_MIRNAS]]
    more = f"<p>{len(by_mirna) - N_MIRNAS:,} more miRNAs in targets.tsv.</p>" if len(by_mirna) > N_MIRNAS else ""
    return table(("miRNA", f"genes (the first {N_GENES}; with score, or number of sites)"), rows) + more


def describe(row: dict) -> str:
    """A gene with what it was ranked by."""
    return f"{row['symbol']} ({row['combined_score'] or row['n_sites']})"


def facts_table(run: dict) -> str:
    """Settings, inputs, versions, time: what a methods section needs."""
    settings, result = run["settings"], run["result"]
    seconds = ", ".join(f"{stage} {value:,.1f}" for stage, value in result["seconds"].items())
    versions = {"mirscan": run["identity"]["mirscan"], **run["versions"]}
    rows = [
        ("seeds", ", ".join(settings["seeds"])),
        ("model", settings["model"]),
        ("inputs", "; ".join(f"{entry['path']} (SHA-256 {digest[:12]})" for digest, entry in run["inputs"].items())),
        ("other settings", ", ".join(f"{name} {settings[name]}" for name in FILTERS if settings[name])),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("seconds", seconds),
        ("finished", run["finished"]),
    ]
    return table(("", ""), [row for row in rows if row[1]])


def table(headings: tuple[str, ...], rows: list[tuple]) -> str:
    """An HTML table of texts, all escaped."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


if __name__ == "__main__":
    main()
