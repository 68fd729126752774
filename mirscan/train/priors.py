"""Prior correction: log odds that a network learned at one part of positives, moved to another (Elkan 2001, IJCAI, theorem 2).

The part of positives among all pairs is the calibration's business (`base_rate`): it leaves the order of the scores as it is. Where it
differs by seed type, the order changes, too.
"""

import numpy as np

from mirscan.pairs.columns import POSITIVE
from mirscan.seeds.seed_class import SEED_CLASSES, best_seeds
from mirscan.train.batches import EncodedPairs
from mirscan.train.imbalance import METHODS, Classes
from mirscan.train.recipe import Recipe


def seed_shift(recipe: Recipe, pairs: EncodedPairs) -> dict[str, float]:
    """What to add to the log odds of a pair by the type of its strongest seed match, for each type in `recipe.seed_priors`.

    The stated log odds minus those among the training pairs of that type, as the network met them: sampled and weighted.
    """
    if not recipe.seed_priors:
        return {}
    classes, positive = best_seeds(pairs.mirna_codes, pairs.target_codes)[0], pairs.labels >= POSITIVE
    met = np.log(positive_factor(recipe, pairs.labels))
    shifts = {}
    for name, part in recipe.seed_priors.items():
        own = positive[classes == SEED_CLASSES.index(name)]
        # Half a pair of either label: a type that only one label has keeps finite odds.
        learned = np.log((own.sum() + 0.5) / ((~own).sum() + 0.5)) + met
        shifts[name] = round(float(np.log(part / (1 - part)) - learned), 4)
    return shifts


def positive_factor(recipe: Recipe, labels: np.ndarray) -> float:
    """How many times as heavy as in the pairs themselves a positive met the network, over a negative, by sampling and weights."""
    classes = Classes.of(labels)
    found = len(classes.negative) / max(len(classes.positive), 1)
    is_sampled = recipe.members > 1 or (recipe.class_sampling in METHODS and not recipe.sampling_epochs)
    met = recipe.negative_ratio if is_sampled else found
    # Weight 0 balances what was drawn.
    return found / met * (recipe.positive_weight or met)
