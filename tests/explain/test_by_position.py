"""Mutation effects: of a scorer whose answer is known by heart, and of a shipped network on real bound sites."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from mirscan.errors import InputError
from mirscan.explain.by_position import PositionEffects, explain_by_position
from mirscan.explain.mutagenesis import letter_effects, mutation_effects
from mirscan.explain.pictures import write_effects
from mirscan.sequence.alphabet import N


@dataclass(frozen=True)
class Card:
    name: str = "sum"
    architecture: str = "sum"


class SumOfPairs:
    """Log odds: 2 for an A at miRNA position 3, 1 for a C at target place 5."""

    card = Card()

    def outputs(self, mirna_codes, target_codes):
        log_odds = 2.0 * (mirna_codes[:, 2] == 0) + 1.0 * (target_codes[:, 5] == 1)
        return (1 / (1 + np.exp(-log_odds))).astype(np.float32)


def test_mutation_effects__are_the_change_of_the_log_odds():
    mirna_codes, target_codes = np.zeros((4, 10), np.uint8), np.ones((4, 20), np.uint8)
    mirna_codes[1, 2] = 3
    mirna_codes[:, 8:] = N
    mirna, target = mutation_effects(SumOfPairs(), mirna_codes, target_codes)
    # A base that is A loses 2 whatever replaces it; a U becomes A in one of three mutations.
    np.testing.assert_allclose(mirna[:, 2], [-2, 2 / 3, -2, -2], atol=1e-4)
    np.testing.assert_allclose(target[:, 5], -1, atol=1e-4)
    assert np.isnan(mirna[:, 8:]).all()
    np.testing.assert_allclose(np.delete(mirna[:, :8], 2, axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(np.delete(target, 5, axis=1), 0, atol=1e-4)


@pytest.mark.parametrize("model", ["fast", "duplex"])
def test_explain__seed_positions_carry_the_most(model, write_pairs, tmp_path):
    effects = explain_by_position(model, write_pairs(n=120), max_pairs=40, threads=1)
    assert effects.mirna.shape[0] == 40
    means = {(row["side"], row["position"]): row["mean"] for row in effects.table().to_pylist()}
    for side in ("mirna", "target"):
        seed = np.mean([means[side, position] for position in range(2, 9)])
        rest = np.mean([means[side, position] for position in range(9, 20)])
        assert seed < 2 * rest < 0 or (rest >= 0 > seed)
    table, letters, boxes, picture = write_effects(effects, tmp_path / "out")
    assert pa.csv.read_csv(table, parse_options=pa.csv.ParseOptions(delimiter="\t")).num_rows == effects.table().num_rows
    assert pa.csv.read_csv(letters, parse_options=pa.csv.ParseOptions(delimiter="\t")).num_rows == effects.letter_table().num_rows
    assert boxes.read_bytes().startswith(b"\x89PNG") and picture.read_bytes().startswith(b"\x89PNG")


def test_explain__file_without_positives(write_pairs):
    with pytest.raises(InputError, match="0 positive pairs in 30; expected at least 5"):
        explain_by_position("fast", write_pairs(rows=[(m, t, 0) for m, t, _ in write_pairs.rows(30, 5, 0)]))


def test_position_effects__too_few_values_make_no_row():
    mirna = np.full((6, 3, 4), np.nan, np.float32)
    mirna[:, 0, 1], mirna[:4, 1, 2] = -1, -1
    effects = PositionEffects("m", "mutagenesis", mirna, np.full((0, 38, 4), np.nan))
    assert [(row["side"], row["position"], row["pairs"], row["mean"]) for row in effects.table().to_pylist()] == [("mirna", 1, 6, -1.0)]
    assert [(row["position"], row["letter"], row["mean"]) for row in effects.letter_table().to_pylist()] == [(1, "C", -1.0)]


def test_letter_effects__name_the_letter():
    mirna_codes, target_codes = np.zeros((1, 10), np.uint8), np.ones((1, 20), np.uint8)
    mirna, target = letter_effects(SumOfPairs(), mirna_codes, target_codes)
    # The A at miRNA position 3 is lost whatever comes; a letter that is there already is no mutation.
    np.testing.assert_allclose(mirna[0, 2], [np.nan, -2, -2, -2], atol=1e-4)
    np.testing.assert_allclose(target[0, 5], [-1, np.nan, -1, -1], atol=1e-4)
