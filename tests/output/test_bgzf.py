"""BGZF is gzip to any reader, and where its blocks are cut the pieces in which text comes do not show."""

import gzip
import io

import numpy as np
import pytest

from mirscan.output.bgzf import BLOCK, BgzfBlocks

TEXT = np.random.default_rng(5).integers(65, 69, 3 * BLOCK + 17).astype(np.uint8)


def pack(pieces) -> tuple[bytes, int]:
    """(bytes, number of blocks)."""
    file = io.BytesIO()
    blocks = BgzfBlocks(file)
    for piece in pieces:
        blocks.write(piece)
    blocks.close()
    return file.getvalue(), len(blocks._starts) - 1


@pytest.mark.parametrize("cuts", [[], [0], [1, BLOCK], [BLOCK - 1, BLOCK, BLOCK + 1], [5, 9, 2 * BLOCK + 9], [3 * BLOCK, 3 * BLOCK + 16]])
def test_blocks__do_not_depend_on_the_pieces(cuts):
    packed, n_blocks = pack(np.split(TEXT, cuts))
    assert gzip.decompress(packed) == TEXT.tobytes()
    assert (packed, n_blocks) == (pack([TEXT.tobytes()])[0], 4)
