import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mirscan.scoring.distinct import find_distinct


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(arrays(np.uint8, (n, 3), elements=st.integers(0, 1)), arrays(np.uint8, (n, 4), elements=st.integers(0, 1)))
    )
)
def test_find_distinct__gives_the_pairs_that_numpy_finds(pair):
    mirnas, targets = pair
    distinct = find_distinct(mirnas, targets)
    joined = np.hstack([mirnas, targets])
    assert len(distinct.rows) == len(np.unique(joined, axis=0))
    np.testing.assert_array_equal(joined[distinct.rows[distinct.pair_of]], joined)
    np.testing.assert_array_equal(mirnas[distinct.mirnas[distinct.mirna_of]], mirnas[distinct.rows])


def test_find_distinct__groups_pairs_by_mirna(pairs):
    distinct = find_distinct(*pairs)
    assert len(distinct.mirnas) == 40
    assert (np.diff(distinct.mirna_of) >= 0).all()
    assert len(distinct.rows) <= 400


def test_find_distinct__equal_windows_of_two_mirnas_stay_two_pairs():
    mirnas = np.array([[0, 1], [0, 2], [0, 1]], np.uint8)
    targets = np.zeros((3, 5), np.uint8)
    distinct = find_distinct(mirnas, targets)
    assert len(distinct.rows) == 2
    assert distinct.pair_of[0] == distinct.pair_of[2] != distinct.pair_of[1]
