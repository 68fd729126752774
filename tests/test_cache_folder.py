"""Where kernels are kept: by users without a home, with folders that cannot be written, and beside users who mean harm."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from mirscan.jit import njit

# No user can write there, not even root.
NOWHERE = "/proc/nowhere"
KERNEL = """
import tempfile, sys
tempfile.tempdir = {temporary!r}
from mirscan.cache_folder import cache_folder
from mirscan.seeds.seed_class import SEED_CLASSES, best_seeds
from mirscan.sequence.alphabet import encode
classes, _ = best_seeds(encode("UGAGGUAGUAGGUUGUAUAGUU")[None], encode("GGCTACCTCAGG")[None])
print(SEED_CLASSES[classes[0]], cache_folder())
"""


def run_lines(lines, **variables):
    environment = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME")}
    return subprocess.run([sys.executable, "-c", lines], env=environment | variables, capture_output=True, text=True)


def run(temporary, **variables):
    return run_lines(KERNEL.format(temporary=str(temporary)), **variables)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NUMBA_CACHE_DIR": "{tmp}/n", "HOME": "{tmp}/h"}, "{tmp}/n/mirscan-{uid}"),
        ({"NUMBA_CACHE_DIR": NOWHERE, "XDG_CACHE_HOME": "{tmp}/x", "HOME": "{tmp}/h"}, "{tmp}/x/mirscan"),
        ({"NUMBA_CACHE_DIR": NOWHERE, "HOME": "{tmp}/h"}, "{tmp}/h/.cache/mirscan"),
        ({"HOME": NOWHERE}, "{tmp}/mirscan-{uid}"),
    ],
)
def test_cache_folder__first_that_can_be_written(tmp_path, variables, expected):
    known = {"tmp": tmp_path, "uid": os.getuid()}
    done = run(tmp_path, **{name: value.format(**known) for name, value in variables.items()})
    assert done.stdout.split() == ["8mer", expected.format(**known)], done.stderr
    assert not done.stderr
    assert list(Path(expected.format(**known)).glob("kernels-*/**/*.nbc"))


def test_cache_folder__none_is_said_once_and_scans_all_the_same():
    done = run(NOWHERE, HOME=NOWHERE)
    assert done.stdout.split() == ["8mer", "None"]
    assert done.stderr.count("no cache folder can be written") == 1 and "Traceback" not in done.stderr


def test_cache_folder__none_where_there_is_no_temporary_directory():
    lines = f"""
import tempfile
tempfile._candidate_tempdir_list = lambda: [{NOWHERE!r}]
from mirscan.cache_folder import cache_folder, temporary_folder
print(cache_folder())
temporary_folder()
"""
    done = run_lines(lines, HOME=NOWHERE)
    assert done.stdout == "None\n"
    assert done.stderr.splitlines()[-1].endswith("RunError: no temporary directory can be written; set TMPDIR to a folder that can")


def test_cache_folder__none_is_not_said_again_by_workers():
    lines = f"""
import multiprocessing, tempfile
tempfile.tempdir = {NOWHERE!r}
from mirscan.jit import code_folder
code_folder()
worker = multiprocessing.get_context("fork").Process(target=code_folder.__wrapped__)
worker.start()
worker.join()
"""
    done = run_lines(lines, HOME=NOWHERE)
    assert done.stderr.count("no cache folder can be written") == 1 and "Traceback" not in done.stderr


def test_njit__full_disk_under_the_cache_is_said_once_and_scans_all_the_same(tmp_path):
    lines = f"""
import errno, os
from numba.core.caching import IndexDataCacheFile
def save(self, key, data):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
IndexDataCacheFile.save = save
{KERNEL.format(temporary=str(tmp_path))}
"""
    done = run_lines(lines, HOME=NOWHERE)
    assert done.stdout.startswith("8mer")
    assert done.stderr.count("no space left on device, so compiled code is not kept") == 1 and "Traceback" not in done.stderr


def test_cache_folder__of_others_is_not_used(tmp_path):
    folder = tmp_path / f"mirscan-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    done = run(tmp_path, HOME=NOWHERE)
    assert done.stdout.split() == ["8mer", "None"]


def test_njit__other_packages_keep_their_own_folder():
    before = numba.config.CACHE_DIR
    njit(lambda value: value)
    assert before == numba.config.CACHE_DIR
