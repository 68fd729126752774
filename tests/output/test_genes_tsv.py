import io
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from mirscan.output import genes as genes_text
from mirscan.output.genes import GenesText
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


def as_text(*batches: pa.RecordBatch) -> bytes:
    text = GenesText(GENES.schema())
    return text.header + b"".join(chunk.tobytes() for batch in batches for chunk in text.format(batch))


def test_genes_text__equals_the_table(monkeypatch):
    monkeypatch.setattr(genes_text, "CHUNK_ROWS", 64)
    batch = make_batch(1000, with_scores=True)
    text = as_text(batch.slice(0, 300), batch.slice(300))
    options = csv.ConvertOptions(strings_can_be_null=False)
    read = csv.read_csv(io.BytesIO(text), parse_options=csv.ParseOptions(delimiter="\t"), convert_options=options).to_pylist()
    for found, expected in zip(read, batch.to_pylist(), strict=True):
        assert list(found) == list(GENES.names)
        for name, value in expected.items():
            assert abs(found[name] - value) <= 0.5 * 10 ** -decimals_of(name) + 1e-9 if isinstance(value, float) else found[name] == value


def decimals_of(name: str) -> int:
    return {"predicted_log2fc": 4, "percentile": 2}.get(name, 6)


def test_genes_text__as_many_decimals_as_mean_something():
    _, *lines = as_text(make_batch(1000, with_scores=True)).decode().splitlines()
    for line in lines:
        for field, text in zip(GENES.schema(), line.split("\t"), strict=True):
            if pa.types.is_floating(field.type):
                assert re.fullmatch(rf"-?\d+\.\d{{{decimals_of(field.name)}}}", text)


def test_genes_text__rounds_up_to_the_next_whole_number_and_drops_the_sign_of_zero():
    values = np.array([-0.99996, -0.00004, 0.00004, 99.99999, -12.5], np.float32)
    batch = make_batch(len(values), with_scores=False)
    column = batch.schema.get_field_index("predicted_log2fc")
    lines = as_text(batch.set_column(column, batch.schema.field(column), pa.array(values))).decode().splitlines()[1:]
    assert [line.split("\t")[column] for line in lines] == ["-1.0000", "0.0000", "0.0000", "100.0000", "-12.5000"]


def test_genes_text__null_scores_are_empty():
    header, *lines = as_text(make_batch(2, with_scores=False)).decode().splitlines()
    best = header.split("\t").index("best_score")
    assert [line.split("\t")[best : best + 2] for line in lines] == [["", ""], ["", ""]]


def test_genes_text__no_rows_leave_the_header():
    assert as_text(make_batch(0, with_scores=True)).decode() == "\t".join(GENES.names) + "\n"
