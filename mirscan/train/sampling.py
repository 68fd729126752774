"""From a recipe to the batches of its epochs."""

from typing import Protocol

import numpy as np

from mirscan.train.batches import EncodedPairs, plan_epochs
from mirscan.train.imbalance import Classes, Sampling
from mirscan.train.iterative import GrowingNegatives
from mirscan.train.recipe import Recipe


class Batches(Protocol):
    """`steps` of every epoch, and the row numbers (steps, batch) of one, which may follow from the validations before it."""

    @property
    def steps(self) -> int: ...

    def batches(self, epoch: int, history: list[dict]) -> np.ndarray: ...


def plan_sampling(recipe: Recipe, pairs: EncodedPairs, weights: np.ndarray) -> tuple[Batches, np.ndarray]:
    """The batches of a training on `pairs` of these `weights` (n,), and the weights left for the loss."""
    if recipe.class_sampling == "iterative":
        rows = np.ascontiguousarray(pairs.target_codes).view(np.dtype((np.void, pairs.target_codes.shape[1]))).ravel()
        return GrowingNegatives(recipe, Classes.of(pairs.labels), np.unique(rows, return_inverse=True)[1]), weights
    draw, left = plan_epochs(weights, recipe.sampling, recipe.epoch_pairs, pairs.difficulty)
    return Sampling(recipe, pairs.labels, draw), left
