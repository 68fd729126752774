"""How fast candidates are found, and how much memory that takes.

    python benchmarks/scan/benchmark_scan.py --data FOLDER [--quick] [--repeat 5]

FOLDER (or MIRSCAN_DATA) holds human_3utr.fa.gz (30.5 Mnt), human_chr22_transcripts_polyester.fa.gz (2.7 Mnt, for --quick) and
mirbase22_hsa_mature.fa.gz (2,656 miRNAs). Every measurement is a process of its own, so that its peak memory is its own; kernels
are compiled before the clock starts; times are medians. "kernel" is processor time of finding and filling columns that are used again,
"stream" is `iter_candidates` to Arrow batches that are dropped.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

sys.path.append(str(Path(__file__).parents[1] / "run"))
from measure import clock, describe_machine, peak_mb, print_table
from peers import compare_with_peers

from mirscan.search.candidates import count_candidates, iter_candidates
from mirscan.search.kernels import fill_rows, new_rows, new_scratch
from mirscan.search.stream import new_scan
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.mirnas import MirnaSet, mirnas_from_sequences, read_mirnas
from mirscan.sequence.transcriptome import Transcriptome, read_transcriptome

UTRS, CHR22, MIRNAS = "human_3utr.fa.gz", "human_chr22_transcripts_polyester.fa.gz", "mirbase22_hsa_mature.fa.gz"
SEEDS = ("canonical", "extended", "offset-9-mer-m7")
GROWTH = (("", 1, 1), ("sequence x 2", 2, 1), ("miRNAs x 2", 1, 2))


def load(folder: Path, is_quick: bool) -> tuple[Transcriptome, MirnaSet]:
    return read_transcriptome(folder / (CHR22 if is_quick else UTRS)), read_mirnas(folder / MIRNAS)


def repeat_sequence(transcriptome: Transcriptome, times: int) -> Transcriptome:
    """The same transcripts `times` times, under new names."""
    shifts = np.arange(times)[:, None] * (len(transcriptome.codes) - 1)
    codes = np.concatenate([transcriptome.codes, *[transcriptome.codes[1:]] * (times - 1)])
    names = pa.array([f"{name}.{copy}" for copy in range(times) for name in transcriptome.names.to_pylist()])
    begin, end = ((shifts + places).ravel() for places in (transcriptome.begin, transcriptome.end))
    return Transcriptome(codes, begin, end, names, names, names, names)


def repeat_mirnas(mirnas: MirnaSet, times: int) -> MirnaSet:
    """As many more miRNAs with seeds of their own: the sequences rotated by a few bases."""
    sequences = [mirnas.sequence(i) for i in range(len(mirnas))]
    names = [f"{name}.{copy}" for copy in range(times) for name in mirnas.names]
    return mirnas_from_sequences(names, [text[5 * copy :] + text[: 5 * copy] for copy in range(times) for text in sequences])


def measure(arguments: argparse.Namespace) -> dict:
    """One measurement in this process."""
    seeds, threads, more_sequence, more_mirnas = arguments.measure
    transcriptome, mirnas = load(arguments.data, arguments.quick)
    transcriptome, mirnas = repeat_sequence(transcriptome, int(more_sequence)), repeat_mirnas(mirnas, int(more_mirnas))
    rules, threads = read_rules(seeds), int(threads)
    compile_seed_table(rules, mirnas.take([0, 1]))
    with clock() as compiling:
        table = compile_seed_table(rules, mirnas)
    rows = count_candidates(transcriptome, table)
    next(iter_candidates(transcriptome, mirnas, table, last=20), None)
    kernel = [time_kernel(transcriptome, mirnas, table, rows) for _ in range(arguments.repeat)] if threads == 1 else [float("nan")]
    streams = []
    for _ in range(arguments.repeat):
        with clock() as seconds:
            found = sum(batch.num_rows for batch in iter_candidates(transcriptome, mirnas, table, threads=threads))
        assert found == rows, f"{found} rows; the count pass says {rows}"
        streams.append(seconds["wall"])
    return {
        "bases": transcriptome.n_bases,
        "mirnas": len(mirnas),
        "rows": rows,
        "compile": compiling["cpu"],
        "kernel": median(kernel),
        "stream": median(streams),
        "peak": peak_mb(),
    }


def time_kernel(transcriptome: Transcriptome, mirnas: MirnaSet, table, rows: int, batch_rows: int = 1 << 18) -> float:
    scan = new_scan(transcriptome, mirnas, table, batch_rows, (0, len(transcriptome.codes)))
    columns, scratch = new_rows(batch_rows), new_scratch(table, scan.block, batch_rows)
    position, stop, found = int(scan.begin[0]), int(scan.end[-1]), 0
    with clock() as seconds:
        while position < stop:
            position, n = fill_rows(scan.codes, position, stop, scan.arrays, scan.begin, scan.end, scan.block, scratch, columns)
            found += n
    assert found == rows, f"{found} rows; the count pass says {rows}"
    return seconds["cpu"]


def run_child(arguments: argparse.Namespace, seeds: str, threads: int, more_sequence: int, more_mirnas: int) -> dict:
    command = [sys.executable, __file__, "--data", str(arguments.data), "--repeat", str(arguments.repeat)]
    command += ["--quick"] * arguments.quick + ["--measure", seeds, str(threads), str(more_sequence), str(more_mirnas)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def format_row(seeds: str, note: str, threads: int, result: dict) -> tuple:
    bases, rows, pairs = result["bases"], result["rows"], result["bases"] / 1e6 * result["mirnas"]
    return (
        seeds + (f", {note}" if note else ""),
        threads,
        f"{bases / 1e6:.1f}",
        f"{result['mirnas']:,}",
        f"{rows:,}",
        f"{result['compile']:.2f}",
        f"{result['kernel']:.3f}" if threads == 1 else "",
        f"{pairs / result['kernel']:,.0f}" if threads == 1 else "",
        f"{result['stream']:.3f}",
        f"{bases / 1e6 / result['stream']:.0f}",
        f"{rows / 1e6 / result['stream']:.0f}",
        f"{pairs / result['stream']:,.0f}",
        f"{result['peak']:.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("MIRSCAN_DATA"), help="folder with the FASTA files (MIRSCAN_DATA)")
    parser.add_argument("--quick", action="store_true", help="chromosome 22 instead of all 3'UTRs")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("give --data FOLDER or set MIRSCAN_DATA")
    arguments.data = Path(arguments.data)
    if arguments.measure:
        print(json.dumps(measure(arguments)))
        return
    print(describe_machine() + "\n")
    rows = []
    for seeds in SEEDS:
        for note, more_sequence, more_mirnas in GROWTH:
            for threads in (1, 2) if not note else (1,):
                rows.append(format_row(seeds, note, threads, run_child(arguments, seeds, threads, more_sequence, more_mirnas)))
    headings = ("seeds", "threads", "Mb", "miRNAs", "sites", "compile s", "kernel CPU s", "kernel Mb x miRNA/s")
    print_table((*headings, "stream s", "Mb/s", "M sites/s", "Mb x miRNA/s", "peak MB"), rows)
    print("\nThe same small workload, canonical 6-mer cores; RNAhybrid also computes an energy:\n")
    print_table(
        ("tool", "Mb x miRNA", "sites", "CPU s", "Mb x miRNA/s", "times mirscan's time"), compare_with_peers(*load(arguments.data, True))
    )


if __name__ == "__main__":
    main()
