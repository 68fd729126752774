"""The sites of a finished run as arrays, for fits and evaluations of gene models."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mirscan.errors import InputError
from mirscan.evaluation.gene_sites import GeneSites
from mirscan.genes.site_features import KINDS, Places
from mirscan.query.finished_run import open_run
from mirscan.run.partition import open_context
from mirscan.store.names import SITES


def read_run_sites(out: str | os.PathLike) -> GeneSites:
    """All sites of a finished run with its transcripts, coding sequences and scores; no experiments yet.

    Raises RunError where there is no finished run, InputError for one without 8mers.
    """
    run = open_run(out)
    context = open_context(os.fspath(out))
    packed, mirnas = context.transcriptome, context.mirnas
    n_kinds = next((number for number, kind in enumerate(KINDS) if kind not in context.table.rules), len(KINDS))
    if n_kinds == 0:
        raise InputError(f"{run.store.root}: the run has no 8mers; expected one with --seeds canonical, or more")
    columns = pa.array(packed.names), pa.array(mirnas.names), pa.array(KINDS[:n_kinds])
    files = [path for name, path in run.files.items() if name.startswith(f"{SITES}/")]
    parts = [_read_part(path, columns) for path in sorted(files)]
    places = Places(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    more = context.sources, n_kinds, context.isoform_shares, context.conservation
    return GeneSites(packed, context.known_coding, mirnas, (), places, *more)


def _read_part(path: str, names: tuple[pa.Array, ...]) -> Places:
    """The sites of the kinds that repress."""
    table = pq.read_table(path, columns=["transcript", "mirna", "start", "end", "seed", "score"]).unify_dictionaries().combine_chunks()
    codes = [_codes(table[name].combine_chunks(), known) for name, known in zip(("transcript", "mirna", "seed"), names, strict=True)]
    kept = codes[2] >= 0
    start, end, score = (table[name].to_numpy() for name in ("start", "end", "score"))
    columns = codes[0], codes[1], start, end, codes[2], score.astype(np.float32)
    return Places(*(column[kept] for column in columns))


def _codes(column: pa.Array, names: pa.Array) -> np.ndarray:
    """Place (n,) int32 of each value among the names, -1 for one that is not there."""
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    found = pc.fill_null(pc.index_in(encoded.dictionary, names.cast(encoded.dictionary.type)), -1).to_numpy()
    return found[encoded.indices.to_numpy()].astype(np.int32)
