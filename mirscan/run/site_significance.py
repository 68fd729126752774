"""q-values of the sites of a run: they take the sites of all parts, so each part's file is written once more when all are there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.genes.ranking import with_columns
from mirscan.genes.significance import q_values as false_discovery_rates
from mirscan.genes.significance import site_levels
from mirscan.output.parquet import ParquetRows
from mirscan.run.null_counts import Counts, Keys
from mirscan.run.partition import PartContext
from mirscan.run.sealed import seal, unseal
from mirscan.store.checksums import describe_file
from mirscan.store.names import part_record, part_sites

# An entry of a part's record: its sites have their q-values.
HAS_Q = "has_q_values"


def add_q_values(context: PartContext) -> None:
    """Give the sites of all parts, which are done, their q-values; a part killed on the way counts as damaged and is scanned again."""
    store, n_parts = context.store, len(context.plan.parts)
    records = [unseal(store.read(part_record(number))) for number in range(n_parts)]
    without = [number for number, record in enumerate(records) if HAS_Q not in record]
    if not without:
        return
    with ThreadPoolExecutor(context.threads) as pool:
        rates = _rates(context, records, pool.map(lambda number: _count(context, number), range(n_parts)))
        list(pool.map(lambda number: _rewrite(context, number, records[number], rates), without))


@dataclass(frozen=True)
class _Rates:
    """q (m,) of the sites of a miRNA and a level, by their number (m,), ascending."""

    keys: np.ndarray
    q: np.ndarray


def _rates(context: PartContext, records: list[dict], counted: Iterator[tuple[np.ndarray, np.ndarray]]) -> _Rates:
    total = Counts()
    for keys, n in counted:
        total.add(keys, n)
    keys, n = total.sums()
    _, mirna, _, level = _keys(context).parts(keys)
    p = context.null.sites.p_values(mirna, level.astype(np.int16))
    n_tests = np.sum([record["candidates_of_mirnas"] for record in records], axis=0)
    return _Rates(keys, false_discovery_rates(mirna, p, n_tests, n))


def _keys(context: PartContext) -> Keys:
    return Keys(len(context.mirnas), len(context.table.rules))


def _count(context: PartContext, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The sites of a part, counted by miRNA and level."""
    counts = Counts()
    with pq.ParquetFile(context.store.local(part_sites(number))) as file:
        for batch in file.iter_batches(columns=["mirna", "seed", "score"], use_threads=False):
            counts.add(_numbers(context, batch))
    return counts.sums()


def _numbers(context: PartContext, batch: pa.RecordBatch) -> np.ndarray:
    """Number of the miRNA and level (n,) of each site."""
    mirna = _codes(batch["mirna"], context.mirnas.names)
    rules = context.table.rules
    score = batch["score"].to_numpy(zero_copy_only=False)
    level = site_levels(score, _codes(batch["seed"], rules), len(rules), context.plan.settings.is_scored)
    return _keys(context).of_sites(mirna, -1, level)


def _codes(column: pa.DictionaryArray, names) -> np.ndarray:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[name] for name in column.dictionary.to_pylist()], np.int64)[column.indices.to_numpy()]


def _rewrite(context: PartContext, number: int, record: dict, rates: _Rates) -> None:
    name, store = part_sites(number), context.store
    scratch = store.scratch(name)
    with pq.ParquetFile(store.local(name)) as file, ParquetRows(scratch, context.schema) as rows:
        for group in range(file.num_row_groups):
            for batch in file.read_row_group(group, use_threads=False).combine_chunks().to_batches():
                q = rates.q[np.searchsorted(rates.keys, _numbers(context, batch))]
                rows.write(with_columns(batch.cast(context.schema), {"q_value": pa.array(q)}))
    record |= {**describe_file(scratch), HAS_Q: True}
    store.publish(scratch, name)
    store.write(part_record(number), seal(record))
