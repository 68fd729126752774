"""Loads that a reader of the documentation may try: many runs in one process, very many and very long sequences."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset

import mirscan as ms

SOAK = """
import json, sys, tempfile
import mirscan as ms

def resident_mb():
    with open("/proc/self/statm") as handle:
        return int(handle.read().split()[1]) * 4096 / 1e6

sizes = []
for _ in range(10):
    with tempfile.TemporaryDirectory() as folder:
        ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out=folder + "/out", model=sys.argv[1], threads=1)
    sizes.append(resident_mb())
print(json.dumps(sizes))
"""


def random_sequence(n: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=n))


def test_load__ten_runs_in_one_process_do_not_grow():
    finished = subprocess.run(
        [sys.executable, "-c", SOAK, "fast"], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    sizes = json.loads(finished.stdout.splitlines()[-1])
    # The first runs load TensorFlow and fill caches; a context or a graph that stayed each time would add tens of MB by the tenth.
    assert max(sizes[-3:]) - max(sizes[2:4]) < 25, sizes


def test_load__two_hundred_thousand_short_sequences(tmp_path):
    sequence = random_sequence(6_000_000, seed=5)
    (tmp_path / "utrs.fa").write_text("".join(f">t{i}\n{sequence[30 * i : 30 * i + 30]}\n" for i in range(200_000)))
    (tmp_path / "mirs.fa").write_text(">let-7a\nUGAGGUAGUAGGUUGUAUAGUU\n>miR-1\nUGGAAUGUAAAGAAGUAUGUAU\n")
    result = ms.scan(tmp_path / "mirs.fa", tmp_path / "utrs.fa", out=tmp_path / "out", model="none")
    sites = pyarrow.dataset.dataset(tmp_path / "out" / "sites").to_table(columns=["transcript", "start"])
    # The 6-mers that pair nt 2-7 of the two miRNAs, in each sequence by itself.
    expected = sum(sequence[i : i + 6] in ("TACCTC", "CATTCC") for i in range(len(sequence) - 5) if i % 30 < 25)
    assert result.n_transcripts == 200_000
    assert sites.num_rows == expected > 500


def test_load__one_sequence_of_ten_million_bases(tmp_path):
    sequence = random_sequence(10_000_000, seed=6)
    (tmp_path / "chr.fa").write_text(f">chr\n{sequence}\n")
    (tmp_path / "mirs.fa").write_text(">let-7a\nUGAGGUAGUAGGUUGUAUAGUU\n")
    ms.scan(tmp_path / "mirs.fa", tmp_path / "chr.fa", out=tmp_path / "out", model="none", seeds="8mer")
    starts = pyarrow.dataset.dataset(tmp_path / "out" / "sites").to_table(columns=["start"])["start"].to_pylist()
    found, place = [], sequence.find("CTACCTCA")
    while place >= 0:
        found.append(place)
        place = sequence.find("CTACCTCA", place + 1)
    assert starts == found
    assert len(found) > 50
