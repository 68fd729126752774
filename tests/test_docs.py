"""The documentation: the site builds without a warning, and what it prints as commands and Python runs as printed."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    text = (MAIN / "docs" / page).read_text(encoding="utf-8")
    return [code for kind, code in FENCE.findall(text) if kind == language]


def environment(**variables) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(MAIN), "NO_MKDOCS_2_WARNING": "1", **variables}


def test_site__builds_without_a_warning(tmp_path):
    words = (sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site"))
    built = subprocess.run(words, cwd=MAIN, capture_output=True, text=True, env=environment())
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path.parent.name: path.read_text(encoding="utf-8") for path in (tmp_path / "site").glob("*/index.html")}
    assert "mirscan scan" in pages["commands"] and "combined_score" in pages["columns"]
    assert "Friedman et al. 2009" in pages["rules"] and "Raises RunError where there is no finished run" in pages["api"]
    assert "<svg" in (tmp_path / "site/pictures/zeb2.svg").read_text()
    # Nothing is fetched from elsewhere when a page is opened.
    assert not re.search(r'<(?:script|link)[^>]+(?:src|href)="https?://(?!localhost)[^"]+\.(?:js|css)', pages["tutorial"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the examples and a `mirscan` on the path, in which the tutorial was followed."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "examples").symlink_to(MAIN / "examples")
    (folder / "bin").mkdir()
    script = folder / "bin/mirscan"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m mirscan "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    for code in blocks("tutorial.md", "bash"):
        run(folder, code)
    return folder


def run(folder: Path, code: str) -> str:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], cwd=folder, capture_output=True, text=True, env=environment(PATH=path))
    # A pipe that is closed early, as by head, ends the writer.
    assert done.returncode in (0, 141), f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_tutorial__ends_with_what_it_promises(folder):
    assert (folder / "mirscan-out/report.html").stat().st_size > 1_000_000
    assert (folder / "zeb2.tsv").read_text().startswith("gene\tsymbol\tmirna")
    assert "<svg" in (folder / "zeb2.svg").read_text()
    genes = run(folder, blocks("tutorial.md", "bash")[-1]).split()
    assert genes[0] == "symbol" and len(genes) == 101


@pytest.mark.parametrize("code", blocks("cookbook.md", "bash"))
def test_cookbook__commands_run_as_printed(folder, code):
    run(folder, code)


def test_cookbook__lists_for_enrichment(folder):
    run(folder, next(code for code in blocks("cookbook.md", "bash") if "targets.txt" in code))
    targets, background = (set((folder / name).read_text().split()) for name in ("targets.txt", "background.txt"))
    assert len(targets) > 20 and targets < background


@pytest.mark.parametrize("code", blocks("cookbook.md", "python"))
def test_cookbook__python_runs_as_printed(folder, code):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr


def test_fenced_examples__are_true():
    done = subprocess.run([sys.executable, "-m", "doctest", "tools/fenced_examples.py"], cwd=MAIN, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
