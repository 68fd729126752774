"""What the decorators promise: who says that it makes no arrays makes none, and one kind of argument is one kernel."""

import numpy as np
import pytest
from numba.core.errors import TypingError

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
