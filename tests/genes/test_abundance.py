"""Words are counted as strings count them, and a miRNA has the sites that strings say."""

import numpy as np
import pytest

from mirscan.genes import abundance
from mirscan.genes.abundance import WORD, count_words, target_abundance
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences

LETTERS = "ACGT"
GUIDE = "TGAGGTAGTAGGTTGTATAGTT"


def number_of(word: str) -> int:
    return int("".join(str(LETTERS.index(letter)) for letter in word), 4)


def test_count_words__equals_slices_of_strings():
    rng = np.random.default_rng(1)
    sequences = ["".join(rng.choice(list("ACGTN"), 300, p=[0.24, 0.24, 0.24, 0.24, 0.04])) for _ in range(5)] + ["ACGT"]
    packed = transcriptome_from_sequences([f"t{k}" for k in range(6)], sequences)
    expected = np.zeros(4**WORD, int)
    for sequence in sequences:
        for start in range(len(sequence) - WORD + 1):
            if "N" not in sequence[start : start + WORD]:
                expected[number_of(sequence[start : start + WORD])] += 1
    assert count_words(packed.codes, packed.begin, packed.end).tolist() == expected.tolist()


def test_target_abundance__is_the_log_of_both_sites_of_7_nt(monkeypatch):
    counts = np.zeros(4**WORD, int)
    # let-7: 7mer-m8 CTACCTC, 7mer-A1 TACCTCA.
    counts[number_of("CTACCTC")], counts[number_of("TACCTCA")] = 30_000, 10_000
    monkeypatch.setattr(abundance, "_human_counts", lambda: counts)
    mirnas = mirnas_from_sequences(["let-7", "unknown"], [GUIDE, GUIDE.replace("GAGG", "GNGG")])
    assert target_abundance(mirnas.codes) == pytest.approx([1.0, 0.0])


def test_target_abundance__human_utrs_have_few_sites_with_cpg():
    mirnas = mirnas_from_sequences(["plain", "cpg"], ["TAAGGCACGCGGTGAATGCCAA", "ACCGCGCGTAGGTTGTATAGTT"])
    plain, cpg = target_abundance(mirnas.codes)
    assert cpg < plain - 0.5
