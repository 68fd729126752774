"""Words of other encodings and ascii terminals end in a line, never in a traceback."""

import os
import subprocess
import sys

import pytest

RUN = [sys.executable, "-c", "from mirscan.cli.main import main; main()"]


def run(*words: bytes, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([*RUN, *words], capture_output=True, env={**os.environ, **environment}, check=False)


def test_main__word_that_is_not_utf8():
    done = run(b"status", b"o\xe9", LC_ALL="C.UTF-8")
    assert done.returncode == 1
    assert done.stderr.startswith(b"mirscan: error: 'o\\udce9': not UTF-8") and done.stderr.count(b"\n") == 1


def test_main__folder_that_is_not_utf8(tmp_path):
    folder = os.fsencode(tmp_path / "o") + b"\xe9"
    os.mkdir(folder)
    done = subprocess.run([*RUN, "status", "x"], capture_output=True, cwd=folder, check=False)
    assert done.returncode == 1
    assert b"o\\udce9': not UTF-8; rename it" in done.stderr and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("word", ["o\u00e9", "\u03b2"])
def test_main__ascii_terminal(word):
    done = run(b"status", word.encode(), LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert ascii(word)[1:-1].encode() in done.stderr and b"Traceback" not in done.stderr
