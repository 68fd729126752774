"""Intervals on transcripts -> intervals on the genome, by a table of blocks: millions a second, never row by row in Python."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mirscan.genome.intervals import Intervals
from mirscan.jit import njit
from mirscan.sequence.headers import Place
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.tables import BLOCK


@dataclass(frozen=True)
class GenomePlaces:
    """Where `n` intervals lie: `contig` (n,) int32 points into the contigs of the projection, `start` and `end` (n,) int64 bound them with
    the introns between, `blocks` are their n lists of bases. 0-based and half-open on the forward strand.
    """

    contig: np.ndarray
    start: np.ndarray
    end: np.ndarray
    blocks: Intervals


@dataclass(frozen=True)
class Projection:
    """Blocks of `n` transcripts: `contigs` in the order of their bytes, `contig` (n,) int32 into them, `is_reverse` (n,), `blocks`
    ascending on the genome, and `before`, the bases of its list before each block.
    """

    contigs: tuple[str, ...]
    contig: np.ndarray
    is_reverse: np.ndarray
    blocks: Intervals
    before: np.ndarray

    def project(self, transcript: np.ndarray, start: np.ndarray, end: np.ndarray) -> GenomePlaces:
        """Where intervals (n,) of at least one base on the transcripts at these positions lie."""
        arrays = self.is_reverse, self.blocks.first, self.before
        low, first_block, n_blocks = _find_blocks(transcript, start, end, self.blocks.lengths, *arrays)
        first = np.concatenate(([0], np.cumsum(n_blocks)))
        block_start, block_end = _cut_blocks(low, end - start, first_block, first, self.blocks.start, self.blocks.end, self.before)
        blocks = Intervals(first, block_start, block_end)
        return GenomePlaces(self.contig[transcript], block_start[first[:-1]], block_end[first[1:] - 1], blocks)


def project_transcriptome(transcriptome: Transcriptome) -> Projection | None:
    """The projection of transcripts whose places are all known and as long as their sequences; else None."""
    if transcriptome.places.null_count:
        return None
    places = [Place.parse(text) for text in transcriptome.places.to_pylist()]
    counts = np.array([len(place.blocks) for place in places], np.int64)
    pairs = np.array([pair for place in places for pair in place.blocks], np.int64).reshape(-1, 2)
    blocks = Intervals(np.concatenate(([0], np.cumsum(counts))), pairs[:, 0].copy(), pairs[:, 1].copy())
    if not np.array_equal(blocks.lengths, transcriptome.lengths):
        return None
    contigs = sorted({place.contig for place in places}, key=str.encode)
    code = {contig: number for number, contig in enumerate(contigs)}
    is_reverse = np.array([place.strand == "-" for place in places])
    return project_blocks(contigs, np.array([code[place.contig] for place in places], np.int32), is_reverse, blocks)


def project_blocks(contigs: Sequence[str], contig: np.ndarray, is_reverse: np.ndarray, blocks: Intervals) -> Projection:
    """The projection of transcripts that have these blocks."""
    sizes = blocks.end - blocks.start
    before = np.cumsum(sizes) - sizes
    first = before[np.minimum(blocks.first[:-1], len(before) - 1)]
    return Projection(tuple(contigs), contig, is_reverse, blocks, before - np.repeat(first, blocks.counts))


def project_on_itself(transcriptome: Transcriptome) -> Projection:
    """Transcripts as contigs of their own, for files that know places on contigs only."""
    order = sorted(range(len(transcriptome)), key=lambda row: transcriptome.names[row].as_py().encode())
    contig = np.empty(len(order), np.int32)
    contig[order] = np.arange(len(order))
    first, nothing = np.arange(len(order) + 1), np.zeros(len(order), np.int64)
    blocks = Intervals(first, nothing, transcriptome.lengths)
    return Projection(tuple(transcriptome.names[row].as_py() for row in order), contig, nothing > 0, blocks, nothing)


def describe_misplaced(transcriptome: Transcriptome) -> list[str]:
    """A sentence where some places are stated and others, or their lengths, keep all from being projected."""
    stated = transcriptome.places.is_valid().to_numpy(zero_copy_only=False)
    places = (Place.parse(text) for text in transcriptome.places.drop_null().to_pylist())
    sizes = np.array([sum(end - start for start, end in place.blocks) for place in places], np.int64)
    n_fitting = int((sizes == transcriptome.lengths[stated]).sum())
    if not len(sizes) or n_fitting == len(transcriptome):
        return []
    return [
        f"{n_fitting:,} of {len(transcriptome):,} transcripts have a place on a genome in their header "
        f"that is as long as they are; all "
        "must, for sites on the genome, so they are given on the transcripts"
    ]


def place_columns(projection: Projection, transcript: np.ndarray, start: np.ndarray, end: np.ndarray) -> dict[str, pa.Array]:
    """The columns of `tables.GENOME_PLACE` but the region, for intervals (n,) on the transcripts at these positions."""
    places = projection.project(transcript, start, end)
    pairs = pa.StructArray.from_arrays([places.blocks.start, places.blocks.end], fields=list(BLOCK))
    return {
        "chrom": pa.DictionaryArray.from_arrays(places.contig, pa.array(projection.contigs, pa.string())),
        "genome_start": pa.array(places.start),
        "genome_end": pa.array(places.end),
        "strand": pa.DictionaryArray.from_arrays(projection.is_reverse[transcript].astype(np.int8), pa.array(["+", "-"])),
        "blocks": pa.ListArray.from_arrays(pa.array(places.blocks.first.astype(np.int32)), pairs),
    }


@njit
def _find_blocks(transcript, start, end, lengths, is_reverse, first, before):
    """(start in genome direction within the transcript, its block, number of blocks) of each interval."""
    n = len(transcript)
    low, first_block, n_blocks = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for row in range(n):
        which = transcript[row]
        low[row] = lengths[which] - end[row] if is_reverse[which] else start[row]
        high = low[row] + end[row] - start[row]
        left, right = first[which], first[which + 1]
        block = left + np.searchsorted(before[left:right], low[row], side="right") - 1
        last = block
        while last + 1 < right and before[last + 1] < high:
            last += 1
        first_block[row], n_blocks[row] = block, last - block + 1
    return low, first_block, n_blocks


@njit
def _cut_blocks(low, length, first_block, first, block_start, block_end, before):
    """(starts, ends) on the genome of all blocks of all intervals."""
    start, end = np.empty(first[-1], np.int64), np.empty(first[-1], np.int64)
    for row in range(len(low)):
        for at in range(first[row], first[row + 1]):
            block = first_block[row] + at - first[row]
            offset = block_start[block] - before[block]
            start[at] = max(block_start[block], offset + low[row])
            end[at] = min(block_end[block], offset + low[row] + length[row])
    return start, end
