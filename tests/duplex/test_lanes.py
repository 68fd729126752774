import numpy as np

from mirscan.duplex.lanes import LANES, add, choose_less, fill, load, minimum, read, store, write
from mirscan.jit import njit


@njit
def _combine(left, right, out):
    a, b = load(left, 1), load(right, 0)
    store(out, 0, add(a, b))
    store(out, LANES, minimum(a, b))
    store(out, 2 * LANES, choose_less(a, b, fill(np.int16(-7)), b))
    write(out, 3 * LANES, np.int16(read(left, 5) + 1))


def test_lanes__do_what_numpy_does():
    rng = np.random.default_rng(0)
    left, right = (rng.integers(-15000, 15000, LANES + 1).astype(np.int16) for _ in range(2))
    out = np.zeros(3 * LANES + 1, dtype=np.int16)
    _combine(left.ctypes.data, right.ctypes.data, out.ctypes.data)
    a, b = left[1:], right[:LANES]
    np.testing.assert_array_equal(out[:-1].reshape(3, LANES), [a + b, np.minimum(a, b), np.where(a < b, -7, b)])
    assert out[-1] == left[5] + 1
