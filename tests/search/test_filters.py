"""mask_start, regions, min_distance and overlaps against plain Python on the unfiltered rows."""

import gzip

import numpy as np
import pytest

from mirscan.errors import InputError
from mirscan.search.candidates import find_candidates
from mirscan.search.filters import keep_strongest
from mirscan.seeds.rules import BUILT_IN
from mirscan.sequence.alphabet import decode
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences
from tests.reference import one_of_overlapping
from tests.search.sequences import build
from tests.search.test_features import random_case


def plain(table):
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.fixture(scope="module")
def case():
    return build(*random_case(9))


def hidden_outside(case, intervals):
    """The transcripts with N for every letter outside `intervals` (transcript name -> [(start, end)])."""
    transcriptome = case[0]
    names, sequences = transcriptome.names.to_pylist(), []
    for name, begin, end in zip(names, transcriptome.begin, transcriptome.end, strict=True):
        letters = decode(transcriptome.codes[begin:end])
        shown = ["N"] * len(letters)
        for start, stop in intervals.get(name, []):
            shown[start:stop] = letters[start:stop]
        sequences.append("".join(shown))
    return transcriptome_from_sequences(names, sequences)


@pytest.mark.parametrize("mask", [1, 14, 10_000])
def test_mask_start__is_a_scan_of_transcripts_that_begin_with_n(case, mask):
    shown = {name: [(mask, length)] for name, length in zip(case[0].names.to_pylist(), case[0].lengths.tolist(), strict=True)}
    expected = plain(find_candidates(hidden_outside(case, shown), *case[1:], seeds="relaxed"))
    assert plain(find_candidates(*case, seeds="relaxed", mask_start=mask)) == expected
    for first in range(0, len(case[0]), 2):
        part = find_candidates(*case, seeds="relaxed", mask_start=mask, first=first, last=first + 1)
        assert plain(part) == [row for row in expected if row[0] == case[0].names[first].as_py()]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (12, (12, 20, "8mer")),
        (13, (13, 20, "7mer-A1")),
        (14, None),
    ],
)
def test_mask_start__what_is_left_of_a_match_counts(mask, expected):
    # The 8mer CTACCTCA at 12: its nt-8 pair at 12, its core at 13.
    transcriptome = transcriptome_from_sequences(["t"], ["G" * 12 + "CTACCTCA" + "G" * 20])
    mirnas = mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    found = find_candidates(transcriptome, mirnas, mask_start=mask).to_pylist()
    assert [(row["start"], row["end"], row["seed"]) for row in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(12, 20, "8mer"), (13, 20, "7mer-A1"), (12, 19, "7mer-m8"), (13, 19, "6mer"), (14, 20, None), (12, 18, None)],
)
def test_regions__what_is_left_of_a_match_counts(tmp_path, start, end, expected):
    transcriptome = transcriptome_from_sequences(["t"], ["G" * 12 + "CTACCTCA" + "G" * 20])
    mirnas = mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    found = find_candidates(transcriptome, mirnas, regions=write_bed(tmp_path, f"t\t{start}\t{end}\n"), features=["local_au"])
    assert found["seed"].to_pylist() == ([expected] if expected else [])
    if expected == "8mer":
        # Features see what is hidden: as without regions.
        assert found["local_au"] == find_candidates(transcriptome, mirnas, features=["local_au"])["local_au"]


@pytest.mark.parametrize("distance", [1, 7, 40])
def test_min_distance__the_stronger_wins_then_the_more_5_prime(case, distance):
    rows = find_candidates(*case, seeds="relaxed").to_pylist()
    strength = list(BUILT_IN)
    kept = []
    for row in sorted(rows, key=lambda row: strength.index(row["seed"])):
        near = [
            k
            for k in kept
            if (k["transcript"], k["mirna"]) == (row["transcript"], row["mirna"]) and abs(k["start"] - row["start"]) < distance
        ]
        kept += [] if near else [row]
    filtered = find_candidates(*case, seeds="relaxed", min_distance=distance).to_pylist()
    assert len(filtered) < len(rows)
    assert filtered == [row for row in rows if row in kept]


def test_min_distance__features_see_only_what_is_kept(case):
    rows = find_candidates(*case, seeds="relaxed", min_distance=7, features=["previous_distance"])
    distances = rows["previous_distance"].to_pylist()
    assert min(d for d in distances if d >= 0) >= 7


@pytest.mark.parametrize("levels", [1, 5, 10_000])
def test_keep_strongest__is_the_slow_definition(case, levels):
    # Few levels are many ties, which go to the stronger rule, then to the more 5' match.
    rows = find_candidates(*case, seeds="relaxed").to_pylist()
    strength, rules = np.random.default_rng(levels).integers(0, levels, len(rows)).astype(np.float32), list(BUILT_IN)
    names = {kind: sorted({row[kind] for row in rows}) for kind in ("transcript", "mirna")}
    columns = [np.array([names[kind].index(row[kind]) for row in rows]) for kind in names]
    columns += [np.array([row[end] for row in rows]) for end in ("start", "end")]
    seed = np.array([rules.index(row["seed"]) for row in rows])
    kept = keep_strongest(*columns, seed, strength, rules)
    value = {id(row): strength[number] - 1e-3 * seed[number] for number, row in enumerate(rows)}
    expected = one_of_overlapping(rows, lambda row: value[id(row)])
    assert [row for row, keep in zip(rows, kept, strict=True) if keep] == expected
    assert (seed < 4).sum() < len(expected) < len(rows)


def write_bed(tmp_path, text, name="regions.bed"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["regions.bed", "regions.bed.gz"])
def test_regions__is_a_scan_of_transcripts_with_n_elsewhere(case, tmp_path, name):
    length = int(case[0].lengths[4])
    bed = f"# comment\ntrack name=x\nt4\t20\t60\tname\t0\t+\nt4\t5\t21\nt5\t0\t19\r\n\nt4\t{length - 9}\t{length}\n"
    shown = {"t4": [(5, 60), (length - 9, length)], "t5": [(0, 19)]}
    expected = plain(find_candidates(hidden_outside(case, shown), *case[1:], seeds="relaxed"))
    assert expected
    for batch_rows in (1, 7, 1 << 20):
        assert plain(find_candidates(*case, seeds="relaxed", regions=write_bed(tmp_path, bed, name), batch_rows=batch_rows)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t1\t5\n", r"line 1: found 't1\\t5'; expected transcript, start and end"),
        ("t1\t0\t9\nt1\tfive\t9\n", r"line 2: found .*expected transcript, start and end"),
        ("t1\t0\t9\nchr1\t0\t9\n", r"line 2: transcript 'chr1' is not among the transcripts scanned"),
        ("t1\t9\t9\n", r"line 1: interval 9-9 on 't1' of \d+ nt; expected start < end within it"),
        ("t1\t0\t99999\n", r"line 1: interval 0-99999 on 't1' of \d+ nt"),
        ("# nothing\n", r"regions.bed: no intervals in it"),
    ],
)
def test_regions__bad_line(case, tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        find_candidates(*case, regions=write_bed(tmp_path, text))


def test_regions__missing_file(case, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.bed"):
        find_candidates(*case, regions=tmp_path / "nowhere.bed")


@pytest.mark.parametrize("name", ["track1", "browser_1", "track", "browser"])
def test_regions__transcript_called_like_a_header_line(tmp_path, name):
    transcriptome = transcriptome_from_sequences([name], ["CTACCTCA"])
    mirnas = mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    bed = write_bed(tmp_path, f"track name=x\nbrowser position chr1\n{name}\t0\t8\n")
    assert find_candidates(transcriptome, mirnas, regions=bed)["seed"].to_pylist() == ["8mer"]
