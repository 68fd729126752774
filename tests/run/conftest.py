import gzip
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from mirscan.run import scan

MIRNAS = {
    "let-7a-5p": "UGAGGUAGUAGGUUGUAUAGUU",
    "miR-1-3p": "UGGAAUGUAAAGAAGUAUGUAU",
    "miR-21-5p": "UAGCUUAUCAGACUGAUGUUGA",
    "miR-122-5p": "UGGAGUGUGACAAUGGUGUUUG",
    "miR-124-3p": "UAAGGCACGCGGUGAAUGCC",
    "miR-155-5p": "UUAAUGCUAAUCGUGAUAGGGGUU",
    "short": "UGAGGUAG",
}


def make_transcripts(n: int = 40, seed: int = 11) -> dict[str, str]:
    """Header -> sequence; isoforms of 14 genes, so that most genes have several and none has them together."""
    rng = random.Random(seed)
    seeds = ["CTACCTCA", "ACATTCCA", "ATAAGCTA", "GTGCCTTA", "AGCATTAA", "CACTCCA"]
    records = {}
    for number in range(n):
        pieces = ["".join(rng.choices("ACGTN", (30, 20, 20, 30, 1), k=rng.randrange(20, 60))) + rng.choice(seeds) for _ in range(12)]
        records[f"tx{number}|g{number % 14}|SYM{number % 14}"] = "".join(pieces)
    return records


def write_fasta(path: Path, records: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in records.items()))
    return path


class Runs:
    """Scans of one small input, and what they wrote."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.mirnas = write_fasta(folder / "mirnas.fa", MIRNAS)
        self.transcripts = write_fasta(folder / "utrs.fa", make_transcripts())

    def scan(self, out, **settings):
        """Without a model and in six parts or so, unless told otherwise."""
        settings = {"mirnas": self.mirnas, "transcripts": self.transcripts, "model": "none", "part_rows": 100, "threads": 1} | settings
        return scan(out=out, **settings)

    @staticmethod
    def results(out) -> dict[str, bytes]:
        """Bytes of every result file; run.json holds times and is left out."""
        paths = [*Path(out).glob("sites/*"), *Path(out).glob("sites.bed.gz*"), *Path(out).glob("genes.*")]
        return {str(path.relative_to(out)): path.read_bytes() for path in sorted(paths)}

    @staticmethod
    def contents(out) -> dict[str, list]:
        """What the results hold, however they are cut into blocks and row groups."""
        text = gzip.decompress((Path(out) / "genes.tsv.gz").read_bytes()).splitlines()
        return {"bed": Runs.bed(out), "genes": pq.read_table(Path(out) / "genes.parquet").to_pylist(), "text": text}

    @staticmethod
    def sites(out) -> pa.Table:
        return ds.dataset(Path(out) / "sites").to_table()

    @staticmethod
    def bed(out) -> list[list[str]]:
        with gzip.open(Path(out) / "sites.bed.gz", "rt") as handle:
            return [line.rstrip("\n").split("\t") for line in handle]


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="session")
def golden(runs, tmp_path_factory) -> Path:
    """An undisturbed run in this process."""
    out = tmp_path_factory.mktemp("golden") / "out"
    runs.scan(out)
    return out
