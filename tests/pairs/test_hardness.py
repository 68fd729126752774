"""Choice and labels by hardness against plain counting, and files that belong to other pairs."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from mirscan.errors import InputError
from mirscan.pairs.hardness import HardChoice, choose_by_hardness, hardness_of, labels_by_hardness, with_hardness, write_hardness
from mirscan.pairs.read import read_pairs

RANDOM = np.random.default_rng(1)


def pool(write_pairs, n=200):
    return read_pairs(write_pairs(n=n))


def test_hardness_of__one_minus_the_probability_of_the_true_class():
    assert hardness_of(np.array([1, 0]), np.array([0.8, 0.3])).tolist() == pytest.approx([0.2, 0.3])


def test_choose_by_hardness__positives_hard_ones_and_a_random_rest():
    labels = np.repeat([1, 0], [10, 990])
    hardness = np.concatenate([np.zeros(10), RANDOM.random(990) ** 8]).astype(np.float32)
    choice = HardChoice(ratio=30, above=0.3)
    rows, again = (choose_by_hardness(labels, hardness, choice, np.random.default_rng(seed)) for seed in (1, 2))
    hard = set(np.flatnonzero(hardness > 0.3))
    assert len(rows) == 310 == len(set(rows)) and set(range(10)) | hard <= set(rows) & set(again) and set(rows) != set(again)
    rest = [row for row in rows if row >= 10 and row not in hard]
    # The rest are a fair draw of the easy ones.
    easy = np.setdiff1d(np.arange(10, 1000), list(hard))
    assert abs(hardness[rest].mean() - hardness[easy].mean()) < 0.02


def test_choose_by_hardness__the_so_many_hardest_without_the_very_hardest():
    labels, hardness = np.repeat([1, 0], [5, 95]), np.concatenate([np.ones(5), np.arange(95) / 100]).astype(np.float32)
    rows = choose_by_hardness(labels, hardness, HardChoice(ratio=4, hardest=20, discard_above=0.9), np.random.default_rng(0))
    assert rows.tolist() == [*range(5), *range(76, 96)]


def test_choose_by_hardness__a_pool_without_enough_negatives():
    labels, hardness = np.repeat([1, 0], [10, 90]), np.full(100, 0.5, np.float32)
    with pytest.raises(InputError, match=r"200 negatives wanted \(20 for each of 10 positives\), the pool has 90"):
        choose_by_hardness(labels, hardness, HardChoice(), RANDOM)
    with pytest.raises(InputError, match=r"the pool has 0 of hardness up to 0\.4"):
        choose_by_hardness(labels, hardness, HardChoice(discard_above=0.4), RANDOM)


def test_labels_by_hardness__equal_the_published_rule():
    """Written as the published code has it: every border that a negative reaches overwrites the label before."""
    hardness = np.concatenate([np.linspace(0, 1, 101), [0.3, 0.7]]).astype(np.float32)
    labels = np.arange(len(hardness)) % 2
    for first, up_to in ((0.05, 1.0), (0.10, 1.0), (0.10, 0.5)):
        expected = []
        for label, value in zip(labels, hardness, strict=True):
            asked = 0.95
            if not label:
                for number in range(round(up_to * 10)):
                    if round(float(value), 6) >= round(number * 0.1, 6):
                        asked = first + number * 0.05
            expected.append(asked)
        np.testing.assert_allclose(labels_by_hardness(labels, hardness, HardChoice(first_label=first, up_to=up_to)), expected, atol=1e-6)


def test_hardness_file__mean_spread_histogram_and_examples(write_pairs, tmp_path):
    table = pool(write_pairs)
    one, two = RANDOM.random(200).astype(np.float32), RANDOM.random(200).astype(np.float32)
    path = tmp_path / "h.parquet"
    write_hardness(path, table, {"a": one, "b": two}, {"kind": "committee"})
    read = pa.parquet.read_table(path)
    np.testing.assert_allclose(read["hardness"].to_numpy(), (one + two) / 2, atol=1e-6)
    np.testing.assert_allclose(read["spread"].to_numpy(), abs(one - two) / 2, atol=1e-6)
    assert read["target"].equals(table["target"])
    summary = json.loads((tmp_path / "h.json").read_text())
    positive = table["label"].to_numpy() == 1
    assert sum(summary["positives"]["histogram"]) == positive.sum() and summary["kind"] == "committee"
    hardest = int(np.flatnonzero(positive)[((one + two) / 2)[positive].argmax()])
    assert summary["positives"]["hardest"][0]["target"] == table["target"][hardest].as_py()
    np.testing.assert_array_equal(with_hardness(table, path)["hardness"], read["hardness"])


def test_with_hardness__another_pool_or_another_file(write_pairs, tmp_path):
    table = pool(write_pairs)
    path = tmp_path / "h.parquet"
    write_hardness(path, table, {"a": np.zeros(200, np.float32)}, {})
    for other in (table.slice(1), table.take(pa.array(np.arange(200)[::-1])), pool(write_pairs, 201)):
        with pytest.raises(InputError, match=r"measured on 200 pairs with checksum \w+, but the pool has \d+ with"):
            with_hardness(other, path)
    with pytest.raises(InputError, match="no such file; make it with mirscan hardness"):
        with_hardness(table, tmp_path / "nothing.parquet")
    pa.parquet.write_table(table, tmp_path / "pairs.parquet")
    with pytest.raises(InputError, match="not a file of hardness"):
        with_hardness(table, tmp_path / "pairs.parquet")
    (tmp_path / "text.parquet").write_text("hardness")
    with pytest.raises(InputError, match="not a file of hardness"):
        with_hardness(table, tmp_path / "text.parquet")
