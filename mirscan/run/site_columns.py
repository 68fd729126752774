"""The sites of a part as arrays, read from its Parquet file."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirscan.genes.site_features import Places
from mirscan.run.partition import PartContext
from mirscan.store.names import part_sites

BATCH_ROWS = 1 << 17


def read_sites(context: PartContext, number: int) -> Iterator[Places]:
    """The sites of part `number` in order."""
    part = context.plan.parts[number]
    names = {
        "transcript": context.transcriptome.names.slice(part.first, part.last - part.first),
        "mirna": pa.array(context.mirnas.names),
        "seed": pa.array(context.table.rules),
    }
    with pq.ParquetFile(context.store.local(part_sites(number))) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(Places._fields), use_threads=False):
            codes = {name: find_codes(batch[name], names[name]) for name in names}
            numbers = {name: batch[name].to_numpy(zero_copy_only=False) for name in ("start", "end", "score")}
            yield Places(**(codes | numbers | {"transcript": codes["transcript"] + np.int32(part.first)}))


def find_codes(column: pa.DictionaryArray, names: pa.Array) -> np.ndarray:
    """Indices of `column` (n,) into `names`, int32; most files carry the names in just that order."""
    indices = column.indices.to_numpy().astype(np.int32, copy=False)
    if column.dictionary.equals(names):
        return indices
    return pc.index_in(column.dictionary, names).to_numpy()[indices]
