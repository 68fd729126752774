"""The threshold of a cascade: chosen on validation pairs, kept in the card of the model it feeds."""

import os
from dataclasses import dataclass, replace

import numpy as np

from mirscan.errors import InputError, ModelError
from mirscan.scoring.cascade import report_threshold
from mirscan.scoring.loading import load_scorer
from mirscan.search.candidates import count_candidates, iter_candidates
from mirscan.seeds.rules import read_rules
from mirscan.seeds.table import compile_seed_table
from mirscan.sequence.mirnas import MirnaSet
from mirscan.sequence.transcriptome import Transcriptome
from mirscan.trained_models import find_model, read_card, write_card
from mirscan.windows import WindowLayout, fit_mirnas, gather_windows

MAX_LOSS = 0.01
# A sample may be luckier than a scan: the loss in it stays below MAX_LOSS by so many standard errors.
SAFETY = 2.0
N_WINDOWS = 200_000
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

    Both are calibrated scores of the same validation pairs. The loss among these stays two standard errors below `max_loss`, so that
    other pairs of the same kind keep to it. Raises InputError where too few pairs are reported to tell.
    """
    is_reported = final >= report_from
    n_reported = int(is_reported.sum())
    if n_reported < MIN_REPORTED:
        raise InputError(
            f"{n_reported} of {len(final):,} pairs reach {report_from:g}; expected at least {MIN_REPORTED} to choose a prefilter threshold"
        )
    reported = np.sort(first[is_reported])
    most_lost = max_loss * n_reported
    threshold = float(reported[max(0, int(most_lost - SAFETY * most_lost**0.5))])
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
    transcriptome: Transcriptome,
    mirnas: MirnaSet,
    n_windows: int = N_WINDOWS,
    max_loss: float = MAX_LOSS,
    threads: int | None = None,
) -> PrefilterChoice:
    """Choose the threshold for `prefilter` before `model` on about `n_windows` random candidates, and write it into the model's card.

    The candidates are canonical ones of `mirnas` in `transcriptome`, as a scan meets them. Scores are computed in float32, so that the
    threshold suits every machine. Raises as `load_scorer` and `choose_prefilter_threshold`, and ModelError for a card that cannot be
    written.
    """
    folder = find_model(model)
    final, first = (load_scorer(name, precision="float32", threads=threads) for name in (folder, prefilter))
    codes = draw_windows(transcriptome, mirnas, final.layout, n_windows)
    card = read_card(folder)
    choice = choose_prefilter_threshold(first.score(*codes), final.score(*codes), report_threshold(card), max_loss)
    try:
        write_card(folder, replace(card, prefilter={**card.prefilter, first.card.name: round(choice.threshold, 6)}))
    except OSError as error:
        raise ModelError(
            f"{folder}: its card cannot be written ({(error.strerror or str(error)).lower()}); copy the model folder"
        ) from None
    return choice


def draw_windows(
    transcriptome: Transcriptome, mirnas: MirnaSet, layout: WindowLayout, n: int, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """(miRNA codes, window codes) of about `n` canonical candidates, each drawn with the same chance."""
    table = compile_seed_table(read_rules(("canonical",)), mirnas)
    random, share = np.random.default_rng(seed), n / max(1, count_candidates(transcriptome, table))
    drawn = [batch.filter(random.random(len(batch)) < share) for batch in iter_candidates(transcriptome, mirnas, table)]
    transcript, mirna = (np.concatenate([batch[name].indices for batch in drawn]) for name in ("transcript", "mirna"))
    anchors = transcriptome.begin[transcript] + np.concatenate([batch["anchor"] for batch in drawn])
    return fit_mirnas(mirnas.codes, layout)[mirna], gather_windows(transcriptome.codes, *transcriptome.bounds(transcript), anchors, layout)
