"""The index is made from where rows were written; htslib, which reads the file to make its own, is the witness."""

import random
import subprocess

import numpy as np
import pysam
import pytest

from mirscan.output.bgzf import BLOCK, END, BgzfBlocks
from mirscan.output.tabix import IndexedBlocks, join_runs, shift_runs, write_index

NAMES = ["chrA", "empty", "chrB", "chrC"]


def random_rows(n: int, longest: int, seed: int) -> list[tuple[int, int, int]]:
    """(sequence, start, end) in order, none on the second sequence."""
    rng = random.Random(seed)
    starts = ((rng.choice([0, 2, 3]), rng.randrange(longest)) for _ in range(n))
    return [(sequence, start, start + rng.randrange(6, 40)) for sequence, start in sorted(starts)]


def line_of(row: tuple[int, int, int]) -> str:
    return f"{NAMES[row[0]]}\t{row[1]}\t{row[2]}\tmiR-{row[1] % 97}"


def append(file, rows) -> np.ndarray:
    """Write rows as one stretch, in two steps; return its runs."""
    blocks = IndexedBlocks(file)
    for some in (rows[: len(rows) // 3], rows[len(rows) // 3 :]):
        lines = [f"{line_of(row)}\n".encode() for row in some]
        columns = np.array(some, np.int64).reshape(-1, 3).T
        blocks.write(np.frombuffer(b"".join(lines), np.uint8), np.cumsum([len(line) for line in lines]).astype(np.int64), *columns)
    return blocks.close()


def write_indexed(path, rows, cuts) -> None:
    """Write rows as stretches that are cut at `cuts`, with their index."""
    with open(path, "wb") as file:
        runs = []
        for first, last in zip([0, *cuts], [*cuts, len(rows)], strict=True):
            place = file.tell()
            runs.append(shift_runs(append(file, rows[first:last]), 0, place))
        file.write(END)
    write_index(join_runs(runs), NAMES, path)


@pytest.mark.parametrize(("longest", "suffix"), [(3_000, ".tbi"), (5_000_000, ".tbi"), (900_000_000, ".csi")])
@pytest.mark.parametrize("cuts", [[], [7_000, 7_000, 15_000]])
def test_index__finds_what_a_look_at_every_row_finds(tmp_path, longest, suffix, cuts):
    rows = random_rows(20_000, longest, seed=longest)
    write_indexed(tmp_path / "x.bed.gz", rows, cuts)
    rng = random.Random(1)
    with pysam.TabixFile(str(tmp_path / "x.bed.gz"), index=str(tmp_path / f"x.bed.gz{suffix}")) as tabix:
        assert list(tabix.contigs) == ["chrA", "chrB", "chrC"]
        assert list(tabix.fetch()) == [line_of(row) for row in rows]
        for _ in range(200):
            sequence, first = rng.choice([0, 2, 3]), rng.randrange(longest)
            last = first + rng.choice([1, 50, 20_000, longest])
            expected = [line_of(row) for row in rows if row[0] == sequence and row[1] < last and row[2] > first]
            assert list(tabix.fetch(NAMES[sequence], first, last)) == expected


def test_index__reads_no_more_than_htslibs_own(tmp_path):
    """An index that points at the whole file would find everything, too: count the blocks that its chunks cover."""
    rows = random_rows(60_000, 5_000_000, seed=3)
    write_indexed(tmp_path / "x.bed.gz", rows, [20_000])
    own = (tmp_path / "x.bed.gz.tbi").read_bytes()
    pysam.tabix_index(str(tmp_path / "x.bed.gz"), preset="bed", force=True)
    assert bytes_of_chunks(own) <= bytes_of_chunks((tmp_path / "x.bed.gz.tbi").read_bytes()) * 1.02


def bytes_of_chunks(index: bytes) -> int:
    """Compressed bytes that the chunks of all bins span, without htslib's bins of counts."""
    data = subprocess.run(["gzip", "-dc"], input=index, capture_output=True, check=True).stdout
    n_sequences, at = int.from_bytes(data[4:8], "little"), 36 + int.from_bytes(data[32:36], "little")
    total = 0
    for _ in range(n_sequences):
        n_bins, at = int.from_bytes(data[at : at + 4], "little"), at + 4
        for _ in range(n_bins):
            number, n_chunks = np.frombuffer(data[at : at + 8], "<u4").tolist()
            offsets = np.frombuffer(data[at + 8 : at + 8 + 16 * n_chunks], "<u8").astype(np.int64).reshape(-1, 2) >> 16
            total += int((offsets[:, 1] - offsets[:, 0]).sum()) if number < 37_450 else 0
            at += 8 + 16 * n_chunks
        at += 4 + 8 * int.from_bytes(data[at : at + 4], "little")
    return total


def test_bgzf__is_what_htslib_and_gzip_read_and_does_not_depend_on_steps(tmp_path):
    rng = random.Random(2)
    # Random bytes do not deflate: a block must hold them all the same.
    text = rng.randbytes(3 * BLOCK) + b"miR-1\t" * BLOCK + b"end"
    files = []
    for number, step in enumerate((len(text), 1000, BLOCK)):
        files.append(tmp_path / f"{number}.gz")
        with open(files[-1], "wb") as file:
            blocks = BgzfBlocks(file)
            for at in range(0, len(text), step):
                blocks.write(text[at : at + step])
            blocks.close()
            file.write(END)
    assert len({path.read_bytes() for path in files}) == 1
    assert subprocess.run(["gzip", "-dc", files[0]], capture_output=True, check=True).stdout == text
    places = np.array([0, 5, BLOCK, 4 * BLOCK + 17, len(text) - 3], np.int64)
    with pysam.BGZFile(str(files[0])) as file:
        for place, offset in zip(places.tolist(), blocks.virtual_offsets(places).tolist(), strict=True):
            file.seek(offset)
            assert file.read(3) == text[place : place + 3]
