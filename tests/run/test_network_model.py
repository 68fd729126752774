import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mirscan.errors import InputError, ModelError
from mirscan.run import resume
from mirscan.trained_models import find_model, read_card, write_card


@pytest.fixture(scope="module")
def cascade_model(tmp_path_factory):
    """The shipped fast network with a threshold for the duplex energy in its card."""
    folder = tmp_path_factory.mktemp("models") / "cascade"
    shutil.copytree(find_model("fast"), folder)
    write_card(folder, replace(read_card(folder), prefilter={"duplex": 0.4}))
    return folder


def test_network__scan_prefilter_and_resume_without_the_model_folder(runs, cascade_model, tmp_path):
    plain = runs.scan(tmp_path / "plain", model=str(cascade_model), precision="float32")
    every = runs.sites(tmp_path / "plain").to_pylist()
    assert plain.n_sites == plain.n_candidates == len(every)
    assert len({row["score"] for row in every}) > 100
    assert all(row["window_end"] - row["window_start"] <= 50 for row in every)

    first = runs.scan(tmp_path / "duplex", model="duplex")
    energies = {(row["transcript"], row["start"], row["mirna"]): row["score"] for row in runs.sites(tmp_path / "duplex").to_pylist()}
    result = runs.scan(tmp_path / "out", model=str(cascade_model), precision="float32", prefilter=True)
    found = runs.sites(tmp_path / "out").to_pylist()
    expected = [row for row in every if energies[row["transcript"], row["start"], row["mirna"]] >= np.float32(0.4)]
    key = [(row["transcript"], row["start"], row["mirna"]) for row in found]
    assert key == [(row["transcript"], row["start"], row["mirna"]) for row in expected]
    assert [row["score"] for row in found] == pytest.approx([row["score"] for row in expected], abs=1e-5)
    assert 0 < result.n_sites < result.n_candidates == first.n_candidates
    report = json.loads((tmp_path / "out" / "run.json").read_text())["result"]
    assert report["scorer"]["prefilter"]["model"] == "duplex"
    assert report["scoring"]["cut"] + report["scoring"]["survivors"] == report["scoring"]["computed"] <= result.n_candidates
    # The audit looked at a few of the cut pairs; what it found must be what those pairs have.
    assert report["scoring"]["audited"] >= 1
    assert 0 <= report["scoring"]["lost_share"] < 1

    golden = runs.results(tmp_path / "out")
    (tmp_path / "out" / "sites" / "part-00001.parquet").unlink()
    cascade_model.rename(cascade_model.with_name("gone"))
    try:
        resume(tmp_path / "out", threads=1)
    finally:
        cascade_model.with_name("gone").rename(cascade_model)
    assert runs.results(tmp_path / "out") == golden


def test_network__prefilter_needs_a_model_whose_card_names_one(runs, cascade_model, tmp_path):
    with pytest.raises(InputError, match="--prefilter needs a network to spare"):
        runs.scan(tmp_path / "out", model="duplex", prefilter=True)
    folder = tmp_path / "plain-model"
    shutil.copytree(cascade_model, folder)
    write_card(folder, replace(read_card(folder), prefilter={}))
    with pytest.raises(ModelError, match="names no cheaper scorer; leave --prefilter out"):
        runs.scan(tmp_path / "out", model=str(folder), prefilter=True)
    assert not (tmp_path / "out").exists()
