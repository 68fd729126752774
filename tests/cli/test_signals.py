"""A signal that meets a destructor, a library that answers it with an error of its own, or a network at work."""

import os
import signal
import subprocess
import sys

import pytest

from mirscan.cli import signals
from mirscan.cli.training_progress import training_progress


@pytest.mark.parametrize(("number", "kind"), signals._KINDS.items())
def test_signals__one_that_python_swallowed_is_raised_at_the_next_word(monkeypatch, number, kind):
    monkeypatch.setattr(signals, "_asked", [])
    events: list[str] = []
    report = signals.stoppable(events.append)
    report("first")
    with pytest.raises(kind):
        signals._stop(number, None)
    # Had that been inside a destructor, the run would have gone on to here.
    with pytest.raises(kind):
        report("second")
    assert events == ["first"]


@pytest.mark.parametrize(("error", "lines"), [(KeyboardInterrupt, 0), (signals.Terminated, 0), (signals.HungUp, 0), (ValueError, 1)])
def test_tell_unraised__a_signal_inside_a_destructor_prints_nothing(monkeypatch, capsys, error, lines):
    monkeypatch.setattr(sys, "unraisablehook", signals.tell_unraised)

    class Last:
        def __del__(self):
            raise error

    Last()
    assert capsys.readouterr().err.count("Exception ignored in") == lines


@pytest.mark.parametrize("quiet", [False, True])
def test_training_progress__one_that_python_swallowed_ends_the_training_at_the_next_step(monkeypatch, quiet):
    monkeypatch.setattr(signals, "_asked", [KeyboardInterrupt])
    with training_progress(quiet) as (say, report):
        for tell in (say, report):
            with pytest.raises(KeyboardInterrupt):
                tell("anything")


def test_signals__an_ignored_ctrl_c_stays_ignored():
    handlers = {number: signal.getsignal(number) for number in signals._KINDS}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signals.catch_signals()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signals._stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_stopping__an_error_that_a_signal_caused_is_the_signal(monkeypatch, capsys):
    monkeypatch.setattr(signals, "_asked", [signals.Terminated])
    with pytest.raises(SystemExit) as ended, signals.stopping(), signals.stopping(lambda: "train"):
        # As DuckDB answers it.
        raise RuntimeError("Query interrupted")
    assert ended.value.code == 143
    said = "mirscan: terminated; the same command with --resume goes on from the last checkpoint; before the first, leave --resume out\n"
    assert capsys.readouterr().err == said


def test_stopping__other_errors_and_a_good_end_stay_what_they_are(monkeypatch):
    with pytest.raises(ZeroDivisionError), signals.stopping():
        _ = 1 / 0
    with pytest.raises(SystemExit) as ended, signals.stopping():
        raise SystemExit(2)
    assert ended.value.code == 2
    monkeypatch.setattr(signals, "_asked", [KeyboardInterrupt])
    with pytest.raises(SystemExit) as ended, signals.stopping():
        raise SystemExit(0)
    assert ended.value.code == 0


def left_with(code: int, at_exit: str) -> subprocess.CompletedProcess:
    program = (
        f"import atexit; from mirscan.cli.signals import leave; atexit.register(lambda: {at_exit}); print('out', end=''); leave({code})"
    )
    return subprocess.run([sys.executable, "-c", f"{program}; leave({code})"], capture_output=True, text=True)


def test_leave__what_fails_at_the_end_is_the_signals_doing():
    ended = left_with(143, "1 / 0")
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "out", "")


@pytest.mark.parametrize("code", [0, 1])
def test_leave__does_what_is_registered_for_the_end_and_writes_what_was_printed(code):
    ended = left_with(code, "print('put', end='')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "output", "")


def test_stopping__a_terminal_that_is_gone_cannot_be_written_to(monkeypatch):
    class Gone:
        def write(self, text):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    with pytest.raises(SystemExit) as ended, signals.stopping():
        raise signals.HungUp
    assert ended.value.code == 129


def start(*words, **streams) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "mirscan", *map(str, words)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # JAX, where a test has imported it, lets TensorFlow say more.
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
        # A background job of a shell ignores Ctrl-C and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **streams,
    )


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals__end_a_training_in_one_line(write_pairs, tmp_path, sent, code):
    words = ("train", write_pairs(n=200), "--architecture", "mirscan_fast", "--out", tmp_path / "model", "--epochs", 10_000, "--threads", 1)
    child = start(*words, "--split", "random", "--allow-leak")
    # TensorFlow is at work from the first validation on; its threads must not keep the process from ending.
    for line in child.stdout:
        if line.startswith("epoch"):
            break
    child.send_signal(sent)
    _, stderr = child.communicate()
    assert child.returncode == code
    assert stderr.count("\n") == 1 and stderr.endswith(
        "with --resume goes on from the last checkpoint; before the first, leave --resume out\n"
    )


def test_signals__end_a_query_in_one_line(tmp_path):
    import mirscan as ms

    ms.scan("examples/mirnas.fa", "examples/utrs.fa.gz", out=tmp_path / "out", model="none", threads=1)
    endless = "SELECT count(*) FROM sites a, sites b, sites c, sites d WHERE a.start + b.start + c.start + d.start = 7"
    log = tmp_path / "log"
    child = start("--log-file", log, "query", tmp_path / "out", "--sql", endless)
    while not log.exists() or "started" not in log.read_text():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate()
    assert (child.returncode, stderr) == (130, "mirscan: interrupted; run the same command again\n")
