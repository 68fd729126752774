"""Mutated bytes in every file a run reads: the answer is a result or one line of MirscanError, and nothing is left half written."""

import contextlib
import gzip
import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirscan.errors import MirscanError
from mirscan.run import read_status, resume, scan
from mirscan.run.clusters import read_cluster_file
from mirscan.tables import GENES

MIRNAS = b">let-7a-5p MIMAT1\nUGAGGUAGUAGGUUGUAUAGUU\n>miR-1-3p\nUGGAAUGUAAAGAAGUAUGUAU\n"
TRANSCRIPTS = b">tx1|g1|S1\nACGTACTACCTCAACGTTACATTCCAGG\nCTACCTCA\n>tx2 gene:g2 gene_symbol:S2\nACATTCCAACGCTACCTC\n>tx3|g1\nACGT\n"
INPUTS = {
    "mirnas": MIRNAS,
    "transcripts": TRANSCRIPTS,
    "gene_map": b"tx1\tg9\tS9\ntx2\tg9\n# note\ntx3\tg8\n",
    "regions": b"tx1\t0\t30\tname\ntx2\t2\t18\n",
    "seeds": b'[mine]\npaired = "2-8"\nopposite_a = true\nwobbles = 1\n',
}
SUFFIXES = {"seeds": ".toml", "gene_map": ".tsv", "regions": ".bed"}
CLUSTER = b'kind = "slurm"\nworkers = 4\nmaximum = 9\nthreads = 2\n[arguments]\nqueue = "long"\ncores = 1\n'
SPECIAL = [*b"\t|\n|\r|\0|>|'|<script>|../|\xff|\xe2\x82|#|[|{|-1".split(b"|"), b'"', b"9" * 30, b"x" * 300]


@st.composite
def mutated(draw, data: bytes) -> bytes:
    """`data` with a few bytes replaced, put in, or taken out, or a part doubled."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        until = min(len(data), at + draw(st.integers(0, 12)))
        piece = draw(st.one_of(st.sampled_from(SPECIAL), st.binary(max_size=6), st.just(data[at:until] * 2), st.just(b"")))
        data = data[:at] + piece + data[until:]
    return data


def few(examples: int):
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answer(act) -> str | None:
    """The message of the error, None for a result; anything but a MirscanError of one line fails the test."""
    try:
        act()
    except MirscanError as error:
        assert str(error)
        assert "\n" not in str(error)
        return str(error)
    return None


@pytest.mark.parametrize("name", INPUTS)
@few(25)
@given(data=st.data())
def test_fuzz__inputs(tmp_path, name, data):
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    arguments = {"model": "none", "threads": 1}
    for key in {"mirnas", "transcripts", name}:
        content = data.draw(mutated(INPUTS[key])) if key == name else INPUTS[key]
        if key == name and data.draw(st.booleans()) and key in ("mirnas", "transcripts"):
            content = data.draw(mutated(gzip.compress(INPUTS[key], mtime=0)))
        path = tmp_path / f"{key}{SUFFIXES.get(key, '.fa')}"
        path.write_bytes(content)
        arguments[key] = str(path)
    error = answer(lambda: scan(out=out, **arguments))
    if error:
        assert not out.exists()
    else:
        with gzip.open(out / "sites.bed.gz", "rb") as bed:
            assert all(line.count(b"\t") == 8 for line in bed.read().splitlines())
        lines = gzip.decompress((out / "genes.tsv.gz").read_bytes()).split(b"\n")
        assert {line.count(b"\t") for line in lines[:-1]} == {len(GENES.names) - 1}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    for name in ("mirnas", "transcripts"):
        (folder / name).write_bytes(INPUTS[name])
    scan(folder / "mirnas", folder / "transcripts", folder / "out", model="none", threads=1, part_rows=2)
    return folder


@pytest.mark.parametrize("name", ["sites/part-00000.parquet", "work/part-00000.json", "run.json", "lock.json"])
@few(15)
@given(data=st.data())
def test_fuzz__a_damaged_file_of_a_run_is_made_anew(tmp_path, finished, name, data):
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(finished / "out", out)
    good = (out / name).read_bytes() if name != "lock.json" else b'{"token": "x", "pid": 1}'
    (out / name).write_bytes(data.draw(mutated(good)))
    with contextlib.suppress(MirscanError):
        read_status(out)
    results = []
    assert answer(lambda: results.append(resume(out, threads=1))) is None
    assert results[0].n_by_seed == resume(finished / "out").n_by_seed
    for result in ("sites/part-00000.parquet", "sites.bed.gz", "genes.tsv.gz", "genes.parquet"):
        assert (out / result).read_bytes() == (finished / "out" / result).read_bytes()


@few(25)
@given(data=st.data())
def test_fuzz__a_damaged_plan(tmp_path, finished, data):
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(finished / "out", out)
    (out / "plan.json").write_bytes(data.draw(mutated((out / "plan.json").read_bytes())))
    errors = [answer(lambda: read_status(out)), answer(lambda: resume(out, threads=1))]
    is_changed = json.loads((finished / "out" / "plan.json").read_text()) != read_json(out / "plan.json")
    assert [bool(error) for error in errors] == [is_changed, is_changed]


def read_json(path):
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


@few(60)
@given(mutated(CLUSTER), st.sampled_from([".toml", ".yaml"]))
def test_fuzz__cluster_files(tmp_path, content, suffix):
    path = tmp_path / f"cluster{suffix}"
    path.write_bytes(content)
    answer(lambda: read_cluster_file(str(path)))
