"""The strongest genes of every miRNA out of genes.tsv.gz, in one pass; memory follows miRNAs x genes kept, not the table."""

import argparse
import csv
import gzip
import heapq
import sys
from pathlib import Path

# Without a model, pairs are ranked by their sites from strong to weak.
COUNTS = ("n_8mer", "n_7mer_m8", "n_7mer_a1", "n_6mer", "n_other")
NAMES = ("gene", "symbol", "transcript")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--per-mirna", type=int, default=100)
    parser.add_argument("--genes", type=Path, help="file with a gene, symbol or transcript a line")
    arguments = parser.parse_args()
    wanted = None
    if arguments.genes:
        wanted = {line.strip() for line in arguments.genes.read_text(encoding="utf-8").splitlines() if line.strip()}
    columns, strongest = select_targets(arguments.table, arguments.per_mirna, wanted)
    if wanted is not None and not strongest:
        sys.exit(f"select_targets: none of the {len(wanted):,} names in {arguments.genes} is in {arguments.table}")
    with open(arguments.out, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
        writer.writerow(["rank", *columns])
        for mirna in strongest:
            ranked = sorted(strongest[mirna], reverse=True)
            writer.writerows([rank, *row] for rank, (_, _, row) in enumerate(ranked, 1))


def select_targets(table: Path, per_mirna: int, wanted: set[str] | None = None) -> tuple[list[str], dict[str, list]]:
    """Column names, and by miRNA in order of appearance a heap of (strength, -line, row) of its `per_mirna` strongest genes."""
    strongest: dict[str, list] = {}
    with gzip.open(table, "rt", encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        columns = next(reader)
        place = {name: number for number, name in enumerate(columns)}
        for line, row in enumerate(reader):
            if wanted is not None and wanted.isdisjoint(row[place[name]] for name in NAMES):
                continue
            # The line breaks ties, so that rows themselves are never compared and the first of equals wins.
            entry = (strength(row, place), -line, row)
            heap = strongest.setdefault(row[place["mirna"]], [])
            if len(heap) < per_mirna:
                heapq.heappush(heap, entry)
            else:
                heapq.heappushpop(heap, entry)
    return columns, strongest


def strength(row: list[str], place: dict[str, int]) -> tuple[float, ...]:
    """What a gene is ranked by: its rank, in a tie its combined score, then its sites from strong to weak."""
    score = row[place["combined_score"]]
    return (-int(row[place["rank"]]), float(score) if score else 0.0, *(int(row[place[name]]) for name in COUNTS))


if __name__ == "__main__":
    main()
