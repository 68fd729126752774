"""The container: what goes into the image, who runs in it, and what its command starts."""

import fnmatch
import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

MAIN = Path(__file__).parents[2]
DOCKERFILE = (MAIN / "Dockerfile").read_text()
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]


def test_dockerfile__final_image_is_slim_and_not_root():
    final = INSTRUCTIONS[max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]
    assert re.fullmatch(r"python:3\.1[123]-slim", final[0][1])
    users = [value for name, value in final if name == "USER"]
    assert users and all(value not in ("root", "0") for value in users)
    order = [name for name, _ in final]
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert json.loads(dict(final)["ENTRYPOINT"]) == ["container-command"]


def test_dockerfile__copies_only_what_the_ignore_file_lets_through():
    ignored = (MAIN / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    allowed = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    sources = [word for name, value in INSTRUCTIONS if name == "COPY" and "--from" not in value for word in value.split()[:-1]]
    copied = [word.removeprefix("./") for word in sources if not word.startswith("--")]
    assert sorted(copied) == sorted(allowed)
    assert not any(fnmatch.fnmatch(".git", pattern) or pattern == ".env" for pattern in allowed)


@pytest.mark.parametrize(
    ("arguments", "started"),
    [
        (["scan", "--out", "a b"], "mirscan|scan|--out|a b"),
        ([], "mirscan"),
        (["dask-scheduler", "--host", "0.0.0.0"], "dask|scheduler|--host|0.0.0.0"),
        (["dask", "worker", "--name", "w 1"], "dask|worker|--name|w 1"),
        (["dask-worker", "--nthreads", "1"], "dask|worker|--nthreads|1"),
    ],
)
def test_container_command__starts_mirscan_or_dask(tmp_path, arguments, started):
    for name in ("mirscan", "dask"):
        command = tmp_path / name
        command.write_text('#!/bin/sh\nprintf %s "${0##*/}"\nfor word; do printf "|%s" "$word"; done\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    script = MAIN / "workflows" / "container-command.sh"
    assert subprocess.run([script, *arguments], env=environment, text=True, capture_output=True, check=True).stdout == started
