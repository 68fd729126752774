"""Profiles are folded once, and a cache that is damaged, shared, full or missing changes none of them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mirscan.accessibility import profile_cache
from mirscan.accessibility.profile_cache import kept

PROFILE = np.arange(-20, 0, dtype=np.int16).reshape(2, 10)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(profile_cache, "cache_folder", lambda: tmp_path)
    return tmp_path / "accessibility"


def files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def never():
    raise AssertionError("made anew")


def test_kept__is_made_once(cache):
    assert np.array_equal(kept(b"a", lambda: PROFILE), PROFILE)
    assert np.array_equal(kept(b"a", never), PROFILE)
    assert len(files(cache)) == 1
    with pytest.raises(AssertionError, match="made anew"):
        kept(b"b", never)


@pytest.mark.parametrize("damage", [lambda content: content[:-3], lambda content: b"", lambda content: bytes(len(content))])
def test_kept__of_a_damaged_file_is_made_anew(cache, damage):
    kept(b"a", lambda: PROFILE)
    (path,) = files(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert np.array_equal(kept(b"a", lambda: PROFILE + 1), PROFILE + 1)
    assert np.array_equal(kept(b"a", never), PROFILE + 1)


def test_kept__a_file_under_another_name_is_not_taken(cache):
    for described in (b"a", b"b"):
        kept(described, lambda: PROFILE)
    one, other = files(cache)
    other.write_bytes(one.read_bytes())
    again = [kept(described, lambda: PROFILE + 1) for described in (b"a", b"b")]
    assert sorted(int(profile[0, 0]) for profile in again) == [-20, -19]


def test_kept__without_a_folder_or_room_is_made_each_time(cache, monkeypatch):
    def fail(*paths):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(profile_cache.os, "replace", fail)
        assert np.array_equal(kept(b"a", lambda: PROFILE), PROFILE) and not files(cache)
    monkeypatch.setattr(profile_cache, "cache_folder", lambda: None)
    assert np.array_equal(kept(b"a", lambda: PROFILE), PROFILE)


def test_trim__the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(profile_cache, "MOST_BYTES", 3 * 100 * profile_cache._BUCKETS)
    for age in range(5):
        (tmp_path / f"file{age}").write_bytes(bytes(100))
        os.utime(tmp_path / f"file{age}", (10_000 - age, 10_000 - age))
    profile_cache._trim(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file0", "file1", "file2"]


def test_kept__is_trimmed_now_and_then(cache, monkeypatch):
    trimmed = []
    monkeypatch.setattr(profile_cache, "_trim", trimmed.append)
    for number in range(2000):
        kept(b"%d" % number, lambda: PROFILE)
    assert 2 <= len(trimmed) <= 20 and all(bucket.parent == cache for bucket in trimmed)


def test_kept__survives_processes_that_write_at_once_and_are_killed(tmp_path):
    code = (
        "import shutil; import numpy as np\n"
        "from mirscan.accessibility.profile_cache import kept; from mirscan.cache_folder import cache_folder\n"
        "while True:\n"
        "    for n in range(50): kept(b'%d' % n, lambda: np.full((2, 500), n, np.int16))\n"
        "    print('.', flush=True)\n"
        "    shutil.rmtree(cache_folder() / 'accessibility', ignore_errors=True)\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    writers = [subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        writer.stdout.readline()
        writer.kill()
        writer.wait()
        writer.stdout.close()
    (folder,) = tmp_path.iterdir()
    for path in (folder / "accessibility").rglob("*"):
        if path.is_file() and "-" not in path.name:
            key = bytes.fromhex(path.parent.name + path.name)
            assert len(np.unique(profile_cache._read(path, key))) == 1
