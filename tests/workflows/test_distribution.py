"""What mirscan is packed in: the conda recipe and containers agree with pyproject.toml, Nextflow's script does what it declares."""

import json
import os
import re
import stat
import subprocess
import sys
import tomllib

import jinja2
import pytest
import yaml

import mirscan

from .conftest import MAIN, WORKFLOWS

PROJECT = tomllib.loads((MAIN / "pyproject.toml").read_text())["project"]
# Names of conda-forge that differ from those of PyPI.
CONDA_NAMES = {"duckdb": "python-duckdb"}


def test_conda_recipe__asks_for_what_the_project_asks_for():
    template = jinja2.Template((MAIN / "recipe/meta.yaml").read_text())
    recipe = yaml.safe_load(template.render(environ={}, PYTHON="python"))
    asked = {re.match(r"[\w.-]+", text)[0]: text[len(re.match(r"[\w.-]+", text)[0]) :] for text in PROJECT["dependencies"]}
    expected = {f"{CONDA_NAMES.get(name, name)} {limits}" for name, limits in asked.items()} | {f"python {PROJECT['requires-python']}"}
    assert set(recipe["requirements"]["run"]) == expected
    assert recipe["package"]["version"] == mirscan.__version__
    assert recipe["build"]["entry_points"] == [f"mirscan = {PROJECT['scripts']['mirscan']}"]
    assert (MAIN / "recipe" / recipe["source"]["path"] / recipe["about"]["license_file"]).exists()


def copied_by_docker(text: str) -> set[str]:
    lines = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    return {word for line in lines for word in line.split()}


def copied_by_apptainer(text: str) -> set[str]:
    return {line.split()[0] for line in re.search(r"%files\n(.*?)\n\n", text, re.DOTALL)[1].splitlines()}


@pytest.mark.parametrize(("name", "copied"), [("Dockerfile", copied_by_docker), ("Apptainer.def", copied_by_apptainer)])
def test_container__takes_files_and_extras_that_exist(name, copied):
    text = (MAIN / name).read_text()
    assert {"pyproject.toml", "README.md", "LICENSE", "mirscan", "models"} == copied(text)
    assert all((MAIN / word).exists() for word in copied(text))
    extras = re.search(r"(?:EXTRAS=|/source\[)([\w,]+)", text)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])


@pytest.fixture(scope="module")
def module() -> str:
    return (WORKFLOWS / "nextflow/main.nf").read_text()


@pytest.mark.parametrize("part", ["script", "stub"])
def test_nextflow_module__each_part_makes_what_it_declares(module, tmp_path, part):
    values = {
        "mirnas": MAIN / "examples/mirnas.fa",
        "transcripts": MAIN / "examples/utrs.fa.gz",
        "prefix": "example",
        "task.cpus": 1,
        "args": "--model none",
    }
    script = re.search(rf'{part}:.*?"""\n(.*?)"""', module, re.DOTALL)[1].replace("${task.process}", "MIRSCAN_SCAN").replace(r"\$", "\0")
    script = re.sub(r"\$([\w.]+)", lambda match: str(values[match[1]]), script).replace("\0", "$")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/mirscan"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mirscan "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(MAIN)}
    # Nextflow takes the common indent away.
    lines = "\n".join(line.removeprefix("    ") for line in script.splitlines())
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs = re.search(r"output:\n(.*?)\n\n", module, re.DOTALL)[1]
    for pattern in (*re.findall(r'path\("?([^")]+)"?\)', outputs), "versions.yml"):
        name = pattern.replace("${prefix}", "example").replace("{tbi,csi}", "tbi")
        assert list(tmp_path.glob(name)), name
    assert yaml.safe_load((tmp_path / "versions.yml").read_text()) == {"MIRSCAN_SCAN": {"mirscan": mirscan.__version__}}
    if part == "script":
        assert json.loads((tmp_path / "example/run.json").read_text())["result"]["n_sites"] == 3447


def test_nextflow_module__is_described(module):
    described = yaml.safe_load((WORKFLOWS / "nextflow/meta.yml").read_text())
    names = {next(iter(entry)) for entry in described["output"]}
    assert names == set(re.findall(r"emit: (\w+)", module))
    assert described["name"].upper() in module
