"""Circles: a scan of each record finds, once, what a linear scan of the record written three times finds in its middle copy."""

import random

import pyarrow as pa
import pytest

from mirscan.scoring import score_candidates
from mirscan.search.candidates import count_candidates, find_candidates
from mirscan.seeds.rules import GROUPS, read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import read_transcriptome, transcriptome_from_sequences
from tests.reference import find_sites, perfect_target
from tests.search.sequences import rows_of

FEATURES = ("local_au", "supplementary", "low_complexity")


def random_circles(seed):
    """(miRNAs, circles of 30 to 400 nt), each turned so that a site of a miRNA lies across its junction."""
    draw = random.Random(seed)
    letters = lambda n: "".join(draw.choice("ACGT") for _ in range(n))  # noqa: E731
    mirnas = [letters(22) for _ in range(4)]
    circles = []
    for length in (30, 47, 60, 130, 400):
        site = perfect_target(draw.choice(mirnas), 1, 9)
        circle, turn = site + letters(length - len(site)), draw.randrange(1, len(site))
        circles.append(circle[turn:] + circle[:turn])
    return mirnas, circles


def read_circles(folder, circles):
    fasta = folder / "circles.fa"
    fasta.write_text("".join(f">t{i}\n{circle}\n" for i, circle in enumerate(circles)))
    return read_transcriptome(fasta, circular=True)


def middle_copy(rows, circles):
    """Rows of the second of three copies, with places counted from its first letter."""
    kept = []
    for transcript, start, mirna, end, rule, anchor in rows:
        length = len(circles[transcript])
        if length <= start < 2 * length:
            kept.append((transcript, start - length, mirna, end - length, rule, anchor - length))
    return kept


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("seeds", ["canonical", "extended", "relaxed", "offset-9-mer-m7"])
def test_circle__every_site_once_also_across_the_junction(tmp_path, seed, seeds):
    mirnas, circles = random_circles(seed)
    found = find_candidates(read_circles(tmp_path, circles), mirnas_from_sequences([f"m{i}" for i in range(4)], mirnas), seeds)
    sites = find_sites(GROUPS.get(seeds, [seeds]), mirnas, [3 * circle for circle in circles])
    expected = middle_copy([(t, start, m, end, rule, anchor) for t, start, m, _, anchor, end, rule in sites], circles)
    assert rows_of(found) == expected
    assert any(end > len(circles[t]) for t, _, _, end, _, _ in expected)
    table = compile_seed_table(read_rules(seeds), mirnas_from_sequences([f"m{i}" for i in range(4)], mirnas))
    assert count_candidates(read_circles(tmp_path, circles), table) == len(expected)


@pytest.mark.parametrize("seed", range(2))
def test_circle__windows_scores_and_features_see_round_the_junction(tmp_path, seed):
    mirnas, circles = random_circles(seed)
    mirna_set = mirnas_from_sequences([f"m{i}" for i in range(4)], mirnas)
    transcriptome = read_circles(tmp_path, circles)
    # Windows and features reach past one copy of a short circle, but never past three.
    unrolled = transcriptome_from_sequences([f"t{i}" for i in range(len(circles))], [7 * circle for circle in circles])

    def rows(transcripts, copies_before):
        sites = score_candidates(find_candidates(transcripts, mirna_set, "extended", features=FEATURES), transcripts, mirna_set, "duplex")
        shifts = [copies_before * len(circles[int(name[1:])]) for name in sites["transcript"].to_pylist()]
        for name in ("start", "end", "anchor", "window_start", "window_end"):
            if name in sites.column_names:
                shifted = [place - shift for place, shift in zip(sites[name].to_pylist(), shifts, strict=True)]
                sites = sites.set_column(sites.column_names.index(name), name, pa.array(shifted))
        return [row for row in sites.to_pylist() if 0 <= row["start"] < len(circles[int(row["transcript"][1:])])]

    assert rows(transcriptome, 0) == rows(unrolled, 3)


def test_circle__taken_and_reopened_keeps_its_margin(tmp_path):
    _, circles = random_circles(0)
    transcriptome = read_circles(tmp_path, circles)
    taken = transcriptome.take([2, 0])
    assert taken.margin == transcriptome.margin == 128 and taken.lengths.tolist() == [60, 30]
    assert (taken.codes[taken.begin[0] - 128 : taken.end[0] + 128] == transcriptome.codes[transcriptome.begin[2] - 128 :][: 60 + 256]).all()
    assert (
        read_transcriptome(tmp_path / "circles.fa", folder=tmp_path / "packed", circular=True).begin.tolist()
        == transcriptome.begin.tolist()
    )
