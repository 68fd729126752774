"""What a training minimises and how: labels and weights, loss, optimiser, learning-rate schedule, averaged weights."""

import math

import numpy as np

from mirscan.pairs.columns import POSITIVE
from mirscan.train.imbalance import hardest_share
from mirscan.train.recipe import Recipe


def smooth_labels(labels: np.ndarray, smoothing: float) -> np.ndarray:
    """Labels y as y (1 - s) + s / 2, so that a network is not asked for certainty (Szegedy 2016)."""
    return (labels * (1 - smoothing) + smoothing / 2).astype(np.float32)


def balance_weights(labels: np.ndarray, weights: np.ndarray, positive_weight: float) -> np.ndarray:
    """Weights (n,) with positives `positive_weight` times as heavy; 0 makes both classes weigh the same. A soft label counts in part."""
    weights, labels = weights.astype(np.float64), labels.astype(np.float64)
    if positive_weight == 0:
        positive = np.sum(weights * labels)
        positive_weight = (np.sum(weights) - positive) / positive if positive else 1.0
    balanced = weights * (labels * positive_weight + (1 - labels))
    # The mean stays 1, so a learning rate means the same with and without weights.
    return (balanced / (np.mean(balanced) or 1.0)).astype(np.float32)


def positive_rate(labels: np.ndarray) -> float:
    """Part of the labels that is positive."""
    return float(np.mean(labels >= POSITIVE))


def build_loss(recipe: Recipe):
    """Keras loss on probabilities; labels may be soft."""
    import keras

    loss = keras.losses.BinaryFocalCrossentropy(gamma=recipe.focal_gamma) if recipe.loss == "focal" else keras.losses.BinaryCrossentropy()
    if recipe.hard_share == 1:
        return loss

    def of_the_hardest(labels, probabilities):
        losses = loss.call(labels, probabilities)
        return losses * hardest_share(losses, keras.ops.squeeze(labels, -1) >= POSITIVE, recipe.hard_share)

    return of_the_hardest


def build_optimizer(recipe: Recipe, network):
    """Keras optimiser with one learning-rate factor a layer (`recipe.layer_rates`); layers of factor 0 are frozen."""
    import keras

    factors = _layer_factors(recipe, network)
    base = keras.optimizers.AdamW if recipe.optimizer == "adamw" else keras.optimizers.Adam

    class LayerwiseRate(base):
        """Adam divides by the size of the gradient, so a layer's rate cannot be set by scaling its gradients."""

        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate * factors[self._get_variable_index(variable)])

    options = {"learning_rate": recipe.learning_rate, "global_clipnorm": recipe.clip_norm or None}
    if recipe.optimizer == "adamw":
        options["weight_decay"] = recipe.weight_decay
    optimizer = LayerwiseRate(**options)
    if recipe.optimizer == "adamw":
        # Biases and normalisation are not decayed: pulling them to 0 shifts activations without making the network simpler.
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _layer_factors(recipe: Recipe, network) -> list[float]:
    from mirscan.errors import InputError

    rates = recipe.layer_rates
    names = [layer.name for layer in network.layers]
    for prefix in rates:
        if not any(name.startswith(prefix) for name in names):
            raise InputError(f"recipe: layer_rates names {prefix!r}, but no layer begins so; layers: {', '.join(names)}")

    def factor(name: str) -> float:
        matching = [prefix for prefix in rates if name.startswith(prefix)]
        return rates[max(matching, key=len)] if matching else 1.0

    for layer in network.layers:
        if factor(layer.name) == 0:
            layer.trainable = False
    layer_of = {id(variable): layer.name for layer in network.layers for variable in layer.weights}
    return [factor(layer_of[id(variable)]) for variable in network.trainable_variables]


def learning_rate_at(recipe: Recipe, step: int, steps_per_epoch: int, reductions: int = 0) -> float:
    """Learning rate of the training's step `step` (0-based); `reductions` made so far by the plateau schedule.

    A plain function of the step, where Keras' schedules would be seven classes for five of the courses: one-cycle is not among them, its
    plateau is a callback of `fit`, and a resumed training needs the rate of any step without the state of the steps before.
    """
    total = recipe.epochs * steps_per_epoch
    highest, part, epoch = recipe.learning_rate, step / max(1, total), step // steps_per_epoch
    if recipe.schedule == "one-cycle":
        return highest * _one_cycle(part, recipe.warmup, recipe.final_rate)
    warmup = 0.0 if recipe.warmup == Recipe.warmup else recipe.warmup
    if part < warmup:
        return highest * (step + 1) / (warmup * total + 1)
    if recipe.schedule == "cosine":
        return highest * _cosine((part - warmup) / (1 - warmup), 1.0, recipe.final_rate)
    if recipe.schedule == "step":
        return highest * recipe.decay ** (epoch // recipe.decay_epochs)
    if recipe.schedule == "multi-step":
        return highest * recipe.decay ** sum(epoch >= milestone for milestone in recipe.milestones)
    if recipe.schedule == "exponential":
        return highest * recipe.decay**epoch
    return highest * recipe.decay**reductions


def _one_cycle(part: float, rise: float, final: float) -> float:
    """Smith 2018: from 1/25 up over the first `rise` of the steps, then down to `final`, both along a cosine."""
    if part < rise:
        return _cosine(part / rise, 1 / 25, 1.0)
    return _cosine((part - rise) / (1 - rise), 1.0, final)


def _cosine(part: float, start: float, end: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(part, 1.0))) / 2


def update_average(average: list[np.ndarray], weights: list[np.ndarray], recipe: Recipe, n_averaged: int, steps: int = 1) -> None:
    """Move `average` towards `weights` in place: exponentially (with the bias of a short run removed) or to the plain mean.

    `steps`: how many steps lie between two averages; the momentum is that of one step.
    """
    # A momentum that starts low: the first averages would otherwise remember the random start.
    rising = (1 + n_averaged) / (10 + n_averaged)
    momentum = min(recipe.ema_momentum**steps, rising) if recipe.average == "ema" else n_averaged / (n_averaged + 1)
    for mean, weight in zip(average, weights, strict=True):
        mean *= momentum
        mean += (1 - momentum) * weight
