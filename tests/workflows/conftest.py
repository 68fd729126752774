"""The workflow's scripts as modules, and Snakemake as a user starts it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = Path(__file__).parents[2]
WORKFLOWS = MAIN / "workflows"


def load_script(name: str):
    """A script of workflows/scripts as a module."""
    spec = importlib.util.spec_from_file_location(name, WORKFLOWS / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_snakemake(folder: Path, *arguments) -> str:
    """Run the workflow in `folder` beside a link to the examples; return what it printed, fail where it fails."""
    finished = try_snakemake(folder, *arguments)
    assert finished.returncode == 0, finished.stdout
    return finished.stdout


def try_snakemake(folder: Path, *arguments) -> subprocess.CompletedProcess:
    """The finished process of the workflow, stdout and stderr together."""
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(MAIN / "examples")
    commands = os.path.dirname(sys.executable)
    environment = os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-m", "snakemake", "--snakefile", WORKFLOWS / "Snakefile", "--cores", "1", *arguments]
    return subprocess.run(list(map(str, command)), cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def script():
    """Function that loads a script of the workflow."""
    return load_script
