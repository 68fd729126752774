import gzip
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from mirscan.errors import InputError, RunError
from mirscan.pairs.known_sites import find_known_sites, occupy
from mirscan.pairs.negatives import NegativeSettings, write_negatives
from mirscan.pairs.positives import read_positives
from mirscan.pairs.read import read_pairs
from mirscan.pairs.scan_negatives import ScanDraw
from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import read_transcriptome

LETTERS = np.array(list("ACGT"))


def letters(random, n):
    return "".join(LETTERS[random.integers(0, 4, n)])


@pytest.fixture
def world(tmp_path):
    """(pairs, FASTA): 40 positives of 8 miRNAs cut out of 10 transcripts of 2,000 nt, clusters by transcript."""
    random = np.random.default_rng(7)
    mirnas, transcripts = [letters(random, 22) for _ in range(8)], [letters(random, 2000) for _ in range(10)]
    rows = ["mirna\ttarget\tlabel\tcluster"]
    for i in range(40):
        start = int(random.integers(0, 1950))
        rows.append(f"{mirnas[i % 8]}\t{transcripts[i % 10][start : start + 50]}\t1\t{i % 10}")
    pairs, fasta = tmp_path / "positives.tsv", tmp_path / "mrna.fa"
    pairs.write_text("\n".join(rows) + "\n")
    fasta.write_text("".join(f">t{i}\n{sequence}\n" for i, sequence in enumerate(transcripts)))
    return pairs, fasta


def made(world, tmp_path, kind, name="out.parquet", **settings):
    pairs, fasta = world
    needs = ("same-transcript", "random-window", "scan")
    settings = NegativeSettings(kind, transcripts=(str(fasta),) if kind in needs else (), **settings)
    written = write_negatives(pairs, settings, tmp_path / name)
    table = pq.read_table(tmp_path / name).to_pylist()
    assert written.negatives == sum(row["label"] == 0 for row in table)
    return [row for row in table if row["label"] == 1], [row for row in table if row["label"] == 0]


def test_other_mirna__ratio_holds_and_no_family_binds_the_site(world, tmp_path):
    positives, negatives = made(world, tmp_path, "other-mirna", ratio=3)
    assert len(positives) == 40 and len(negatives) == 120
    assert len({(row["mirna"], row["target"]) for row in negatives}) == 120
    family_of_site = {(row["target"], row["family"]) for row in positives}
    assert not any((row["target"], row["family"]) in family_of_site for row in negatives)


def test_other_cluster__each_mirna_is_as_often_negative_and_no_cluster_is_its_own(world, tmp_path):
    positives, negatives = made(world, tmp_path, "other-cluster", ratio=2)
    counts = [sorted(row["mirna"] for row in rows) for rows in (positives * 2, negatives)]
    assert counts[0] == counts[1]
    cluster = {row["target"]: row["cluster"] for row in read_pairs(world[0]).to_pylist()}
    bound = {(row["mirna"], cluster[row["target"]]) for row in positives}
    # Clusters are renamed one to one, so that a split by cluster keeps them together.
    renamed = {(cluster[row["target"]], row["cluster"]) for row in positives + negatives}
    assert len(renamed) == len({old for old, _ in renamed}) == len({new for _, new in renamed}) == 10
    assert not any((row["mirna"], cluster[row["target"]]) in bound for row in negatives)


@pytest.mark.parametrize("seed_match", ["any", "with", "without"])
def test_same_transcript__windows_lie_where_they_say_away_from_sites(world, tmp_path, seed_match):
    positives, negatives = made(world, tmp_path, "same-transcript", ratio=2, seed_match=seed_match, allow_fewer=True)
    transcripts = read_transcriptome(world[1])
    text = {name: "".join(line) for name, line in _fasta(world[1]).items()}
    assert transcripts.names.to_pylist() == list(text) and len(negatives) > 20
    sites = [(name, sequence.find(row["target"])) for row in positives for name, sequence in text.items() if row["target"] in sequence]
    for row in negatives:
        assert text[row["transcript"]][row["start"] : row["start"] + 50] == row["target"]
        assert all(name != row["transcript"] or abs(start - row["start"]) >= 50 for name, start in sites)
        word = row["mirna"][1:7].translate(str.maketrans("ACGT", "TGCA"))[::-1]
        assert seed_match == "any" or (word in row["target"]) == (seed_match == "with")


def test_random_window__anywhere_with_any_mirna_but_away_from_sites_of_the_family(world, tmp_path):
    positives, negatives = made(world, tmp_path, "random-window", ratio=50)
    text = _fasta(world[1])
    sites = [(name, text[name].find(row["target"]), row["family"]) for row in positives for name in text if row["target"] in text[name]]
    assert len(negatives) == 2000 and len({row["mirna"] for row in negatives}) == 8
    assert len({row["transcript"] for row in negatives}) == 10
    for row in negatives:
        assert text[row["transcript"]][row["start"] : row["start"] + 50] == row["target"]
        assert not any(t == row["transcript"] and f == row["family"] and abs(s - row["start"]) < 50 for t, s, f in sites)
    assert all(row["cluster"] == row["transcript"] for row in negatives)
    starts = np.array([row["start"] for row in negatives])
    assert starts.min() < 100 and starts.max() > 1850 and abs(starts.mean() - 975) < 60


def test_random_window__thinned_windows_still_stand_for_the_transcriptome(world, tmp_path):
    """The weight of windows with a 6mer among all is what unthinned draws give; mirna draws follow the positives."""

    def has_seed(row):
        return row["mirna"][1:7].translate(str.maketrans("ACGT", "TGCA"))[::-1] in row["target"]

    _, plain = made(world, tmp_path, "random-window", ratio=200)
    positives, thinned = made(world, tmp_path, "random-window", ratio=200, seedless=0.1, scan=ScanDraw(strata="mirna"))
    assert len(thinned) == 8000 and {row["weight"] for row in plain} == {1.0}
    assert {(has_seed(row), row["weight"]) for row in thinned} == {(True, 1.0), (False, 10.0)}
    seeded = sum(row["weight"] for row in thinned if has_seed(row)) / sum(row["weight"] for row in thinned)
    expected = sum(map(has_seed, plain)) / len(plain)
    assert abs(seeded - expected) < 0.3 * expected
    of_positives, drawn = Counter(row["mirna"] for row in positives), Counter(row["mirna"] for row in thinned)
    assert all(abs(drawn[mirna] / 8000 - n / len(positives)) < 0.03 for mirna, n in of_positives.items())


def test_shuffled__letters_stay_and_sites_differ(world, tmp_path):
    positives, negatives = made(world, tmp_path, "shuffled", ratio=2)
    composition = {(row["mirna"], "".join(sorted(row["target"]))) for row in positives}
    assert len(negatives) == 80
    assert {(row["mirna"], "".join(sorted(row["target"]))) for row in negatives} == composition
    assert not {row["target"] for row in negatives} & {row["target"] for row in positives}


def reference_candidates(world, seeds="canonical"):
    """(transcript, start of the window, miRNA, rule) of all candidates that overlap no site of the family (nt 2-8)."""
    pairs, text = read_pairs(world[0]).to_pylist(), _fasta(world[1])
    mirnas = list(dict.fromkeys(row["mirna"] for row in pairs))
    found = find_candidates(read_transcriptome(world[1]), mirnas_from_sequences(mirnas, mirnas), seeds).to_pylist()
    sites = [(name, text[name].find(r["target"]), r["mirna"][1:8]) for r in pairs for name in text if r["target"] in text[name]]
    kept = set()
    for row in found:
        start = row["anchor"] - 34
        if not any(t == row["transcript"] and f == row["mirna"][1:8] and abs(s - start) < 50 for t, s, f in sites):
            kept.add((row["transcript"], start, row["mirna"], row["seed"]))
    return kept, len(found)


def test_scan__drawn_candidates_are_those_of_a_scan_away_from_known_sites(world, tmp_path):
    free, n_all = reference_candidates(world)
    assert 40 < len(free) < n_all
    _, negatives = made(world, tmp_path, "scan", ratio=1)
    drawn = {(row["transcript"], row["start"], row["mirna"], row["seed"]) for row in negatives}
    assert len(drawn) == 40 and drawn <= free
    text = _fasta(world[1])
    for row in negatives:
        padded = "N" * 50 + text[row["transcript"]] + "N" * 50
        assert row["target"] == padded[50 + row["start"] : 100 + row["start"]]


def test_scan__the_whole_of_what_there_is_can_be_drawn_and_not_one_more(world, tmp_path, monkeypatch):
    monkeypatch.setattr("mirscan.pairs.scan_negatives._ROWS", 7)
    free, _ = reference_candidates(world)
    ratio = len(free) // 40
    _, negatives = made(world, tmp_path, "scan", ratio=ratio)
    assert len({(row["transcript"], row["start"], row["mirna"], row["seed"]) for row in negatives}) == 40 * ratio
    with pytest.raises(InputError, match=f"only {len(free)} candidates"):
        made(world, tmp_path, "scan", ratio=ratio + 1)
    assert list(tmp_path.glob("writing.*")) == []


def test_scan__a_site_at_the_end_of_one_transcript_frees_the_start_of_the_next(tmp_path):
    random = np.random.default_rng(1)
    mirna = letters(random, 22)
    match = mirna[1:8].translate(str.maketrans("ACGT", "TGCA"))[::-1]
    first, second = letters(random, 300), match + letters(random, 300)
    pairs, fasta = tmp_path / "p.tsv", tmp_path / "t.fa"
    pairs.write_text(f"mirna\ttarget\n{mirna}\t{first[250:]}\n")
    fasta.write_text(f">a\n{first}\n>b\n{second}\n")
    free, _ = reference_candidates((_labelled(pairs), fasta))
    assert ("b", 7 - 34, mirna) in {row[:3] for row in free}
    _, negatives = made((pairs, fasta), tmp_path, "scan", ratio=len(free))
    assert {(row["transcript"], row["start"], row["mirna"], row["seed"]) for row in negatives} == free


def test_scan__anywhere_spreads_the_seed_over_the_window(world, tmp_path):
    _, negatives = made(world, tmp_path, "scan", ratio=1, scan=ScanDraw(placement="anywhere"))
    places = {row["target"].find(row["mirna"][1:7].translate(str.maketrans("ACGT", "TGCA"))[::-1]) for row in negatives}
    assert min(places) >= 0 and len(places) > 15


def test_scan__strata_set_the_shares(world, tmp_path):
    draw = ScanDraw(seeds="relaxed", strata="seed")
    _, negatives = made(world, tmp_path, "scan", ratio=2, scan=draw)
    free, _ = reference_candidates(world, "relaxed")
    there = {rule: sum(row[3] == rule for row in free) for rule in {row[3] for row in free}}
    counts = {rule: sum(row["seed"] == rule for row in negatives) for rule in there}
    assert sum(counts.values()) == 80
    # Rules that are rarer than an equal share give all they have.
    assert all(counts[rule] == there[rule] or counts[rule] >= 80 // len(there) for rule in there)
    positives, negatives = made(world, tmp_path, "scan", ratio=1, scan=ScanDraw(seeds="relaxed", strata="mirna"))
    assert sorted(row["mirna"] for row in positives) == sorted(row["mirna"] for row in negatives)


def test_write_negatives__same_seed_same_bytes_and_the_file_is_read_as_pairs(world, tmp_path):
    for name, seed in (("a.tsv.gz", 1), ("b.tsv.gz", 1), ("c.tsv.gz", 2)):
        write_negatives(world[0], NegativeSettings("other-mirna", seed=seed), tmp_path / name)
    first, second, other = ((tmp_path / name).read_bytes() for name in ("a.tsv.gz", "b.tsv.gz", "c.tsv.gz"))
    assert first == second != other
    assert gzip.decompress(first).startswith(b"mirna\ttarget\tlabel")
    assert read_pairs(tmp_path / "a.tsv.gz")["label"].to_pylist() == [1.0] * 40 + [0.0] * 40


def test_write_negatives__a_file_without_labels_holds_positives(world, tmp_path):
    unlabelled = tmp_path / "sites.tsv"
    unlabelled.write_text("".join(line.rsplit("\t", 2)[0] + "\n" for line in world[0].read_text().splitlines()))
    assert write_negatives(unlabelled, NegativeSettings("shuffled"), tmp_path / "out.tsv").positives == 40


@pytest.mark.parametrize(
    ("kind", "rows", "message"),
    [
        ("other-mirna", ["ACGTACGTACGT\tACGTACGTACGTAAGG\t1"], "1 negative wanted .* there are 0; expected positives of more than one"),
        ("shuffled", ["ACGTACGTACGT\tAAAAAAAAAAAAAAAA\t1"], "1 negative wanted .* there are 0"),
        ("shuffled", ["ACGTACGTACGT\tACGTACGTACGTAAGG\t0"], "none of 1 pair is a positive"),
        ("random-window", ["ACGTACGTACGT\t{first}\t1"], "1 negative wanted .* there are 0"),
        ("scan", ["ACGTACGTACGT\tACGTACGTACGTAAGGACGT\t1"], "none of the 1 site is on its 10 transcripts"),
        ("other-cluster", ["ACGTACGTACGT\tACGTACGTACGTAAGG\t1", "CCCCACGTACGT\tTTGTACGTACGTAAGG\t1"], "4 negatives .* there are 2; lower"),
    ],
)
def test_write_negatives__what_cannot_be_made_is_one_line_and_no_file(world, tmp_path, kind, rows, message):
    path = tmp_path / "bad.tsv"
    path.write_text("\n".join(["mirna\ttarget\tlabel", *rows]).format(first=_fasta(world[1])["t0"]) + "\n")
    if kind == "random-window":
        world[1].write_text(f">t0\n{_fasta(world[1])['t0']}\n")
    with pytest.raises(InputError, match=message) as error:
        made((path, world[1]), tmp_path, kind, ratio=2 if kind == "other-cluster" else 1)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.parquet").exists()


def test_write_negatives__a_folder_in_the_way_is_one_line(world, tmp_path):
    (tmp_path / "taken.tsv").mkdir()
    with pytest.raises(RunError, match=r"taken\.tsv: is a directory"):
        write_negatives(world[0], NegativeSettings("shuffled"), tmp_path / "taken.tsv")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "odd"}, "kind 'odd': unknown; expected one of other-mirna"),
        ({"kind": "shuffled", "ratio": 1001}, "ratio 1001: expected 1 to 1,000"),
        ({"kind": "scan"}, "give them with --transcripts"),
        ({"kind": "shuffled", "scan": ScanDraw(strata="rank")}, "strata 'rank'"),
    ],
)
def test_negative_settings__wrong_ones_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        NegativeSettings(**settings)


def test_known_sites__every_place_of_every_positive(world, tmp_path):
    positives, text = read_positives(world[0]), _fasta(world[1])
    transcripts = read_transcriptome(world[1])
    known = find_known_sites(positives, transcripts)
    found = {(int(row), int(begin), int(end)) for row, begin, end in zip(known.row, known.begin, known.end, strict=True)}
    expected = set()
    for row, site in enumerate(positives.sites.take(positives.site).to_pylist()):
        for number, sequence in enumerate(text.values()):
            if site in sequence:
                begin = int(transcripts.begin[number]) + sequence.index(site)
                expected.add((row, begin, begin + 50))
    assert found == expected and len(found) == 40


def test_occupied__overlap_is_a_base_or_more_of_the_same_group():
    random = np.random.default_rng(2)
    group, begin = random.integers(0, 3, 30), random.integers(0, 400, 30)
    end = begin + random.integers(1, 60, 30)
    asked, first = random.integers(0, 3, 500), random.integers(0, 450, 500)
    expected = [
        any(g == a and b < f + 10 and e > f for g, b, e in zip(group, begin, end, strict=True)) for a, f in zip(asked, first, strict=True)
    ]
    assert occupy(group, begin, end, 3).overlaps(asked, first, first + 10).tolist() == expected


def _labelled(path):
    """A copy of an unlabelled file with a column of ones, for `read_pairs`."""
    copy = path.with_name("labelled.tsv")
    copy.write_text("".join(f"{line}\t{'1' if i else 'label'}\n" for i, line in enumerate(path.read_text().splitlines())))
    return copy


def _fasta(path):
    records = [record.split("\n", 1) for record in path.read_text().split(">")[1:]]
    return {name: sequence.replace("\n", "") for name, sequence in records}
