from pathlib import Path

import pytest

import mirscan as ms

EXAMPLES = Path(__file__).parents[2] / "examples"
EVIL = "<script>alert('x')</script>&\"<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def example(tmp_path_factory) -> Path:
    """A finished run of the shipped example without a model."""
    out = tmp_path_factory.mktemp("report") / "out"
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=out, model="none", threads=1)
    return out


@pytest.fixture(scope="session")
def scored(tmp_path_factory) -> Path:
    """The same with scores."""
    out = tmp_path_factory.mktemp("report-scored") / "out"
    ms.scan(EXAMPLES / "mirnas.fa", EXAMPLES / "utrs.fa.gz", out=out, model="duplex", threads=1)
    return out


@pytest.fixture(scope="session")
def evil(tmp_path_factory) -> Path:
    """A run whose names are HTML."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "mirs.fa").write_text(">m</script><b>\nUGAGGUAGUAGGUUGUAUAGUU\n>silent<i>\nCCCCCCCCCCCCCCCC\n")
    (folder / "utr.fa").write_text(">t<svg/onload=alert(1)>\nACGTACGTCTACCTCAGGTT\n")
    (folder / "map.tsv").write_text(f"t<svg/onload=alert(1)>\tg<u>\t{EVIL}\n")
    ms.scan(folder / "mirs.fa", folder / "utr.fa", out=folder / "out", model="none", gene_map=folder / "map.tsv", threads=1)
    return folder / "out"
