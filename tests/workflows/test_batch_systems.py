"""The shipped cluster files of batch systems, through dask-jobqueue, to workers: only the queue itself is played by a script."""

import json
import os
import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tomli_w

ROOT = Path(__file__).parents[2]
CLUSTERS = ROOT / "workflows" / "clusters"
# kind -> (command that submits, command that cancels, what the first one answers)
QUEUES = {
    "slurm": ("sbatch", "scancel", "Submitted batch job $!"),
    "pbs": ("qsub", "qdel", "$!.head"),
    "lsf": ("bsub", "bkill", "Job <$!> is submitted to queue <normal>."),
    "sge": ("qsub", "qdel", 'Your job $! ("dask-worker") has been submitted'),
}
# The job script comes as an argument or, from LSF, on standard input; it runs as a session of its own, so that it can be ended whole.
SUBMIT = """#!/bin/sh
cat "${{1:-/dev/stdin}}" > {folder}/job.sh
setsid sh {folder}/job.sh > {folder}/job.log 2>&1 &
echo '{answer}' | sed "s/[$]!/$!/"
"""
CANCEL = '#!/bin/sh\nkill -- -"${1%%.*}"\n'


def scan(out: Path, *options) -> str:
    """The command on the shipped example, in a process of its own, whose name is returned."""
    inputs = ("--mirnas", ROOT / "examples/mirnas.fa", "--utrs", ROOT / "examples/utrs.fa.gz", "--model", "none", "--part-rows", 300)
    command = [sys.executable, "-c", "from mirscan.cli.main import main; main()", "scan", "--out", out, *inputs, *options]
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL) as child:
        assert child.wait() == 0
    return f"{platform.node()}:{child.pid}"


@pytest.mark.parametrize("kind", QUEUES)
def test_batch_system__shipped_file_runs_a_scan(kind, tmp_path, monkeypatch):
    submit, cancel, answer = QUEUES[kind]
    for name, text in ((submit, SUBMIT.format(folder=tmp_path, answer=answer)), (cancel, CANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    # As a user adapts it: a small job, and a folder of one's own for the certificates.
    entries = tomllib.loads((CLUSTERS / f"{kind}.toml").read_text())
    entries["workers"] = 2
    entries["arguments"] |= {"cores": 2, "processes": 2, "memory": "4GiB", "shared_temp_directory": str(tmp_path)}
    entries["arguments"]["scheduler_options"]["host"] = "127.0.0.1"
    (tmp_path / "cluster.toml").write_text(tomli_w.dumps(entries))
    head = scan(tmp_path / "out", "--cluster", tmp_path / "cluster.toml")
    scan(tmp_path / "alone")
    result = json.loads((tmp_path / "out" / "run.json").read_text())["result"]
    assert result["n_sites"] == 3447
    workers = set(result["peak_memory_mb"]) - {"main"}
    assert workers and head not in workers, "the parts were not made by the workers of the job"
    for path in (tmp_path / "alone").glob("sites/*"):
        assert (tmp_path / "out" / "sites" / path.name).read_bytes() == path.read_bytes()
    script = (tmp_path / "job.sh").read_text()
    assert "--nworkers 2" in script and "--lifetime 220m" in script and "tls://127.0.0.1" in script
