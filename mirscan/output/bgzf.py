"""BGZF, the gzip of genomics: blocks that stand by themselves, so stretches of blocks joined end to end are one file.

SAM specification 1.6, section 4.1.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from deflate import crc32, deflate_compress

# Bytes of text in a block, as htslib cuts: text that cannot be deflated still fits into the 64 KiB that a block may take.
BLOCK = 0xFF00
# libdeflate's level 1 leaves 16 % of a BED and 24 % of gene tables at 450 and 310 MB/s, zlib's 20 and 27 % at 175 and 150. ISA-L is twice
# as fast again, but once in a thousand runs it packed the same text into other bytes, and a run must give the same bytes each time.
LEVEL = 1
# The empty block that ends a file.
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
# gzip with an extra field BC, which holds the length of the block less 1.
_HEAD, _TAIL = struct.Struct("<BBBBIBBHBBHH"), struct.Struct("<II")


def bgzf_block(text) -> bytes:
    """One block of up to `BLOCK` bytes."""
    data = deflate_compress(text, LEVEL)
    size = _HEAD.size + len(data) + _TAIL.size
    return _HEAD.pack(31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, size - 1) + data + _TAIL.pack(crc32(text), len(text))


class BgzfBlocks:
    """Text appended to a file as blocks, without the one that ends a file; where blocks are cut depends on the text alone."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._waiting = bytearray()
        self._starts = [0]

    def write(self, text) -> None:
        """Append text of any length."""
        with memoryview(text) as view:
            # What is whole in the text is not copied.
            first = min(-len(self._waiting) % BLOCK, len(view))
            self._waiting.extend(view[:first])
            if len(self._waiting) == BLOCK:
                self._put(self._waiting)
                self._waiting.clear()
            last = first + (len(view) - first) // BLOCK * BLOCK
            for at in range(first, last, BLOCK):
                self._put(view[at : at + BLOCK])
            self._waiting.extend(view[last:])

    def close(self) -> None:
        """Write the last block; the file stays open."""
        if self._waiting:
            self._put(self._waiting)
            self._waiting.clear()

    def virtual_offsets(self, places: np.ndarray) -> np.ndarray:
        """Places in the text (n,) as BGZF offsets (n,) uint64, when all is written: start of the block << 16 | place in it."""
        starts = np.array(self._starts, np.uint64)
        return starts[places // BLOCK] << np.uint64(16) | (places % BLOCK).astype(np.uint64)

    def _put(self, text) -> None:
        block = bgzf_block(text)
        self._file.write(block)
        self._starts.append(self._starts[-1] + len(block))


class BgzfFile:
    """A whole file to append bytes to, which any gzip reader reads."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self._file = open(path, "wb")  # noqa: SIM115
        self._blocks = BgzfBlocks(self._file)

    def write(self, text) -> None:
        """Append; deflating releases the GIL."""
        self._blocks.write(text)

    def close(self) -> None:
        try:
            self._blocks.close()
            self._file.write(END)
        finally:
            self._file.close()
