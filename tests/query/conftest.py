from pathlib import Path

import pytest

import mirscan as ms

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def example(tmp_path_factory) -> Path:
    """A finished run of the shipped example, in several parts; its folder's name holds what SQL and globs take for their own."""
    out = tmp_path_factory.mktemp("query") / "a run's [1] *?"
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=out, model="none", part_rows=1000, threads=1)
    return out


@pytest.fixture(scope="session")
def scored(tmp_path_factory) -> Path:
    """The same, scored by the duplex energy and with features."""
    out = tmp_path_factory.mktemp("scored") / "out"
    features = ("local_au", "supplementary", "energy")
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=out, model="duplex", features=features, threads=1)
    return out
