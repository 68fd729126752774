import json
from itertools import permutations

import numpy as np
import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import InputError
from mirscan.evaluation.metrics import auroc
from mirscan.evaluation.scan_sites import read_scan_sites
from mirscan.evaluation.scan_task import curve_lengths, evaluate_scan
from mirscan.evaluation.standing import stand
from mirscan.notices import Notices
from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import read_transcriptome
from tests.reference import one_of_overlapping

LETTERS = np.array(list("ACGT"))
HEADING = "mirna_seq\trefseq\tstart0\tend\tset"


def letters(random, n):
    return "".join(LETTERS[random.integers(0, 4, n)])


@pytest.fixture
def world(tmp_path):
    """(FASTA, sites): 5 miRNAs, 6 transcripts of 1,500 nt (none on the last), 30 sites of 50 nt, every other with an 8mer."""
    random = np.random.default_rng(11)
    mirnas = [letters(random, 22) for _ in range(5)]
    transcripts = [letters(random, 1500) for _ in range(6)]
    lines = [HEADING]
    for i in range(30):
        number, mirna, start = i % 5, mirnas[i // 5 % 5], 40 + 240 * (i // 5)
        if i % 2:
            word = mirna[1:8].translate(str.maketrans("ACGT", "TGCA"))[::-1] + "A"
            sequence = transcripts[number]
            transcripts[number] = sequence[: start + 20] + word + sequence[start + 28 :]
        lines.append(f"{mirna}\tt{number}\t{start}\t{start + 50}\t{'test' if i < 20 else 'train'}")
    fasta, sites = tmp_path / "mrna.fa", tmp_path / "sites.tsv"
    fasta.write_text("".join(f">t{i}\n{sequence}\n" for i, sequence in enumerate(transcripts)))
    sites.write_text("\n".join(lines) + "\n")
    return fasta, sites


def by_hand(world, seeds, **options):
    """(sites found by any candidate, candidates as rows with is_site), sites and candidates matched one by one."""
    sites = [line.split("\t") for line in world[1].read_text().splitlines()[1:]]
    mirnas = list(dict.fromkeys(site[0] for site in sites))
    rows = find_candidates(read_transcriptome(world[0]), mirnas_from_sequences(mirnas, mirnas), seeds, **options).to_pylist()
    rows = [row for row in rows if row["transcript"] != "t5"]
    found = set()
    for row in rows:
        middle = (row["start"] + row["end"]) // 2
        hits = {
            number
            for number, (mirna, transcript, start, end, _) in enumerate(sites)
            if mirna == row["mirna"] and transcript == row["transcript"] and int(start) <= middle < int(end)
        }
        row["is_site"] = bool(hits)
        found |= hits
    return found, rows


@pytest.mark.parametrize("all_types", [False, True])
@pytest.mark.parametrize("group", ["canonical", "relaxed"])
def test_evaluate_scan__candidates_recall_and_auroc_are_those_found_one_by_one(world, group, all_types):
    told = []
    evaluation = evaluate_scan(
        *world, models=["duplex"], sets=["canonical", "relaxed"], all_types=all_types, progress=lambda *counts: told.append(counts)
    )
    assert told[-1][0] == evaluation.candidates["relaxed"]
    found, rows = by_hand(world, group, all_types=all_types)
    assert evaluation.candidates[group] == len(rows) and evaluation.sites == 30 and evaluation.transcripts == 5
    scores = {score.name: score for score in evaluation.scores[group]}
    assert set(scores) == {"duplex", "seed type", "duplex energy", "random"}
    # The strongest of overlapping matches may be one whose middle lies just outside of a site.
    assert all(len(found) - 2 <= 30 * score.share <= len(found) + 1e-9 for score in scores.values())
    rules = [rule.rule for rule in evaluation.rules]
    listed = rows if all_types else one_of_overlapping(rows, lambda row: -rules.index(row["seed"]))
    assert all_types or group == "canonical" or len(listed) < len(rows)
    couples = 0.0
    total = 0
    for mirna in {row["mirna"] for row in rows}:
        own = [row for row in listed if row["mirna"] == mirna]
        labels = np.array([row["is_site"] for row in own])
        n = int(labels.sum() * (~labels).sum())
        couples, total = couples + n * auroc(labels, np.array([-rules.index(row["seed"]) for row in own])), total + n
    assert scores["seed type"].within_mirna == pytest.approx(couples / total)
    assert scores["seed type"].within_mirna_and_seed == pytest.approx(0.5)


def test_evaluate_scan__planted_sites_stand_first(world):
    evaluation = evaluate_scan(*world, models=["duplex"], sets=["canonical"])
    seed_type, random = (next(s for s in evaluation.scores["canonical"] if s.name == name) for name in ("seed type", "random"))
    _, rows = by_hand(world, "canonical")
    n_8mers = sum(row["seed"] == "8mer" for row in rows)
    # Every planted site holds one 8mer, so among the first ten are ten of the 8mers.
    assert seed_type.curve[10] == pytest.approx(10 / n_8mers * 15 / 30)
    assert random.curve[10] < seed_type.curve[10]
    rule = evaluation.rules[0]
    assert rule.rule == "8mer" and rule.candidates == n_8mers and rule.recall == pytest.approx(0.5)
    assert rule.per_10kb == pytest.approx(1e4 * n_8mers / (5 * 1500 * 5))


def test_evaluate_scan__more_mirnas_and_transcripts_are_more_candidates_and_the_same_sites(world, tmp_path):
    more = tmp_path / "more.fa"
    more.write_text(f">other\n{letters(np.random.default_rng(3), 22)}\n")
    small = evaluate_scan(*world, models=[], sets=["canonical"])
    large = evaluate_scan(*world, models=[], sets=["canonical"], mirnas=more, all_transcripts=True)
    assert (large.mirnas, large.transcripts) == (small.mirnas + 1, 6)
    assert large.candidates["canonical"] > small.candidates["canonical"]
    assert large.scores["canonical"][0].share == small.scores["canonical"][0].share


def test_evaluate_scan__a_set_without_candidates_has_no_numbers(tmp_path):
    (tmp_path / "t.fa").write_text(f">t\n{'C' * 20}ACGTACAGGG{'C' * 20}\n")
    # The word is opposite m3-m8 of the miRNA, so only an offset 6mer is there.
    (tmp_path / "s.tsv").write_text("mirna\ttranscript\tstart\tend\nTTCCTGTAAAAAAAAAAAAA\tt\t0\t50\n")
    evaluation = evaluate_scan(tmp_path / "t.fa", tmp_path / "s.tsv", models=[], sets=["canonical", "strict"])
    assert evaluation.candidates == {"canonical": 0, "strict": 1}
    assert [scores[0].share for scores in evaluation.scores.values()] == [0.0, 1.0]
    assert np.isnan(evaluation.scores["canonical"][0].within_mirna)


def test_evaluate_scan_command__prints_and_writes(world, tmp_path):
    out = tmp_path / "out"
    arguments = ["--transcripts", str(world[0]), "--sites", str(world[1]), "--model", "duplex", "--where", "set=test", "--out", str(out)]
    result = CliRunner().invoke(app, ["evaluate-scan", *arguments])
    assert result.exit_code == 0, result.output
    assert "20 known sites" in result.output and "relaxed" in result.output and "known sites with one" in result.output
    kept = json.loads((out / "scan-task.json").read_text())
    score = kept["scores"]["canonical"][0]
    assert score["name"] == "duplex" and score["curve"][str(kept["candidates"]["canonical"])] == score["share"]
    assert (out / "scan-task.png").stat().st_size > 1000


def test_curve_lengths__end_with_the_whole_list():
    assert curve_lengths(37).tolist() == [1, 2, 3, 5, 7, 10, 20, 30, 37]
    assert curve_lengths(10).tolist() == [1, 2, 3, 5, 7, 10]


def test_stand__shares_are_means_over_every_order_of_the_ties():
    scores, in_list = np.array([3.0, 2, 2, 2, 2, 1, 9]), np.array([1, 1, 1, 1, 1, 1, 0], bool)
    # Site 0: two of the four ties and the last; site 1: one tie; site 2: the first; site 3: only what is not in the list; site 4: nothing.
    candidate, site = np.array([1, 2, 5, 3, 0, 6]), np.array([0, 0, 0, 1, 2, 3])
    expected = np.zeros(6)
    orders = [(0, *middle, 5) for middle in permutations((1, 2, 3, 4))]
    for order in orders:
        for length in range(1, 7):
            expected[length - 1] += len(set(site[np.isin(candidate, order[:length])])) / 5 / len(orders)
    assert stand(scores, in_list, candidate, site, 5).shares(np.arange(1, 7)) == pytest.approx(expected)


def test_read_scan_sites__repeated_and_absent_sites_are_counted(world, tmp_path):
    lines = world[1].read_text().splitlines()
    path = tmp_path / "more.tsv"
    path.write_text("\n".join([*lines, lines[1], lines[2].replace("t1", "elsewhere")]) + "\n")
    notices = Notices()
    assert len(read_scan_sites(path, read_transcriptome(world[0]), notices=notices)) == 30
    assert [str(notice) for notice in notices] == [
        "1 site whose transcript was not given was left out (elsewhere)",
        "1 site is repeated; each counts once",
    ]


@pytest.mark.parametrize(
    ("line", "where", "message"),
    [
        ("ACGTACGTACGT\tt9\t1\t51\ttest", "", "none of 1 site is on the 6 transcripts given .first site: t9; first transcript: t0"),
        ("ACGTACGTACGT\tt0\tone\t51\ttest", "", "line 2: start is 'one'; expected a whole number"),
        ("ACGTACGTACGT\tt0\t1470\t1520\ttest", "", "line 2: site 1470-1520 on t0 of 1500 nt"),
        ("ACGTJCGTACGT\tt0\t1\t51\ttest", "", "line 2: .*letter 'J'"),
        ("ACGTACGTACGT\tt0\t1\t51\ttest", "set=odd", "no such row .* column set says test"),
        ("ACGTACGTACGT\tt0\t1\t51\ttest", "kind=odd", "no column 'kind'"),
    ],
)
def test_read_scan_sites__bad_input_is_one_line(world, tmp_path, line, where, message):
    path = tmp_path / "bad.tsv"
    path.write_text(f"{HEADING}\n{line}\n")
    with pytest.raises(InputError, match=message) as error:
        read_scan_sites(path, read_transcriptome(world[0]), where)
    assert "\n" not in str(error.value)


def test_read_scan_sites__missing_column_names_what_is_understood(world, tmp_path):
    path = tmp_path / "bad.tsv"
    path.write_text("mirna\ttranscript\tend\nACGTACGTACGT\tt0\t51\n")
    with pytest.raises(InputError, match="no column for start among mirna, transcript, end; understood: mirna: mirna_seq"):
        read_scan_sites(path, read_transcriptome(world[0]))


def test_evaluate_scan__unknown_group_names_the_known(world):
    with pytest.raises(InputError, match="set 'loose': unknown; expected one of canonical, strict, extended, relaxed"):
        evaluate_scan(*world, sets=["loose"])
