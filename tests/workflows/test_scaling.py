"""What docs/scaling.md claims: its cost tables follow from its script, and the simulated cluster keeps its own books."""

import importlib
import sys
from pathlib import Path

import pytest

MAIN = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch):
    """Function that imports a script of benchmarks/run."""
    monkeypatch.syspath_prepend(str(MAIN / "benchmarks/run"))
    yield importlib.import_module
    for name in ("measure", "plan_costs", "simulate_run"):
        sys.modules.pop(name, None)


def test_costs__the_document_holds_what_the_script_computes(benchmark):
    document = (MAIN / "docs/scaling.md").read_text(encoding="utf-8")
    assert benchmark("plan_costs").with_tables(document) == document


def test_costs__core_hours_by_hand(benchmark):
    costs = benchmark("plan_costs")
    scan = next(scan for scan in costs.SCANS if scan.runs == 1)
    candidates = 350e6 * 2656 * 2_673_647 / (2_733_262 * 2656)
    assert scan.candidates == pytest.approx(candidates)
    row = next(row for row in costs.cost_rows() if row[:2] == (scan.name, "base"))
    hours = candidates / costs.RATES["base"].core / 3600 + candidates / costs.FINISH_RATE / 3600
    assert row[3] == costs.shown(hours)


def test_simulation__without_failures_it_is_arithmetic(benchmark):
    simulation = benchmark("simulate_run")
    outcome = simulation.simulate(100, 10.0, simulation.Cluster(workers=1, spread=0.0, startup=15.0, handing_out=0.5))
    assert outcome.wall == pytest.approx(15 + 100 * 10.5)
    assert (outcome.lost, outcome.retries, outcome.resumes) == (0, 0, 0)


def test_simulation__a_main_process_that_dies_is_resumed_and_every_part_done(benchmark):
    simulation = benchmark("simulate_run")
    cluster = simulation.Cluster(workers=8, worker_life=3600.0, main_life=1800.0)
    outcome = simulation.simulate(2_000, 30.0, cluster, seed=3)
    assert outcome == simulation.simulate(2_000, 30.0, cluster, seed=3)
    assert outcome.resumes > 0 and outcome.retries > 0 and not outcome.is_endless
    # Work done and work lost fit into the time there was.
    assert 2_000 * 30.0 * 0.9 + outcome.lost < 8 * outcome.wall


def test_simulation__parts_longer_than_workers_live_never_end(benchmark):
    simulation = benchmark("simulate_run")
    assert simulation.simulate(20, 36_000.0, simulation.Cluster(workers=4, worker_life=600.0), seed=1).is_endless
