"""Keras without what mirscan has no use for, in processes of its own only."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
from mirscan.keras_loading import keep_lean, load_keras
if sys.argv[1] == "lean":
    keep_lean()
if sys.argv[2]:
    __import__(sys.argv[2])
load_keras()
loaded = [name for name in ("sklearn", "matplotlib", "pandas", "jax") if name in sys.modules]
import sklearn.metrics, pandas
print(json.dumps([loaded, sklearn.metrics.roc_auc_score([0, 1], [0.1, 0.9])]))
"""


@pytest.mark.parametrize(
    ("how", "before", "expected"),
    [("lean", "", []), ("lean", "pandas", ["pandas"]), ("plain", "", ["sklearn", "matplotlib", "pandas", "jax"])],
)
def test_load_keras__leaves_out_what_it_need_not_import_and_only_for_the_time(how, before, expected):
    finished = subprocess.run([sys.executable, "-c", PROGRAM, how, before], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout) == [expected, 1.0]
