import subprocess
import sys
import tempfile

from mirscan.store.scratch import ScratchFolder


def test_scratch_folder__of_a_killed_process_goes_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os, sys; from mirscan.store.scratch import ScratchFolder; print(ScratchFolder().path); sys.stdout.flush(); os._exit(9)"
    killed = subprocess.run(
        [sys.executable, "-c", f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}; {code}"], stdout=subprocess.PIPE
    )
    assert killed.returncode == 9 and len(list(tmp_path.iterdir())) == 1
    mine = ScratchFolder()
    other = ScratchFolder()
    assert set(tmp_path.iterdir()) == {mine.path, other.path}
    mine.close()
    other.close()
    assert not list(tmp_path.iterdir())
