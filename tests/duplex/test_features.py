import numpy as np
import pytest

from mirscan.duplex import DUPLEX_FEATURES, align_duplexes, duplex_energies, duplex_features, perfect_energies
from tests.duplex.witness import padded, random_pairs, real_pairs

LET_7 = "UGAGGUAGUAGGUUGUAUAGUU"


def feature(name: str, mirnas, targets) -> np.ndarray:
    return duplex_features(mirnas, targets)[:, DUPLEX_FEATURES.index(name)]


def one(name: str, mirna: str, target: str) -> float:
    return float(feature(name, padded([mirna]), padded([target]))[0])


def test_features__are_finite_float32_in_the_order_of_their_names():
    mirnas, targets = random_pairs(500, 22, 50, seed=1)
    features = duplex_features(mirnas, targets)
    assert features.shape == (500, len(DUPLEX_FEATURES)) and features.dtype == np.float32
    assert len(set(DUPLEX_FEATURES)) == len(DUPLEX_FEATURES)
    assert np.isfinite(features).all() and features.min() >= -1 and features.max() < 3


def test_features__energy_and_ratio_are_those_of_the_energy_functions():
    mirnas, targets, _, _ = real_pairs()
    energies, perfect = duplex_energies(mirnas, targets), perfect_energies(mirnas)
    np.testing.assert_allclose(feature("energy", mirnas, targets), -energies / 20, rtol=1e-6)
    np.testing.assert_allclose(feature("energy_ratio", mirnas, targets), energies / perfect, rtol=1e-6)


@pytest.mark.parametrize("target_length", [10, 24, 60])
def test_features__ratio_holds_when_perfect_duplexes_and_windows_differ_in_length(target_length):
    mirnas, targets = random_pairs(300, 24, target_length, seed=8)
    expected = np.maximum(duplex_energies(mirnas, targets) / np.minimum(perfect_energies(mirnas), -1), -1)
    np.testing.assert_allclose(feature("energy_ratio", mirnas, targets), expected, rtol=1e-6, atol=1e-6)


def test_features__of_a_perfect_duplex():
    values = dict(zip(DUPLEX_FEATURES, duplex_features(padded([LET_7]), padded(["AACUAUACAACCUACUACCUCA"]))[0].tolist(), strict=True))
    assert values["energy_ratio"] == values["seed_energy_ratio"] == values["seed_helix"] == values["supplementary_paired"] == 1
    assert values["longest_helix"] == pytest.approx(22 / 12)
    assert values["wobble_pairs"] == values["target_unpaired"] == 0


def test_features__seed_only_site():
    # nt 2-8 pair and nothing else can: the rest of the window is A opposite A, G and U that stay apart
    assert one("seed_helix", "UGGCGGCAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAGCCGCCAA") == pytest.approx(6 / 7)
    assert one("supplementary_paired", "UGGCGGCAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAGCCGCCAA") == 0


def test_features__seed_helix_ends_at_a_wobble_a_mismatch_or_a_bulge():
    assert one("seed_helix", LET_7, "AACUAUACAACCUACUACCUCA") == 1
    assert one("seed_helix", LET_7, "AACUAUACAACCUACUAUCUCA") == pytest.approx(3 / 7)
    assert one("seed_helix", LET_7, "AACUAUACAACCUACUAGCUCA") == pytest.approx(3 / 7)
    assert one("seed_helix", LET_7, "AACUAUACAACCUACUAGCCUCA") == pytest.approx(4 / 7)


def test_features__wobbles_and_unpaired_target_bases_are_counted():
    assert one("wobble_pairs", LET_7, "AACUAUACAACCUACUAUCUCA") == pytest.approx(1 / 5)
    assert one("target_unpaired", LET_7, "AACUAUACAACCAAAAAUACUACCUCA") == pytest.approx(5 / 15)


def test_features__seed_energy_ratio_tells_seed_pairing_from_three_prime_pairing():
    seed_only, three_prime_only = "AAAACAAAACAAAACUACCUCA", "AACUAUACAACCAAAAAAAAAA"
    assert one("seed_energy_ratio", LET_7, seed_only) > 0.8 > 0.5 > one("energy_ratio", LET_7, seed_only)
    assert one("seed_energy_ratio", LET_7, three_prime_only) < 0.4 < 0.45 < one("energy_ratio", LET_7, three_prime_only)


def test_features__seed_energy_ratio_of_nine_bases_is_the_energy_ratio():
    mirnas, targets, _, _ = real_pairs()
    mirnas[:, 9:] = 4
    np.testing.assert_array_equal(feature("seed_energy_ratio", mirnas, targets), feature("energy_ratio", mirnas, targets))


def test_features__supplementary_is_the_paired_fraction_of_nt_13_to_16():
    mirnas, targets = random_pairs(100, 22, 50, seed=4)
    _, partners = align_duplexes(mirnas, targets)
    np.testing.assert_allclose(feature("supplementary_paired", mirnas, targets), (partners[:, 12:16] >= 0).mean(axis=1))


def test_features__zero_where_nothing_pairs():
    assert (duplex_features(padded(["AAAAAAAA", "NNNNNNNN"]), padded(["CAGACAGA", "ACGUACGU"])) == 0).all()
    assert duplex_features(np.zeros((0, 22), np.uint8), np.zeros((0, 50), np.uint8)).shape == (0, len(DUPLEX_FEATURES))


def test_features__short_mirnas_have_no_supplementary_part():
    assert one("supplementary_paired", "UGAGGUAG", "CUACCUCA") == 0
    assert one("seed_helix", "UGAGGUAG", "CUACCUCA") == 1
