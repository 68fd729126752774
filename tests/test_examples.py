"""Every public name has an example in its docstring, and every example of the package is true."""

import doctest
import importlib
import pkgutil
import shutil
from pathlib import Path

import pytest

import mirscan

EXAMPLES = Path(__file__).parents[1] / "examples"
# Importing it runs the command.
MODULES = sorted(module.name for module in pkgutil.walk_packages(mirscan.__path__, "mirscan.") if module.name != "mirscan.__main__")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


def run(test) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    report = []
    assert runner.run(test, out=report.append).failed == 0, "".join(report)


@pytest.mark.parametrize("name", mirscan.__all__)
def test_public_name__has_a_true_example(name, folder):
    finder, function = doctest.DocTestFinder(recurse=False), getattr(mirscan, name)
    # What the function's own module knows, and mirscan as users import it.
    known = vars(importlib.import_module(function.__module__)) | {"ms": mirscan}
    tests = [test for test in finder.find(function, name, globs=known) if test.examples]
    assert tests, f"mirscan.{name} has no example"
    run(tests[0])


@pytest.mark.parametrize("name", MODULES)
def test_module__examples_are_true(name, folder):
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder().find(module):
        if test.examples and test.name.rsplit(".", 1)[-1] not in mirscan.__all__:
            run(test)
