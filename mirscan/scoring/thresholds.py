"""The threshold of a cascade: chosen on validation pairs, kept in the card of the model it feeds."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mirscan.errors import InputError
from mirscan.scoring.cascade import report_threshold
from mirscan.scoring.loading import load_scorer
from mirscan.trained_models import find_model, read_card, write_card
from mirscan.windows import encode_pairs

MAX_LOSS = 0.01
# Fewer reported pairs would leave less than two for the loss to be counted in.
MIN_REPORTED = 200


@dataclass(frozen=True)
class PrefilterChoice:
    """A threshold of the first stage, and what it does to the pairs it was chosen on: shares 0-1."""

    threshold: float
    lost: float
    survivors: float
    n_reported: int
    n_pairs: int


def choose_prefilter_threshold(first: np.ndarray, final: np.ndarray, report_from: float, max_loss: float = MAX_LOSS) -> PrefilterChoice:
    """The highest threshold of `first` (n,) that loses at most `max_loss` of the pairs with `final` (n,) >= `report_from`.

    Both are calibrated scores of the same validation pairs. Raises InputError where too few pairs are reported to tell.
    """
    is_reported = final >= report_from
    n_reported = int(is_reported.sum())
    if n_reported < MIN_REPORTED:
        raise InputError(
            f"{n_reported} of {len(final):,} pairs reach {report_from:g}; expected at least {MIN_REPORTED} to choose a prefilter threshold"
        )
    reported = np.sort(first[is_reported])
    threshold = float(reported[int(max_loss * n_reported)])
    return PrefilterChoice(
        threshold=threshold,
        lost=float(np.mean(reported < threshold)),
        survivors=float(np.mean(first >= threshold)),
        n_reported=n_reported,
        n_pairs=len(final),
    )


def store_prefilter_threshold(
    model: str | os.PathLike,
    prefilter: str | os.PathLike,
    mirnas: Sequence[str],
    targets: Sequence[str],
    max_loss: float = MAX_LOSS,
    threads: int | None = None,
) -> PrefilterChoice:
    """Choose the threshold for `prefilter` before `model` on these pairs (letters 5'->3') and write it into the model's card.

    The pairs must be none that a test reports on, and as a scan meets them: candidate windows rather than shuffled ones. Scores are
    computed in float32, so that the threshold suits every machine. Raises as `load_scorer` and `choose_prefilter_threshold`.
    """
    folder = find_model(model)
    final, first = (load_scorer(name, precision="float32", threads=threads) for name in (folder, prefilter))
    codes = encode_pairs(mirnas, targets, final.layout)
    card = read_card(folder)
    choice = choose_prefilter_threshold(first.score(*codes), final.score(*codes), report_threshold(card), max_loss)
    write_card(folder, replace(card, prefilter={**card.prefilter, first.card.name: round(choice.threshold, 6)}))
    return choice
