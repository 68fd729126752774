import numpy as np
import pyarrow as pa
import pytest

from mirscan.seeds.seed_class import SEED_CLASSES, best_seeds, usual_anchor
from mirscan.train.batches import EncodedPairs, draw_batch, encode_table, iter_predict_batches, plan_epochs, shift_windows
from mirscan.windows import WindowLayout, encode_pairs

LET7 = "TGAGGTAGTAGGTTGTATAGTT"


def test_shift_windows__equals_a_loop_over_rows():
    random = np.random.default_rng(0)
    codes, shifts = random.integers(0, 4, (200, 30)).astype(np.uint8), random.integers(-5, 6, 200)
    expected = np.full_like(codes, 4)
    for row, shift in enumerate(shifts):
        for place in range(30):
            if 0 <= place - shift < 30:
                expected[row, place] = codes[row, place - shift]
    np.testing.assert_array_equal(shift_windows(codes, shifts), expected)


def test_encode_table__equals_the_encoding_of_sequences_at_hand():
    table = pa.table({"mirna": [LET7, "ACGTACGT"], "target": ["ACGTN" * 10, "A" * 48], "label": pa.array([1.0, 0.0], pa.float32())})
    layout = WindowLayout(50, 30, 24)
    data = encode_table(table, layout)
    mirna_codes, target_codes = encode_pairs([LET7, "ACGTACGT"], ["ACGTN" * 10, "A" * 48], layout)
    np.testing.assert_array_equal(data.mirna_codes, mirna_codes)
    np.testing.assert_array_equal(data.target_codes, target_codes)
    assert data.labels.tolist() == [1, 0] and data.weights.tolist() == [1, 1]


def test_draw_batch__is_a_function_of_its_random_numbers():
    data = EncodedPairs(np.zeros((9, 20), np.uint8), np.arange(9 * 50, dtype=np.uint8).reshape(9, 50) % 4, np.zeros(9), np.ones(9))
    first, again = (draw_batch(data, np.arange(9), 3, np.random.default_rng(5))["target_codes"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != data.target_codes).any()
    np.testing.assert_array_equal(draw_batch(data, np.arange(9), 0, np.random.default_rng(5))["target_codes"], data.target_codes)


def test_draw_batch__each_row_moves_right_by_up_to_its_own_limit():
    codes = np.tile(np.arange(50, dtype=np.uint8) % 4, (400, 1))
    right_shift = np.repeat([0, 6], 200)
    data = EncodedPairs(np.zeros((400, 20), np.uint8), codes, np.zeros(400), np.ones(400), right_shift=right_shift)
    moved = draw_batch(data, np.arange(400), 0, np.random.default_rng(1))["target_codes"]
    shifts = (moved == 4).sum(1)
    assert set(shifts[:200]) == {0} and set(shifts[200:]) == set(range(7))
    np.testing.assert_array_equal(moved, shift_windows(codes, shifts))


def test_epoch_order__every_pair_once_and_each_epoch_anew():
    draw, weights = plan_epochs(np.arange(50, dtype=np.float32), 0.0, 0)
    assert sorted(draw.order(1, 0)) == list(range(50)) and (weights == np.arange(50)).all()
    assert (draw.order(1, 0) == draw.order(1, 0)).all()
    assert (draw.order(1, 0) != draw.order(1, 1)).any() and (draw.order(1, 0) != draw.order(2, 0)).any()
    assert len(set(plan_epochs(weights, 0.0, 20)[0].order(1, 0))) == 20


@pytest.mark.parametrize("sampling", [0.0, 0.5])
def test_epoch_order__what_is_drawn_for_its_difficulty_weighs_less(sampling):
    weights, difficulty = np.array([1, 1, 4], np.float32), np.array([1, 0.1, 0.1], np.float32)
    draw, left = plan_epochs(weights, sampling, 200_000, difficulty)
    counts = np.bincount(draw.order(3, 0), minlength=3)
    np.testing.assert_allclose(counts * left / (counts * left).sum(), weights / weights.sum(), atol=0.01)
    np.testing.assert_allclose(counts[0] / counts[1], 10, rtol=0.05)


@pytest.mark.parametrize("sampling", [0.5, 1.0])
def test_epoch_order__chance_times_weight_is_the_pairs_weight(sampling):
    weights = np.array([0, 1, 2, 5], np.float32) / 2
    draw, left = plan_epochs(weights, sampling, 200_000)
    counts = np.bincount(draw.order(3, 0), minlength=4)
    assert len(draw.order(3, 0)) == 200_000 and counts[0] == 0
    np.testing.assert_allclose(counts * left / (counts * left).sum(), weights / weights.sum(), atol=0.004)
    np.testing.assert_allclose((counts * left).sum() / counts.sum(), 1, atol=0.01)
    np.testing.assert_allclose(counts[3] / counts[2], 2.5**sampling, rtol=0.03)


def test_iter_predict_batches__one_size_and_every_row():
    data = EncodedPairs(np.arange(7)[:, None].repeat(8, 1), np.zeros((7, 50)), np.zeros(7), np.ones(7))
    batches = list(iter_predict_batches(data, 3))
    assert [len(inputs["mirna_codes"]) for _, inputs in batches] == [3, 3, 3]
    assert [inputs["mirna_codes"][: rows.stop - rows.start, 0].tolist() for rows, inputs in batches] == [[0, 1, 2], [3, 4, 5], [6]]


def window(core: str, start: int) -> str:
    return "G" * start + core + "G" * (50 - start - len(core))


def test_best_seeds__type_and_place_of_every_canonical_match():
    # let-7a: nt 2-8 GAGGTAG pair with CTACCTC; with the A opposite nt 1 CTACCTCA
    sites = [window("CTACCTCA", 20), window("CTACCTC", 20), window("TACCTCA", 21), window("TACCTC", 21), "G" * 50, "G" * 43 + "CTACCTC"]
    mirna_codes, target_codes = encode_pairs([LET7] * 6, sites, WindowLayout())
    classes, anchors = best_seeds(mirna_codes, target_codes)
    assert [SEED_CLASSES[c] for c in classes] == ["8mer", "7mer-m8", "7mer-A1", "6mer", "none", "7mer-m8"]
    assert anchors.tolist() == [27, 27, 27, 27, -1, 50]
    assert usual_anchor(mirna_codes, target_codes, 30) == 27
    assert usual_anchor(mirna_codes[4:5], target_codes[4:5], 30) == 30


def test_best_seeds__n_never_pairs_and_the_strongest_wins():
    sites = [window("CTACNTC", 20), window("TACCTC" + "GG" + "CTACCTCA", 10)]
    mirna_codes, target_codes = encode_pairs([LET7] * 2, sites, WindowLayout())
    classes, anchors = best_seeds(mirna_codes, target_codes)
    assert [SEED_CLASSES[c] for c in classes] == ["none", "8mer"] and anchors.tolist() == [-1, 25]
