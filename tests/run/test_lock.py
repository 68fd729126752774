import json
import os
import subprocess
import sys

import pytest

from mirscan.errors import RunError
from mirscan.run import lock, read_status
from mirscan.run.lock import RunLock, read_owner
from mirscan.store.local import LocalStore


def forge(store: LocalStore, **changed) -> None:
    """Leave the lock of another process, by default one on another machine."""
    owner = {"token": "x", "pid": 1, "host": "elsewhere", "space": "pid:[9]", "identity": "boot:1", "started": "2026-01-01 00:00:00"}
    store.write("lock.json", json.dumps(owner | changed).encode())


def age_lock(store: LocalStore, seconds: float) -> None:
    path = store.path("lock.json")
    os.utime(path, (path.stat().st_mtime - seconds,) * 2)


def own_place() -> dict:
    return {key: value for key, value in lock._this_process().items() if key in ("host", "space")}


def test_lock__is_gone_after_the_run(tmp_path):
    store = LocalStore(str(tmp_path))
    with RunLock(store):
        assert read_owner(store)["pid"] == os.getpid()
    assert read_owner(store) is None


def test_lock__second_run_is_refused_with_owner_and_age(runs, golden):
    store = LocalStore(str(golden))
    with RunLock(store):
        with pytest.raises(RunError, match=rf"another run works here: process {os.getpid()} on .* since .*, last sign of life \d+ s ago"):
            runs.scan(golden)
        assert str(os.getpid()) in read_status(golden).owner
    runs.scan(golden)


def test_lock__of_a_dead_process_on_this_machine_is_taken(tmp_path):
    store = LocalStore(str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    forge(store, pid=dead.pid, identity="boot:1", **own_place())
    with RunLock(store):
        assert read_owner(store)["pid"] == os.getpid()


def test_lock__of_a_reused_process_number_is_taken(tmp_path):
    store = LocalStore(str(tmp_path))
    forge(store, pid=os.getpid(), identity="an earlier boot:1", **own_place())
    with RunLock(store):
        assert read_owner(store)["token"] != "x"


def test_lock__of_another_machine_counts_until_its_heart_stops(tmp_path):
    store = LocalStore(str(tmp_path))
    forge(store)
    with pytest.raises(RunError, match="on elsewhere since 2026-01-01"), RunLock(store):
        pass
    age_lock(store, lock.STALE_SECONDS + 1)
    with RunLock(store):
        assert read_owner(store)["pid"] == os.getpid()


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_lock__a_clock_that_jumps_steals_nothing(tmp_path, monkeypatch, jump):
    store = LocalStore(str(tmp_path))
    forge(store)
    monkeypatch.setattr("time.time", lambda: jump)
    with pytest.raises(RunError, match="another run works here"), RunLock(store):
        pass


def test_lock__damaged_lock_is_replaced(tmp_path):
    store = LocalStore(str(tmp_path))
    store.write("lock.json", b"\0\0\0")
    with RunLock(store):
        assert read_owner(store)["pid"] == os.getpid()


def test_lock__the_heart_beats_and_the_robbed_owner_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.01)
    store = LocalStore(str(tmp_path))
    with RunLock(store) as held:
        before = store.modified("lock.json")
        age_lock(store, 1000)
        while store.modified("lock.json") < before:
            pass
        forge(store)
        with pytest.raises(RunError, match="another run took over"):
            held.check()
    assert read_owner(store)["token"] == "x"
