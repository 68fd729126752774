"""Signals of polyadenylation are found as strings find them, and a site behind one does less."""

import numpy as np
import pytest

from mirscan.genes.polyadenylation import SIGNALS, find_signals
from mirscan.genes.site_features import KINDS, Places, SiteFeatures
from mirscan.sequence.coding import CodingRegions
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences


def count_slowly(letters: str, start: int, end: int) -> float:
    return sum(SIGNALS.get(letters[place : place + 6], 0.0) for place in range(start, end))


def test_signals__equal_slices_of_strings():
    rng = np.random.default_rng(3)
    sequences = ["".join(rng.choice(list("ACGTN"), n, p=[0.5, 0.05, 0.05, 0.39, 0.01])) for n in (2000, 0, 5, 700)] + ["AATAAA"]
    packed = transcriptome_from_sequences([f"t{k}" for k in range(len(sequences))], sequences)
    signals = find_signals(packed)
    rows = [(0, 0, 2000), (0, 300, 900), (0, 900, 300), (0, 1999, 2000), (1, 0, 0), (2, 0, 5), (3, 10, 700), (4, 0, 1), (4, 1, 6)]
    expected = [count_slowly(sequences[transcript], start, end) for transcript, start, end in rows]
    assert signals.between(*np.array(rows).T) == pytest.approx(expected)
    assert len(signals.places) > 50 and expected[-2:] == [1.0, 0.0]


def test_polyadenylation__counts_signals_from_the_stop_codon_to_the_site():
    letters = "AATAAA" + "G" * 94 + "AATAAA" + "G" * 50 + "ATTAAA" + "G" * 100 + "AATAAA"
    packed = transcriptome_from_sequences(["t"], [letters])
    coding = CodingRegions(np.array([50]), np.array([100]), packed.lengths)
    features = SiteFeatures(packed, coding, mirnas_from_sequences(["m"], ["UGAGGUAGUAGGUUGUAUAGUU"]).codes, KINDS)
    places = Places(*(np.array(column) for column in ([0] * 3, [0] * 3, [100, 120, 200], [108, 128, 208], [0] * 3, [0.5] * 3)))
    assert features.compute(("polyadenylation",), places)["polyadenylation"] == pytest.approx(np.log1p([0, 1, 1.5]))
