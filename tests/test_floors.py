"""The picture in `mirscan/__init__.py` is true: a module imports only from floors below its own, and --help imports nothing heavy."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mirscan

PACKAGE = Path(mirscan.__file__).parent
FLOORS = {
    **dict.fromkeys(("errors", "notices", "settings", "shipped", "tables", "jit", "cores", "__init__"), 0),
    **dict.fromkeys(("cache_folder", "lean", "keras_loading"), 0),
    "store": 1,
    "sequence": 2,
    **dict.fromkeys(("seeds", "networks", "duplex", "genome", "accessibility"), 3),
    **dict.fromkeys(("search", "windows", "trained_models", "expression"), 4),
    **dict.fromkeys(("pairs", "scoring", "genes", "output"), 5),
    **dict.fromkeys(("train", "evaluation", "explain"), 6),
    **dict.fromkeys(("run", "benchmark"), 7),
    **dict.fromkeys(("query", "report", "doctor"), 8),
    **dict.fromkeys(("cli", "__main__"), 9),
}
# Modules that stand on one floor together and may use each other.
SIBLINGS = {
    ("settings", "errors"),
    ("jit", "cache_folder"),
    ("cache_folder", "errors"),
    ("jit", "errors"),
    ("keras_loading", "lean"),
    ("jit", "lean"),
    ("__main__", "cli"),
    ("keras_loading", "errors"),
    ("keras_loading", "cache_folder"),
    ("trained_models", "windows"),
    ("search", "windows"),
    ("genes", "output"),
    ("output", "genes"),
    ("train", "evaluation"),
    ("explain", "evaluation"),
    ("report", "query"),
    ("doctor", "query"),
}


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports__only_go_down():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        relative = path.relative_to(PACKAGE).with_suffix("").parts
        own = relative[0]
        for module in imports(path):
            parts = module.split(".")
            if parts[0] != "mirscan" or len(parts) < 2 or parts[1] == own or parts[1] not in FLOORS:
                continue
            if FLOORS[parts[1]] >= FLOORS[own] and (own, parts[1]) not in SIBLINGS:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert not wrong


def test_imports__no_module_needs_itself():
    """Nor does one that is imported inside a function only."""
    paths = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for path, name in paths.items()}
    needs = {name: set(imported_modules(path, files)) - {name} for name, path in files.items()}
    # Raises CycleError, which names the modules in a circle.
    TopologicalSorter(needs).prepare()


def imported_modules(path: Path, known):
    """Modules that `path` imports: of `from package import name` the module package.name where it is one, else the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in names if name in known or node.module in known)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def test_imports__train_and_run_do_not_know_each_other():
    for own, other in (("train", "run"), ("run", "train"), ("search", "networks")):
        for path in (PACKAGE / own).rglob("*.py"):
            assert not any(f"{module}.".startswith(f"mirscan.{other}.") for module in imports(path)), path


@pytest.mark.parametrize("room", ["pairs", "evaluation"])
def test_imports__pairs_and_evaluation_know_nothing_of_keras(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not {module.split(".")[0] for module in imports(path)} & {"keras", "tensorflow", "jax", "torch"}, path
        assert not any(module.startswith("mirscan.keras_loading") for module in imports(path)), path


def test_every_module_has_a_floor():
    names = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert names <= set(FLOORS)


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split())


def test_command_line__imports_nothing_heavy():
    heavy = {"tensorflow", "keras", "jax", "numba", "pandas", "dask", "distributed", "pyarrow", "numpy", "matplotlib", "duckdb"}
    assert not loaded_by("import mirscan.cli.main") & heavy


def test_public_names__all_resolve():
    for name in mirscan.__all__:
        assert callable(getattr(mirscan, name)), name
