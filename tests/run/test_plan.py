import json
import os
import shutil
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirscan.errors import InputError, MirscanError, ModelError, RunError
from mirscan.run import ScanSettings, read_status, resume
from mirscan.run.plan import cut_parts
from mirscan.run.settings import make_settings
from mirscan.trained_models import find_model


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(1, 80), st.booleans())
def test_cut_parts__cover_every_base_once_in_order(lengths, n_parts, whole):
    parts = cut_parts(np.array(lengths), n_parts, whole)
    ends = np.cumsum(lengths)

    def place(transcript, nt):
        return int(ends[transcript]) - lengths[transcript] + nt

    assert place(parts[0].first, parts[0].start) == 0
    assert (parts[-1].last, parts[-1].stop) == (len(lengths), lengths[-1])
    for part in parts:
        assert part.bases == place(part.last - 1, part.stop) - place(part.first, part.start)
        assert part.first < part.last
    for one, two in pairwise(parts):
        is_cut = two.start > 0
        assert (two.first, two.start) == ((one.last - 1, one.stop) if is_cut else (one.last, 0))
        assert not (is_cut and whole)
        assert is_cut == (two.first in one.cut_transcripts(np.array(lengths)) and two.first in two.cut_transcripts(np.array(lengths)))
    if whole:
        assert len(parts) <= n_parts


@given(st.lists(st.integers(1, 100), min_size=50, max_size=200), st.integers(1, 10), st.integers(0, 5_000))
def test_cut_parts__are_even_whatever_the_longest_transcript(lengths, n_parts, longest):
    lengths = [*lengths, longest]
    share = sum(lengths) / n_parts
    assert max(part.bases for part in cut_parts(np.array(lengths), n_parts)) <= 3 * share + 1


@pytest.mark.parametrize(
    "settings",
    [
        {"features": ("local_au", "end_distance", "supplementary")},
        {"model": "duplex", "min_score": 0.4},
        {"regions": "regions.bed"},
        {"min_distance": 30},
    ],
    ids=str,
)
def test_plan__a_long_transcript_in_pieces_is_the_same_scan(runs, tmp_path, settings):
    random = np.random.default_rng(5)
    lengths = {"a|1|G1": 300, "b|1|G1": 40_000, "c|1|G1": 500, "d|2|G2": 200, "e|3|G3": 9_000}
    fasta = "".join(f">{name}\n{''.join(random.choice(list('ACGT'), n))}\n" for name, n in lengths.items())
    (tmp_path / "utrs.fa").write_text(fasta)
    if "regions" in settings:
        (tmp_path / "regions.bed").write_text("b\t5000\t39000\nc\t10\t400\n")
        settings = {"regions": str(tmp_path / "regions.bed")}
    for name, part_rows in (("whole", 10**6), ("pieces", 5)):
        runs.scan(tmp_path / name, transcripts=tmp_path / "utrs.fa", part_rows=part_rows, **settings)
    n_pieces = len(list((tmp_path / "pieces" / "sites").iterdir()))
    assert n_pieces < 6 if "min_distance" in settings else n_pieces > 10
    assert runs.sites(tmp_path / "whole").to_pylist() == runs.sites(tmp_path / "pieces").to_pylist()
    assert runs.contents(tmp_path / "whole") == runs.contents(tmp_path / "pieces")


def snapshot(folder) -> dict:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seeds": "8mer,7mer-m8"}, "--seeds was 8mer, 7mer-m8, 7mer-A1, 6mer, now 8mer, 7mer-m8"),
        ({"mask_start": 14}, "--mask-start was 0, now 14"),
        ({"species": "miR"}, "--species was not given, now miR"),
        ({"mirnas": "utrs"}, "--mirnas was a file of SHA-256 "),
        ({"mask_start": 14, "all_types": True}, "--all-types was False, now True; --mask-start was 0, now 14"),
    ],
)
def test_plan__another_plan_in_the_folder_is_refused_with_what_differs(runs, golden, changed, said):
    if "mirnas" in changed:
        changed = {"mirnas": runs.transcripts}
    before = snapshot(golden)
    with pytest.raises(RunError, match="--overwrite") as error:
        runs.scan(golden, **changed)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert snapshot(golden) == before


def test_plan__same_content_under_another_path_is_the_same_plan(runs, golden, tmp_path):
    copy = tmp_path / "copy.fa"
    copy.write_bytes(runs.mirnas.read_bytes())
    before = snapshot(golden)
    runs.scan(golden, mirnas=copy)
    assert snapshot(golden) == before


def test_plan__overwrite_replaces_the_run_and_only_the_run(runs, golden, tmp_path):
    out = tmp_path / "out"
    runs.scan(out, seeds="8mer")
    (out / "notes.txt").write_text("mine")
    runs.scan(out, overwrite=True)
    assert runs.results(out) == runs.results(golden)
    assert (out / "notes.txt").read_text() == "mine"


def test_plan__overwrite_with_bad_input_keeps_the_former_run(runs, tmp_path):
    out, regions = tmp_path / "out", tmp_path / "regions.bed"
    runs.scan(out, seeds="8mer")
    before = snapshot(out)
    regions.write_text("no-such-transcript\t0\t10\n")
    with pytest.raises(InputError, match=r"regions\.bed"):
        runs.scan(out, overwrite=True, regions=regions)
    assert snapshot(out) == before


def test_plan__a_folder_that_is_no_run_is_refused(runs, tmp_path):
    (tmp_path / "thesis.docx").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(RunError, match=r"holds thesis.docx and no plan.json, so it is not a run of mirscan. Choose another --out."):
            runs.scan(tmp_path, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_plan__a_file_as_out_is_refused(runs, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(RunError, match="is a file; expected a folder"):
        runs.scan(tmp_path / "out")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"format": 99}', b'{"format": 2}', b"\xff\xfe"])
def test_plan__a_damaged_plan_is_one_clear_line(runs, tmp_path, damage):
    out = tmp_path / "out"
    runs.scan(out)
    (out / "plan.json").write_bytes(damage)
    for act in (lambda: runs.scan(out), lambda: resume(out), lambda: read_status(out)):
        with pytest.raises(RunError, match=r"plan.json: .*--overwrite"):
            act()
    runs.scan(out, overwrite=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mirnas": "nowhere.fa"}, "nowhere.fa: no such file"),
        ({"transcripts": "nowhere.fa"}, "nowhere.fa: no such file"),
        ({"regions": "nowhere.bed"}, "nowhere.bed: no such file"),
        ({"gene_map": "nowhere.tsv"}, "nowhere.tsv: no such file"),
        ({"species": "xyz"}, "no miRNA of species 'xyz'"),
        ({"seeds": "9mer"}, "9mer"),
        ({"header": "(", "mirnas": "nowhere.fa"}, "--header (: not a regular expression"),
        ({"model": "nowhere"}, "model 'nowhere': neither a known name nor a folder"),
        ({"min_score": 0.5}, "--min-score needs a model"),
        ({"model": "duplex", "min_score": 1.5}, "--min-score 1.5: expected a number from 0 to 1"),
        ({"mask_start": -1}, "--mask-start -1: expected a whole number of nucleotides from 0 to 2,147,483,647"),
        ({"mask_start": 10**23}, "expected a whole number of nucleotides from 0 to 2,147,483,647"),
        ({"precision": "half"}, "--precision half: expected auto, float32, bfloat16"),
        ({"batch_size": 0, "model": "fast"}, "--batch-size 0: expected a whole number of windows from 1 to"),
        ({"threads": 0}, "--threads 0: expected a whole number from 1 to"),
        ({"threads": 10**6}, "--threads 1000000: expected a whole number from 1 to"),
        ({"part_timeout": -5.0}, "--part-timeout -5.0: expected a number of seconds, more than 0"),
        ({"part_timeout": float("nan")}, "--part-timeout nan: expected a number of seconds"),
        ({"memory_limit": "4GiB"}, "--memory-limit is about --workers"),
        ({"workers": 1, "memory_limit": "nonsense"}, "--memory-limit nonsense: expected a size, as in 4GiB"),
        ({"workers": 1, "memory_limit": "1KiB"}, "--memory-limit 1KiB: expected 256 MiB or more"),
        ({"cluster": "nowhere.toml"}, "--cluster nowhere.toml: no such file or directory"),
        ({"features": "colour"}, "--features colour: unknown; expected local_au"),
        ({"part_rows": 0}, "--part-rows 0: expected a whole number, at least 1"),
        ({"workers": -1}, "--workers -1: expected a whole number, at least 0"),
        ({"workers": 1, "scheduler": "tcp://x"}, "exclude each other"),
    ],
)
def test_scan__bad_settings_are_one_line_and_leave_nothing(runs, tmp_path, settings, said):
    with pytest.raises(MirscanError) as error:
        runs.scan(tmp_path / "out", **settings)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_scan__broken_fasta_leaves_nothing(runs, tmp_path):
    (tmp_path / "broken.fa").write_text(">a\nACGT\n>b\nACEF\n")
    with pytest.raises(InputError, match="line 4: letter 'E'"):
        runs.scan(tmp_path / "new" / "out", transcripts=tmp_path / "broken.fa")
    assert not (tmp_path / "new" / "out").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        runs.scan(tmp_path / "empty", transcripts=tmp_path / "broken.fa")
    assert list((tmp_path / "empty").iterdir()) == []


def test_scan__bad_regions_are_told_before_the_first_part(runs, tmp_path):
    (tmp_path / "regions.bed").write_text("nowhere\t0\t10\n")
    with pytest.raises(InputError, match=rf"^{tmp_path / 'regions.bed'}, line 1: transcript 'nowhere'"):
        runs.scan(tmp_path / "out", regions=str(tmp_path / "regions.bed"))
    assert [path.name for path in tmp_path.iterdir()] == ["regions.bed"]


@pytest.mark.parametrize("file", ["model.keras", "card.toml"])
def test_scan__a_broken_model_is_told_by_its_own_name_before_anything_is_written(runs, tmp_path, file):
    folder = tmp_path / "model"
    shutil.copytree(find_model("fast"), folder)
    (folder / file).write_bytes((folder / file).read_bytes()[:-500])
    with pytest.raises(ModelError, match=rf"^{folder}"):
        runs.scan(tmp_path / "out", model=str(folder))
    assert not (tmp_path / "out").exists()


def test_scan__pipes_are_read_like_files(runs, golden, tmp_path):
    def feed(end: int, path: Path) -> None:
        with open(end, "wb") as pipe:
            pipe.write(path.read_bytes())

    ends = []
    for path in (runs.mirnas, runs.transcripts):
        reader, writer = os.pipe()
        ends.append(reader)
        threading.Thread(target=feed, args=(writer, path)).start()
    mirnas, transcripts = (f"/dev/fd/{end}" for end in ends)
    runs.scan(tmp_path / "out", mirnas=mirnas, transcripts=transcripts)
    for end in ends:
        os.close(end)
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_scan__an_empty_out_is_refused(runs):
    with pytest.raises(RunError, match="--out is empty"):
        runs.scan("")


def test_scan__too_little_disk_is_told_before_starting(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("mirscan.run.plan.BYTES_PER_ROW", 10**15)
    with pytest.raises(InputError, match=r"candidates, about [\d,.]+ MB of results while they are joined; .* free. Use fewer miRNAs"):
        runs.scan(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_resume__of_nothing_says_how_to_start(tmp_path):
    with pytest.raises(RunError, match="nothing to resume; start with `mirscan scan --out"):
        resume(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_settings__names_of_rules_may_be_typeset():
    assert make_settings("m", "t", seeds="8mer, 7mer\u2011m8,a\u2013b.toml").seeds == ("8mer", "7mer-m8", "a\u2013b.toml")


def test_settings__survive_the_plan():
    settings = ScanSettings("m.fa", ("a.fa", "b.fa"), seeds=("8mer",), features=("local_au",), model="none")
    assert ScanSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
