import random

import pytest

import mirscan.scoring
from mirscan.errors import InputError
from mirscan.run import estimate, estimate_scan
from mirscan.run.settings import make_settings
from mirscan.search.candidates import find_candidates
from mirscan.sequence.mirnas import mirnas_from_sequences
from mirscan.sequence.transcriptome import transcriptome_from_sequences


def random_sequence(n: int) -> str:
    return "".join(random.Random(7).choices("ACGT", k=n))


@pytest.fixture(autouse=True)
def measure_briefly(monkeypatch):
    monkeypatch.setattr(estimate, "MEASURE_SECONDS", 0.01)


def test_estimate__counts_are_those_of_the_run_and_nothing_is_written(runs, golden):
    before = sorted(runs.folder.iterdir())
    lines = estimate_scan(runs.mirnas, runs.transcripts, model="none")
    assert lines[0] == f"40 transcripts, {runs.scan(golden).n_bases:,} bases x 7 miRNAs: {runs.scan(golden).n_candidates:,} candidate sites"
    assert any(line.startswith("cheaper: --seeds 8mer,7mer-m8,7mer-A1 leaves") for line in lines)
    assert not any("windows/s" in line for line in lines)
    assert sorted(runs.folder.iterdir()) == before


def test_estimate__scores_are_measured_here(runs):
    lines = estimate_scan(runs.mirnas, [runs.transcripts], model="duplex", seeds="8mer", regions=None)
    assert any("windows/s of one core measured now" in line for line in lines)
    assert not any(line.startswith("cheaper: --seeds") for line in lines)


def test_estimate__a_sample_holds_as_many_windows_a_mirna_as_a_scan_scores_at_once():
    sequence = random_sequence(200_000)
    transcriptome = transcriptome_from_sequences(["t"], [sequence])
    mirnas = mirnas_from_sequences([f"m{i}" for i in range(320)], [sequence[500 * i : 500 * i + 22] for i in range(320)])
    found, some = estimate._sample(make_settings("m.fa", "u.fa", seeds="6mer"), transcriptome, mirnas)
    # Every tenth, so that 32 are left.
    assert some.names == mirnas.names[::10]
    assert len(found) == len(find_candidates(transcriptome, some, seeds="6mer")) > 100


def test_estimate__with_a_prefilter_both_stages_are_measured(runs, monkeypatch):
    loaded = []
    load_scorer = mirscan.scoring.load_scorer
    monkeypatch.setattr(mirscan.scoring, "load_scorer", lambda *names, **options: loaded.append(options) or load_scorer("duplex"))
    estimate_scan(runs.mirnas, runs.transcripts, model="base", prefilter=True)
    assert loaded[0]["prefilter"].endswith("fast")


def test_estimate__regions_are_told(runs, tmp_path):
    (tmp_path / "regions.bed").write_text("tx3\t100\t300\n")
    lines = estimate_scan(runs.mirnas, runs.transcripts, model="none", regions=str(tmp_path / "regions.bed"))
    assert lines[-1].startswith("--regions keeps 200 of ")


def test_estimate__no_candidate_at_all(runs, tmp_path):
    (tmp_path / "utr.fa").write_text(">tx\nNNNN\n")
    assert "0 candidate sites" in estimate_scan(runs.mirnas, tmp_path / "utr.fa", model="duplex")[0]


def test_estimate__bad_input_is_refused_as_by_scan(runs):
    with pytest.raises(InputError, match=r"nowhere\.fa"):
        estimate_scan("nowhere.fa", runs.transcripts)


def test_estimate_cost__of_scores_is_shared_by_all_cores():
    transcriptome = transcriptome_from_sequences(["t"], [random_sequence(10_000)])
    plain, scored = (
        estimate.estimate_cost(make_settings("m.fa", "u.fa", model=model), transcriptome, 1_000_000, rate)
        for model, rate in (("none", None), ("base", 1_000.0))
    )
    assert scored.shared - plain.shared == pytest.approx(1_000)
    assert scored.on(1) == pytest.approx(scored.seconds)
    assert scored.alone < scored.on(4) < scored.on(2) < scored.on(1)
    assert scored.bytes > plain.bytes > 1_000_000 * estimate.BYTES_PER_SITE
