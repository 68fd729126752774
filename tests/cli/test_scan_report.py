"""What a scan prints where there is no terminal."""

from types import SimpleNamespace

from mirscan.cli import scan_report
from mirscan.run.progress import FINISH, SCAN, Event


def test_lines__time_left_is_that_of_the_stage(monkeypatch, capsys):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(scan_report.time, "monotonic", lambda: clock.now)
    report = scan_report._LineReport().report
    for now, event in (
        (100, Event(SCAN, done=250, total=1000, rows=5000)),
        (400, Event(SCAN, done=1000, total=1000, rows=20_000)),
        (410, Event(FINISH, done=10, total=100)),
        (440, Event(FINISH, done=40, total=100)),
    ):
        clock.now = now
        report(event)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "scan 25%, 5,000 sites, 50/s, about 300 s left"
    assert lines[-1] == "finish 40%, 40 of 100 steps, about 60 s left"


def result(**values):
    counts = {"pairs": 1000, "computed": 900, "saved": 0.1}
    return SimpleNamespace(
        scorer={"model": "base", "engine": "tensorflow", "device": "cpu", "precision": "float32"}, scoring=counts, **values
    )


def test_scoring__says_what_was_saved_and_what_a_prefilter_cost():
    plain = result()
    lines = list(scan_report._describe_scoring(plain))
    assert lines == ["scored by base (tensorflow, cpu, float32): 1,000 windows, 900 of them distinct, which saves 10.0%"]
    plain.scorer["prefilter"] = {"model": "fast"}
    plain.scoring |= {"survivors": 400, "cut": 500, "lost_estimate": 2, "lost_share": 0.008, "audited": 50}
    assert list(scan_report._describe_scoring(plain))[1:] == [
        "prefilter fast: 400 survived, 500 were cut",
        "  about 2 (0.80%) of what base would report are lost, by an audit of 50 cut ones",
    ]
    plain.scoring = {}
    assert list(scan_report._describe_scoring(plain)) == []


def test_memory__is_told_for_every_worker():
    assert scan_report._describe_memory({"main": 500, "host:1": 500}) == "500 MB"
    assert scan_report._describe_memory({"main": 300, "host:2": 1200, "host:3": 1300}) == "300 MB here, 1,200 MB, 1,300 MB in 2 workers"
