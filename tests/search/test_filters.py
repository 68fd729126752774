"""mask_start, regions and min_distance against plain Python on the unfiltered rows."""

import gzip

import pytest

from mirscan.errors import InputError
from mirscan.search.candidates import find_candidates
from mirscan.seeds.rules import BUILT_IN
from tests.search.sequences import build
from tests.search.test_features import random_case


def plain(table):
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.fixture(scope="module")
def case():
    return build(*random_case(9))


@pytest.mark.parametrize("mask", [1, 14, 10_000])
def test_mask_start__drops_sites_that_start_in_it(case, mask):
    rows = find_candidates(*case, seeds="relaxed").to_pylist()
    expected = [tuple(row.values()) for row in rows if row["start"] >= mask]
    assert plain(find_candidates(*case, seeds="relaxed", mask_start=mask)) == expected


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


def write_bed(tmp_path, text, name="regions.bed"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["regions.bed", "regions.bed.gz"])
def test_regions__site_lies_wholly_inside_joined_intervals(case, tmp_path, name):
    transcriptome = case[0]
    length = int(transcriptome.lengths[4])
    bed = f"# comment\ntrack name=x\nt4\t20\t60\tname\t0\t+\nt4\t5\t21\nt5\t0\t19\r\n\nt4\t{length - 9}\t{length}\n"
    inside = {4: [(5, 60), (length - 9, length)], 5: [(0, 19)]}
    rows = find_candidates(*case, seeds="relaxed").to_pylist()
    expected = [
        tuple(row.values())
        for row in rows
        if any(start <= row["start"] and row["end"] <= end for start, end in inside.get(int(row["transcript"][1:]), []))
    ]
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
