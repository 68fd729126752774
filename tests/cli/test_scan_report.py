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


def pair(symbol, mirna, change, **more):
    counts = {"n_8mer": 2, "n_7mer_m8": 0, "n_7mer_a1": 1, "n_6mer": 0, "n_other": 0, "n_sites": 3, "n_apart": 3}
    return {"symbol": symbol, "mirna": mirna, "predicted_log2fc": change, **counts, **more}


def test_top__says_what_pairs_are_ranked_by_and_which_isoform_speaks():
    # Of overlapping sites of a repeat as many are told as fit side by side.
    rows = [
        pair("JARID2", "miR-155-5p", -0.625, n_other=8, n_sites=11, n_apart=4),
        pair("LOC100130370-AS1", "Hsa-Mir-124-P1-v1_3p", -0.5, q_value=0.02),
    ]
    assert list(scan_report._describe_top(rows, "strongest")) == [
        "strongest pairs by predicted log2 fold change; each gene by its strongest isoform",
        "  JARID2           miR-155-5p           -0.625  2 8mer, 1 7mer-A1, 8 other; 4 side by side",
        "  LOC100130370-AS1 Hsa-Mir-124-P1-v1_3p -0.500  2 8mer, 1 7mer-A1  q 0.02",
    ]
    assert list(scan_report._describe_top([pair("JARID2", "miR-155-5p", -0.625, gene_score=1.75)], "weighted")) == [
        "strongest pairs by gene score, beside the predicted log2 fold change; each gene by all its isoforms, weighted",
        "  JARID2       miR-155-5p         1.750  -0.625  2 8mer, 1 7mer-A1",
    ]
    assert list(scan_report._describe_top([], "strongest")) == []
