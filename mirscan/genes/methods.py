"""From the scores and effects of a pair's sites to one number: methods behind one interface.

A method gives each site a weight; the weights of those sites that fit side by side and make the sum greatest are added, and the method
turns the sum into the strength of the pair.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mirscan.errors import InputError

# Starts of two sites of one miRNA that both hold a complex lie at least this far apart, in nt; nearer ones compete (Saetrom et al. 2007,
# Nucleic Acids Res 35:2333), so a tandem repeat counts as often as complexes fit on it.
FOOTPRINT = 13
# About one canonical candidate in two hundred of a transcriptome is a site of a chimeric read; models are calibrated to far more.
SCAN_BASE_RATE = 0.005


@dataclass(frozen=True)
class Method:
    """`weigh` gives the weight (n,) of sites by their scores (n,); `settle` the strength (n,) of pairs by their sums and best scores (n,).

    Without `weigh` the weights are the effects of the repression model. `is_logarithm`: the strength is that of the mRNAs that are left,
    with its sign turned; it tells how isoforms are averaged.
    """

    name: str
    description: str
    weigh: Callable[[np.ndarray], np.ndarray] | None
    settle: Callable[[np.ndarray, np.ndarray], np.ndarray]
    is_logarithm: bool = False


def surprise(scores: np.ndarray) -> np.ndarray:
    """-ln(1 - p): sums of it are the logarithm of a product of (1 - p)."""
    with np.errstate(divide="ignore"):
        return -np.log1p(-scores.astype(np.float64))


def surprise_in_scan(scores: np.ndarray) -> np.ndarray:
    """The same for probabilities that are calibrated to a half, brought to the base rate of a scan."""
    p = scores.astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.log1p(SCAN_BASE_RATE / (1 - SCAN_BASE_RATE) * p / (1 - p))


def _plain(scores: np.ndarray) -> np.ndarray:
    return scores.astype(np.float64)


REPRESSION = "repression"
METHODS = {
    method.name: method
    for method in (
        Method(REPRESSION, "predicted repression, as log2 fold change with its sign turned", None, lambda sums, best: np.log1p(sums)),
        Method("sum", "sum of the scores", _plain, lambda sums, best: sums),
        Method(
            "occupancy",
            "ln(1 + sum of the scores), for scores that are occupancies, as of --model affinity",
            _plain,
            lambda sums, best: np.log1p(sums),
            is_logarithm=True,
        ),
        Method(
            "noisy-or",
            "chance that any site is true, at the base rate of a scan",
            surprise_in_scan,
            lambda sums, best: -np.expm1(-sums),
        ),
        Method("best", "highest score of a site; of isoforms that with the highest sum", _plain, lambda sums, best: best),
    )
}


def find_method(name: str) -> Method:
    """The method of a name; InputError lists the known ones."""
    if name not in METHODS:
        raise InputError(f"gene method {name!r}: unknown; expected one of {', '.join(METHODS)}")
    return METHODS[name]
