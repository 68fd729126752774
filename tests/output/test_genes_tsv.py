import gzip

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from mirscan.output import genes as genes_text
from mirscan.output.genes import GenesTsv
from mirscan.tables import GENES


def make_batch(n: int, with_scores: bool) -> pa.RecordBatch:
    rng = np.random.default_rng(3)
    columns = {}
    for field in GENES.schema():
        if pa.types.is_dictionary(field.type):
            columns[field.name] = pa.DictionaryArray.from_arrays(
                pa.array(rng.integers(0, 3, n), pa.int32()), pa.array(["a", "b b", "päper"])
            )
        elif pa.types.is_integer(field.type):
            columns[field.name] = pa.array(rng.integers(0, 10 ** rng.integers(1, 9), n), pa.int32())
        else:
            columns[field.name] = pa.array(rng.normal(0, 50, n).astype(np.float32)) if with_scores else pa.nulls(n, pa.float32())
    return pa.record_batch([columns[name] for name in GENES.names], schema=GENES.schema())


def read_back(path) -> list[dict]:
    options = csv.ConvertOptions(strings_can_be_null=False)
    return csv.read_csv(path, parse_options=csv.ParseOptions(delimiter="\t"), convert_options=options).to_pylist()


def test_genes_tsv__equals_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(genes_text, "CHUNK_ROWS", 64)
    batch = make_batch(1000, with_scores=True)
    with GenesTsv(tmp_path / "genes.tsv.gz", GENES.schema()) as tsv:
        tsv.write(batch.slice(0, 300))
        tsv.write(batch.slice(300))
    for found, expected in zip(read_back(tmp_path / "genes.tsv.gz"), batch.to_pylist(), strict=True):
        assert list(found) == list(GENES.names)
        for name, value in expected.items():
            assert abs(found[name] - value) <= 1e-6 if isinstance(value, float) else found[name] == value


def test_genes_tsv__null_scores_are_empty(tmp_path):
    with GenesTsv(tmp_path / "genes.tsv.gz", GENES.schema()) as tsv:
        tsv.write(make_batch(2, with_scores=False))
    header, *lines = gzip.decompress((tmp_path / "genes.tsv.gz").read_bytes()).decode().splitlines()
    best = header.split("\t").index("best_score")
    assert [line.split("\t")[best : best + 2] for line in lines] == [["", ""], ["", ""]]


def test_genes_tsv__no_rows_leave_the_header(tmp_path):
    with GenesTsv(tmp_path / "genes.tsv.gz", GENES.schema()):
        pass
    assert gzip.decompress((tmp_path / "genes.tsv.gz").read_bytes()).decode() == "\t".join(GENES.names) + "\n"
