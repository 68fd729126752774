"""Two stages: a cheap scorer looks at every pair, the model only at those that the cheap one does not rule out."""

from dataclasses import asdict, dataclass, field, replace

import numpy as np

from mirscan.errors import ModelError
from mirscan.scoring.distinct import find_distinct
from mirscan.scoring.scorer import Counts, Scorer
from mirscan.trained_models import Card
from mirscan.windows import WindowLayout

# Calibrated score from which a pair counts as reported, where a card names no `report` threshold.
REPORTED = 0.5
# Every so many distinct pairs that were cut, one is scored by the model after all, to know what the cut costs in this very run.
AUDIT_EVERY = 512


@dataclass
class CascadeCounts(Counts):
    """Distinct pairs that went on to the model, those cut, and what the audit of the cut ones found."""

    survivors: int = 0
    cut: int = 0
    audited: int = 0
    audited_reported: int = 0
    reported: int = 0

    @property
    def lost(self) -> float:
        """Pairs that the model would have reported and the cut took away, as the audit lets expect."""
        return self.cut * self.audited_reported / self.audited if self.audited else 0.0

    def summary(self) -> dict:
        """All counts, and the estimate of what the cut cost: sites lost, and their share of all that the model would report."""
        would_report = self.reported + self.lost
        return {
            **asdict(self),
            "saved": round(self.saved, 4),
            "lost_estimate": round(self.lost),
            "lost_share": round(self.lost / would_report, 4) if would_report else 0.0,
        }


@dataclass(frozen=True)
class CascadeScorer:
    """Scores of `final` for pairs that `first` gives at least `threshold`; NaN for all others.

    Same interface as Scorer. `report_from`: score from which a pair counts as reported, for the estimate of losses.
    """

    first: Scorer
    final: Scorer
    threshold: float
    counts: CascadeCounts = field(default_factory=CascadeCounts)

    @property
    def card(self) -> Card:
        """Card of the model whose scores come out."""
        return self.final.card

    @property
    def layout(self) -> WindowLayout:
        """How windows are cut, for both stages."""
        return self.final.layout

    @property
    def report_from(self) -> float:
        """Calibrated score from which a pair counts as reported."""
        return report_threshold(self.card)

    def score(self, mirna_codes: np.ndarray, target_codes: np.ndarray) -> np.ndarray:
        """Scores (n,) float32 of pairs as for Scorer.score; NaN where the first stage cut the pair. Same errors."""
        self.final.check(mirna_codes, target_codes)
        if not len(mirna_codes):
            return np.empty(0, np.float32)
        distinct = find_distinct(mirna_codes, target_codes)
        mirnas, targets = mirna_codes[distinct.rows], target_codes[distinct.rows]
        survives = self.first.score(mirnas, targets) >= np.float32(self.threshold)
        audited = np.flatnonzero(~survives)[::AUDIT_EVERY]
        chosen = survives.copy()
        chosen[audited] = True
        scores = np.full(len(distinct.rows), np.nan, np.float32)
        scores[chosen] = self.final.score(mirnas[chosen], targets[chosen])
        self._count(len(mirna_codes), survives, scores, audited)
        # what the audit saw is not reported: whether a pair comes out must not depend on its neighbours
        scores[audited] = np.nan
        return scores[distinct.pair_of]

    def describe(self) -> dict:
        """Both stages and the threshold between them."""
        return {**self.final.describe(), "prefilter": {**self.first.describe(), "threshold": round(float(self.threshold), 6)}}

    def _count(self, n_pairs: int, survives: np.ndarray, scores: np.ndarray, audited: np.ndarray) -> None:
        counts = self.counts
        counts.pairs += n_pairs
        counts.computed += len(survives)
        counts.survivors += int(survives.sum())
        counts.cut += int((~survives).sum())
        counts.audited += len(audited)
        counts.audited_reported += int((scores[audited] >= self.report_from).sum())
        counts.reported += int((scores[survives] >= self.report_from).sum())


def make_cascade(first: Scorer, final: Scorer, threshold: float | None = None) -> CascadeScorer:
    """A cascade of two scorers; without `threshold` the one that the final model's card holds for the first.

    Raises ModelError where the card has none, and where the two models cut windows differently.
    """
    card = final.card
    if first.card.architecture == "duplex":
        first = Scorer(replace(first.card, layout=final.layout), first.engine)
    if first.layout != final.layout:
        raise ModelError(
            f"prefilter {first.card.name!r} cuts windows as {first.layout}, model {card.name!r} as {final.layout}; they must agree"
        )
    if threshold is None:
        if first.card.name not in card.prefilter:
            known = ", ".join(card.prefilter) or "none"
            raise ModelError(
                f"model {card.name!r} has no threshold for prefilter {first.card.name!r} in its card (it has: {known});"
                " choose one with `mirscan models prefilter`"
            )
        threshold = card.prefilter[first.card.name]
    return CascadeScorer(first, final, threshold)


def report_threshold(card: Card) -> float:
    """Calibrated score from which the model's card counts a pair as reported: its threshold `report`, else 0.5."""
    return card.thresholds.get("report", REPORTED)
