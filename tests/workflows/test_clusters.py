"""The example cluster files are read by the module that starts clusters."""

from pathlib import Path

import pytest

from mirscan.run.clusters import KINDS, read_cluster_file

FOLDER = Path(__file__).parents[2] / "workflows" / "clusters"
BATCH = ("slurm", "pbs", "lsf", "sge")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"local"}))
def test_cluster_file__is_read_for_every_kind(kind):
    entries = read_cluster_file(str(FOLDER / f"{kind}.toml"))
    assert entries["kind"] == kind
    assert entries["threads"] >= 1
    assert entries["arguments"]


def test_cluster_file__there_is_none_of_an_unknown_kind():
    assert {path.stem for path in FOLDER.iterdir()} == set(KINDS) - {"local"}


@pytest.mark.parametrize("kind", BATCH)
def test_cluster_file__batch_jobs_run_one_part_a_core_under_tls_and_leave_before_the_wall_time(kind):
    entries = read_cluster_file(str(FOLDER / f"{kind}.toml"))
    arguments = entries["arguments"]
    assert arguments["cores"] == arguments["processes"] * entries["threads"]
    assert entries["workers"] % arguments["processes"] == 0
    assert arguments["security"] is True
    assert arguments["scheduler_options"]["dashboard_address"].startswith("127.0.0.1:")
    hours, minutes = map(int, arguments["walltime"].split(":")[:2])
    options = dict(zip(arguments["worker_extra_args"][::2], arguments["worker_extra_args"][1::2], strict=True))
    lifetime, stagger = (int(options[name].removesuffix("m")) for name in ("--lifetime", "--lifetime-stagger"))
    assert lifetime + stagger < hours * 60 + minutes


def test_cluster_file__pods_have_the_cores_that_their_worker_uses():
    entries = read_cluster_file(str(FOLDER / "kubernetes.toml"))
    arguments = entries["arguments"]
    assert arguments["resources"]["requests"]["cpu"] == arguments["env"]["OMP_NUM_THREADS"] == str(entries["threads"])
    assert "--nthreads 1" in arguments["worker_command"]
    assert not any("KEY" in name or "SECRET" in name for name in arguments["env"])
