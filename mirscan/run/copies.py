"""Isoforms of a gene whose regions are the same bases of the genome: they are scanned once, and have rows each."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from mirscan.run.plan import Part
from mirscan.search.filters import Regions
from mirscan.sequence.transcriptome import Transcriptome


def count_copies(transcriptome: Transcriptome, part: Part) -> np.ndarray:
    """How many transcripts (n,) right behind each one are the same bases of the same gene, within a part; 0 for these themselves.

    What a part holds a piece of only has none and is none: its rows are not all there.
    """
    is_copy = is_like_before(transcriptome)
    is_copy[: part.first + 1] = is_copy[part.last :] = False
    for cut in part.cut_transcripts(transcriptome.lengths):
        is_copy[cut : cut + 2] = False
    originals = np.flatnonzero(~is_copy)
    n_copies = np.zeros(len(is_copy), np.int64)
    n_copies[originals] = np.diff(np.append(originals, len(is_copy))) - 1
    return n_copies


def hide_copies(n_copies: np.ndarray, lengths: np.ndarray, regions: Regions | None) -> Regions | None:
    """The regions to scan (all of the transcripts of `lengths` (n,) where there are none) without those that are copies."""
    if not n_copies.any():
        return regions
    is_scanned = np.ones(len(lengths), bool)
    for original in np.flatnonzero(n_copies):
        is_scanned[original + 1 : original + 1 + n_copies[original]] = False
    whole = regions or Regions(np.arange(len(lengths) + 1), np.zeros(len(lengths), np.int64), lengths)
    counts = np.diff(whole.first)
    is_kept = np.repeat(is_scanned, counts)
    return Regions(np.concatenate(([0], np.cumsum(counts * is_scanned))), whole.starts[is_kept], whole.ends[is_kept])


def repeat_rows(batches: Iterator[pa.RecordBatch], n_copies: np.ndarray) -> Iterator[pa.RecordBatch]:
    """Batches of CANDIDATES in order, with the rows of each transcript again for every copy of it.

    Memory holds the rows of the one transcript more that a batch ends in.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not len(batch):
            continue
        batch = pa.Table.from_batches([*held, batch]).combine_chunks().to_batches()[0]
        transcript = batch["transcript"].indices.to_numpy()
        closed = np.searchsorted(transcript, transcript[-1]) if n_copies[transcript[-1]] else len(batch)
        yield _repeat(batch.slice(0, closed), n_copies)
        held = [batch.slice(closed)] if closed < len(batch) else []
    for batch in held:
        yield _repeat(batch, n_copies)


def _repeat(batch: pa.RecordBatch, n_copies: np.ndarray) -> pa.RecordBatch:
    transcript = batch["transcript"].indices.to_numpy()
    if not n_copies[transcript].any():
        return batch
    firsts = np.flatnonzero(np.diff(transcript, prepend=-1))
    sizes = np.diff(np.append(firsts, len(transcript)))
    totals = sizes * (1 + n_copies[transcript[firsts]])
    run = np.repeat(np.arange(len(firsts)), totals)
    within = np.arange(len(run)) - (np.cumsum(totals) - totals)[run]
    source = firsts[run] + within % sizes[run]
    number = (transcript[source] + within // sizes[run]).astype(transcript.dtype)
    taken = batch.take(pa.array(source))
    repeated = pa.DictionaryArray.from_arrays(number, batch["transcript"].dictionary)
    return taken.set_column(taken.schema.get_field_index("transcript"), taken.schema.field("transcript"), repeated)


def is_like_before(transcriptome: Transcriptome) -> np.ndarray:
    """Whether a transcript (n,) is the same bases of the same gene as the one before it."""
    if transcriptome.places.null_count:
        return np.zeros(len(transcriptome), bool)
    place = transcriptome.places.dictionary_encode().indices.to_numpy()
    columns = (transcriptome.gene_codes, place, transcriptome.lengths)
    return np.append(False, np.all([np.diff(column) == 0 for column in columns], axis=0))
