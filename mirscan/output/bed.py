"""SITES as BED9, plain or bgzip with a tabix index, written as a stream."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from mirscan.jit import helper, njit, read_only
from mirscan.output.bgzf import END
from mirscan.output.files import whole_file
from mirscan.output.tabix import IndexedBlocks, write_index
from mirscan.output.text import INT_WIDTH, TAB, NameTable, pack_names, put_byte, put_int, put_name, text_buffer
from mirscan.seeds.rules import BUILT_IN

# The colours of TargetScan's track at UCSC; rules beyond the canonical four are green.
COLOURS = {"8mer": "128,0,128", "7mer-m8": "255,0,0", "7mer-A1": "0,0,255", "6mer": "128,128,128"}
OTHER_COLOUR = "0,128,0"
# Their sites end with the A opposite nt 1, which pairs with nothing and is drawn thin.
WITH_A = frozenset(name for name, rule in BUILT_IN.items() if rule.opposite_a)
# 32,768 lines are about 2 MB of text: enough for one call to cost nothing, little enough to stay in the cache.
CHUNK_ROWS = 1 << 15
# Readers take a line that begins so for a header.
_HEADER_LIKE = re.compile(r"^(#|@|track|browser)")
PLUS = ord("+")


def write_bed(sites: pa.Table, path: str | os.PathLike) -> Path:
    """Write a SITES table (n rows, ordered by transcript, then start) as BED9; return the path.

    chrom is the transcript, name the miRNA, score 0-1000 (0 without a model), itemRgb the site type; the A opposite nt 1 of a built-in
    rule is not thick. A path that ends with `.gz` becomes bgzip with a tabix index beside it.

    >>> transcriptome = ms.transcriptome_from_sequences(["T1"], ["GGCTACCTCAGG"])
    >>> mirnas = ms.mirnas_from_sequences(["let-7"], ["UGAGGUAGUAGGUUGUAUAGUU"])
    >>> sites = ms.score_candidates(ms.find_candidates(transcriptome, mirnas), transcriptome, mirnas, model="duplex")
    >>> path = ms.write_bed(sites, "sites.bed")
    >>> path.read_text().split("\\t")[:4]
    ['T1', '2', '10', 'let-7']
    """
    sites = sites.unify_dictionaries()
    columns = {name: sites[name].combine_chunks() for name in ("transcript", "mirna", "seed", "start", "end", "score")}
    names = [columns[name].dictionary.to_pylist() for name in ("transcript", "mirna", "seed")]
    transcript, mirna, seed = (columns[name].indices.to_numpy() for name in ("transcript", "mirna", "seed"))
    start, end, score = (columns[name].to_numpy(zero_copy_only=False) for name in ("start", "end", "score"))
    rows = transcript, mirna, start, end, seed, score
    with whole_file(path) as file:
        if Path(path).suffix == ".gz":
            blocks = BedBlocks(file, BedText(*names))
            blocks.write(*rows)
            write_index(blocks.close(), [escape_chromosome(name) for name in names[0]], path)
            file.write(END)
        else:
            file.writelines(text for text, *_ in BedText(*names).format(*rows))
    return Path(path)


def escape_chromosome(name: str) -> str:
    """The name as BED's first column: a first letter that would make the line a header is percent-encoded.

    >>> escape_chromosome("#1"), escape_chromosome("NM_1")
    ('%231', 'NM_1')
    """
    return f"%{ord(name[0]):02X}{name[1:]}" if _HEADER_LIKE.match(name) else name


def thin_ends(rules: Sequence[str]) -> np.ndarray:
    """Bases (n,) int32 of a site of each rule behind its seed match: the A of a built-in rule; a site of any other rule is all thick.

    >>> thin_ends(["8mer", "7mer-m8", "my own"]).tolist()
    [1, 0, 0]
    """
    return np.array([rule in WITH_A for rule in rules], np.int32)


class BedText:
    """SITES rows as lines of BED9."""

    def __init__(self, transcripts: Iterable[str], mirnas: Iterable[str], rules: Sequence[str], lengths: np.ndarray | None = None):
        """`lengths` (n,) of the transcripts, where sites may run past them: of a circle's site the part before the junction is written."""
        self._lengths, self._thin = lengths, thin_ends(rules)
        colours = (f"\t{COLOURS.get(rule, OTHER_COLOUR)}\n" for rule in rules)
        names = (f"{escape_chromosome(name)}\t" for name in transcripts), (f"\t{name}\t" for name in mirnas), colours
        tables = [pack_names(texts) for texts in names]
        self._names = [array for table in tables for array in arrays_of(table)]
        width = sum(table.width for table in tables) + 5 * (INT_WIDTH + 1) + 4
        self._buffer, self._row_ends = text_buffer(CHUNK_ROWS * width), np.empty(CHUNK_ROWS, np.int64)

    def format(self, *columns: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Chunks of rows as (text (bytes,), end of each row in it, end of each site); the first two are overwritten by the next chunk.

        `columns` (n,): transcript, miRNA, start, end, seed, score; names as indices, positions in nt, scores 0-1 or NaN.
        """
        for first in range(0, len(columns[0]), CHUNK_ROWS):
            transcript, mirna, start, end, seed, score = (column[first : first + CHUNK_ROWS] for column in columns)
            thick_end = end - self._thin[seed]
            if self._lengths is not None:
                # Readers refuse a feature that leaves its sequence.
                end, thick_end = (np.minimum(one, self._lengths[transcript]).astype(end.dtype) for one in (end, thick_end))
            rows = transcript, mirna, start, end, thick_end, seed, score
            size = format_rows(*map(read_only, rows), *self._names, self._buffer, self._row_ends)
            yield self._buffer[:size], self._row_ends[: len(start)], end


class BedBlocks:
    """SITES rows appended to a file as BGZF blocks, without the one that ends a file."""

    def __init__(self, file: BinaryIO, text: BedText):
        self._text, self._blocks = text, IndexedBlocks(file)

    def write(self, *columns: np.ndarray) -> None:
        """Append rows given as for `BedText.format`."""
        transcript, _, start, *_ = columns
        first = 0
        for text, row_ends, end in self._text.format(*columns):
            rows = slice(first, first + len(row_ends))
            self._blocks.write(text, row_ends, transcript[rows], start[rows], end)
            first += len(row_ends)

    def close(self) -> np.ndarray:
        """Write the last block; return the runs of rows, for the index."""
        return self._blocks.close()


def arrays_of(table: NameTable) -> tuple[np.ndarray, np.ndarray]:
    """A NameTable as the kernels take it."""
    return table.offsets, table.data


@helper
def permille(score):
    """A score 0-1 as BED has it, 0-1000; 0 for NaN."""
    return np.int64(0) if np.isnan(score) else np.int64(score * 1000 + 0.5)


@njit(allocates=False)
def format_rows(
    transcript,
    mirna,
    start,
    end,
    thick_end,
    seed,
    score,
    transcript_offsets,
    transcript_data,
    mirna_offsets,
    mirna_data,
    colour_offsets,
    colour_data,
    out,
    row_ends,
):
    """Format BED9 lines into `out` (uint8, large enough), note in `row_ends` (n,) where each ends; return the bytes written."""
    at = 0
    for row in range(len(start)):
        at = put_name(out, at, transcript_offsets, transcript_data, transcript[row])
        at = put_int(out, at, start[row])
        at = put_byte(out, at, TAB)
        at = put_int(out, at, end[row])
        at = put_name(out, at, mirna_offsets, mirna_data, mirna[row])
        at = put_int(out, at, permille(score[row]))
        at = put_byte(out, at, TAB)
        at = put_byte(out, at, PLUS)
        at = put_byte(out, at, TAB)
        at = put_int(out, at, start[row])
        at = put_byte(out, at, TAB)
        at = put_int(out, at, thick_end[row])
        at = put_name(out, at, colour_offsets, colour_data, seed[row])
        row_ends[row] = at
    return at
