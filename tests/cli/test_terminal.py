"""A scan whose output nobody takes still finishes, and says so; a command whose output is its result fails when that is lost."""

import os
import pty
import re
import subprocess
import sys

import pytest


@pytest.fixture
def command(tmp_path):
    def run(*arguments, environment=(), **streams):
        words = [sys.executable, "-m", "mirscan", *map(str, arguments)]
        return subprocess.run(words, cwd=tmp_path, env=os.environ | dict(environment), stderr=subprocess.PIPE, timeout=120, **streams)

    return run


@pytest.fixture
def scan(tmp_path, command):
    (tmp_path / "m.fa").write_text(">miR-1\nUGGAAUGUAAAGAAGUAUGUAU\n")
    (tmp_path / "t.fa").write_text(">T1|G1|TNFβ\nAAAACATTCCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", encoding="utf-8")
    words = ("scan", "--mirnas", "m.fa", "--utrs", "t.fa", "--model", "none", "--out", "o")
    return lambda *more, **options: command(*words, *more, **options)


def test_scan__full_disk_behind_standard_output(scan, tmp_path):
    with open("/dev/full", "w") as full:
        done = scan(stdout=full)
    assert done.returncode == 0 and b"standard output: no space left on device" in done.stderr
    assert (tmp_path / "o" / "run.json").exists()


def test_scan__full_disk_behind_the_log(command, scan, tmp_path):
    scan(stdout=subprocess.PIPE)
    done = command("--log-file", "/dev/full", "--log-level", "debug", "resume", "o", stdout=subprocess.PIPE)
    said = b"mirscan: note: --log-file /dev/full: no space left on device, so lines are missing there\n"
    assert (done.returncode, done.stderr) == (0, said)


def test_scan__reader_gone(scan, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    done = scan(stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "o" / "run.json").exists()


def test_scan__names_that_the_terminal_cannot_show(scan):
    done = scan(stdout=subprocess.PIPE, environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and rb"TNF\u03b2" in done.stdout


def test_scan__latin_1_folder_is_one_line(scan):
    done = scan("--out", os.fsdecode(b"caf\xe9"), stdout=subprocess.PIPE)
    assert done.returncode == 1 and b"not UTF-8" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("models", "list"), ("scan", "--help"), ("train", "--help")])
def test_lost_result_is_an_error(command, words):
    with open("/dev/full", "w") as full:
        done = command(*words, stdout=full)
    assert done.returncode == 1 and b"error: standard output" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--model", "fast"], {"KERAS_BACKEND": "nonsense"}, "KERAS_BACKEND=nonsense: not a backend; expected tensorflow, jax, torch"),
        (["--workers", "1"], {"DASK_TEMPORARY_DIRECTORY": "/nowhere"}, "temporary-directory /nowhere: not a folder that can be written"),
        (["--workers", "1"], {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}, "comm.require-encryption is set"),
        (["--workers", "1"], {"DASK_LOGGING": "x"}, "Dask does not start (ValueError: dictionary update sequence"),
        ([], {"NUMBA_NUM_THREADS": "0"}, "Numba refuses its settings (Number of threads specified must be > 0)"),
        ([], {"NUMBA_NUM_THREADS": "four"}, "'NUMBA_NUM_THREADS' is defined but its associated value 'four' could not be parsed"),
        ([], {"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT is set"),
    ],
)
def test_scan__surroundings_are_checked_before_planning(scan, tmp_path, arguments, environment, said):
    done = scan(*arguments, environment=environment, stdout=subprocess.PIPE)
    assert done.returncode == 1 and said in done.stderr.decode() and done.stderr.count(b"\n") == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mirnas", "m.fa", "--utrs", "a.fa", "b.fa"], b"(b.fa); several are given as --utrs a --utrs b"),
        (["--utrs", "a.fa", "--mirnas", "m.fa", "n.fa"], b"(n.fa); --mirnas takes one word"),
        (["--utrs", "a.fa", "--mirnas", "m.fa", "--prefilter", "fast"], b"(fast); --prefilter takes no word"),
        (["a.fa", "--mirnas", "m.fa"], b"(a.fa)\n"),
    ],
)
def test_scan__several_files_behind_one_option(command, words, said):
    done = command("scan", *words)
    assert done.returncode == 2 and said in done.stderr


def test_scan__standard_input_for_both(command):
    done = command("scan", "--mirnas", "-", "--utrs", "-", stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and b"standard input (-) is given for several files" in done.stderr


def test_scan__what_is_wrong_in_a_pipe_is_said_of_the_pipe(command, tmp_path):
    (tmp_path / "m.fa").write_text(">m\nUGGCAGUGUCUUAGCUGGUUGU\n")
    done = command("scan", "--mirnas", tmp_path / "m.fa", "--utrs", "-", "--out", tmp_path / "o", stdin=subprocess.DEVNULL)
    said = b"mirscan: error: standard input: no sequences in it; expected FASTA with at least one record\n"
    assert (done.returncode, done.stderr) == (1, said)


def _on_terminal(words, **environment) -> bytes:
    """What a command writes to a terminal, until it ends."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "mirscan", *map(str, words)], os.environ | environment)
    written = b""
    try:
        while piece := os.read(terminal, 1 << 16):
            written += piece
    # What Linux answers once the other end is closed.
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, written
    return written


@pytest.mark.parametrize(
    ("environment", "escape"),
    [
        # NO_COLOR forbids colours; a bar may still move the cursor.
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, rb"\x1b\[[0-9;]*m"),
        ({"TERM": "dumb"}, rb"\x1b"),
    ],
)
def test_terminal__without_colours(tmp_path, scan, environment, escape):
    assert scan(stdout=subprocess.PIPE).returncode == 0
    again = ("scan", "--mirnas", tmp_path / "m.fa", "--utrs", tmp_path / "t.fa", "--model", "none", "--out", tmp_path / "p")
    asked = ("show", "TNF*", "miR-1", tmp_path / "o"), ("query", tmp_path / "o"), ("status", tmp_path / "o"), ("models", "list")
    for words in (again, *asked):
        written = _on_terminal(words, **environment)
        assert written and not re.findall(escape, written), words


def test_terminal__a_bar_has_colours(tmp_path, scan):
    assert scan(stdout=subprocess.PIPE).returncode == 0
    words = ("scan", "--mirnas", tmp_path / "m.fa", "--utrs", tmp_path / "t.fa", "--model", "none", "--out", tmp_path / "p")
    # The test of the test above: an empty NO_COLOR is none.
    assert re.search(rb"\x1b\[[0-9;]+m", _on_terminal(words, TERM="xterm-256color", NO_COLOR=""))


def test_pipe__holds_no_escape_sequence(scan, command):
    assert b"\x1b" not in scan(stdout=subprocess.PIPE).stdout
    for words in (
        ("show", "TNF*", "miR-1", "o"),
        ("query", "o"),
        ("status", "o"),
        ("status", "nowhere"),
        ("models", "list"),
        ("scan", "--no"),
    ):
        done = command(*words, stdout=subprocess.PIPE)
        assert b"\x1b" not in done.stdout + done.stderr and done.stdout + done.stderr
