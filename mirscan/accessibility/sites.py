"""Accessibility of sites: only what lies around sites is folded, in blocks, each once whatever the number of miRNAs and of runs."""

import numpy as np

from mirscan.accessibility.folding import FLANKS, SEED, SITE, SPAN, STEPS, WINDOW, fold, vienna
from mirscan.accessibility.profile_cache import kept
from mirscan.sequence.alphabet import decode
from mirscan.sequence.transcriptome import Transcriptome

# Most 3'UTRs are one block. The flanks of a longer transcript's blocks cost a twentieth more, and memory has a bound.
BLOCK = 4096


def site_accessibility(transcriptome: Transcriptome, transcript: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """log10 of the probability that all bases opposite miRNA nt 2-8 (first row) and nt 1-15 (second) are unpaired, (2, n) float32.

    `transcript` (n,) and `anchor` (n,) as in CANDIDATES. Stretches that would reach over an end of a transcript are moved inside; on a
    circle they run on. Raises InputError where ViennaRNA is not installed.
    """
    ends = np.stack([anchor - 1, anchor]).astype(np.int64)
    lengths = transcriptome.lengths[transcript]
    if transcriptome.margin:
        ends %= lengths
    else:
        widths = np.minimum(np.array([[SEED], [SITE]]), lengths)
        ends = np.clip(ends, widths - 1, lengths - 1)
    most = int(transcriptome.lengths.max(initial=0)) // BLOCK + 1
    keys, key_of = np.unique(transcript.astype(np.int64) * most + ends // BLOCK, return_inverse=True)
    order = np.argsort(key_of, axis=None, kind="stable")
    bounds = np.searchsorted(key_of.ravel()[order], np.arange(len(keys) + 1))
    row, place = np.repeat([0, 1], len(anchor)), ends.ravel() % BLOCK
    values = np.empty(ends.size, np.float32)
    for number, key in enumerate(keys.tolist()):
        own = order[bounds[number] : bounds[number + 1]]
        values[own] = _block_profile(transcriptome, *divmod(key, most))[row[own], place[own]]
    return values.reshape(ends.shape) / np.float32(STEPS)


def _block_profile(transcriptome: Transcriptome, transcript: int, block: int) -> np.ndarray:
    """Profile (2, n) of the places of a block: thousandths of log10, by where a stretch ends."""
    begin, length = int(transcriptome.begin[transcript]), int(transcriptome.lengths[transcript])
    first, last = block * BLOCK, min((block + 1) * BLOCK, length)
    before, behind = FLANKS if transcriptome.margin else (min(FLANKS[0], first), min(FLANKS[1], length - last))
    places = np.arange(first - before, last + behind)
    # ViennaRNA's Python functions know the special hairpin loops by their letters, as RNA.
    letters = decode(transcriptome.codes[begin + (places % length)]).replace("T", "U")
    described = f"{vienna().__version__} {WINDOW} {SPAN} {SEED} {SITE} {before} {last - first} {min(length, SITE)} {letters}"
    return kept(described.encode(), lambda: fold(letters, before, before + last - first, length))
