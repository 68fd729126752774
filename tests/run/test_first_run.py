"""The first run on a machine: told once, and whatever happens beside it changes nothing."""

import logging
from contextlib import nullcontext
from typing import ClassVar

import pytest

from mirscan import query_run
from mirscan.errors import ModelError
from mirscan.run import first_run
from mirscan.run.runs import scan
from mirscan.run.settings import make_settings


@pytest.fixture
def new_machine(monkeypatch, tmp_path):
    """A folder of compiled code where no run was before; the code itself is where it was."""
    monkeypatch.setattr(first_run, "code_folder", lambda: str(tmp_path / "kernels"))
    return tmp_path / "kernels"


@pytest.fixture
def asked(tmp_path):
    (tmp_path / "m.fa").write_text(">let-7a\nUGAGGUAGUAGGUUGUAUAGUU\n")
    (tmp_path / "t.fa").write_text(">T1\nGGCAACUAUACAACGUACUACCUCAUUGGCC\n")
    return {"mirnas": tmp_path / "m.fa", "transcripts": tmp_path / "t.fa"}


def test_scan__tells_the_first_run_once(new_machine, asked, tmp_path, caplog):
    told = []
    for number in range(2):
        with caplog.at_level(logging.WARNING, "mirscan"):
            scan(**asked, out=tmp_path / f"out-{number}", model="fast")
        told.append(sum("first run on this machine" in record.message for record in caplog.records))
        caplog.clear()
    assert told == [1, 0]
    assert len(list(new_machine.iterdir())) == 1
    assert query_run(tmp_path / "out-0", sites=True).equals(query_run(tmp_path / "out-1", sites=True))


class Beside:
    """A process that would compile for ever."""

    commands: ClassVar[list[list[str]]] = []

    def __init__(self, command, **streams):
        self.commands.append(command)
        self.is_killed = False

    def kill(self):
        self.is_killed = True

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        assert self.is_killed == (kind is not None)


@pytest.fixture
def beside(monkeypatch):
    monkeypatch.setattr(first_run.subprocess, "Popen", Beside)
    monkeypatch.setattr(Beside, "commands", [])
    return Beside.commands


def test_compile_first__scores_in_a_process_beside_only_where_a_run_scores(new_machine, beside):
    for model in ("none", "fast"):
        first_run.compile_first(make_settings("m.fa", ("t.fa",), model=model), scan)
        for marker in new_machine.iterdir():
            marker.unlink()
    assert [command[-2:] for command in beside] == [["fast", "auto"]]


@pytest.mark.parametrize(("error", "goes_on"), [(OSError("disk full"), True), (KeyboardInterrupt(), False)])
def test_compile_first__a_disk_is_the_runs_business_and_a_signal_ends_the_process_beside(new_machine, beside, monkeypatch, error, goes_on):
    def fail(scan):
        raise error

    monkeypatch.setattr(first_run, "_scan_and_forget", fail)
    with nullcontext() if goes_on else pytest.raises(KeyboardInterrupt):
        first_run.compile_first(make_settings("m.fa", ("t.fa",), model="fast"), scan)
    assert len(beside) == 1
    assert len(list(new_machine.iterdir())) == goes_on


def test_scan__of_a_damaged_model_on_the_first_run_says_what_is_wrong(new_machine, asked, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "card.toml").write_text("name = 3")
    with pytest.raises(ModelError, match="model"):
        scan(**asked, out=tmp_path / "out", model=str(tmp_path / "model"))


def test_scan__where_nothing_can_be_kept_compiles_as_it_goes(monkeypatch, asked, tmp_path, caplog):
    monkeypatch.setattr(first_run, "code_folder", lambda: None)
    scan(**asked, out=tmp_path / "out", model="none")
    assert "first run" not in caplog.text
