"""The Parquet files as a reader sees them that shares nothing with Arrow: hyparquet, in JavaScript, as web pages use it."""

import json
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import mirscan as ms

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
SCRIPT = """
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import { compressors } from "hyparquet-compressors"
const rows = await parquetReadObjects({ file: await asyncBufferFromFile(process.argv[1]), compressors })
console.log(JSON.stringify(rows, (key, value) => typeof value === "bigint" ? Number(value) : value))
"""


def read_by_javascript(path: Path) -> list[dict]:
    words = ("node", "--input-type=module", "--eval", SCRIPT, str(path))
    return json.loads(subprocess.run(words, cwd=HERE, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """The fly example on its genome: nested columns, dictionaries, nulls and statistics are all there."""
    folder = tmp_path_factory.mktemp("parquet") / "out"
    inputs = {"genome": EXAMPLES / "fly.fa.gz", "annotation": EXAMPLES / "fly.gtf.gz", "region": ["3utr", "cds"]}
    ms.scan(EXAMPLES / "fly_mirnas.fa", **inputs, out=folder, model="none", features=["local_au"], threads=1)
    return folder


@pytest.mark.parametrize("name", ["sites/part-00000.parquet", "genes.parquet"])
def test_hyparquet__reads_what_was_written(out, name):
    rows, expected = read_by_javascript(out / name), pq.read_table(out / name).to_pylist()
    assert len(rows) == len(expected) > 500
    assert [row.keys() for row in rows[:1]] == [row.keys() for row in expected[:1]]
    for row, other in zip(rows, expected, strict=True):
        assert row == pytest.approx(other) if "blocks" not in other else _flat(row) == pytest.approx(_flat(other))


def _flat(row: dict) -> dict:
    """The row with its blocks as numbers of their own."""
    ends = {f"{side} {at}": block[side] for at, block in enumerate(row["blocks"]) for side in ("start", "end")}
    return {name: value for name, value in row.items() if name != "blocks"} | ends
