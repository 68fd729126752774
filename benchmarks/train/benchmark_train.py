"""Pairs a second of `mirscan train`, by network, precision and threads, and beside another version of mirscan in the same run.

    python benchmarks/train/benchmark_train.py PAIRS [--before FOLDER] [--repeats 3]

PAIRS: labelled pairs, some ten thousand (models/README.md names public ones). FOLDER: a checkout of another version, trained with the
same recipe; versions take turns, so that all meet the same neighbours on a shared machine. A rate is pairs trained on in the seconds
that the training says it took, validations included; duplex energies are computed before and not counted.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ("mirscan_base", "mirscan_fast")
WAYS = (("float32", 1), ("mixed_bfloat16", 1), ("mixed_bfloat16", 2))
OPTIONS = ("--duplex", "--split", "random", "--batch-size", "1024", "--window-shift", "4", "--average", "ema", "--calibration", "none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--before", type=Path, help="checkout of another version")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| network | precision | threads | before: pairs/s, a CPU s | now: pairs/s, a CPU s | ratio | ratio a CPU s |\n|" + " --- |" * 7)
    for network, (precision, threads) in itertools.product(NETWORKS, WAYS):
        print_row(arguments, network, precision, threads)


def print_row(arguments: argparse.Namespace, network: str, precision: str, threads: int) -> None:
    versions = [version for version in (arguments.before, ROOT) if version]
    runs = [[train(arguments, version, network, precision, threads) for version in versions] for _ in range(arguments.repeats)]
    cells, medians = ["-"] * (2 - len(versions)), []
    for results in zip(*runs, strict=True):
        medians.append([statistics.median(values) for values in zip(*results, strict=True)])
        cells.append("{:,.0f}, {:,.0f}".format(*medians[-1]))
    ratios = [f"{now / old:.2f}" for old, now in zip(*medians, strict=True)] if arguments.before else ["-", "-"]
    print("|", " | ".join([network, precision, str(threads), *cells, *ratios]), "|", flush=True)


def train(arguments: argparse.Namespace, version: Path, network: str, precision: str, threads: int) -> tuple[float, float]:
    """(pairs a second, pairs a processor second of the whole process) of one training."""
    with tempfile.TemporaryDirectory() as folder:
        size = ("--architecture", network, "--precision", precision, "--threads", str(threads), "--epochs", str(arguments.epochs))
        command = [sys.executable, "-m", "mirscan", "train", str(arguments.pairs.resolve()), *OPTIONS, *size, "--out", "model", "--quiet"]
        environment = {**os.environ, "PYTHONPATH": str(version.resolve()), "TF_CPP_MIN_LOG_LEVEL": "3"}
        before = processor_seconds()
        subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        used = processor_seconds() - before
        metrics = json.loads((Path(folder) / "model/metrics.json").read_text())
    pairs = metrics["pairs"]["training_pairs"] * arguments.epochs
    return pairs / metrics["seconds"], pairs / used


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
