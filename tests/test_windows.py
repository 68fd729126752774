"""One encoding: the window a scan cuts out of a transcript is the window a pairs file spells out."""

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.sequence.alphabet import encode
from mirscan.sequence.transcriptome import transcriptome_from_sequences
from mirscan.windows import WindowLayout, encode_pairs, encode_rows, gather_windows, window_bounds

LAYOUT = WindowLayout(length=10, anchor=6, mirna_length=8)


def slow_window(sequence: str, anchor: int, layout: WindowLayout) -> str:
    padded = "N" * layout.length + sequence + "N" * 2 * layout.length
    first = anchor - layout.anchor + layout.length
    return padded[first : first + layout.length]


def test_gather_windows__equals_slicing_a_padded_string():
    generator = np.random.default_rng(1)
    sequences = ["".join(generator.choice(list("ACGTN"), size)) for size in (1, 5, 9, 10, 40, 200)]
    transcriptome = transcriptome_from_sequences([f"t{i}" for i in range(len(sequences))], sequences)
    for index, sequence in enumerate(sequences):
        anchors = np.arange(len(sequence) + 3)
        begin, end = np.full(len(anchors), transcriptome.begin[index]), np.full(len(anchors), transcriptome.end[index])
        windows = gather_windows(transcriptome.codes, begin, end, begin + anchors, LAYOUT)
        expected = np.stack([encode(slow_window(sequence, anchor, LAYOUT)) for anchor in anchors])
        np.testing.assert_array_equal(windows, expected)


def test_window_bounds__are_clipped_to_the_transcript():
    first, last = window_bounds(np.array([0, 6, 12]), 0, np.array([12, 12, 12]), LAYOUT)
    assert first.tolist() == [0, 0, 6]
    assert last.tolist() == [4, 10, 12]


def test_scan_and_pairs__give_equal_arrays():
    from mirscan.search.candidates import find_candidates
    from mirscan.sequence.mirnas import mirnas_from_sequences

    layout = WindowLayout()
    mirnas = mirnas_from_sequences(["let-7a"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    target = "ACGT" * 10 + "CTACCTCA" + "TTGCA" * 8
    transcriptome = transcriptome_from_sequences(["t"], [target])
    candidate = find_candidates(transcriptome, mirnas, seeds=("8mer",)).to_pylist()[0]
    begin, end = transcriptome.begin[:1], transcriptome.end[:1]
    scanned = gather_windows(transcriptome.codes, begin, end, begin + candidate["anchor"], layout)
    first = candidate["anchor"] - layout.anchor
    _, labelled = encode_pairs(["UGAGGUAGUAGGUUGUAUAGUU"], [target[first : first + 50]], layout)
    np.testing.assert_array_equal(scanned, labelled)


@pytest.mark.parametrize(
    ("sequence", "centred", "expected"),
    [("ACGT", False, "ACGTNN"), ("ACGT", True, "NACGTN"), ("AACGTTCC", True, "ACGTTC"), ("AACGTTCC", False, "AACGTT")],
)
def test_encode_rows__cut_and_pad(sequence, centred, expected):
    assert encode_rows([sequence, "acgu"], 6, centred)[0].tolist() == encode(expected).tolist()


def test_encode_pairs__bad_input():
    with pytest.raises(InputError, match="sequence 2: 'AC-GT'"):
        encode_pairs(["ACGUACGU"] * 2, ["ACGT", "AC-GT"], LAYOUT)
    with pytest.raises(InputError, match="1 miRNA and 2 targets"):
        encode_pairs(["ACGUACGU"], ["ACGT", "ACGT"], LAYOUT)
    with pytest.raises(InputError, match="0 <= anchor < length"):
        WindowLayout(length=10, anchor=10)
