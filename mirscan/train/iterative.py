"""Iterative training with growing negatives (github.com/ML-Bioinfo-CEITEC/mirna_binding): which pairs each iteration sees.

An iteration is an epoch of the loop. It begins with some positives and few negatives each. Where the network does well on the validation
pairs, the next iteration has new positives with new negatives and one negative more for each (complete replacement); otherwise the same
positives come with negatives drawn anew (partial replacement).

Two things differ from the published training: F1 is that of all validation pairs, brought to the ratio of the iteration, where the
published one is that of a mini-batch of 4 to 32 pairs; and negatives are really drawn anew.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.train.imbalance import Classes
from mirscan.train.recipe import Recipe


@dataclass(frozen=True)
class Iteration:
    """Where an iteration stands: negatives a positive, how often the positives were replaced, and how many were seen by now."""

    number: int
    ratio: int
    replaced: int
    positives: int


def f1_at_ratio(recall: float, false_positive_rate: float, ratio: float) -> float:
    """F1 among `ratio` negatives a positive of a network that calls these parts of positives and negatives positive."""
    called = recall + ratio * false_positive_rate
    return 2 * recall / (1 + called) if called else 0.0


def iterations(recipe: Recipe, history: list[dict]) -> list[Iteration]:
    """The iterations that these validations led to, the next one last: a function of the history alone, so a resumed training agrees."""
    states = [Iteration(0, recipe.start_ratio, 0, recipe.new_positives)]
    # A fine-tuning is validated before its first step, too.
    for entry in (entry for entry in history if entry["step"] > 0):
        last = states[-1]
        good = f1_at_ratio(entry["recall"], entry["false_positive_rate"], last.ratio) > recipe.raise_above
        ratio = min(last.ratio + good, recipe.max_ratio)
        states.append(Iteration(last.number + 1, ratio, last.replaced + good, last.positives + good * recipe.new_positives))
    return states


@dataclass(frozen=True)
class GrowingNegatives:
    """Batches of iterations: `steps` of equal size each. `sites` (n,) numbers the target of each pair.

    A positive's negatives are those of its own site where `recipe.own_negatives`, else any. Raises InputError for too few positives.
    """

    recipe: Recipe
    classes: Classes
    sites: np.ndarray

    def __post_init__(self):
        wanted, found = self.recipe.new_positives, len(self.classes.positive)
        if wanted > found:
            raise InputError(f"recipe: new_positives is {wanted:,}, but there are {counted(found, 'positive')} to train on; lower it")

    @property
    def steps(self) -> int:
        """Steps of every iteration; its batches grow with the ratio."""
        return self.recipe.iteration_steps

    def batches(self, epoch: int, history: list[dict]) -> np.ndarray:
        """Row numbers (steps, batch) of an iteration."""
        state = iterations(self.recipe, history)[epoch]
        random = np.random.default_rng([self.recipe.seed, epoch])
        positives = self._positives(state)
        rows = random.permutation(np.concatenate([positives, self._negatives(positives, state.ratio, random)]))
        size = max(len(rows) // self.steps, 1)
        # A set smaller than the steps comes round again.
        return np.resize(rows, size * self.steps).reshape(self.steps, size)

    def _positives(self, state: Iteration) -> np.ndarray:
        """The next positives of an order that holds every positive once, then of another."""
        n, first = len(self.classes.positive), state.replaced * self.recipe.new_positives
        rounds = range(first // n, (first + self.recipe.new_positives - 1) // n + 1)
        orders = [np.random.default_rng([self.recipe.seed, number, 0x17E]).permutation(self.classes.positive) for number in rounds]
        return np.concatenate(orders)[first % n :][: self.recipe.new_positives]

    def _negatives(self, positives: np.ndarray, ratio: int, random: np.random.Generator) -> np.ndarray:
        wanted = ratio * len(positives)
        candidates = self.classes.negative
        if self.recipe.own_negatives:
            candidates = candidates[np.isin(self.sites[candidates], self.sites[positives])]
        if wanted > len(candidates):
            where = " of their sites" if self.recipe.own_negatives else ""
            raise InputError(
                f"iterative training: {counted(wanted, 'negative')} wanted for {counted(len(positives), 'positive')}, "
                f"there are {len(candidates):,}{where}; "
                "lower max_ratio, or make more with mirscan negatives"
            )
        return random.choice(candidates, wanted, replace=False)


def summarize_iterations(recipe: Recipe, history: list[dict]) -> list[dict]:
    """One dict an iteration for metrics.json: ratio, positives seen, F1 at the ratio, average precision and loss."""
    entries = [entry for entry in history if entry["step"] > 0]
    return [
        {
            "iteration": state.number + 1,
            "ratio": state.ratio,
            "positives_seen": state.positives,
            "f1": round(f1_at_ratio(entry["recall"], entry["false_positive_rate"], state.ratio), 4),
            "average_precision": entry["average_precision"],
            "loss": entry["loss"],
        }
        for state, entry in zip(iterations(recipe, history), entries, strict=False)
    ]


def draw_iterations(summary: list[dict], path: Path) -> None:
    """Ratio, F1 with average precision, and loss by iteration."""
    from mirscan.evaluation.curves import new_figure, save_figure

    figure, (ratios, scores, losses) = new_figure(3, width=12)
    numbers = [entry["iteration"] for entry in summary]
    ratios.step(numbers, [entry["ratio"] for entry in summary], where="mid")
    ratios.set(xlabel="iteration", ylabel="negatives a positive")
    scores.plot(numbers, [entry["f1"] for entry in summary], marker=".", label="F1 at the ratio of the iteration")
    scores.plot(numbers, [entry["average_precision"] for entry in summary], marker=".", label="average precision")
    scores.set(xlabel="iteration", ylabel="validation pairs")
    scores.legend(frameon=False)
    losses.plot(numbers, [entry["loss"] for entry in summary], marker=".")
    losses.set(xlabel="iteration", ylabel="training loss")
    save_figure(figure, path)
