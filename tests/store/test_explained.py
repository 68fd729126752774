"""What the system refuses is one line, if it can be before the work that would be lost."""

import errno
import os

import pytest
from typer.testing import CliRunner

from mirscan.cli.main import app
from mirscan.errors import InputError
from mirscan.store.explained import describe, refuse_unwritable


def test_describe__names_file_reason_and_way_out():
    full = OSError(errno.ENOSPC, "No space left on device", "/x/y")
    assert describe(full) == "/x/y: no space left on device; free space, then run the same command again"
    gone = OSError(errno.ENOENT, "No such file or directory", "/x/y")
    assert describe(gone) == "/x/y: no such file or directory; mend this or choose another path, then run the same command again"


def test_refuse_unwritable__folders_that_are_there_and_that_can_be_made(tmp_path):
    refuse_unwritable(tmp_path)
    refuse_unwritable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_refuse_unwritable__files_and_folders_of_others(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out .*/file/x: .*/file is a file; expected a folder"):
        refuse_unwritable(tmp_path / "file" / "x")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match=r"--record .*/a: .* cannot be written"):
        refuse_unwritable(tmp_path / "a", "--record")


@pytest.mark.parametrize(
    "words",
    [["evaluate", "{pairs}"], ["evaluate", "{pairs}", "--record", "{file}/x"], ["explain", "fast", "{pairs}"], ["train", "{pairs}"]],
)
def test_commands__a_file_in_place_of_a_folder_is_told_before_the_work(tmp_path, words):
    (tmp_path / "file").write_text("")
    # The pairs are not there, so whoever reads them first says so.
    words = [word.format(pairs=tmp_path / "no.tsv", file=tmp_path / "file") for word in words]
    done = CliRunner().invoke(app, words if "--record" in words else [*words, "--out", str(tmp_path / "file" / "x")])
    assert done.exit_code == 1 and "is a file; expected a folder" in done.output and done.output.count("\n") == 1


def test_commands__what_the_system_refuses_is_one_line(tmp_path, monkeypatch):
    def refuse(path, results):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("mirscan.evaluation.results.write_table", refuse)
    done = CliRunner().invoke(app, ["models", "table", "--out", "/x"])
    assert done.exit_code == 1 and done.output.startswith("mirscan: error: ") and "permission denied; mend this" in done.output
