import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mirscan.errors import ModelError, RunError
from mirscan.run import jobs, read_status, resume, stretches
from mirscan.run.finish import Finish, finish_run
from mirscan.run.partition import open_context
from mirscan.store.local import LocalStore
from mirscan.store.names import (
    genes_strengths,
    genes_table,
    part_bed,
    part_bed_runs,
    part_cut_sites,
    part_record,
    part_sites,
)

EXAMPLES = Path(__file__).parents[2] / "examples"


def start_command(*arguments) -> list[str]:
    """What starts the `mirscan` command with these arguments."""
    return [sys.executable, "-c", "from mirscan.__main__ import main; main()", *map(str, arguments)]


@pytest.fixture(scope="module")
def run_child(runs):
    """Run a scan in a child that comes to harm; see children.py."""
    program = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("children.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    settings = {"mirnas": str(runs.mirnas), "transcripts": str(runs.transcripts), "model": "none", "part_rows": 100, "threads": 1}

    def run(kind: str, out: Path, **task) -> tuple[int, str]:
        program.stdin.write(json.dumps({"kind": kind, "out": str(out), "settings": settings, **task}) + "\n")
        program.stdin.flush()
        return tuple(json.loads(program.stdout.readline()))

    yield run
    program.communicate()


def test_faults__killed_at_many_moments_in_a_row(runs, golden, tmp_path, run_child):
    out = tmp_path / "out"
    rng = random.Random(4)
    # Files moved into place by one run: three inputs, the plan, six or seven a part, then what needs all parts.
    for number, moment in enumerate([1, 3, 4, 5, 6, 2, 3, *(rng.randrange(2, 60) for _ in range(6))]):
        assert run_child("die", out, moment=moment, after=number % 2 == 0)[0] in (-signal.SIGKILL, 0)
    runs.scan(out)
    assert runs.results(out) == runs.results(golden)
    assert not list((out / "work" / "unfinished").glob("*"))


@pytest.fixture(scope="module")
def moves(runs, tmp_path_factory) -> list[str]:
    """The files that an undisturbed run moves into place, in order."""
    moved, replace = [], os.replace
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", lambda source, target: (replace(source, target), moved.append(Path(target).name)))
        runs.scan(tmp_path_factory.mktemp("moves") / "out")
    assert moved[-5:] == ["sites.bed.gz", "genes.parquet", "genes.tsv.gz", "sites.bed.gz.tbi", "run.json"]
    return moved


@pytest.mark.parametrize("share", [0, 0.2, 0.4, 0.6, 0.8, 0.95, 1])
def test_faults__killed_while_finishing(runs, golden, tmp_path, run_child, moves, share):
    out = tmp_path / "out"
    # The last part's record is followed by cut genes, ranks, tables, sequences and the results.
    last_part = max(number for number, name in enumerate(moves) if re.fullmatch(r"part-\d+.json", name))
    moment = round(last_part + 2 + share * (len(moves) - last_part - 2))
    assert run_child("die", out, moment=moment, after=False)[0] == -signal.SIGKILL
    assert not read_status(out).is_finished
    resume(out)
    assert runs.results(out) == runs.results(golden)
    assert {path.name for path in (out / "work").glob("*.*")} == {path.name for path in (golden / "work").glob("*.*")}


@pytest.mark.parametrize("workers", [0, 2])
def test_faults__the_command_killed_at_random_moments(runs, tmp_path, workers):
    out, golden, rng = tmp_path / "out", tmp_path / "golden", random.Random(workers)
    runs.scan(golden, part_rows=5)
    options = ["--model", "none", "--part-rows", "5", "--threads", "1", "--workers", workers, "--out", out, "--quiet"]
    command = start_command("scan", "--mirnas", runs.mirnas, "--utrs", runs.transcripts, *options)
    for _ in range(4):
        n_before = len(list(out.glob("work/part-*.json")))
        child = subprocess.Popen(command, stderr=subprocess.PIPE)
        while child.poll() is None and len(list(out.glob("work/part-*.json"))) <= n_before:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    assert not read_status(out).is_finished
    assert subprocess.run(command).returncode == 0
    assert runs.results(out) == runs.results(golden)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, os.unlink])
@pytest.mark.parametrize("name", [part_sites(2), part_record(2)])
def test_faults__a_damaged_part_is_listed_and_made_anew(runs, golden, tmp_path, damage, name):
    out = tmp_path / "out"
    runs.scan(out)
    damage(out / name)
    with pytest.raises(RunError, match=r"1 of \d+ parts are not whole \(part 2: .*part-00002.*mirscan resume"):
        finish_run(open_context(str(out)))
    resume(out)
    assert runs.results(out) == runs.results(golden)


STRETCHES = [part_bed(2), part_bed_runs(2), genes_table("part-00002"), genes_strengths("part-00002"), part_cut_sites(2)]


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, os.unlink])
@pytest.mark.parametrize("name", STRETCHES)
def test_faults__a_damaged_stretch_is_made_again_without_the_scan(runs, golden, tmp_path, monkeypatch, damage, name):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Finish, "publish", fail_to_publish)
        with pytest.raises(RunError, match="power cut"):
            runs.scan(out)
    damage(out / name)
    monkeypatch.setattr(stretches, "make_sites", None)
    resume(out)
    assert runs.results(out) == runs.results(golden)


def fail_to_publish(finish):
    raise RunError("power cut")


@pytest.mark.parametrize("kind", [jobs.CUT_GENE, jobs.RANKS, jobs.GENES])
def test_faults__what_needs_all_parts_is_tried_again_and_named(runs, golden, tmp_path, monkeypatch, kind):
    do, left = jobs.WORK[kind], iter(range(2 + 99))

    def failing(context, number):
        if next(left, None) is not None:
            raise ZeroDivisionError("bad luck")
        return do(context, number)

    monkeypatch.setitem(jobs.WORK, kind, failing)
    with pytest.raises(RunError, match=rf"all parts are done, but joining their results failed \({kind} \d+: ZeroDivisionError: bad luck"):
        runs.scan(tmp_path / "out")
    status = read_status(tmp_path / "out")
    assert (status.n_done, status.is_finished, status.failures) == (status.n_parts, False, {})
    left = iter(range(2))
    resume(tmp_path / "out")
    assert runs.results(tmp_path / "out") == runs.results(golden)


def put_other_letters(path):
    """Valid all the same: only a checksum can tell."""
    data = bytearray(path.read_bytes())
    data[100:110] = bytes(10) if path.suffix == ".bin" else b"ACGUACGUAC"
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [truncate, put_other_letters, os.unlink])
@pytest.mark.parametrize("name", ["work/transcriptome/codes.bin", "work/inputs/mirnas.fa"])
def test_faults__damaged_copies_of_the_inputs_make_no_part(runs, golden, tmp_path, damage, name):
    out = tmp_path / "out"
    runs.scan(out)
    (out / part_sites(2)).unlink()
    damage(out / name)
    with pytest.raises(RunError, match=rf"{name} .*`mirscan scan` with the same inputs and --out makes it anew"):
        resume(out)
    runs.scan(out)
    assert runs.results(out) == runs.results(golden)


def test_faults__a_finished_run_without_work_is_still_finished(runs, golden, tmp_path):
    out = tmp_path / "out"
    result, status = runs.scan(out), read_status(out)
    shutil.rmtree(out / "work")
    assert runs.scan(out) == resume(out) == result
    assert read_status(out) == replace(status, bases_per_second=None)
    (out / part_sites(2)).unlink()
    with pytest.raises(RunError, match=r"work/\S+ is missing. `mirscan scan` with the same inputs"):
        resume(out)
    runs.scan(out)
    assert runs.results(out) == runs.results(golden)


def test_faults__a_part_of_another_run_is_pointed_out(runs, tmp_path):
    out, messages = tmp_path / "out", []
    runs.scan(out)
    shutil.copy(out / part_sites(2), out / part_sites(99))
    runs.scan(out, progress=lambda event: messages.append(event.message))
    assert any(message.startswith("note: sites/part-00099.parquet is not of this run") for message in messages)


@pytest.mark.parametrize("damage", [truncate, os.unlink])
def test_status__sees_a_part_that_is_gone_or_cut(runs, tmp_path, damage):
    runs.scan(tmp_path / "out")
    damage(tmp_path / "out" / part_sites(2))
    status = read_status(tmp_path / "out")
    assert (status.is_finished, status.n_done) == (False, status.n_parts - 1)


@pytest.mark.parametrize("name", ["sites.bed.gz", "genes.tsv.gz", "genes.parquet", "sites.bed.gz.tbi", "run.json"])
def test_faults__a_lost_result_is_written_again(runs, golden, tmp_path, name):
    out = tmp_path / "out"
    runs.scan(out)
    (out / name).unlink()
    runs.scan(out)
    assert runs.results(out) == runs.results(golden)
    assert (out / "run.json").exists()


def fail_at(part: int, times: int):
    """A process_part that raises the first `times` times at `part`."""
    process_part, left = jobs.WORK[jobs.PART], iter(range(times))

    def failing(context, number, report=None):
        if number == part and next(left, None) is not None:
            raise ZeroDivisionError("bad luck")
        return process_part(context, number, report)

    return failing


def test_faults__a_part_that_fails_twice_is_tried_a_third_time(runs, golden, tmp_path, monkeypatch):
    monkeypatch.setitem(jobs.WORK, jobs.PART, fail_at(1, 2))
    runs.scan(tmp_path / "out")
    assert runs.results(tmp_path / "out") == runs.results(golden)
    assert read_status(tmp_path / "out").failures == {}


def test_faults__a_part_that_always_fails_is_named_and_the_others_are_done(runs, golden, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setitem(jobs.WORK, jobs.PART, fail_at(1, 99))
        with pytest.raises(
            RunError, match=r"1 of \d+ parts failed \(part 1: ZeroDivisionError: bad luck\)\. The others are done; `mirscan resume"
        ):
            runs.scan(out)
    status = read_status(out)
    assert status.failures == {1: "ZeroDivisionError: bad luck"}
    assert (status.n_done, status.is_finished) == (status.n_parts - 1, False)
    assert json.loads((out / "work" / "part-00001.failed.json").read_text())["attempts"] == 3
    resume(out)
    assert runs.results(out) == runs.results(golden)
    assert read_status(out).failures == {}


@pytest.mark.parametrize("limit", [300, 3_000, 9_000])
def test_faults__a_full_disk_is_one_line_and_loses_nothing(runs, golden, tmp_path, run_child, limit):
    out = tmp_path / "out"
    code, message = run_child("full", out, limit=limit)
    assert code == 0
    assert "the disk is full" in message
    assert "\n" not in message
    runs.scan(out)
    assert runs.results(out) == runs.results(golden)


def test_faults__a_read_only_folder_is_one_line(runs, tmp_path, monkeypatch):
    def refuse(self, name):
        raise OSError(30, "Read-only file system", str(tmp_path))

    monkeypatch.setattr(LocalStore, "scratch", refuse)
    with pytest.raises(RunError, match=r"cannot be written \(read-only file system\); choose a folder you may write to with --out"):
        runs.scan(tmp_path / "out")


def test_faults__ctrl_c_drops_the_part_and_frees_the_folder(runs, golden, tmp_path):
    out = tmp_path / "out"

    def interrupt(event):
        if event.parts_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.scan(out, progress=interrupt)
    status = read_status(out)
    assert (status.owner, status.n_done) == (None, 2)
    assert not list((out / "work" / "unfinished").glob("*"))
    resume(out)
    assert runs.results(out) == runs.results(golden)


def test_faults__what_every_part_would_meet_ends_the_run_at_once(runs, tmp_path, monkeypatch):
    tried = []

    def refuse(context, number, report=None):
        tried.append(number)
        raise ModelError("model.keras: cannot be loaded")

    monkeypatch.setitem(jobs.WORK, jobs.PART, refuse)
    with pytest.raises(ModelError, match="cannot be loaded"):
        runs.scan(tmp_path / "out")
    assert tried == [0]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_faults__ctrl_c_ends_the_command_with_130_and_sigterm_with_143(runs, tmp_path, sent, code):
    out = tmp_path / "out"
    command = [
        "scan",
        "--mirnas",
        EXAMPLES / "mirnas.fa",
        "--utrs",
        EXAMPLES / "utrs.fa.gz",
        "--model",
        "none",
        "--out",
        out,
        # Hundreds of parts: the run must still be going when the signal arrives.
        "--part-rows",
        "5",
        "--threads",
        "1",
    ]
    child = subprocess.Popen(
        start_command(*command),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A background job of a shell ignores Ctrl-C and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (out / part_record(0)).exists():
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.01)
    child.send_signal(sent)
    _, stderr = child.communicate()
    assert child.returncode == code
    said = {130: b"interrupted", 143: b"terminated"}[code]
    assert stderr == b"mirscan: " + said + b"; what is done stays done, run the same command again to go on\n"
    assert not (out / "lock.json").exists()


def test_faults__a_clock_that_jumps_changes_nothing(runs, golden, tmp_path, monkeypatch):
    hours = iter(random.Random(1).choices([-9e5, 0, 9e5, 3e9], k=10**5))
    monkeypatch.setattr("time.time", lambda: 1.7e9 + next(hours))
    result = runs.scan(tmp_path / "out")
    assert runs.results(tmp_path / "out") == runs.results(golden)
    assert all(0 <= seconds < 100 for seconds in result.seconds.values())
