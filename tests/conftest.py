"""Synthetic pairs with a planted signal: positives hold the miRNA's 7mer-m8 near the middle of the window."""

import numpy as np
import pytest

_LETTERS = np.frombuffer(b"ACGT", np.uint8)


def _planted_rows(n: int, n_mirnas: int, seed: int) -> list[tuple[str, str, int]]:
    random = np.random.default_rng(seed)
    mirnas = random.integers(0, 4, (n_mirnas, 22))
    rows = []
    for i in range(n):
        mirna, site, label = mirnas[i % n_mirnas], random.integers(0, 4, 50), int(random.random() < 0.5)
        if label:
            start = 24 + random.integers(-1, 2)
            site[start : start + 7] = 3 - mirna[7:0:-1]
        rows.append((_LETTERS[mirna].tobytes().decode(), _LETTERS[site].tobytes().decode(), label))
    return rows


@pytest.fixture
def write_pairs(tmp_path):
    """Function that writes a TSV of planted pairs, or of the rows given, and returns its path."""

    def write(name="pairs.tsv", n=400, n_mirnas=25, seed=0, rows=None, heading=("mirna", "target", "label")):
        rows = _planted_rows(n, n_mirnas, seed) if rows is None else rows
        path = tmp_path / name
        path.write_text("\n".join("\t".join(map(str, row)) for row in [heading, *rows]) + "\n")
        return path

    write.rows = _planted_rows
    return write


def pytest_sessionstart(session):
    """Compile once, before the processes of pytest-xdist begin, which would each do it for themselves."""
    if not hasattr(session.config, "workerinput"):
        from mirscan.run.first_run import compile_first
        from mirscan.run.runs import scan
        from mirscan.run.settings import make_settings

        compile_first(make_settings("mirnas.fa", ("transcripts.fa",)), scan)


@pytest.fixture
def killed_in_second_member():
    """Calls what trains several networks with a `report`, and stops it as a kill would once the second of them was validated."""

    class Stop(Exception):
        pass

    def call(train):
        steps = []

        def stop(step):
            steps.append(step.step)
            if steps.count(1) == 2 and step.validation:
                raise Stop

        with pytest.raises(Stop):
            train(report=stop)

    return call
