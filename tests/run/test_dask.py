import sys

import cloudpickle
import pytest
from distributed import Client, LocalCluster

from mirscan.errors import RunError
from mirscan.run import read_status, resume

# Workers cannot import this file, so its functions travel to them whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster():
    """Two workers with nannies, shared by the tests: what they break, the nannies mend."""
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


def hurt_workers(client: Client, kind: str, marker, parts=(1,)) -> None:
    """Make every worker that is alive now misbehave at `parts`; once altogether, or with `always` each time."""
    client.run(_hurt, kind, str(marker), tuple(parts))


def _hurt(kind: str, marker: str, parts: tuple[int, ...]) -> None:
    import contextlib
    import os
    import signal
    import time

    from mirscan.run import jobs

    healthy = jobs.WORK.setdefault("healthy", jobs.WORK[jobs.PART])

    def misbehave(context, number, report=None):
        if number in parts:
            with contextlib.suppress(FileExistsError):
                if kind != "always":
                    os.close(os.open(f"{marker}-{number}", os.O_CREAT | os.O_EXCL))
                if kind == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                if kind == "hang":
                    time.sleep(600)
                raise ZeroDivisionError("bad luck on a worker")
        return healthy(context, number, report)

    jobs.WORK[jobs.PART] = misbehave


def _heal() -> None:
    from mirscan.run import jobs

    jobs.WORK[jobs.PART] = jobs.WORK.pop("healthy", jobs.WORK[jobs.PART])


@pytest.mark.parametrize("workers", [1, 4])
def test_dask__same_bytes_at_any_number_of_workers(runs, golden, tmp_path, workers):
    messages = []
    runs.scan(tmp_path / "out", workers=workers, dashboard=True, progress=lambda event: messages.append(event.message))
    assert runs.results(tmp_path / "out") == runs.results(golden)
    assert any(message.startswith("dashboard: http://127.0.0.1:") for message in messages)


def test_dask__a_running_scheduler_and_an_interrupted_run(runs, golden, tmp_path, cluster, client):
    out = tmp_path / "out"

    def interrupt(event):
        if event.parts_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.scan(out, scheduler=cluster.scheduler_address, progress=interrupt)
    assert read_status(out).n_done >= 2
    resume(out, scheduler=cluster.scheduler_address)
    assert runs.results(out) == runs.results(golden)


def test_dask__one_worker_killed_in_a_part(runs, golden, tmp_path, cluster, client):
    hurt_workers(client, "die", tmp_path / "died")
    runs.scan(tmp_path / "out", scheduler=cluster.scheduler_address)
    assert (tmp_path / "died-1").exists()
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_dask__all_workers_killed(runs, golden, tmp_path, cluster, client):
    hurt_workers(client, "die", tmp_path / "died", parts=(1, 2))
    runs.scan(tmp_path / "out", scheduler=cluster.scheduler_address)
    assert (tmp_path / "died-1").exists()
    assert (tmp_path / "died-2").exists()
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_dask__a_hanging_worker_loses_its_part(runs, golden, tmp_path, cluster, client):
    # The limit must be long enough for a worker that just started and still loads compiled code.
    hurt_workers(client, "hang", tmp_path / "hung")
    messages = []
    runs.scan(tmp_path / "out", scheduler=cluster.scheduler_address, part_timeout=8, progress=lambda event: messages.append(event.message))
    assert (tmp_path / "hung-1").exists()
    assert "part 1, try 1 of 3: took longer than the limit of 8 s" in messages
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_dask__a_part_that_always_fails_is_named(runs, golden, tmp_path, cluster, client):
    hurt_workers(client, "always", tmp_path / "unused")
    try:
        with pytest.raises(RunError, match=r"1 of \d+ parts failed \(part 1: ZeroDivisionError: bad luck on a worker\)"):
            runs.scan(tmp_path / "out", scheduler=cluster.scheduler_address)
    finally:
        client.run(_heal)
    assert read_status(tmp_path / "out").failures == {1: "ZeroDivisionError: bad luck on a worker"}
    resume(tmp_path / "out")
    assert runs.results(tmp_path / "out") == runs.results(golden)
