"""What the decorators promise: who says that it makes no arrays makes none, and one kind of argument is one kernel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.errors import TypingError

import mirscan
from mirscan.jit import helper, njit, read_only


@helper
def _total_of_new(n):
    return np.arange(n).sum()


@helper(allocates=True)
def _total_of_allowed(n):
    return np.arange(n).sum()


@njit
def _call_new(n):
    return _total_of_new(n)


@njit
def _call_allowed(n):
    return _total_of_allowed(n)


@njit(allocates=False)
def _first(values):
    return values[0]


def test_helper__that_makes_arrays_says_so_or_is_not_compiled():
    assert _call_allowed(5) == _total_of_allowed(5) == 10
    with pytest.raises(TypingError):
        _call_new(5)


def test_read_only__memory_maps_and_arrays_meet_one_kernel(tmp_path):
    np.save(tmp_path / "values.npy", np.arange(3))
    kinds = np.arange(3), np.load(tmp_path / "values.npy", mmap_mode="r"), np.frombuffer(np.arange(3).tobytes(), np.int64)
    assert [_first(read_only(values)) for values in kinds] == [0, 0, 0]
    assert len(_first.signatures) == 1
    assert kinds[0].flags.writeable


def test_kernels__compiled_with_another_helper_are_compiled_again(tmp_path):
    """A package of two modules, a kernel and its helper: the helper changes, the kernel's file does not."""
    package = tmp_path / "package"
    shutil.copytree(Path(mirscan.__file__).parent, package / "mirscan", ignore=shutil.ignore_patterns("__pycache__", "assets"))
    (package / "mirscan" / "kernel.py").write_text(
        "from mirscan.jit import njit\nfrom mirscan.part import part\n\n\n@njit\ndef whole(n):\n    return part(n)\n"
    )
    run = [sys.executable, "-c", "from mirscan.kernel import whole; print(whole(1), sum(whole.stats.cache_hits.values()))"]
    environment = os.environ | {"PYTHONPATH": str(package), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    said = []
    for summand in (1, 1, 2):
        (package / "mirscan" / "part.py").write_text(
            f"from mirscan.jit import helper\n\n\n@helper\ndef part(n):\n    return n + {summand}\n"
        )
        said.append(subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split())
    assert said == [["2", "0"], ["2", "1"], ["3", "0"]]
