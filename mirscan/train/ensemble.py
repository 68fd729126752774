"""The members of an EasyEnsemble: each learns from all positives and its own draw of negatives (Liu 2009, IEEE SMC-B 39:539)."""

from pathlib import Path

import numpy as np

from mirscan.errors import InputError
from mirscan.notices import counted
from mirscan.train.batches import EncodedPairs
from mirscan.train.checkpoint import CHECKPOINT_FILE
from mirscan.train.imbalance import Classes
from mirscan.train.recipe import Recipe


def member_recipe(recipe: Recipe, member: int) -> Recipe:
    """The recipe of a member (from 0): another seed, so that networks differ in their first weights, too."""
    return recipe.replace(seed=recipe.seed + member)


def member_pairs(recipe: Recipe, pairs: EncodedPairs, member: int) -> EncodedPairs:
    """All positives and `negative_ratio` negatives each, drawn for this member; all pairs where there is one member.

    Raises InputError where there are not so many.
    """
    if recipe.members == 1:
        return pairs
    classes = Classes.of(pairs.labels)
    wanted = round(recipe.negative_ratio * len(classes.positive))
    if wanted > len(classes.negative):
        raise InputError(
            f"recipe: {counted(recipe.members, 'member')} with negative_ratio {recipe.negative_ratio:g} draw {counted(wanted, 'negative')} "
            f"each, but there are "
            f"{len(classes.negative):,}; lower negative_ratio, or make more with mirscan negatives"
        )
    drawn = np.random.default_rng([recipe.seed, member, 0xEA51]).choice(classes.negative, wanted, replace=False)
    return pairs.take(np.sort(np.concatenate([classes.positive, drawn])))


def member_checkpoint(work: Path, member: int) -> Path:
    """Where a member's checkpoint lies."""
    return work / (CHECKPOINT_FILE if member == 0 else f"member-{member}-{CHECKPOINT_FILE}")
