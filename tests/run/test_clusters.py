import gc
import os
import sys
import time
from types import SimpleNamespace

import cloudpickle
import dask
import pytest

from mirscan.errors import InputError, RunError
from mirscan.run import executors
from mirscan.run.clusters import KINDS, read_cluster_file
from mirscan.run.jobs import PART, Job
from mirscan.run.settings import RunOptions, parse_resources
from mirscan.store.local import LocalStore


@pytest.fixture(autouse=True)
def collected():
    """Clusters that failed to start are collected here: in the thread of a later cluster, Dask's own lock would stop both for good."""
    yield
    gc.collect()


@pytest.mark.parametrize("kind", KINDS)
def test_cluster_file__every_kind_is_read(tmp_path, kind):
    path = tmp_path / "cluster.toml"
    path.write_text(f'kind = "{kind}"\nworkers = 2\nmaximum = 8\nthreads = 4\n[arguments]\nqueue = "long"\n')
    assert read_cluster_file(str(path)) == {"kind": kind, "workers": 2, "maximum": 8, "threads": 4, "arguments": {"queue": "long"}}


def test_cluster_file__yaml_is_read_and_runs_no_code(tmp_path):
    path = tmp_path / "cluster.yaml"
    path.write_text("kind: pbs\narguments:\n  queue: long\n")
    assert read_cluster_file(str(path)) == {"kind": "pbs", "arguments": {"queue": "long"}}
    path.write_text("kind: !!python/object/apply:os.system ['exit 1']\n")
    with pytest.raises(InputError, match="python/object/apply"):
        read_cluster_file(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind = 'condor'", "kind 'condor'; expected one of local, slurm, pbs, lsf, sge, kubernetes, cuda"),
        ("workers = 2", "kind None; expected one of"),
        ("kind = 'slurm'\nnodes = 3", "unknown entry 'nodes'; expected arguments, kind, maximum, threads, workers"),
        ("kind = 'slurm'\nworkers = 'many'", "workers = 'many'; expected a whole number from 1"),
        ("kind = 'slurm'\nmaximum = 0", "maximum = 0; expected a whole number from 1"),
        ("kind = 'slurm'\narguments = 3", "arguments is 3; expected a table"),
        ("kind = ", "Invalid value"),
    ],
)
def test_cluster_file__mistakes_are_one_line(tmp_path, text, said):
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_cluster_file(str(path))
    assert said in str(error.value)
    assert str(error.value).startswith(f"--cluster {path}: ")


def test_cluster_file__missing_file_is_one_line():
    with pytest.raises(InputError, match=r"--cluster nowhere.toml: no such file or directory; expected a readable file"):
        read_cluster_file("nowhere.toml")


@pytest.mark.parametrize(("kind", "extra"), [("slurm", "cluster"), ("kubernetes", "cluster"), ("cuda", "gpu")])
def test_cluster__a_missing_package_is_named_with_the_extra(runs, tmp_path, monkeypatch, kind, extra):
    # None in sys.modules makes an import fail wherever the package is installed.
    monkeypatch.setitem(__import__("sys").modules, KINDS[kind][0].split(".")[0], None)
    (tmp_path / "cluster.toml").write_text(f'kind = "{kind}"\n')
    with pytest.raises(RunError, match=rf'kind "{kind}" needs a package .*; pip install "mirscan\[{extra}\]"'):
        runs.scan(tmp_path / "out", cluster=str(tmp_path / "cluster.toml"))


def test_cluster__arguments_that_its_class_refuses_are_one_line(runs, tmp_path):
    (tmp_path / "cluster.toml").write_text('kind = "local"\n[arguments]\ncolour = "green"\n')
    with pytest.raises(RunError, match="LocalCluster refused its arguments"):
        runs.scan(tmp_path / "out", cluster=str(tmp_path / "cluster.toml"))


def test_cluster__a_file_starts_workers_with_resources(runs, golden, tmp_path, monkeypatch):
    (tmp_path / "cluster.toml").write_text(
        'kind = "local"\nworkers = 1\n[arguments]\nn_workers = 0\nthreads_per_worker = 1\nresources = { GPU = 1 }\n'
    )
    messages, counts = [], iter([0, 0])
    monkeypatch.setattr(executors, "_count_workers", lambda client, resources: next(counts, 1))
    options = {"cluster": str(tmp_path / "cluster.toml"), "resources": "GPU=1"}
    runs.scan(tmp_path / "out", progress=lambda event: messages.append(event.message), **options)
    # A user should know what the run waits for.
    assert messages.count("no worker with GPU=1 is there yet; waiting for one") == 1
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_cluster__adapts_to_the_parts_that_wait(tmp_path, monkeypatch):
    """No workers at first, two at most: while parts wait, there must be two."""

    def slow_part(part, **run):
        time.sleep(2)
        return {"worker": os.getpid()}

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(executors, "process_remotely", slow_part)
    (tmp_path / "cluster.toml").write_text('kind = "local"\nmaximum = 2\n[arguments]\nn_workers = 0\nthreads_per_worker = 1\n')
    context = SimpleNamespace(store=LocalStore(str(tmp_path)), plan=SimpleNamespace(identity={}))
    workers = []
    options = RunOptions(cluster=str(tmp_path / "cluster.toml"))
    with executors.DaskExecutor(context, options, 12) as executor:
        executor.run([Job(PART, number) for number in range(12)], lambda job, record: workers.append(record["worker"]), None)
    assert len(workers) == 12
    assert len(set(workers)) == 2


def test_cluster__tls_without_certificates_is_one_line(runs, tmp_path):
    with pytest.raises(RunError, match=r"--scheduler tls://127.0.0.1:9: TLS needs certificates; set DASK_CONFIG"):
        runs.scan(tmp_path / "out", scheduler="tls://127.0.0.1:9")


def test_cluster__settings_of_dask_that_keep_workers_from_starting_are_one_line(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__MEMORY__TARGET", "abc")
    said = r"^Dask does not start \(.+\); mend .*DASK_DISTRIBUTED__WORKER__MEMORY__TARGET"
    with dask.config.set({"distributed.worker.memory.target": "abc"}), pytest.raises(RunError, match=said):
        runs.scan(tmp_path / "out", workers=1)


def test_resources__mistake_is_one_line():
    assert parse_resources("GPU=1, memory=2e9") == {"GPU": 1.0, "memory": 2e9}
    with pytest.raises(InputError, match=r"--resources GPU: expected NAME=NUMBER"):
        parse_resources("GPU")


def test_resources__without_a_cluster_are_refused_before_anything_is_written(runs, tmp_path):
    for options in ({}, {"workers": 2}):
        with pytest.raises(InputError, match=r"--resources is about workers of --scheduler or --cluster"):
            runs.scan(tmp_path / "out", resources="GPU=1", **options)
    assert not (tmp_path / "out").exists()
