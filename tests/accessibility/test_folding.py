"""Unpaired probabilities against every structure a short sequence can have; blocks and circles against whole sequences."""

import random
import sys

import numpy as np
import pytest
import RNA

from mirscan.accessibility import folding, site_accessibility, sites
from mirscan.accessibility.folding import SEED, SITE, STEPS, fold
from mirscan.errors import InputError
from mirscan.sequence.transcriptome import read_transcriptome, transcriptome_from_sequences

PAIRS = {"AU", "UA", "GC", "CG", "GU", "UG"}
# kcal/mol at 37 C.
KT = 0.61632


def random_sequence(n: int, seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGU", k=n))


def structures(sequence: str) -> list[str]:
    """Every structure in brackets whose hairpins have at least three bases."""
    if len(sequence) < 5:
        return ["." * len(sequence)]
    found = ["." + rest for rest in structures(sequence[1:])]
    for partner in range(4, len(sequence)):
        if sequence[0] + sequence[partner] in PAIRS:
            found += [f"({inner}){rest}" for inner in structures(sequence[1:partner]) for rest in structures(sequence[partner + 1 :])]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_fold__of_a_short_sequence_is_the_share_of_all_its_structures(seed):
    sequence = random_sequence(9, seed) + "AAAA" + random_sequence(9, seed + 10)
    whole = structures(sequence)
    weights = np.exp([-RNA.fold_compound(sequence).eval_structure(structure) / KT for structure in whole])
    profile = fold(sequence, 0, len(sequence), len(sequence)) / STEPS
    for row, width in enumerate((SEED, SITE)):
        for end in range(width - 1, len(sequence)):
            is_open = [structure[end + 1 - width : end + 1] == "." * width for structure in whole]
            # Partition functions smooth the energies of dangling ends a little.
            assert 10 ** profile[row, end] == pytest.approx(weights[is_open].sum() / weights.sum(), rel=0.03)


def test_accessibility__stretches_are_those_opposite_nt_2_to_8_and_1_to_15():
    sequence = random_sequence(300, 3)
    table = np.log10(np.maximum(RNA.pfl_fold_up(sequence, 15, 80, 40), 1e-32))[1:, 1:]
    found = site_accessibility(transcriptome_from_sequences(["t"], [sequence]), np.array([0, 0]), np.array([100, 204]))
    # The base opposite nt 1 is the last of fifteen, the one before it the last of seven.
    np.testing.assert_allclose(found, [[table[99, 6], table[203, 6]], [table[100, 14], table[204, 14]]], atol=0.5 / STEPS + 1e-6)


def test_accessibility__stretches_do_not_leave_the_transcript():
    packed = transcriptome_from_sequences(["t", "short"], [random_sequence(100, 4), random_sequence(9, 5)])
    transcript = np.array([0, 0, 0, 0, 1, 1])
    found = site_accessibility(packed, transcript, np.array([100, 99, 8, 14, 9, 8]))
    assert found[1, 0] == found[1, 1] and found[1, 2] == found[1, 3] and found[1, 4] == found[1, 5]
    assert np.all(found <= 0)


def test_accessibility__blocks_change_no_bit(monkeypatch):
    packed = transcriptome_from_sequences(["t"], [random_sequence(900, 6)])
    transcript, anchor = np.zeros(886, np.int32), np.arange(14, 900)
    monkeypatch.setattr(sites, "kept", lambda described, make: make())
    whole = site_accessibility(packed, transcript, anchor)
    monkeypatch.setattr(sites, "BLOCK", 100)
    assert np.array_equal(site_accessibility(packed, transcript, anchor), whole)


def test_accessibility__of_a_circle_is_that_of_the_middle_of_three_copies(tmp_path):
    sequence = random_sequence(180, 7)
    (tmp_path / "circle.fa").write_text(f">c\n{sequence}\n")
    circle = read_transcriptome(tmp_path / "circle.fa", circular=True)
    copies = transcriptome_from_sequences(["t"], [sequence * 3])
    transcript, anchor = np.zeros(180, np.int32), np.arange(180)
    assert np.array_equal(site_accessibility(circle, transcript, anchor), site_accessibility(copies, transcript, anchor + 180))


def test_vienna__is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(InputError, match=r"^--features accessibility needs ViennaRNA; .*`pip install 'mirscan\[accessibility\]'`$"):
        folding.vienna()
