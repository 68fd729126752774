"""A program that runs scans in forked children which come to harm; it imports once, so that a child takes milliseconds.

Reads one JSON line a task (`kind`, `out`, `settings`, and the kind's own entries) and answers each with one: the child's exit code,
negative for a signal, and the message of its error.
"""

import functools
import json
import os
import resource
import signal
import sys
import tempfile

from mirscan.errors import RunError
from mirscan.run import scan


def die_at(task: dict) -> None:
    """Be killed at the `moment`th file that is moved into place, after the move or before it."""
    replace, count = os.replace, iter(range(1, 10**9))

    def deadly_replace(source, target):
        is_last = next(count) == task["moment"]
        if is_last and not task["after"]:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly_replace


def limit_disk(task: dict) -> None:
    """No file may grow past `limit` bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (task["limit"], task["limit"]))


@functools.cache
def load_kernels(settings: str) -> None:
    """Scan once, so that forked children find the compiled code in memory."""
    with tempfile.TemporaryDirectory() as out:
        scan(out=out, **json.loads(settings))


def run_child(task: dict, answers: int) -> None:
    {"die": die_at, "full": limit_disk}[task["kind"]](task)
    try:
        scan(out=task["out"], **task["settings"])
    except RunError as error:
        os.write(answers, str(error).encode())


def main() -> None:
    for line in sys.stdin:
        load_kernels(json.dumps(json.loads(line)["settings"]))
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                run_child(json.loads(line), writer)
            finally:
                sys.stderr.flush()
                os._exit(0)
        os.close(writer)
        status = os.waitpid(pid, 0)[1]
        message = os.read(reader, 10_000).decode()
        os.close(reader)
        print(json.dumps([os.waitstatus_to_exitcode(status), message]), flush=True)


if __name__ == "__main__":
    main()
