"""The model `affinity`: published values of known sites, and an occupancy that follows the ladder of site types."""

import numpy as np

from mirscan.scoring import load_scorer, score_pairs
from mirscan.trained_models import read_card

LET_7 = "UGAGGUAGUAGGUUGUAUAGUU"


def log_kd(mirnas, sites):
    occupancy = score_pairs(mirnas, sites, load_scorer("affinity", precision="float32")).astype(np.float64)
    return -np.log(occupancy / (1 - occupancy)) - 5.5


def test_affinity__falls_from_8mer_to_no_site():
    # 8mer, 7mer-m8, 7mer-A1, 6mer, none
    values = log_kd([LET_7] * 5, ["TTCTACCTCATT", "TTCTACCTCGTT", "TTGTACCTCATT", "TTGTACCTCGTT", "TTGCGCGCGCTT"])
    assert list(values) == sorted(values)
    assert values[0] < -4 and values[-1] > -1.5


def test_affinity__flanks_of_a_and_u_bind_tighter():
    au, gc = log_kd([LET_7] * 2, ["AACTACCTCAAA", "GGCTACCTCAGG"])
    assert au < gc - 0.5


def test_affinity__card_says_what_was_held_out():
    held_out = read_card("models/affinity").metrics["held_out_mirnas"]
    assert held_out["mirnas"] == 250 and held_out["r2"] > 0.95 and held_out["r2_of_12mers_never_seen"] > 0.95
