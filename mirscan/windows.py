"""Candidates or labelled pairs -> the two code arrays that every network reads: one layout and one encoding for scan and train."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mirscan.errors import InputError
from mirscan.jit import njit
from mirscan.notices import counted
from mirscan.sequence.alphabet import BYTE_CODES, INVALID, N

_CODES_OF_BYTES = np.frombuffer(BYTE_CODES, dtype=np.uint8)


@dataclass(frozen=True)
class WindowLayout:
    """How a model's input is cut: part of its card.

    `length`: nt of target in a window. `anchor`: index in the window of the base opposite miRNA nt 1 when a scan places it
    (34 of 50 is where most Hejret 2023 positives with a seed have it). `mirna_length`: nt of miRNA; longer ones are cut at
    the 3' end, shorter ones padded with N.
    """

    length: int = 50
    anchor: int = 34
    mirna_length: int = 24

    def __post_init__(self):
        if not 0 <= self.anchor < self.length or self.mirna_length < 8:
            raise InputError(f"window layout {self}: expected 0 <= anchor < length and mirna_length >= 8")


@njit(allocates=False)
def _fill_windows(codes, begin, end, anchors, before, windows):
    for row in range(windows.shape[0]):
        first = anchors[row] - before
        for column in range(windows.shape[1]):
            position = first + column
            inside = begin[row] <= position < end[row]
            windows[row, column] = codes[position] if inside else 4


def gather_windows(codes: np.ndarray, begin: np.ndarray, end: np.ndarray, anchors: np.ndarray, layout: WindowLayout) -> np.ndarray:
    """Windows (n, layout.length) uint8 cut from packed transcripts.

    `codes` (total,) uint8 as in Transcriptome; `begin`, `end` (n,) int64 bounds of each row's transcript in it; `anchors`
    (n,) int64 index in `codes` opposite miRNA nt 1. What lies outside the transcript is N, so the seed keeps its place.
    """
    windows = np.empty((len(anchors), layout.length), dtype=np.uint8)
    _fill_windows(codes, begin, end, anchors, layout.anchor, windows)
    return windows


def window_bounds(anchors: np.ndarray, low: np.ndarray, high: np.ndarray, layout: WindowLayout) -> tuple[np.ndarray, np.ndarray]:
    """First base and one past the last base (n,) of each window, clipped to low..high; all of them places on the transcript."""
    first = anchors - layout.anchor
    return np.maximum(first, low), np.minimum(first + layout.length, high)


def fit_mirnas(codes: np.ndarray, layout: WindowLayout) -> np.ndarray:
    """miRNA codes (n, any) cut or padded with N to (n, layout.mirna_length)."""
    fitted = np.full((len(codes), layout.mirna_length), N, dtype=np.uint8)
    width = min(codes.shape[1], layout.mirna_length)
    fitted[:, :width] = codes[:, :width]
    return fitted


def encode_pairs(mirnas: Sequence[str], targets: Sequence[str], layout: WindowLayout) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, mirna_length) and (n, length) of sequences at hand, both 5'->3'.

    miRNAs are cut or padded at the 3' end, targets evenly at both ends (a site of another length keeps its middle).
    Raises InputError, with the row, for a letter outside IUPAC and for a sequence without letters.
    """
    if isinstance(mirnas, str) or isinstance(targets, str):
        raise InputError("a single sequence; expected a list of miRNAs and a list of targets, one miRNA a target")
    if len(mirnas) != len(targets):
        raise InputError(f"{counted(len(mirnas), 'miRNA')} and {len(targets)} targets; expected one miRNA a target")
    return encode_rows(mirnas, layout.mirna_length, centred=False), encode_rows(targets, layout.length, centred=True)


def encode_rows(sequences: Sequence[str] | pa.StringArray | pa.ChunkedArray, width: int, centred: bool) -> np.ndarray:
    """Codes (n, width) of many short sequences, cut or padded with N at the 3' end or, `centred`, at both."""
    array = sequences.combine_chunks() if isinstance(sequences, pa.ChunkedArray) else pa.array(sequences)
    array = array.cast(pa.large_string())
    without = pc.fill_null(pc.equal(pc.binary_length(array), 0), True)
    if pc.any(without).as_py():
        raise InputError(f"sequence {pc.index(without, True).as_py() + 1}: no letters; expected A C G T U N or IUPAC codes")
    _, offsets, letters = array.buffers()
    offsets = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    letters = np.frombuffer(letters or b"", dtype=np.uint8)
    rows = np.full((len(array), width), N, dtype=np.uint8)
    bad = _fill_rows(letters, offsets, _CODES_OF_BYTES, centred, rows)
    if bad >= 0:
        raise InputError(f"sequence {bad + 1}: {array[bad].as_py()[:60]!r}; expected only A C G T U N or IUPAC codes")
    return rows


@njit
def _fill_rows(letters, offsets, codes_of_bytes, centred, rows):
    width = rows.shape[1]
    for row in range(rows.shape[0]):
        length = offsets[row + 1] - offsets[row]
        shift = (width - length) // 2 if centred else 0
        for place in range(length):
            code = codes_of_bytes[letters[offsets[row] + place]]
            if code == INVALID:
                return row
            if 0 <= place + shift < width:
                rows[row, place + shift] = code
    return -1
