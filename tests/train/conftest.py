"""Synthetic pairs with a planted signal: positives hold the miRNA's 7mer-m8 in the middle of the window."""

import numpy as np
import pytest

_LETTERS = np.frombuffer(b"ACGT", np.uint8)


def planted_rows(n: int = 400, n_mirnas: int = 25, seed: int = 0) -> list[tuple[str, str, int]]:
    """(miRNA, site, label) rows, half of them positive, every miRNA and site distinct enough to be split by either."""
    random = np.random.default_rng(seed)
    mirnas = random.integers(0, 4, (n_mirnas, 22))
    rows = []
    for i in range(n):
        mirna, site, label = mirnas[i % n_mirnas], random.integers(0, 4, 50), int(random.random() < 0.5)
        if label:
            start = 24 + random.integers(-4, 5)
            site[start : start + 7] = 3 - mirna[7:0:-1]
        rows.append((_LETTERS[mirna].tobytes().decode(), _LETTERS[site].tobytes().decode(), label))
    return rows


def write_tsv(path, rows, heading=("mirna", "target", "label")):
    path.write_text("\n".join("\t".join(map(str, row)) for row in [heading, *rows]) + "\n")
    return path


@pytest.fixture
def rows():
    return planted_rows()


@pytest.fixture
def pairs_file(tmp_path, rows):
    return write_tsv(tmp_path / "pairs.tsv", rows)
