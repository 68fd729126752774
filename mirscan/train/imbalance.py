"""Answers to imbalance that choose pairs: which rows an epoch sees, and how they meet in batches.

A method is a function of labels, ratio, batch size and random numbers that gives the row numbers (steps, batch) of an epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.pairs.columns import POSITIVE
from mirscan.train.batches import EpochDraw
from mirscan.train.recipe import Recipe


@dataclass(frozen=True)
class Classes:
    """Rows of each class among n pairs (soft labels count from .5)."""

    positive: np.ndarray
    negative: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> "Classes":
        return cls(np.flatnonzero(labels >= POSITIVE), np.flatnonzero(labels < POSITIVE))

    def __len__(self) -> int:
        return len(self.positive) + len(self.negative)


Method = Callable[[Classes, float, int, np.random.Generator], np.ndarray]


def undersample(classes: Classes, ratio: float, batch_size: int, random: np.random.Generator) -> np.ndarray:
    """Every positive once with `ratio` negatives each, drawn anew in each epoch."""
    negatives = random.choice(classes.negative, round(ratio * len(classes.positive)), replace=False)
    return _in_batches(random.permutation(np.concatenate([classes.positive, negatives])), batch_size)


def oversample(classes: Classes, ratio: float, batch_size: int, random: np.random.Generator) -> np.ndarray:
    """Every negative once, positives as often as it takes for `ratio` negatives a positive."""
    positives = _cycles(classes.positive, round(len(classes.negative) / ratio), random)
    return _in_batches(random.permutation(np.concatenate([positives, classes.negative])), batch_size)


def balance_batches(classes: Classes, ratio: float, batch_size: int, random: np.random.Generator) -> np.ndarray:
    """Every negative once; each batch holds one positive for `ratio` negatives, to the row."""
    # At least one of either class, whatever the batch.
    n_positive = min(max(round(batch_size / (1 + ratio)), 1), batch_size - 1)
    negatives = _in_batches(random.permutation(classes.negative), batch_size - n_positive)
    positives = _cycles(classes.positive, len(negatives) * n_positive, random)
    return np.concatenate([positives.reshape(len(negatives), n_positive), negatives], axis=1)


METHODS: dict[str, Method] = {"under": undersample, "over": oversample, "balanced": balance_batches}


def _in_batches(rows: np.ndarray, batch_size: int) -> np.ndarray:
    """Whole batches only, so that a network is traced once; the rest of an epoch falls into other batches the next time."""
    batch_size = min(batch_size, len(rows))
    return rows[: len(rows) // batch_size * batch_size].reshape(-1, batch_size)


def _cycles(rows: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """`n` of these rows: all of them in random order, again and again."""
    return np.concatenate([random.permutation(rows) for _ in range(-(-n // len(rows)))])[:n]


@dataclass(frozen=True)
class Sampling:
    """The batches of every epoch, a function of recipe, labels (n,) and epoch alone, so that a resumed training sees the same.

    `draw` is for epochs that see the classes as they are. Raises InputError where the labels have not as many negatives a positive as the
    recipe asks for.
    """

    recipe: Recipe
    labels: np.ndarray
    draw: EpochDraw

    def __post_init__(self):
        recipe, n_positive, n_negative = self.recipe, len(self._classes.positive), len(self._classes.negative)
        if recipe.class_sampling != "all" and n_negative < recipe.negative_ratio * n_positive:
            raise InputError(
                f"recipe: negative_ratio is {recipe.negative_ratio:g}, but the training pairs have {counted(n_negative, 'negative')} for"
                f" {counted(n_positive, 'positive')} ({n_negative / n_positive:.3g} each); lower it, or make more with mirscan negatives"
            )

    @cached_property
    def _classes(self) -> Classes:
        return Classes.of(self.labels)

    @cached_property
    def steps(self) -> int:
        """Steps of every epoch."""
        return len(self.batches(0, []))

    def batches(self, epoch: int, history: list[dict]) -> np.ndarray:
        """Row numbers (steps, batch) of an epoch."""
        recipe, random = self.recipe, np.random.default_rng([self.recipe.seed, epoch])
        if recipe.class_sampling == "all":
            return _in_batches(self.draw.order(recipe.seed, epoch), recipe.batch_size)
        if not 0 < recipe.sampling_epochs <= epoch:
            return METHODS[recipe.class_sampling](self._classes, recipe.negative_ratio, recipe.batch_size, random)
        # The second phase: batches of all pairs, as many as an epoch of the first has.
        size = self.steps * min(recipe.batch_size, len(self.labels))
        return _cycles(np.arange(len(self.labels)), size, random).reshape(self.steps, -1)


def hardest_share(losses, is_positive, share: float):
    """Factors (n,) for the losses (n,) of a batch: the `share` hardest of the negatives and every positive count, with mean 1.

    Online hard-example mining (Shrivastava 2016, arXiv:1604.03540). `is_positive` (n,) bool; all three are tensors of Keras' backend.
    """
    from keras import ops

    negatives = ops.cast(ops.logical_not(is_positive), "float32")
    # Positives stand below every negative, so that the k-th largest loss is the k-th hardest negative's.
    ranked = ops.flip(ops.sort(ops.where(is_positive, -1.0, ops.stop_gradient(losses))))
    n_kept = ops.maximum(ops.cast(ops.ceil(share * ops.sum(negatives)), "int32"), 1)
    hardest = ops.take(ranked, n_kept - 1)
    kept = ops.cast(ops.logical_or(is_positive, losses >= hardest), "float32")
    return kept / ops.mean(kept)
