"""The commands of docs/genome.md do what it shows."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "genome.md").read_text()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


def run(command: str) -> str:
    words = shlex.split(command)
    if words[0] != "mirscan":
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout
    result = CliRunner().invoke(app, words[1:])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_docs__commands_print_what_is_shown_and_python_does_too(folder, capsys):
    shown = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", DOCS)
    assert len(shown) == 4
    for command, lines in shown:
        printed = run(command).splitlines()
        assert [line for line in lines.splitlines() if line not in printed] == []
    (code,) = re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL)
    exec(compile(code, "docs/genome.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"  # (.*)", code)
