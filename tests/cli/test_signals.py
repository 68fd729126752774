"""A signal that meets a destructor."""

import signal

import pytest

from mirscan.cli import signals


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
