"""`--background`: shuffles of every transcript through the same path, and what p and q mean."""

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mirscan.genes.ranking import strength_of
from mirscan.genes.significance import levels_of, site_levels
from mirscan.run import read_status, resume
from mirscan.run.background import shuffle_transcripts
from mirscan.run.partition import open_context
from mirscan.search.candidates import find_candidates
from mirscan.sequence.coding import CodingRegions
from mirscan.sequence.transcriptome import read_transcriptome
from mirscan.store.names import background_counts, part_record
from tests.run.conftest import MIRNAS, write_fasta

CANONICAL = ["8mer", "7mer-m8", "7mer-A1", "6mer"]


@pytest.fixture(scope="module")
def scanned(runs, tmp_path_factory):
    """A run with a background, without a model."""
    out = tmp_path_factory.mktemp("background") / "out"
    runs.scan(out, background=30)
    return out


def letters(transcriptome, row):
    return transcriptome.codes[transcriptome.begin[row] : transcriptome.end[row]].tolist()


def dinucleotides(codes):
    return Counter(pairwise(codes))


def test_shuffles__have_the_dinucleotides_of_their_transcript_and_of_its_regions(runs):
    packed = read_transcriptome(runs.transcripts)
    third = packed.lengths // 3
    coding = CodingRegions(third, 2 * third, packed.lengths)
    rows, n = np.array([3, 0, 7]), 3
    shuffled = shuffle_transcripts(packed, rows, range(5, 7), 1, coding)
    assert len(shuffled) == 2 * n
    for place, row in enumerate([*rows, *rows]):
        own, other = letters(packed, row), letters(shuffled, place)
        cuts = [0, third[row], 2 * third[row], len(own)]
        assert own != other and dinucleotides(own) == dinucleotides(other)
        assert all(dinucleotides(own[a:b]) == dinucleotides(other[a:b]) for a, b in pairwise(cuts))
    assert letters(shuffled, 0) != letters(shuffled, n)
    # Whatever stands beside it, and in whatever rounds the draws come.
    assert letters(shuffle_transcripts(packed, rows[2:], range(6, 7), 1, coding), 0) == letters(shuffled, 5)
    assert letters(shuffle_transcripts(packed, rows[2:], range(6, 7), 2, coding), 0) != letters(shuffled, 5)


def test_shuffles__of_circles_have_the_dinucleotides_of_the_circle(tmp_path):
    rng = random.Random(1)
    circles = {f"c{n}": "".join(rng.choices("ACGT", k=n)) for n in (30, 200, 2)}
    packed = read_transcriptome(write_fasta(tmp_path / "circles.fa", circles), circular=True)
    shuffled = shuffle_transcripts(packed, np.arange(3), range(1), 1)
    for row in range(3):
        own, other = letters(packed, row), letters(shuffled, row)
        assert dinucleotides([*own, own[0]]) == dinucleotides([*other, other[0]])
        around = shuffled.codes[shuffled.begin[row] - shuffled.margin : shuffled.end[row] + shuffled.margin]
        assert around.tolist() == [other[place % len(other)] for place in range(-shuffled.margin, len(other) + shuffled.margin)]
    assert letters(packed, 1) != letters(shuffled, 1)


def slow_p(x, null, n_drawn):
    return (1 + sum(value >= x for value in null)) / (1 + n_drawn)


def slow_q(p_of, n_tests):
    """Benjamini and Hochberg as they write it: the greatest k with p(k) <= k q / m."""
    ranked = sorted(p_of)
    return {p: min([1.0, *(other * n_tests / sum(one <= other for one in ranked) for other in ranked if other >= p)]) for p in ranked}


def test_background__p_of_sites_counts_as_strong_ones_on_shuffles(runs, scanned):
    context = open_context(str(scanned))
    shuffled = shuffle_transcripts(context.transcriptome, np.arange(40), range(30), 1)
    drawn = find_candidates(shuffled, context.mirnas)
    sites = runs.sites(scanned)
    for name in list(MIRNAS)[:3]:
        null = [-CANONICAL.index(seed) for seed in drawn.filter(pc.equal(drawn["mirna"], name))["seed"].to_pylist()]
        found = sites.filter(pc.equal(sites["mirna"], name)).to_pylist()
        expected = [slow_p(-CANONICAL.index(row["seed"]), null, len(null)) for row in found]
        assert [row["p_value"] for row in found] == pytest.approx(expected, rel=1e-6)
        q = slow_q(expected, len(found))
        assert [row["q_value"] for row in found] == pytest.approx([q[p] for p in expected], rel=1e-6)


def test_background__p_of_pairs_counts_as_strong_ones_on_like_transcripts(scanned):
    context = open_context(str(scanned))
    strata = context.strata
    assert len(strata.sizes) == 1 and strata.sizes.sum() == 40
    background = pq.read_table(scanned / "background.parquet")
    genes = pq.read_table(scanned / "genes.parquet")
    for name in list(MIRNAS)[:3]:
        pairs = background.filter(pc.and_(pc.equal(background["mirna"], name), pc.is_null(background["seed"]))).to_pylist()
        null = [row["level"] for row in pairs for _ in range(row["n"])]
        rows = genes.filter(pc.equal(genes["mirna"], name))
        expected = [slow_p(level, null, 40 * 30) for level in levels_of(strength_of(rows)).tolist()]
        assert rows["p_value"].to_pylist() == pytest.approx(expected, rel=1e-6)
        q = slow_q([*expected, *[1.0] * (14 - len(expected))], 14)
        assert rows["q_value"].to_pylist() == pytest.approx([q[p] for p in expected], rel=1e-6)


def test_background__pairs_of_shuffles_are_those_of_a_scan_of_shuffles(runs, scanned, tmp_path):
    """Written as FASTA and scanned by a run of their own they give the same strengths."""
    from mirscan.sequence.alphabet import decode

    context = open_context(str(scanned))
    shuffled = shuffle_transcripts(context.transcriptome, np.arange(40), range(30), 1)
    records = {f"s{row}": decode(np.array(letters(shuffled, row), np.uint8)) for row in range(len(shuffled))}
    runs.scan(tmp_path / "out", transcripts=write_fasta(tmp_path / "shuffled.fa", records))
    genes = pq.read_table(tmp_path / "out" / "genes.parquet")
    expected = Counter(zip(genes["mirna"].to_pylist(), levels_of(strength_of(genes)).tolist(), strict=True))
    background = pq.read_table(scanned / "background.parquet")
    pairs = background.filter(pc.is_null(background["seed"])).to_pylist()
    assert Counter({(row["mirna"], row["level"]): row["n"] for row in pairs}) == expected


@pytest.mark.parametrize("settings", [{"model": "none"}, {"model": "duplex"}, {"model": "duplex", "seeds": "relaxed"}])
def test_background__p_is_uniform_where_transcripts_are_shuffles(runs, tmp_path, settings):
    """Random letters: a shuffle of them is one more draw of the same kind."""
    rng = random.Random(7)
    records = {f"r{number}": "".join(rng.choices("ACGT", (3, 2, 2, 3), k=rng.randrange(300, 2000))) for number in range(400)}
    out = tmp_path / "out"
    runs.scan(out, transcripts=write_fasta(tmp_path / "random.fa", records), part_rows=5000, background=40, **settings)
    genes, sites = pq.read_table(out / "genes.parquet"), runs.sites(out)
    assert len(open_context(str(out)).strata.sizes) == 4
    n_pairs = 400 * len(MIRNAS)
    for share in (0.01, 0.05):
        # Pairs without a site have p = 1, and so have more than one in twenty of every miRNA. A share of n varies by sqrt(share / n).
        assert pc.sum(pc.less_equal(genes["p_value"], share)).as_py() / n_pairs == pytest.approx(share, abs=4 * (share / n_pairs) ** 0.5)
        if settings["model"] == "duplex":
            found = pc.sum(pc.less_equal(sites["p_value"], share)).as_py() / len(sites)
            assert found == pytest.approx(share, abs=5 * (share / len(sites)) ** 0.5)
    # Nothing is true here: one miRNA in twenty has anything below .05.
    for table in (genes, sites):
        assert len(set(table.filter(pc.less_equal(table["q_value"], 0.05))["mirna"].to_pylist())) <= 2


def test_background__sites_below_the_least_score_are_tests_all_the_same(runs, tmp_path):
    """p of a strong site does not depend on which weak ones are kept, and its q counts them."""
    for name, least in (("all", 0.0), ("strong", 0.6)):
        runs.scan(tmp_path / name, model="duplex", background=3, min_score=least)
    every, strong = (runs.sites(tmp_path / name) for name in ("all", "strong"))
    kept = every.filter(pc.greater_equal(every["score"], 0.6))
    assert 20 < len(kept) < len(every) and kept["p_value"].equals(strong["p_value"])
    for name in MIRNAS:
        p = strong.filter(pc.equal(strong["mirna"], name))["p_value"].to_pylist()
        q = slow_q(p, pc.sum(pc.equal(every["mirna"], name)).as_py())
        found = strong.filter(pc.equal(strong["mirna"], name))["q_value"].to_pylist()
        assert found == pytest.approx([q[one] for one in p], rel=1e-5)


def results(runs, out):
    return {**runs.results(out), "background": (out / "background.parquet").read_bytes()}


def test_background__same_bytes_with_workers(runs, scanned, tmp_path):
    runs.scan(tmp_path / "out", background=30, workers=2)
    assert results(runs, tmp_path / "out") == results(runs, scanned)


class Killed(BaseException):
    """No exception that a run would take for a failure of its own."""


def test_background__killed_and_resumed_at_every_file(runs, scanned, tmp_path, monkeypatch):
    from mirscan.store import local

    moved, replace = [], local.os.replace
    with monkeypatch.context() as patch:
        patch.setattr(local.os, "replace", lambda source, target: (replace(source, target), moved.append(target)))
        runs.scan(tmp_path / "whole", background=30)
    # Parts of the background, parts of the scan, q-values of sites, ranks and tables, results.
    for moment in (5, 9, 20, 40, *(len(moved) - before for before in (60, 40, 25, 16, 8, 4, 2))):
        out, left = tmp_path / str(moment), iter(range(moment))
        with monkeypatch.context() as patch:
            publish = local.os.replace

            def deadly(source, target, left=left, publish=publish):
                if next(left, None) is None:
                    raise Killed
                publish(source, target)

            patch.setattr(local.os, "replace", deadly)
            with pytest.raises(Killed):
                runs.scan(out, background=30)
        runs.scan(out, background=30)
        assert results(runs, out) == results(runs, scanned), moment


def test_background__a_damaged_part_is_made_anew(runs, scanned, tmp_path):
    out = tmp_path / "out"
    runs.scan(out, background=30)
    assert read_status(out).n_background == read_status(out).n_background_done > 1
    (out / background_counts(0)).write_bytes(b"")
    (out / part_record(0)).unlink()
    assert read_status(out).n_done == read_status(out).n_parts - 1
    resume(out)
    assert results(runs, out) == results(runs, scanned)


def test_background__another_seed_gives_another_null_and_other_settings_another_run(runs, scanned, tmp_path):
    runs.scan(tmp_path / "other", background=30, background_seed=2)
    assert runs.results(tmp_path / "other").keys() == runs.results(scanned).keys()
    assert (tmp_path / "other" / "background.parquet").read_bytes() != (scanned / "background.parquet").read_bytes()


def test_levels__rise_with_what_they_stand_for():
    values = np.sort(np.abs(np.random.default_rng(1).normal(size=1000)).astype(np.float32) * 10.0 ** np.arange(-5, 5).repeat(100))
    levels = levels_of(values)
    assert (np.diff(levels) >= 0).all() and levels_of(np.array([0, np.nan, np.inf], np.float32)).tolist() == [0, 0, 3072]
    assert site_levels(np.array([np.nan, np.nan]), np.array([0, 3]), 4, False).tolist() == [4, 1]
