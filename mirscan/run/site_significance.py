"""q-values of the sites of a run: they take the sites of all parts, so each part's file is written once more when all are there."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mirscan.genes.ranking import with_columns
from mirscan.genes.significance import q_values, site_levels
from mirscan.output.files import whole_file
from mirscan.output.parquet import ParquetRows
from mirscan.run.null_counts import Keys, add_counts
from mirscan.run.partition import PartContext
from mirscan.run.sealed import seal, unseal
from mirscan.run.site_columns import find_codes
from mirscan.store.checksums import describe_file
from mirscan.store.names import SITE_RATES, part_levels, part_record, part_sites

# An entry of a part's record: its sites have their q-values.
HAS_Q = "has_q_values"
RATE = np.dtype([("key", "<i8"), ("q", "<f4")])


def site_keys(context: PartContext, mirna: np.ndarray, seed: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Number of the miRNA and level (n,) of each site."""
    n_rules = len(context.table.rules)
    level = site_levels(score, seed, n_rules, context.plan.settings.is_scored)
    return Keys(len(context.mirnas), n_rules).of_sites(mirna, -1, level)


def find_rates(context: PartContext) -> None:
    """Write the q-value of each miRNA and level, from the counts of all parts."""
    store, n_parts = context.store, len(context.plan.parts)
    keys, n = add_counts(store.local(part_levels(number)) for number in range(n_parts)).sums()
    _, mirna, _, level = Keys(len(context.mirnas), len(context.table.rules)).parts(keys)
    p = context.null.sites.p_values(mirna, level.astype(np.int16))
    n_tests = sum(np.array(unseal(store.read(part_record(number)))["candidates_of_mirnas"]) for number in range(n_parts))
    rates = np.empty(len(keys), RATE)
    rates["key"], rates["q"] = keys, q_values(mirna, p, n_tests, n)
    scratch = store.scratch(SITE_RATES)
    with whole_file(scratch) as file:
        np.save(file, rates)
    store.publish(scratch, SITE_RATES, is_lasting=False)


def add_q_values(context: PartContext, number: int) -> None:
    """Give the sites of part `number` their q-values; killed on the way, the part counts as damaged and is scanned again."""
    name, store = part_sites(number), context.store
    record = unseal(store.read(part_record(number)))
    if HAS_Q in record:
        return
    rates, scratch = np.load(store.local(SITE_RATES)), store.scratch(name)
    mirnas, rules = pa.array(context.mirnas.names), pa.array(context.table.rules)
    with pq.ParquetFile(store.local(name)) as file, ParquetRows(scratch, context.schema) as rows:
        for group in range(file.num_row_groups):
            for batch in file.read_row_group(group, use_threads=False).combine_chunks().to_batches():
                codes = find_codes(batch["mirna"], mirnas), find_codes(batch["seed"], rules)
                keys = site_keys(context, *codes, batch["score"].to_numpy(zero_copy_only=False))
                q = rates["q"][np.searchsorted(rates["key"], keys)]
                rows.write(with_columns(batch.cast(context.schema), {"q_value": pa.array(q)}))
    record |= {**describe_file(scratch), HAS_Q: True}
    store.publish(scratch, name)
    store.write(part_record(number), seal(record))
