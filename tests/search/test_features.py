"""Each feature against its definition on strings."""

import random
from collections import Counter

import pytest

from mirscan.errors import InputError
from mirscan.search.candidates import find_candidates
from tests.reference import PARTNER
from tests.search.sequences import build

FEATURES = ("local_au", "end_distance", "supplementary", "previous_distance", "low_complexity")


def local_au(transcript, row):
    upstream = 1 if row["anchor"] - row["start"] >= 7 else 2
    downstream = 2 if row["end"] > row["anchor"] else 1
    before, after = transcript[max(0, row["start"] - 30) : row["start"]][::-1], transcript[row["end"] : row["end"] + 30]
    weighted = [(base, 1 / (i + upstream)) for i, base in enumerate(before)] + [
        (base, 1 / (i + downstream)) for i, base in enumerate(after)
    ]
    total = sum(weight for _, weight in weighted)
    return sum(weight for base, weight in weighted if base in "AT") / total if total else 0


def supplementary(transcript, mirna, row):
    # The base opposite m1 may lie far past the last one.
    target = (transcript + "-" * 40)[max(0, row["start"] - 15) : max(0, row["anchor"] - 7)][::-1]
    query, best = mirna[8:], 0
    for offset in range(-60, 61):
        pairs = [(i, PARTNER[base] == target[i + offset]) for i, base in enumerate(query) if 0 <= i + offset < len(target)]
        run = []
        for i, paired in [*pairs, (None, False)]:
            run = [*run, i] if paired else []
            if len(run) >= 2:
                best = max(best, sum(1 if 13 <= i + 9 <= 16 else 0.5 for i in run) - max(0, (abs(offset) - 2) / 2))
    return best


def low_complexity(transcript, row):
    stretch = transcript[max(0, row["start"] - 28) : row["end"] + 28]
    triplets = [stretch[i : i + 3] for i in range(len(stretch) - 2) if "N" not in stretch[i : i + 3]]
    couples = sum(count * (count - 1) / 2 for count in Counter(triplets).values())
    return couples / (len(triplets) - 1) if len(triplets) > 1 else 0


def random_case(seed, lengths=(8, 24)):
    generator = random.Random(seed)
    mirnas = ["".join(generator.choices("ACGT", k=generator.randint(*lengths))) for _ in range(6)]
    transcripts = []
    for _ in range(12):
        pieces = []
        for _ in range(generator.randint(1, 8)):
            mirna = generator.choice(mirnas)
            site = "".join(PARTNER[base] for base in reversed(mirna))
            cut = generator.randint(0, len(site) - 7)
            pieces += [site[:cut], "".join(generator.choices("ACGTN", (5, 5, 5, 5, 1), k=generator.randint(0, 9))), site[cut:]]
        transcripts.append("".join(pieces))
    return mirnas, transcripts


@pytest.mark.parametrize("seeds", ["canonical", "relaxed"])
@pytest.mark.parametrize("seed", range(3))
def test_features__equal_definitions(seed, seeds):
    mirnas, transcripts = random_case(seed)
    rows = find_candidates(*build(mirnas, transcripts), seeds=seeds, features=FEATURES).to_pylist()
    assert len(rows) > 20
    last = {}
    for row in rows:
        transcript, mirna = transcripts[int(row["transcript"][1:])], mirnas[int(row["mirna"][1:])]
        key = row["transcript"], row["mirna"]
        assert row["local_au"] == pytest.approx(local_au(transcript, row), abs=1e-6)
        assert row["end_distance"] == min(row["start"], len(transcript) - row["end"])
        assert row["supplementary"] == pytest.approx(supplementary(transcript, mirna, row), abs=1e-6)
        assert row["previous_distance"] == (row["start"] - last[key] if key in last else -1)
        assert row["low_complexity"] == pytest.approx(low_complexity(transcript, row), abs=1e-6)
        last[key] = row["start"]


@pytest.mark.parametrize("paired", ["2-7", "9-14", "28-34"])
@pytest.mark.parametrize("seed", range(3))
def test_supplementary__of_the_longest_mirnas_and_wherever_the_seed_lies(seed, paired, tmp_path):
    (tmp_path / "far.toml").write_text(f'[far]\npaired = "{paired}"\n')
    mirnas, transcripts = random_case(seed, lengths=(35, 40))
    rows = find_candidates(*build(mirnas, transcripts), seeds=str(tmp_path / "far.toml"), features=["supplementary"]).to_pylist()
    assert len({row["supplementary"] for row in rows}) > 3
    for row in rows:
        transcript, mirna = transcripts[int(row["transcript"][1:])], mirnas[int(row["mirna"][1:])]
        assert row["supplementary"] == pytest.approx(supplementary(transcript, mirna, row), abs=1e-6)


def test_local_au__all_a_is_one_and_all_g_is_zero():
    site = "CTACCTCA"
    for flank, expected in (("A", 1.0), ("G", 0.0)):
        row = find_candidates(*build(["TGAGGTAGTAGG"], [flank * 40 + site + flank * 40]), features=["local_au"]).to_pylist()[0]
        assert row["seed"] == "8mer"
        assert row["local_au"] == pytest.approx(expected)


def test_local_au__site_without_flanks_is_zero():
    assert find_candidates(*build(["TGAGGTAG"], ["CTACCTCA"]), features=["local_au"])["local_au"].to_pylist() == [0.0]


def test_supplementary__perfect_pairing_of_nt_13_to_16():
    mirna = "TGAGGTAGGGGGACTGGGGGGG"
    # nt 13-16 (ACTG) pair, nt 9-12 and 17-22 (all G) meet A and do not.
    transcript = "AAAAAA" + "CAGT" + "AAAA" + "CTACCTCA"
    assert find_candidates(*build([mirna], [transcript]), features=["supplementary"])["supplementary"].to_pylist() == [4.0]


def test_low_complexity__repeat_stands_far_above_random_sequence():
    mirna, site = "TGAGGTAGTAGG", "CTACCTCA"
    flanks = "".join(random.Random(1).choices("ACGT", k=80))
    rows = find_candidates(*build([mirna], ["CA" * 20 + site + "CA" * 20, flanks[:40] + site + flanks[40:]]), features=["low_complexity"])
    repeat, plain = rows["low_complexity"].to_pylist()
    assert repeat > 10 and plain < 2


def test_features__unknown_name():
    with pytest.raises(InputError, match=r"feature 'au' is unknown; expected local_au, end_distance, supplementary, previous_distance"):
        find_candidates(*build(["TGAGGTAG"], ["CTACCTCA"]), features=["au"])


def test_features__columns_come_in_a_fixed_order():
    table = find_candidates(*build(["TGAGGTAG"], ["CTACCTCA"]), features=FEATURES[::-1])
    assert table.schema.names[-5:] == list(FEATURES)
