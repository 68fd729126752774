"""Duplex energies, alignments and features against ViennaRNA's duplexfold, in pairs a CPU second of one thread.

    python benchmarks/duplex/benchmark_duplex.py
    python benchmarks/duplex/benchmark_duplex.py --pairs sites.tsv.gz     # columns: noncodingRNA or miRNA, gene, label

Both sides run in the same process on the same pairs, compiled and loaded before timing; the median of several runs is printed, and the
energies of the pairs that both computed must be equal to 0.01 kcal/mol. With --pairs the average precision of the energy is printed too.
"""

import argparse
import csv
import gzip
import os
import platform
import statistics
import time
from pathlib import Path

import numba
import numpy as np
import RNA

from mirscan.duplex import align_duplexes, duplex_energies, duplex_features, perfect_energies
from mirscan.sequence.alphabet import encode

MIRNA_LENGTH, TARGET_LENGTH = 22, 50
# duplexfold does 1,600 pairs a second: enough for a steady rate, few enough to wait for.
N_WITNESS = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pairs", type=Path)
    arguments = parser.parse_args()
    machine, load = platform.processor() or platform.machine(), os.getloadavg()[0]
    print(f"{machine}, load {load:.1f}, Python {platform.python_version()}, numba {numba.__version__}, ViennaRNA {RNA.__version__}")
    if arguments.pairs:
        mirnas, targets, labels = read_labelled_pairs(arguments.pairs)
        measure(f"{arguments.pairs.name}", mirnas, targets, arguments.repeats)
        energies = duplex_energies(mirnas, targets)
        print(f"average precision of the energy {average_precision(labels, -energies):.4f}, ", end="")
        print(f"of energy / perfect energy {average_precision(labels, energies / perfect_energies(mirnas)):.4f}")
        return
    for n_mirnas in (1, 1000, arguments.rows):
        mirnas, targets = random_pairs(arguments.rows, n_mirnas)
        measure(f"{arguments.rows:,} random pairs of {n_mirnas:,} miRNAs", mirnas, targets, arguments.repeats)


def random_pairs(n: int, n_mirnas: int) -> tuple[np.ndarray, np.ndarray]:
    """Random windows, half of them with the site of nt 2-8 of their miRNA; miRNAs in random order."""
    rng = np.random.default_rng(0)
    distinct = rng.integers(0, 4, (n_mirnas, MIRNA_LENGTH)).astype(np.uint8)
    mirnas = distinct[rng.permutation(np.arange(n) % n_mirnas)]
    targets = rng.integers(0, 4, (n, TARGET_LENGTH)).astype(np.uint8)
    targets[::2, 30:37] = 3 - mirnas[::2, 7:0:-1]
    return mirnas, targets


def read_labelled_pairs(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes and labels of a table of pairs as the CLASH benchmarks write them."""
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    mirnas = [encode(row.get("noncodingRNA") or row["miRNA"]) for row in rows]
    targets = [encode(row["gene"]) for row in rows]
    padded = np.full((len(rows), max(map(len, mirnas))), 4, dtype=np.uint8)
    for codes, mirna in zip(padded, mirnas, strict=True):
        codes[: len(mirna)] = mirna
    return padded, np.stack(targets), np.array([int(row["label"]) for row in rows])


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean precision at the rank of each positive, ties counted together."""
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    last_of_tie = np.append(scores[1:] != scores[:-1], True)
    found = np.cumsum(labels)[last_of_tie]
    precision = found / (np.flatnonzero(last_of_tie) + 1)
    return float((np.diff(found, prepend=0) * precision).sum() / labels.sum())


def cpu_seconds(function, repeats: int) -> float:
    """Median CPU time of one call."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def measure(title: str, mirnas: np.ndarray, targets: np.ndarray, repeats: int) -> None:
    n_witness = min(N_WITNESS, len(mirnas))
    texts = [
        ("".join("ACGUN"[c] for c in m).rstrip("N"), "".join("ACGUN"[c] for c in t))
        for m, t in zip(mirnas[:n_witness], targets, strict=False)
    ]
    expected = []
    witness = n_witness / cpu_seconds(lambda: expected.append([RNA.duplexfold(*pair).energy for pair in texts]), 1)
    np.testing.assert_allclose(duplex_energies(mirnas[:n_witness], targets[:n_witness]), expected[0], atol=0.005)
    print(f"\n{title}, {mirnas.shape[1]} x {targets.shape[1]} nt\n{'':18}{'pairs/s':>12}{'x duplexfold':>14}")
    print(f"{'RNA.duplexfold':18}{witness:12,.0f}{1:14.0f}")
    for function in (duplex_energies, align_duplexes, duplex_features):
        rate = len(mirnas) / cpu_seconds(lambda function=function: function(mirnas, targets), repeats)
        print(f"{function.__name__:18}{rate:12,.0f}{rate / witness:14.0f}")


if __name__ == "__main__":
    main()
