"""How many sites a miRNA has in a transcriptome: the more there are, the less of it each gets (Garcia et al. 2011, doi:10.1038/nsmb.2115).

Counted once in human 3'UTRs and shipped, so that a gene's prediction does not depend on which other transcripts were scanned.
"""

import io
from functools import cache
from importlib.resources import files

import numpy as np

from mirscan.jit import njit
from mirscan.sequence.alphabet import A, N, complement

WORD = 7
# The middle miRNA of the training data; one without a whole seed counts as this.
_USUAL = 4000.0
_COUNTS = "human_3utr_words.npz"


def target_abundance(mirna_codes: np.ndarray) -> np.ndarray:
    """log10 of the sites of 7 nt (7mer-m8 and 7mer-A1, an 8mer is both) in human 3'UTRs per 4,000, (n,) float64 of miRNAs (n, length).

    >>> from mirscan.sequence.alphabet import encode
    >>> target_abundance(encode("UGAGGUAGUAGGUUGUAUAGUU")[None]).round(2).tolist()
    [0.01]
    """
    targets = complement(mirna_codes[:, WORD::-1])
    is_known = (targets[:, :WORD] < N).all(axis=1)
    matches = np.where(is_known[:, None], targets, A)
    # Opposite m8 to m2, and opposite m7 to m2 with the A behind.
    to_m8, with_a1 = matches[:, :WORD], np.concatenate([matches[:, 1:WORD], np.full((len(matches), 1), A)], axis=1)
    places = 4 ** np.arange(WORD - 1, -1, -1)
    counts = _human_counts()
    n_sites = counts[to_m8 @ places] + counts[with_a1 @ places]
    return np.where(is_known, np.log10(np.maximum(n_sites, 1) / _USUAL), 0.0)


@cache
def _human_counts() -> np.ndarray:
    """Counts of `count_words` in 17,660 human 3'UTRs (30.5 Mnt, RefSeq, one a gene; cut from the mRNAs of the package dm3loc 1.2.0)."""
    with np.load(io.BytesIO(files(__package__).joinpath(_COUNTS).read_bytes())) as stored:
        return stored["counts"]


@njit
def count_words(codes, begin, end):
    """Counts (16,384,) of the words of 7 letters in transcripts, by their number: A 0 to U 3, the first letter weighs most."""
    counts = np.zeros(4**WORD, np.int64)
    for transcript in range(len(begin)):
        word, length = 0, 0
        for place in range(begin[transcript], end[transcript]):
            code = codes[place]
            length = 0 if code == N else length + 1
            word = (word * 4 + code) % 4**WORD if code != N else 0
            if length >= WORD:
                counts[word] += 1
    return counts
