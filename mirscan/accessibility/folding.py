"""Unpaired probabilities of stretches by the algorithm of RNAplfold (Bernhart et al. 2006, doi:10.1093/bioinformatics/btk014; Mückstein et
al. 2006 for stretches), which ViennaRNA's Python package computes.
"""

from types import ModuleType

import numpy as np

from mirscan.errors import InputError

# Agarwal et al. 2015 (doi:10.7554/eLife.05005): RNAplfold -W 80 -L 40.
WINDOW, SPAN = 80, 40
# Bases of the two stretches: opposite nt 2-8, the seed match, and opposite nt 1-15, one more than Agarwal's 14, which are opposite nt 1-14.
SEED, SITE = 7, 15
# A base sees no further than a window, so letters beyond these change no bit of what is computed.
FLANKS = WINDOW + SITE - 1, WINDOW
# Profiles hold thousandths of log10; what is rarer than 1e-32 counts as that.
STEPS, _RAREST = 1000, 1e-32


def vienna() -> ModuleType:
    """ViennaRNA's Python package; InputError where it is not installed."""
    try:
        import RNA
    except ImportError:
        raise InputError("--features accessibility needs ViennaRNA; install it with `pip install 'mirscan[accessibility]'`") from None
    return RNA


def fold(letters: str, first: int, last: int, length: int) -> np.ndarray:
    """Profile (2, last - first) int16 of places `first` to `last` (half-open) of `letters`, which belong to a transcript of `length` nt:
    thousandths of log10 of the probability that the `SEED` and the `SITE` nt that end there are all unpaired.

    A transcript shorter than a stretch is taken as a whole. Stretches that would begin before `letters` mean nothing.
    """
    table = np.array(vienna().pfl_fold_up(letters, SITE, WINDOW, SPAN))[1 + first : 1 + last]
    probability = table[:, [min(width, length) for width in (SEED, SITE)]].T
    return np.rint(STEPS * np.log10(np.maximum(probability, _RAREST))).astype(np.int16)
