"""SITES as BED9, plain or bgzip with a tabix index, written as a stream."""

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pysam

from mirscan.jit import njit
from mirscan.output.background import Background
from mirscan.output.bgzip import BgzipFile
from mirscan.output.text import INT_WIDTH, TAB, NameTable, pack_names, put_byte, put_int, put_name
from mirscan.seeds.rules import BUILT_IN

# The colours of TargetScan's track at UCSC; rules beyond the canonical four are green.
COLOURS = {"8mer": "128,0,128", "7mer-m8": "255,0,0", "7mer-A1": "0,0,255", "6mer": "128,128,128"}
OTHER_COLOUR = "0,128,0"
# Their sites end with the A opposite nt 1, which pairs with nothing and is drawn thin.
WITH_A = frozenset(name for name, rule in BUILT_IN.items() if rule.opposite_a)
# 32,768 lines are about 2 MB of text: enough for one call to cost nothing, little enough to stay in the cache.
CHUNK_ROWS = 1 << 15
# A tabix index (.tbi) ends at 512 Mb; a CSI index does not.
TABIX_LIMIT = 1 << 29
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
    with BedWriter(path, *names) as writer:
        transcript, mirna, seed = (columns[name].indices.to_numpy() for name in ("transcript", "mirna", "seed"))
        start, end, score = (columns[name].to_numpy(zero_copy_only=False) for name in ("start", "end", "score"))
        writer.write(transcript, mirna, start, end, seed, score)
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


class IndexedText:
    """A file of lines about places, with a tabix index where it is compressed (`.gz`). Use as a context manager: on an error the
    unfinished file is removed.

    `preset` is tabix's word for where a line holds its place.
    """

    def __init__(self, path: str | os.PathLike, preset: str = "bed"):
        self.path = Path(path)
        self.is_compressed = self.path.suffix == ".gz"
        self._preset = preset
        self._longest = 0
        self._file = BgzipFile(path) if self.is_compressed else open(path, "wb")  # noqa: SIM115
        # Deflating is most of the work.
        self._background = Background(self._file.write)

    def put(self, text: bytes, longest: int = 0) -> None:
        """Append whole lines, of which none ends behind `longest`."""
        self._longest = max(self._longest, longest)
        self._background.put(text)

    def close(self) -> None:
        """Write what is left and build the index."""
        self._background.close()
        self._file.close()
        if self.is_compressed:
            # csi only where positions demand it: every browser reads tbi.
            pysam.tabix_index(os.fspath(self.path), preset=self._preset, force=True, csi=self._longest >= TABIX_LIMIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type, error, traceback) -> None:
        try:
            if error_type is None:
                self.close()
            else:
                self._abandon()
        except BaseException:
            self._remove()
            raise
        if error_type is not None:
            self._remove()

    def _abandon(self) -> None:
        # What went wrong before matters more than what else goes wrong now.
        with contextlib.suppress(OSError):
            self._background.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)


class BedWriter(IndexedText):
    """Appends SITES rows to a BED file."""

    def __init__(
        self,
        path: str | os.PathLike,
        transcripts: Iterable[str],
        mirnas: Iterable[str],
        rules: Sequence[str],
        lengths: np.ndarray | None = None,
    ):
        """`lengths` (n,) of the transcripts, where sites may run past them: of a circle's site the part before the junction is written."""
        self._lengths, self._thin = lengths, thin_ends(rules)
        self._transcripts = pack_names(f"{escape_chromosome(name)}\t" for name in transcripts)
        self._mirnas = pack_names(f"\t{name}\t" for name in mirnas)
        self._colours = pack_names(f"\t{COLOURS.get(rule, OTHER_COLOUR)}\n" for rule in rules)
        width = self._transcripts.width + self._mirnas.width + self._colours.width + 5 * (INT_WIDTH + 1) + 4
        self._buffer = np.empty(CHUNK_ROWS * width, dtype=np.uint8)
        super().__init__(path)

    def write(self, transcript, mirna, start, end, seed, score) -> None:
        """Append rows given as arrays (n,): indices into the names, positions in nt, and scores 0-1 or NaN."""
        thick_end = end - self._thin[seed]
        if self._lengths is not None:
            # Readers refuse a feature that leaves its sequence.
            end, thick_end = (np.minimum(one, self._lengths[transcript]).astype(end.dtype) for one in (end, thick_end))
        names = [part for table in (self._transcripts, self._mirnas, self._colours) for part in arrays_of(table)]
        for first in range(0, len(start), CHUNK_ROWS):
            rows = slice(first, first + CHUNK_ROWS)
            columns = (transcript[rows], mirna[rows], start[rows], end[rows], thick_end[rows], seed[rows], score[rows])
            size = format_rows(*columns, *names, self._buffer)
            self.put(self._buffer[:size].tobytes(), int(end[rows].max()))


def arrays_of(table: NameTable) -> tuple[np.ndarray, np.ndarray]:
    """A NameTable as the kernels take it."""
    return table.offsets, table.data


@njit(inline="always")
def permille(score):
    """A score 0-1 as BED has it, 0-1000; 0 for NaN."""
    return np.int64(0) if np.isnan(score) else np.int64(score * 1000 + 0.5)


@njit
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
):
    """Format BED9 lines into `out` (uint8, large enough); return the bytes written."""
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
    return at
