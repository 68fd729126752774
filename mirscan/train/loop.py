"""The training loop: steps, validations, checkpoints. What is random follows from seed, epoch and step, so a killed run resumes exactly."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirscan.errors import RunError
from mirscan.evaluation.metrics import auroc, average_precision
from mirscan.pairs.columns import POSITIVE
from mirscan.train.batches import EncodedPairs, draw_batch, predict_pairs
from mirscan.train.checkpoint import Checkpoint, Progress, check_resumable, read_checkpoint, write_checkpoint
from mirscan.train.mixup import draw_mixing, draw_similar, mixing_network
from mirscan.train.objective import balance_weights, build_loss, build_optimizer, learning_rate_at, smooth_labels, update_average
from mirscan.train.recipe import Recipe
from mirscan.train.sampling import plan_sampling

# Weights change little in a step, and every look at them stops the device: one in eight costs nothing and tells as much.
AVERAGE_EVERY = 8


@dataclass(frozen=True)
class _Batch:
    inputs: dict[str, np.ndarray]
    labels: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class StepReport:
    """What a progress display may show after each step."""

    epoch: int
    step: int
    n_steps: int
    pairs_done: int
    loss: float | None
    learning_rate: float
    validation: dict | None


class NotANumber(RunError):
    """A loss or an output that is not a number."""


class Loop:
    """One training of a Keras network; `run` goes to the end, `best` then holds the weights to keep.

    `spoiled` says why the last weights are not among those that were compared.
    """

    def __init__(self, network, recipe: Recipe, train: EncodedPairs, validation: EncodedPairs, sources: list[str], checkpoint_path: Path):
        """`sources` (n,) names the file of each validation pair; `unranked` are files of one class, which rank nothing."""
        self.network, self.recipe, self.train, self.validation = network, recipe, train, validation
        self.rows_of, self.unranked = _rankable(sources, validation.labels)
        self.learner = mixing_network(network, recipe.mixup_place) if recipe.mixup else network
        self.optimizer = build_optimizer(recipe, network)
        self.learner.compile(optimizer=self.optimizer, loss=build_loss(recipe), jit_compile=_jit_pays())
        self.path = checkpoint_path
        self.progress = Progress()
        self.best: list[np.ndarray] = []
        self.spoiled = ""
        self.average: list[np.ndarray] = []
        self._labels = smooth_labels(train.labels if train.asked is None else train.asked, recipe.label_smoothing)[:, None]
        weights = balance_weights(train.labels, train.weights, recipe.positive_weight)
        self._sampling, self._weights = plan_sampling(recipe, train, weights)
        self.steps_per_epoch = self._sampling.steps
        self.n_steps = recipe.epochs * self.steps_per_epoch
        self._digest = train.digest()
        # Every variable must exist before a checkpoint fills it.
        self.optimizer.build(network.trainable_variables)

    def resume(self) -> None:
        """Go back to the last checkpoint; RunError when it is missing or belongs to another recipe or other pairs."""
        checkpoint = read_checkpoint(self.path)
        check_resumable(self.path, checkpoint, self.recipe.to_dict(), self._digest)
        _assign(self.network.variables, checkpoint.network)
        _assign(self.optimizer.variables, checkpoint.optimizer)
        self.progress, self.best, self.average = checkpoint.progress, checkpoint.best, checkpoint.average

    def run(self, report: Callable[[StepReport], None]) -> None:
        """Train to the last epoch or until patience ends; RunError, with the step, when the loss or an output is not a number.

        Where that happens at the very end, the best weights before are kept, else those of the last checkpoint.
        """
        progress, saved_at, started = self.progress, time.monotonic(), time.monotonic() - self.progress.seconds
        if self.recipe.init and progress.step == 0:
            # The start counts, too: a fine-tuning that only makes it worse must not win.
            report(StepReport(0, 0, self.n_steps, 0, None, 0.0, self._validate(0, 0.0)))
        for batch in self._iter_batches():
            if self._out_of_patience():
                break
            loss, rate = self._step(batch)
            progress.seconds = time.monotonic() - started
            validation = self._validate_or_fall_back(rate) if self._validation_is_due() else None
            self._move_on()
            # Half way to the first validation, too: one that finds no numbers would leave nothing.
            is_half_way = progress.step == self._validation_steps // 2
            if validation or is_half_way or time.monotonic() - saved_at >= 60 * self.recipe.checkpoint_minutes:
                self.save()
                saved_at = time.monotonic()
            report(StepReport(progress.epoch, progress.step, self.n_steps, progress.step * len(batch.labels), loss, rate, validation))

    def finish(self) -> None:
        """Compare the weights as they are, where none were compared before; RunError where their outputs are not numbers."""
        if not self.best:
            self._validate(self.progress.step, 0.0)

    def _validate_or_fall_back(self, rate: float) -> dict | None:
        done = self.progress.step + 1
        try:
            return self._validate(done, rate)
        except NotANumber as error:
            if done < self.n_steps or not (self.best or self.path.is_file()):
                raise
            self.spoiled = str(error)
        if not self.best:
            checkpoint = read_checkpoint(self.path)
            _assign(self.network.variables, checkpoint.network)
            self.average = checkpoint.average
            self._validate(checkpoint.progress.step, rate)
        return None

    def _iter_batches(self) -> Iterator[_Batch]:
        """The batches from here to the last epoch; each follows from seed, epoch, step and the validations before its epoch."""
        first = self.progress.step_in_epoch
        for epoch in range(self.progress.epoch, self.recipe.epochs):
            # Not ahead over the end of an epoch: what the next one sees may follow from the validation between them.
            yield from ahead(self._iter_epoch(epoch, first))
            first = 0

    def _iter_epoch(self, epoch: int, first: int) -> Iterator[_Batch]:
        recipe = self.recipe
        for step, rows in enumerate(self._sampling.batches(epoch, self.progress.history)[first:], start=first):
            random = np.random.default_rng([recipe.seed, epoch, step])
            inputs, labels = draw_batch(self.train, rows, recipe.window_shift, random), self._labels[rows]
            if recipe.mixup:
                extra, labels = self._draw_mixing(labels, inputs, random)
                inputs |= extra
            yield _Batch(inputs, labels, self._weights[rows])

    def _step(self, batch: _Batch) -> tuple[float, float]:
        recipe, progress = self.recipe, self.progress
        rate = learning_rate_at(recipe, progress.step, self.steps_per_epoch, progress.reductions)
        self.optimizer.learning_rate = rate
        loss = float(self.learner.train_on_batch(batch.inputs, batch.labels, sample_weight=batch.weights, return_dict=True)["loss"])
        if not np.isfinite(loss):
            raise self._not_a_number("the loss")
        progress.loss_sum += loss
        progress.loss_count += 1
        if recipe.average == "ema" and (progress.step + 1) % AVERAGE_EVERY == 0:
            self._update_average()
        return loss, rate

    def _draw_mixing(self, labels: np.ndarray, inputs: dict[str, np.ndarray], random: np.random.Generator):
        if self.recipe.mixup_partners == "any":
            return draw_mixing(labels, self.recipe.mixup, random)
        return draw_similar(labels, np.hstack([inputs["mirna_codes"], inputs["target_codes"]]), self.recipe.mixup, random)

    def _not_a_number(self, what: str) -> NotANumber:
        way_out = "Try a lower learning rate, --clip-norm 1, or float32 instead of mixed_bfloat16"
        if self.path.is_file():
            kept = f"the last good checkpoint is {self.path}. {way_out}; --finish makes a model of the best weights before."
        else:
            kept = f"no earlier weights are kept. {way_out}; --validate-every keeps some on the way."
        return NotANumber(f"{what} is not a number at step {self.progress.step + 1} (epoch {self.progress.epoch + 1}); {kept}")

    def _move_on(self) -> None:
        progress = self.progress
        progress.step += 1
        progress.step_in_epoch += 1
        if progress.step_in_epoch == self.steps_per_epoch:
            progress.step_in_epoch = 0
            progress.epoch += 1

    @property
    def _validation_steps(self) -> int:
        """Steps between two validations, the last of which comes at the end."""
        return min(self.recipe.validate_every or self.steps_per_epoch, self.n_steps)

    def _validation_is_due(self) -> bool:
        done = self.progress.step + 1
        return done == self.n_steps or done % self._validation_steps == 0

    def _validate(self, steps_done: int, rate: float) -> dict:
        progress = self.progress
        if self.recipe.average == "swa" and 0 < self.n_steps <= 2 * progress.step:
            self._update_average()
        weights = [np.copy(weight) for weight in self.average] if self.average else _values(self.network.weights)
        scores = self._predict_with(weights)
        if not np.isfinite(scores).all():
            raise self._not_a_number("an output on the validation pairs")
        # Sets of different difficulty and class balance are not ranked against each other: each file's own, then the mean.
        by_file = {name: average_precision(self.validation.labels[rows], scores[rows]) for name, rows in self.rows_of.items()}
        entry = {
            "epoch": round(steps_done / self.steps_per_epoch, 4),
            "step": steps_done,
            "loss": progress.loss_sum / progress.loss_count if progress.loss_count else None,
            "learning_rate": rate,
            "validation_loss": _crossentropy(self.validation.labels, scores),
            "average_precision": float(np.mean(list(by_file.values()))),
            "auroc": auroc(self.validation.labels, scores),
            **_rates(self.validation.labels, scores),
            "by_file": by_file,
            "seconds": round(progress.seconds, 1),
        }
        progress.loss_sum, progress.loss_count = 0.0, 0
        progress.history.append(entry)
        self._note_gain(entry["average_precision"], steps_done, weights)
        return entry

    def _note_gain(self, score: float, steps_done: int, weights: list[np.ndarray]) -> None:
        progress = self.progress
        if score > progress.best_score:
            progress.best_score, progress.best_step, self.best = score, steps_done, weights
            progress.validations_without_gain = progress.since_reduction = 0
            return
        progress.validations_without_gain += 1
        progress.since_reduction += 1
        if self.recipe.schedule == "plateau" and progress.since_reduction >= self.recipe.decay_epochs:
            progress.reductions += 1
            progress.since_reduction = 0

    def _out_of_patience(self) -> bool:
        return 0 < self.recipe.patience <= self.progress.validations_without_gain

    def _update_average(self) -> None:
        weights = _values(self.network.weights)
        if not self.average:
            self.average = [weight.astype(np.float32) for weight in weights]
        else:
            update_average(self.average, weights, self.recipe, self.progress.n_averaged, AVERAGE_EVERY)
        self.progress.n_averaged += 1

    def _predict_with(self, weights: list[np.ndarray]) -> np.ndarray:
        if not self.average:
            return predict_pairs(self.network, self.validation)
        current = _values(self.network.weights)
        _assign(self.network.weights, weights)
        scores = predict_pairs(self.network, self.validation)
        _assign(self.network.weights, current)
        return scores

    def save(self) -> None:
        """Write the checkpoint, unless an update has just spoiled weights or moments: then the next step stops and the old one stays."""
        network, optimizer = _values(self.network.variables), _values(self.optimizer.variables)
        if not all(np.isfinite(array).all() for array in (*network, *optimizer, *self.average)):
            return
        write_checkpoint(
            self.path, Checkpoint(self.progress, self.recipe.to_dict(), self._digest, network, optimizer, self.best, self.average)
        )


def ahead(items: Iterator) -> Iterator:
    """The items in their order, each made by another thread while the one before is in use."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _rankable(sources: Sequence[str], labels: np.ndarray) -> tuple[dict[str, np.ndarray], list[str]]:
    """Rows of each source that holds both classes, and the names of the others; all rows together where no source does.

    A source of one class has no average precision: of negatives alone it is not a number, which would make the mean so and no weights best,
    of positives alone it is always 1.
    """
    rows_of = {str(name): np.flatnonzero(np.array(sources) == name) for name in dict.fromkeys(sources)}
    both = {name: rows for name, rows in rows_of.items() if len(set(labels[rows] >= POSITIVE)) == 2}
    return both or {"all files": np.arange(len(labels))}, [name for name in rows_of if name not in both]


def _jit_pays() -> bool:
    """XLA halves the speed of TensorFlow on a CPU (measured: 2,900 -> 1,200 pairs/s); JAX needs it."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend() == "jax"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _values(variables: list) -> list[np.ndarray]:
    import keras

    # A copy: on some backends the array would be a view of the variable.
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list, values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _rates(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Parts of the positives and of the negatives that score at least one half."""
    positive, called = labels >= POSITIVE, scores >= POSITIVE
    return {"recall": float(np.mean(called[positive])), "false_positive_rate": float(np.mean(called[~positive]))}


def _crossentropy(labels: np.ndarray, scores: np.ndarray) -> float:
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)))
