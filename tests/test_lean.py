"""Keras, Arrow and Numba without what mirscan has no use for, in processes of its own only."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
from mirscan.keras_loading import load_keras
from mirscan.lean import keep_lean
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


SETTINGS = """
from mirscan.evaluation.curves import new_figure
from mirscan.keras_loading import load_keras
from mirscan.lean import keep_lean
keep_lean()
config = load_keras().config
print(config.backend(), config.floatx(), config.image_data_format())
new_figure(1, 4)
import matplotlib
print(matplotlib.rcParams["font.size"])
"""


def test_keep_lean__settings_of_the_user_for_keras_and_matplotlib_change_nothing(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras/keras.json").write_text('{"backend": "torch", "floatx": "float16", "image_data_format": "channels_first"}')
    (tmp_path / "matplotlibrc").write_text("font.size: 30\n")
    own = {"HOME": str(tmp_path), "MPLBACKEND": "nonsense", "MATPLOTLIBRC": str(tmp_path), "KERAS_BACKEND": ""}
    finished = subprocess.run([sys.executable, "-c", SETTINGS], capture_output=True, text=True, check=True, env=os.environ | own)
    assert finished.stdout.split() == ["tensorflow", "float32", "channels_last", "10.0"]


ARROW = """
import json, sys
from mirscan.lean import keep_lean, spare_pandas
if sys.argv[1] == "lean":
    keep_lean()
spare_pandas()
import numpy as np, pyarrow as pa
arrays = pa.array(["a", None]), pa.array(np.array([1.0, np.nan]), from_pandas=True), pa.array(np.array(["a", None], object))
loaded = "pandas" in sys.modules
import pandas
print(json.dumps([loaded, [array.null_count for array in arrays], pa.table({"a": [1]}).to_pandas()["a"].tolist()]))
"""


@pytest.mark.parametrize(("how", "loaded"), [("lean", False), ("plain", True)])
def test_spare_pandas__arrays_are_the_same_and_pandas_still_there(how, loaded):
    finished = subprocess.run([sys.executable, "-c", ARROW, how], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout) == [loaded, [1, 1, 1], [1]]


NUMBA = """
import json, sys
from mirscan.lean import keep_lean
if sys.argv[1] == "lean":
    keep_lean()
import mirscan as ms
mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
found = ms.find_candidates(ms.transcriptome_from_sequences(["T1"], ["GGCTACCTCAGG"]), mirnas)
loaded = "scipy" in sys.modules
import scipy.linalg
print(json.dumps([loaded, found.num_rows, float(scipy.linalg.det([[2.0]]))]))
"""


@pytest.mark.parametrize(("how", "loaded"), [("lean", False), ("plain", True)])
def test_kernels__run_without_scipy_which_is_still_there(how, loaded):
    finished = subprocess.run([sys.executable, "-c", NUMBA, how], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout) == [loaded, 1, 2.0]
