from collections import Counter
from itertools import pairwise, permutations

import numpy as np

from mirscan.sequence.alphabet import decode, encode
from mirscan.sequence.shuffle import shuffle_dinucleotides, shuffle_in_place


def shuffle(sequence, times, seed=1):
    codes = np.tile(encode(sequence), times)
    shuffled = shuffle_dinucleotides(codes, np.arange(times + 1) * len(sequence), seed)
    return [decode(row) for row in shuffled.reshape(times, len(sequence))]


def test_shuffle__dinucleotide_counts_are_those_of_the_sequence():
    random = np.random.default_rng(3)
    lengths = random.integers(0, 60, 300)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    codes = random.integers(0, 5, offsets[-1]).astype(np.uint8)
    shuffled = shuffle_dinucleotides(codes, offsets, seed=9)
    for first, last in pairwise(offsets.tolist()):
        assert Counter(pairwise(codes[first:last].tolist())) == Counter(pairwise(shuffled[first:last].tolist()))
        assert codes[first:last][:1].tolist() == shuffled[first:last][:1].tolist()
    assert (codes != shuffled).mean() > 0.5


def test_shuffle__every_possible_permutation_comes_equally_often():
    sequence, times = "ACAGATCA", 40_000
    wanted = Counter(pairwise(sequence))
    possible = {"".join(word) for word in permutations(sequence) if Counter(pairwise(word)) == wanted and word[0] == sequence[0]}
    found = Counter(shuffle(sequence, times))
    assert set(found) == possible and len(possible) > 4
    # The chi-square statistic has mean len - 1 and standard deviation sqrt(2 (len - 1)).
    expected = times / len(possible)
    chi_square = sum((found[word] - expected) ** 2 / expected for word in possible)
    assert chi_square < len(possible) - 1 + 5 * np.sqrt(2 * (len(possible) - 1))


def test_shuffle__seed_decides():
    assert shuffle("ACGTACGATCGATGCATGCA", 5, seed=4) == shuffle("ACGTACGATCGATGCATGCA", 5, seed=4)
    assert shuffle("ACGTACGATCGATGCATGCA", 5, seed=4) != shuffle("ACGTACGATCGATGCATGCA", 5, seed=5)


def test_shuffle_in_place__each_stretch_keeps_its_dinucleotides_and_the_rest_stays():
    random = np.random.default_rng(4)
    codes = random.choice(5, 4000, p=(0.3, 0.2, 0.2, 0.29, 0.01)).astype(np.uint8)
    bounds = np.array([[10, 10, 400, 900], [901, 1500, 1501, 2500]])
    shuffled = codes.copy()
    shuffle_in_place(shuffled, bounds, np.array([7, 8], np.uint32))
    for first, last in [*(pair for row in bounds.tolist() for pair in pairwise(row)), (10, 900), (901, 2500)]:
        assert Counter(pairwise(codes[first:last].tolist())) == Counter(pairwise(shuffled[first:last].tolist()))
    assert np.array_equal(np.delete(shuffled, np.r_[10:900, 901:2500]), np.delete(codes, np.r_[10:900, 901:2500]))
    assert (codes != shuffled)[10:2500].mean() > 0.5


def test_shuffle_in_place__a_record_comes_out_the_same_alone():
    codes = np.random.default_rng(5).integers(0, 4, 600).astype(np.uint8)
    together, alone = codes.copy(), codes.copy()
    shuffle_in_place(together, np.array([[0, 300], [300, 600]]), np.array([1, 2], np.uint32))
    shuffle_in_place(alone, np.array([[300, 600]]), np.array([2], np.uint32))
    assert np.array_equal(together[300:], alone[300:]) and not np.array_equal(together[:300], alone[:300])
