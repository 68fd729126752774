import pytest

from mirscan.errors import InputError
from mirscan.run import estimate, estimate_scan


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
