import asyncio
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from mirscan.errors import RunError
from mirscan.run import read_status, resume


class Proxy:
    """Forwards TCP connections to a port of this machine, and can hold everything back for a while, as a cut network does."""

    def __init__(self, target: int):
        self._target, self._ready = target, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._ready.wait()

    def cut(self, seconds: float) -> None:
        self._loop.call_soon_threadsafe(self._open.clear)
        self._loop.call_soon_threadsafe(lambda: self._loop.call_later(seconds, self._open.set))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._open, self._stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._open.set()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()

    async def _connect(self, reader, writer) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._forward(reader, far_writer), self._forward(far_reader, writer))

    async def _forward(self, reader, writer) -> None:
        while data := await reader.read(65536):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
def remote():
    """A scheduler and a worker as programs of their own, with a proxy between them: (address, scheduler process, proxy)."""
    quiet = {**os.environ, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "info"}
    start = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--dashboard-address",
        "127.0.0.1:0",
    ]
    scheduler = subprocess.Popen(start, stderr=subprocess.PIPE, text=True, env=quiet)
    address = next(found.group(1) for line in scheduler.stderr if (found := re.search(r"Scheduler at:\s+(tcp://\S+)", line)))
    proxy = Proxy(int(address.rpartition(":")[2]))
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            f"tcp://127.0.0.1:{proxy.port}",
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
        ],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    yield address, scheduler, proxy
    proxy.close()
    for process in (worker, scheduler):
        process.kill()
        process.communicate()


def test_network__cut_for_a_while_then_the_scheduler_dies(runs, golden, tmp_path, remote):
    address, scheduler, proxy = remote
    cuts = iter([True])

    def cut(event):
        if event.parts_done == 2 and next(cuts, False):
            proxy.cut(10)

    runs.scan(tmp_path / "cut", scheduler=address, progress=cut)
    assert runs.results(tmp_path / "cut") == runs.results(golden)

    def kill(event):
        if event.parts_done == 2:
            scheduler.send_signal(signal.SIGKILL)

    with pytest.raises(RunError, match=r"the Dask scheduler is gone\. Finished parts are kept: `mirscan resume"):
        runs.scan(tmp_path / "killed", scheduler=address, progress=kill)
    assert read_status(tmp_path / "killed").owner is None
    resume(tmp_path / "killed")
    assert runs.results(tmp_path / "killed") == runs.results(golden)


def test_network__no_scheduler_at_the_address_is_one_line(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("mirscan.run.clusters.CONNECT_SECONDS", 1)
    with pytest.raises(RunError, match=r"--scheduler tcp://127.0.0.1:1: no Dask scheduler answers there") as error:
        runs.scan(tmp_path / "out", scheduler="tcp://127.0.0.1:1")
    assert "\n" not in str(error.value)
