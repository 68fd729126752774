import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# one thread: networks this small gain nothing from more, and on a busy machine the threads wait for each other
for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")


@pytest.fixture
def codes():
    """Random miRNAs (6, 22) and windows (6, 50) with N among them, as codes."""
    random = np.random.default_rng(7)
    mirnas, targets = random.integers(0, 4, (6, 22)), random.integers(0, 4, (6, 50))
    mirnas[random.random(mirnas.shape) < 0.05] = 4
    targets[random.random(targets.shape) < 0.05] = 4
    mirnas[1, 18:] = 4
    targets[2, :9] = 4
    targets[3, 20:30] = (3 - mirnas[3, :10])[::-1].clip(0)
    return mirnas.astype(np.uint8), targets.astype(np.uint8)
