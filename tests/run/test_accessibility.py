"""Accessibility as columns of a run: values against ViennaRNA's own table, bytes that do not depend on how the run went."""

import json
import re
import sys

import numpy as np
import pysam
import pytest
import RNA

from mirscan import open_run
from mirscan.accessibility import profile_cache, sites
from mirscan.errors import InputError, RunError
from mirscan.query.pair import open_pairs
from mirscan.query.pair_text import describe_context
from mirscan.run import estimate_scan, resume

SETTINGS = {"features": "accessibility", "seeds": "8mer,7mer-m8"}


@pytest.fixture(scope="module")
def measured(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("accessibility") / "out"
    runs.scan(out, **SETTINGS)
    return out


def test_accessibility__of_8mers_is_what_vienna_says(runs, measured):
    with pysam.FastxFile(str(runs.transcripts)) as records:
        sequences = {record.name.split("|")[0]: record.sequence.replace("T", "U") for record in records}
    names = ("tx3", "tx20")
    rows = [row for row in runs.sites(measured).to_pylist() if row["seed"] == "8mer" and row["transcript"] in names and row["end"] > 15]
    assert len(rows) > 10
    for name in names:
        unpaired = np.log10(np.maximum(np.array(RNA.pfl_fold_up(sequences[name], 15, 80, 40)), 1e-32))
        # Their table counts from 1, and an 8mer ends opposite nt 1.
        for row in (row for row in rows if row["transcript"] == name):
            assert row["seed_accessibility"] == pytest.approx(unpaired[row["end"] - 1, 7], abs=1e-3)
            assert row["site_accessibility"] == pytest.approx(unpaired[row["end"], 15], abs=1e-3)


@pytest.mark.parametrize("more", [{"workers": 1}, {"workers": 4}, {"threads": 2}])
def test_accessibility__same_bytes_however_the_run_goes(runs, measured, tmp_path, more):
    runs.scan(tmp_path / "out", **SETTINGS, **more)
    assert runs.results(tmp_path / "out") == runs.results(measured)


def test_accessibility__same_values_in_pieces_without_a_cache_and_after_an_interruption(runs, measured, tmp_path, monkeypatch):
    monkeypatch.setattr(profile_cache, "cache_folder", lambda: None)

    def interrupt(event):
        if event.parts_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.scan(tmp_path / "out", **SETTINGS, part_rows=3, progress=interrupt)
    resume(tmp_path / "out", threads=1)
    assert runs.sites(tmp_path / "out").to_pylist() == runs.sites(measured).to_pylist()


def test_accessibility__only_transcripts_with_sites_are_folded_and_each_once(runs, tmp_path, monkeypatch):
    folded, fold = [], sites.fold
    monkeypatch.setattr(profile_cache, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(sites, "fold", lambda letters, *places: folded.append(letters) or fold(letters, *places))
    settings = {"features": "accessibility", "seeds": "8mer", "min_score": 0.5, "model": "duplex", "part_rows": 10**6}
    runs.scan(tmp_path / "one", **settings)
    # Transcripts of the test are shorter than a block.
    assert len(folded) == len(set(folded)) == len(set(runs.sites(tmp_path / "one")["transcript"].to_pylist())) < 40
    runs.scan(tmp_path / "again", **settings)
    assert len(folded) == len(set(folded))
    assert runs.results(tmp_path / "one") == runs.results(tmp_path / "again")


def test_accessibility__a_run_of_another_vienna_is_not_gone_on_with(runs, measured, monkeypatch):
    assert json.loads((measured / "run.json").read_text())["versions"]["ViennaRNA"] == RNA.__version__
    monkeypatch.setattr(RNA, "__version__", "1.8.5")
    with pytest.raises(RunError, match=r"ViennaRNA's version was 2[.0-9]+, now 1\.8\.5"):
        runs.scan(measured, **SETTINGS)


def test_accessibility__its_cost_is_estimated(runs):
    lines = estimate_scan(runs.mirnas, runs.transcripts, model="none", features="accessibility")
    assert any(line.startswith("accessibility: at most 2 s of one core") for line in lines)


def test_accessibility__without_vienna_nothing_is_written(runs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "RNA", None)
    with pytest.raises(InputError, match="--features accessibility needs ViennaRNA"):
        runs.scan(tmp_path / "out", **SETTINGS)
    assert not (tmp_path / "out").exists()


def test_accessibility__is_shown(measured):
    pairs = open_pairs(open_run(measured))
    pair = pairs.read("g3", "let-7a-5p")
    texts = [describe_context(site) for site in pair.sites]
    assert texts and all(re.search(r"seed accessibility -\d\.\d\d log10, site accessibility -\d\.\d\d log10$", text) for text in texts)
