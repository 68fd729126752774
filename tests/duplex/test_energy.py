import subprocess
import sys

import numpy as np
import pytest
import RNA
from hypothesis import given, settings
from hypothesis import strategies as st

from mirscan.duplex import align_duplexes, duplex_energies, perfect_energies
from mirscan.errors import InputError
from tests.duplex.witness import brackets, letters, padded, random_pairs, real_pairs, witness_energies

HUNDREDTH = 0.005


@pytest.mark.parametrize(
    ("n", "mirna_length", "target_length"),
    [(1500, 22, 50), (300, 28, 70), (400, 4, 9), (200, 32, 33), (60, 20, 300), (100, 1, 1), (100, 32, 2), (200, 3, 40)],
)
def test_energies__equal_duplexfold_on_random_pairs(n, mirna_length, target_length):
    mirnas, targets = random_pairs(n, mirna_length, target_length, seed=mirna_length)
    np.testing.assert_allclose(duplex_energies(mirnas, targets), witness_energies(mirnas, targets), atol=HUNDREDTH)


@settings(max_examples=150, deadline=None)
@given(st.text("ACGUN", min_size=1, max_size=26), st.text("ACGUN", min_size=1, max_size=60))
def test_energies__equal_duplexfold_on_hypothesis_pairs(mirna, target):
    mirnas, targets = padded([mirna]), padded([target])
    np.testing.assert_allclose(duplex_energies(mirnas, targets), witness_energies(mirnas, targets), atol=HUNDREDTH)


@pytest.mark.parametrize("letters_used", ["GC", "GU", "AU", "CGU"])
def test_energies__equal_duplexfold_where_many_structures_compete(letters_used):
    rng = np.random.default_rng(3)
    mirnas = padded(["".join(rng.choice(list(letters_used), 22)) for _ in range(200)])
    targets = padded(["".join(rng.choice(list(letters_used), 50)) for _ in range(200)])
    np.testing.assert_allclose(duplex_energies(mirnas, targets), witness_energies(mirnas, targets), atol=HUNDREDTH)


def test_energies__equal_stored_and_present_duplexfold_on_real_pairs():
    mirnas, targets, stored, perfect = real_pairs()
    energies = duplex_energies(mirnas, targets)
    np.testing.assert_allclose(energies, stored, atol=HUNDREDTH)
    np.testing.assert_allclose(energies, witness_energies(mirnas, targets), atol=HUNDREDTH)
    np.testing.assert_allclose(perfect_energies(mirnas), perfect, atol=HUNDREDTH)


def test_energies__longest_loops_are_30_bases():
    helix, partner = "GGCGCGG", "CCGCGCC"
    for unpaired in (29, 30, 31):
        mirnas, targets = padded([helix + "GCGGCGC"]), padded(["GCGCCGC" + "A" * unpaired + partner])
        np.testing.assert_allclose(duplex_energies(mirnas, targets), witness_energies(mirnas, targets), atol=HUNDREDTH)


def test_energies__padding_of_a_mirna_is_no_base():
    targets = padded(["CCAGACUAUACAACGUACUACCUCAUU"])
    short = duplex_energies(padded(["UGAGGUAGUAGGUUGU"]), targets)
    assert duplex_energies(padded(["UGAGGUAGUAGGUUGUNNNNNNNNNNNN"]), targets) == short
    assert duplex_energies(padded(["NUGAGGUAGUAGGUUGU"]), targets) == witness_energies(padded(["NUGAGGUAGUAGGUUGU"]), targets).astype("f4")


def test_energies__n_in_a_window_is_an_unknown_base_even_at_its_ends():
    mirnas, targets = padded(["UGAGGUAG"]), padded(["NCUACCUCAN"])
    np.testing.assert_allclose(duplex_energies(mirnas, targets), RNA.duplexfold("UGAGGUAG", "NCUACCUCAN").energy, atol=HUNDREDTH)


def test_energies__zero_where_no_pair_is_possible_but_positive_where_it_costs():
    mirnas, targets = padded(["AAAA", "NNNN", "ANNN"]), padded(["AACA", "ACGU", "GGUG"])
    energies, partners = align_duplexes(mirnas, targets)
    assert energies[:2].tolist() == [0, 0] and (partners[:2] == -1).all()
    assert energies[2] == np.float32(RNA.duplexfold("A", "GGUG").energy) > 0
    assert partners[2].tolist() == [2, -1, -1, -1]


def test_energies__do_not_depend_on_the_other_rows():
    mirnas, targets = random_pairs(200, 22, 50, seed=9)
    mirnas = mirnas[np.random.default_rng(0).integers(0, 20, 200)]
    energies, partners = align_duplexes(mirnas, targets)
    order = np.random.default_rng(1).permutation(200)
    shuffled_energies, shuffled_partners = align_duplexes(mirnas[order], targets[order])
    np.testing.assert_array_equal(shuffled_energies, energies[order])
    np.testing.assert_array_equal(shuffled_partners, partners[order])
    for row in range(0, 200, 20):
        assert duplex_energies(mirnas[row : row + 1], targets[row : row + 1]) == energies[row]


def test_energies__arrays_may_be_views_and_are_not_changed():
    mirnas, targets = random_pairs(40, 22, 50, seed=2)
    before = mirnas.copy(), targets.copy()
    views = mirnas[::2, :20], targets[::-2, 5:]
    np.testing.assert_array_equal(duplex_energies(*views), duplex_energies(*(view.copy() for view in views)))
    np.testing.assert_array_equal(mirnas, before[0])
    np.testing.assert_array_equal(targets, before[1])


def test_energies__nothing_in_nothing_out():
    nothing = np.zeros((0, 22), dtype=np.uint8)
    assert duplex_energies(nothing, np.zeros((0, 50), dtype=np.uint8)).shape == (0,)
    assert perfect_energies(nothing).shape == (0,)
    assert duplex_energies(np.zeros((3, 0), dtype=np.uint8), np.zeros((3, 50), dtype=np.uint8)).tolist() == [0, 0, 0]
    assert duplex_energies(np.zeros((3, 22), dtype=np.uint8), np.zeros((3, 0), dtype=np.uint8)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("mirnas", "targets", "message"),
    [
        (np.zeros((2, 22), dtype=np.uint8), np.zeros((3, 50), dtype=np.uint8), "2 miRNAs but 3 target windows"),
        (np.zeros((2, 22), dtype=np.int64), np.zeros((2, 50), dtype=np.uint8), "miRNAs: found int64"),
        (np.zeros((2, 22), dtype=np.uint8), np.zeros(50, dtype=np.uint8), r"target windows: found uint8 of shape \(50,\)"),
        (np.zeros((2, 22), dtype=np.uint8), np.full((2, 50), 7, dtype=np.uint8), "found code 7"),
        (np.zeros((2, 33), dtype=np.uint8), np.zeros((2, 50), dtype=np.uint8), "more than 32 bases"),
    ],
)
def test_energies__refuse_other_arrays(mirnas, targets, message):
    with pytest.raises(InputError, match=message):
        duplex_energies(mirnas, targets)


def test_perfect_energies__equal_duplexfold_with_the_complement():
    mirnas, _ = random_pairs(150, 24, 30, seed=5)
    mirnas = np.concatenate([mirnas, mirnas[:50]])
    expected = []
    for codes in mirnas:
        mirna = letters(codes).rstrip("N")
        expected.append(RNA.duplexfold(mirna, mirna[::-1].translate(str.maketrans("ACGU", "UGCA"))).energy)
    np.testing.assert_allclose(perfect_energies(mirnas), [e if e < 1000 else 0 for e in expected], atol=HUNDREDTH)


@pytest.mark.parametrize(("mirna_length", "target_length"), [(22, 50), (6, 12), (32, 80)])
def test_alignment__is_the_structure_duplexfold_reports(mirna_length, target_length):
    mirnas, targets = random_pairs(400, mirna_length, target_length, seed=target_length)
    _, partners = align_duplexes(mirnas, targets)
    for row in range(400):
        found = RNA.duplexfold(letters(mirnas[row]).rstrip("N") or "N", letters(targets[row]))
        if found.energy > 1000:
            assert (partners[row] == -1).all()
            continue
        expected = tuple(strand.strip(".") for strand in found.structure.split("&"))
        assert tuple(strand.strip(".") for strand in brackets(partners[row], target_length)) == expected, row
        last = np.flatnonzero(partners[row] >= 0)[-1]
        assert last in (found.i - 1, found.i - 2) and partners[row, last] in (found.j - 1, found.j)


def test_alignment__has_the_energy_that_is_reported():
    mirnas, targets, _, _ = real_pairs()
    energies, partners = align_duplexes(mirnas, targets)
    for row in range(len(mirnas)):
        mirna, target = letters(mirnas[row]).rstrip("N"), letters(targets[row])
        structure = "".join(brackets(partners[row, : len(mirna)], len(target)))
        evaluated = RNA.fold_compound(f"{mirna}&{target}").eval_structure(structure)
        assert energies[row] == pytest.approx(evaluated, abs=HUNDREDTH)


def test_alignment__pairs_run_antiparallel_and_are_allowed():
    mirnas, targets = random_pairs(300, 22, 50, seed=11)
    _, partners = align_duplexes(mirnas, targets)
    allowed = {"AU", "UA", "CG", "GC", "GU", "UG"}
    for row in range(300):
        paired = np.flatnonzero(partners[row] >= 0)
        assert (np.diff(partners[row, paired]) < 0).all()
        assert {letters(mirnas[row, [i]]) + letters(targets[row, [partners[row, i]]]) for i in paired} <= allowed


def test_duplex_energies__many_threads_may_be_the_first(tmp_path):
    """In a fresh process, whose tables are not built yet, threads that come at once get what one alone gets."""
    code = """
import threading
import numpy as np
from mirscan.duplex import duplex_energies
random = np.random.default_rng(1)
mirnas, targets = (random.integers(0, 4, (50, n), np.uint8) for n in (22, 50))
found, start = [None] * 8, threading.Barrier(8)
def fold(number):
    start.wait()
    found[number] = duplex_energies(mirnas, targets)
threads = [threading.Thread(target=fold, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
again = duplex_energies(mirnas, targets)
assert all((energies == again).all() for energies in found), found
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
