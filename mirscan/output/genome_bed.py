"""SITES as BED12 on the genome, sorted by place: rows come in any order, memory holds one run of them at a time.

Runs of rows are sorted and put aside on disk; then they are merged, block by block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mirscan.genome.projection import GenomePlaces, Projection
from mirscan.jit import helper, njit
from mirscan.output.bed import CHUNK_ROWS, COLOURS, OTHER_COLOUR, PLUS, arrays_of, escape_chromosome, permille, thin_ends
from mirscan.output.tabix import IndexedBlocks
from mirscan.output.text import INT_WIDTH, NEWLINE, TAB, pack_names, put_byte, put_int, put_name, text_buffer

# What is kept of a row while it waits: `place` is contig and first base in one number, in the order of the file.
ROW = np.dtype(
    [("place", "i8"), ("transcript", "i4"), ("start", "i4"), ("end", "i4"), ("mirna", "i4"), ("score", "f4"), ("seed", "i1")], align=True
)
# Two million rows are 64 MB; 26 million make 13 runs. Of each run so many rows are in memory at once while they are merged.
RUN_ROWS, MERGE_ROWS = 1 << 21, 1 << 15
# Contigs are below 2^34 nt.
_CONTIG_SHIFT = 34
COMMA, MINUS = (ord(letter) for letter in ",-")


class SortedRuns:
    """Takes rows in any order, gives them back in the order of their place; rows of one place keep the order in which they came."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._waiting: list[np.ndarray] = []
        self._n_waiting = 0
        self._runs: list[Path] = []

    def add(self, rows: np.ndarray) -> None:
        """Append rows of `ROW`."""
        self._waiting.append(rows)
        self._n_waiting += len(rows)
        if self._n_waiting >= RUN_ROWS:
            self._put_aside()

    def merge(self) -> Iterator[np.ndarray]:
        """All rows in order; those of one place come in one batch."""
        if self._n_waiting:
            self._put_aside()
        runs = [np.memmap(path, ROW, "r") for path in self._runs]
        taken = [0] * len(runs)
        while any(at < len(run) for run, at in zip(runs, taken, strict=True)):
            # Up to this place every run's rows are within reach.
            limit = min(run["place"][min(at + MERGE_ROWS, len(run)) - 1] for run, at in zip(runs, taken, strict=True) if at < len(run))
            stops = [_stop(run, at, limit) for run, at in zip(runs, taken, strict=True)]
            batch = np.concatenate([run[at:stop] for run, at, stop in zip(runs, taken, stops, strict=True)])
            yield batch[np.argsort(batch["place"], kind="stable")]
            taken = stops

    def _put_aside(self) -> None:
        rows = np.concatenate(self._waiting)
        self._runs.append(self._folder / f"{len(self._runs)}.rows")
        rows[np.argsort(rows["place"], kind="stable")].tofile(self._runs[-1])
        self._waiting, self._n_waiting = [], 0


def _stop(run: np.ndarray, at: int, limit: int) -> int:
    """Position of the first row of a run behind `at` that lies beyond `limit`."""
    size = MERGE_ROWS
    while at + size < len(run) and run["place"][at + size] <= limit:
        size *= 2
    return at + int(np.searchsorted(np.ascontiguousarray(run["place"][at : at + size]), limit, side="right"))


@dataclass(frozen=True)
class SiteNames:
    """Names that the columns of sites point into: of miRNAs, seed rules, genes and transcripts, and the gene of each transcript (n,)."""

    mirnas: Sequence[str]
    rules: Sequence[str]
    genes: Sequence[str]
    transcripts: Sequence[str]
    gene_of_transcript: np.ndarray


def place_rows(projection: Projection, transcript, mirna, start, end, seed, score) -> np.ndarray:
    """Rows of `ROW` from arrays (n,): indices into the names, positions on the transcript in nt, and scores 0-1 or NaN."""
    rows = np.empty(len(start), ROW)
    columns = {"transcript": transcript, "mirna": mirna, "start": start, "end": end, "seed": seed, "score": score}
    for name, column in columns.items():
        rows[name] = column
    places = projection.project(transcript, start, end)
    rows["place"] = place_number(places.contig, places.start)
    return rows


def place_number(contig: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Contigs and first bases (n,) in one number, in the order of the file."""
    return (contig.astype(np.int64) << _CONTIG_SHIFT) + start


def cut_genome(projection: Projection, n_ranges: int) -> np.ndarray:
    """Places (n_ranges - 1,) where ranges of about equal bases of transcripts end, as `place_number` has them."""
    contig = np.repeat(projection.contig, np.diff(projection.blocks.first))
    place = place_number(contig, projection.blocks.start)
    order = np.argsort(place, kind="stable")
    size = (projection.blocks.end - projection.blocks.start)[order]
    ends = np.cumsum(size)
    wanted = ends[-1] * np.arange(1, n_ranges) // n_ranges
    block = np.searchsorted(ends, wanted, side="right")
    # Within a block, as far as the share reaches; blocks of isoforms overlap, so a cut might lie before the one before it.
    return np.maximum.accumulate(place[order][block] + wanted - (ends - size)[block])


def merge_isoforms(rows: np.ndarray, projection: Projection, names: SiteNames) -> np.ndarray:
    """Rows of `ROW`, of which those of one place are all here, in the order of contig, first base, last base, miRNA, rule and gene.

    Each place of a miRNA in a gene once, whatever the number of isoforms that share it, with the highest of their scores.
    """
    last = projection.project(rows["transcript"], rows["start"], rows["end"]).end
    genes, rules = len(names.genes), len(names.rules)
    gene = names.gene_of_transcript[rows["transcript"]]
    what = (rows["mirna"].astype(np.int64) * rules + rows["seed"]) * genes + gene
    order = np.lexsort((what, last, rows["place"]))
    rows, last, what = rows[order], last[order], what[order]
    is_first = np.ones(len(rows), bool)
    is_first[1:] = (np.diff(rows["place"]) != 0) | (np.diff(last) != 0) | (np.diff(what) != 0)
    firsts = np.flatnonzero(is_first)
    kept = rows[firsts]
    if len(kept):
        kept["score"] = np.fmax.reduceat(rows["score"], firsts)
    return kept


class GenomeSites:
    """Sites on transcripts -> batches in the order of the genome, as `merge_isoforms` has them."""

    def __init__(self, projection: Projection, names: SiteNames, folder: Path):
        self._projection, self._names = projection, names
        self._runs = SortedRuns(folder)

    def write(self, transcript, mirna, start, end, seed, score) -> None:
        """Take in rows given as `place_rows` takes them."""
        self._runs.add(place_rows(self._projection, transcript, mirna, start, end, seed, score))

    def sorted_batches(self) -> Iterator[tuple[np.ndarray, GenomePlaces]]:
        """(rows of `ROW`, their places) in order."""
        for rows in self._runs.merge():
            rows = merge_isoforms(rows, self._projection, self._names)
            yield rows, self._projection.project(rows["transcript"], rows["start"], rows["end"])


class Bed12Lines:
    """Batches of sites as lines of BED12."""

    def __init__(self, projection: Projection, names: SiteNames):
        self._is_reverse, self._gene_of_transcript, self._thin = projection.is_reverse, names.gene_of_transcript, thin_ends(names.rules)
        self._tables = (
            pack_names(f"{escape_chromosome(name)}\t" for name in projection.contigs),
            pack_names(f"\t{name}|" for name in names.mirnas),
            pack_names(f"{rule}|" for rule in names.rules),
            pack_names(f"{gene}\t" for gene in names.genes),
            pack_names(f"\t{COLOURS.get(rule, OTHER_COLOUR)}\t" for rule in names.rules),
        )

    def format(self, rows: np.ndarray, places: GenomePlaces) -> tuple[np.ndarray, np.ndarray]:
        """(text (bytes,), end of each row in it) of rows of `ROW`, in their order."""
        width = sum(table.width for table in self._tables) + 8 * (INT_WIDTH + 1)
        out = text_buffer(len(rows) * width + len(places.blocks.start) * 2 * (INT_WIDTH + 1))
        row_ends = np.empty(len(rows), np.int64)
        gene, is_reverse = self._gene_of_transcript[rows["transcript"]], self._is_reverse[rows["transcript"]]
        columns = (places.contig, places.start, places.end, rows["mirna"], rows["seed"], gene, rows["score"], is_reverse, self._thin)
        blocks = (places.blocks.first, places.blocks.start, places.blocks.end)
        return out[: format_bed12(*columns, *blocks, *map(arrays_of, self._tables), out, row_ends)], row_ends


def write_bed12(file: BinaryIO, rows: np.ndarray, projection: Projection, names: SiteNames) -> np.ndarray:
    """Append rows of `merge_isoforms` to a file as BGZF blocks, without the one that ends a file; return their runs, for the index."""
    lines, blocks = Bed12Lines(projection, names), IndexedBlocks(file)
    for first in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[first : first + CHUNK_ROWS]
        places = projection.project(chunk["transcript"], chunk["start"], chunk["end"])
        blocks.write(*lines.format(chunk, places), places.contig, places.start, places.end)
    return blocks.close()


@njit(allocates=False)
def format_bed12(contig, start, end, mirna, seed, gene, score, is_reverse, thin, first, block_start, block_end, *names_and_out):
    """Format BED12 lines into the last argument but one (uint8, large enough); return the bytes written.

    The last (n,) takes where each line ends. The five before them are (offsets, data) of the names of contigs, miRNAs, rules and genes and
    of colours.
    """
    contigs, mirnas, rules, genes, colours, out, row_ends = names_and_out
    at = 0
    for row in range(len(start)):
        at = put_name(out, at, contigs[0], contigs[1], contig[row])
        at = put_int(out, at, start[row])
        at = put_byte(out, at, TAB)
        at = put_int(out, at, end[row])
        at = put_name(out, at, mirnas[0], mirnas[1], mirna[row])
        at = put_name(out, at, rules[0], rules[1], seed[row])
        at = put_name(out, at, genes[0], genes[1], gene[row])
        at = put_int(out, at, permille(score[row]))
        at = put_byte(out, at, TAB)
        at = put_byte(out, at, MINUS if is_reverse[row] else PLUS)
        at = put_byte(out, at, TAB)
        starts, ends = block_start[first[row] : first[row + 1]], block_end[first[row] : first[row + 1]]
        thick_start, thick_end = find_thick(starts, ends, thin[seed[row]], is_reverse[row])
        at = put_int(out, at, thick_start)
        at = put_byte(out, at, TAB)
        at = put_int(out, at, thick_end)
        at = put_name(out, at, colours[0], colours[1], seed[row])
        at = put_blocks(out, at, start[row], starts, ends)
        at = put_byte(out, at, NEWLINE)
        row_ends[row] = at
    return at


@helper
def find_thick(start, end, thin, is_reverse):
    """(thickStart, thickEnd) of a site's blocks (n,), ascending: without its last `thin` bases in the transcript's direction, 0 or 1."""
    first, last = start[0], end[-1]
    if thin and is_reverse:
        first = start[1] if end[0] - start[0] == thin else first + thin
    elif thin:
        last = end[-2] if end[-1] - start[-1] == thin else last - thin
    return first, last


@helper
def put_blocks(out, at, origin, start, end):
    """Write blockCount, blockSizes and blockStarts."""
    at = put_int(out, at, len(start))
    at = put_byte(out, at, TAB)
    for block in range(len(start)):
        if block:
            at = put_byte(out, at, COMMA)
        at = put_int(out, at, end[block] - start[block])
    at = put_byte(out, at, TAB)
    for block in range(len(start)):
        if block:
            at = put_byte(out, at, COMMA)
        at = put_int(out, at, start[block] - origin)
    return at
