"""One run at a time in a folder: a lock with owner and heartbeat, which no clock and no reused process number can fool."""

import contextlib
import json
import os
import platform
import threading
import time
import uuid
from pathlib import Path

from mirscan.errors import RunError
from mirscan.store.names import LOCK
from mirscan.store.protocol import Store

BEAT_SECONDS = 30
# Twenty beats missed: the owner is gone, or its machine hangs.
STALE_SECONDS = 600
_PROBE = "lock.probe"


class RunLock:
    """Holds the lock of a run folder while in its `with` block; raises RunError when another run has it."""

    def __init__(self, store: Store):
        self._store = store
        self._stop = threading.Event()
        self._beat_thread = threading.Thread(target=self._beat, daemon=True)
        self._token = uuid.uuid4().hex
        self._content = json.dumps(
            {"token": self._token, **_this_process(), "started": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1
        ).encode()

    def __enter__(self) -> "RunLock":
        while not self._store.create(LOCK, self._content):
            owner = read_owner(self._store)
            if owner is not None and is_alive(owner, self._store):
                age = _age(self._store)
                raise RunError(
                    f"{self._store.root}: another run works here: process {owner['pid']} on {owner['host']} since {owner['started']}, "
                    f"last sign of life {age:.0f} s ago. Wait for it, or stop it and run `mirscan resume {self._store.root}`."
                )
            self._store.remove(LOCK)
        self._beat_thread.start()
        return self

    def check(self) -> None:
        """Raise RunError if somebody took the lock because this process looked dead."""
        owner = read_owner(self._store)
        if owner is None or owner["token"] != self._token:
            raise RunError(f"{self._store.root}: another run took over; this one stops. Finished parts are kept.")

    def __exit__(self, error_type, error, traceback) -> None:
        self._stop.set()
        owner = None
        with contextlib.suppress(OSError):
            owner = read_owner(self._store)
        if owner is not None and owner["token"] == self._token:
            self._store.remove(LOCK)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            # A disk that is full or away for a moment must not end the heart.
            with contextlib.suppress(OSError, RunError):
                self.check()
                self._store.write(LOCK, self._content)


def read_owner(store: Store) -> dict | None:
    """Who holds the lock; None where nobody does."""
    try:
        owner = json.loads(store.read(LOCK))
        return owner if isinstance(owner, dict) and {"token", "pid", "host", "started", "identity", "space"} <= owner.keys() else None
    except (FileNotFoundError, ValueError):
        return None


def is_alive(owner: dict, store: Store) -> bool:
    """Whether the owner still runs: asked of the kernel on the same machine, else judged by the heartbeat's age."""
    here = _this_process()
    if owner["host"] == here["host"] and owner["space"] == here["space"]:
        return owner["identity"] is not None and _identity(owner["pid"]) == owner["identity"]
    return _age(store) < STALE_SECONDS


def _age(store: Store) -> float:
    # Both times come from the store's clock, so a wrong or jumping clock here does not matter.
    store.write(_PROBE, b"")
    try:
        return max(0.0, store.modified(_PROBE) - store.modified(LOCK))
    except FileNotFoundError:
        return float("inf")
    finally:
        store.remove(_PROBE)


def _this_process() -> dict:
    return {"pid": os.getpid(), "host": platform.node(), "space": _process_space(), "identity": _identity(os.getpid())}


def _process_space() -> str:
    # Containers of one machine can share a host name while their process numbers mean different things.
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _identity(pid: int) -> str | None:
    """Boot and start tick of a process, None when it is gone: a reused number has another start."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _identity_elsewhere(pid)
    return None if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _identity_elsewhere(pid: int) -> str | None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return f"{psutil.Process(pid).create_time():.2f}"
    return None
