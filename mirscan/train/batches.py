"""Labelled pairs as code arrays, and the shuffled, shifted batches of a training."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from mirscan.cores import usable_cores
from mirscan.pairs.columns import labels_of, weights_of
from mirscan.sequence.alphabet import N
from mirscan.windows import WindowLayout, encode_pairs

# Rows a call of the duplex kernel: progress stays visible and the working set small.
_FEATURE_ROWS = 1 << 16


@dataclass(frozen=True)
class EncodedPairs:
    """`mirna_codes` (n, M), `target_codes` (n, L) uint8; `labels`, `weights` (n,) float32; `duplex` (n, k) float32 or None.

    `asked` (n,) float32: what the network is asked to give where that is not the label; None: the labels. `right_shift` (n,) nt: how far
    a window may be moved right in training; None: not at all. `difficulty` (n,) float32 above 0: how often a pair is drawn beside others of
    its weight; None: alike.
    """

    mirna_codes: np.ndarray
    target_codes: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    duplex: np.ndarray | None = None
    right_shift: np.ndarray | None = None
    difficulty: np.ndarray | None = None
    asked: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def inputs(self, rows: np.ndarray | slice) -> dict[str, np.ndarray]:
        """Network inputs of these rows."""
        inputs = {"mirna_codes": self.mirna_codes[rows], "target_codes": self.target_codes[rows]}
        if self.duplex is not None:
            inputs["duplex"] = self.duplex[rows]
        return inputs

    def take(self, rows: np.ndarray) -> "EncodedPairs":
        """These rows, in this order."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return EncodedPairs(**{name: None if column is None else column[rows] for name, column in columns.items()})

    def digest(self) -> str:
        """Checksum of codes, labels and weights: a checkpoint belongs to these pairs only."""
        check = hashlib.blake2b(digest_size=16)
        for array in (self.mirna_codes, self.target_codes, self.labels, self.weights, *([] if self.asked is None else [self.asked])):
            check.update(np.ascontiguousarray(array))
        return check.hexdigest()


def encode_table(pairs: pa.Table, layout: WindowLayout) -> EncodedPairs:
    """PAIRS table -> arrays, by the function that encodes a scan's candidates."""
    mirna_codes, target_codes = encode_pairs(pairs["mirna"], pairs["target"], layout)
    weights = weights_of(pairs)
    labels = np.array(labels_of(pairs), np.float32)
    return EncodedPairs(mirna_codes, target_codes, labels, np.ones(len(labels), np.float32) if weights is None else np.array(weights))


def with_duplex(data: EncodedPairs, cache: Path | None = None, report: Callable[[int, int], None] | None = None) -> EncodedPairs:
    """`data` with the duplex energy features of every pair.

    They are computed once: `cache` is a folder that keeps them in a file named after the codes. `report` gets rows done and rows in all.
    """
    from mirscan.duplex import DUPLEX_FEATURES, duplex_features

    def compute() -> np.ndarray:
        features, starts = np.empty((len(data), len(DUPLEX_FEATURES)), np.float32), range(0, len(data), _FEATURE_ROWS)

        def fill(first: int) -> None:
            rows = slice(first, first + _FEATURE_ROWS)
            features[rows] = duplex_features(data.mirna_codes[rows], data.target_codes[rows])

        # The kernel works without the GIL.
        with ThreadPoolExecutor(usable_cores()) as threads:
            for number, _ in enumerate(threads.map(fill, starts), start=1):
                if report is not None:
                    report(min(number * _FEATURE_ROWS, len(data)), len(data))
        return features

    return replace(
        data, duplex=cached_array(cache, "duplex", (repr(DUPLEX_FEATURES).encode(), data.mirna_codes, data.target_codes), compute)
    )


def cached_array(folder: Path | None, name: str, depends_on: tuple, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """`compute()`, kept in `folder` in a file named after a checksum of `depends_on` (bytes or arrays)."""
    if folder is None:
        return compute()
    check = hashlib.blake2b(digest_size=12)
    for part in depends_on:
        check.update(part if isinstance(part, bytes) else np.ascontiguousarray(part))
    path = folder / f"{name}-{check.hexdigest()}.npy"
    if path.is_file():
        return np.load(path)
    array = compute()
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{os.getpid()}.npy")
    np.save(temporary, array)
    os.replace(temporary, path)
    return array


def shift_windows(target_codes: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Windows (n, L) moved right by `shifts` (n,) nt, left where negative; places moved in are N.

    >>> shift_windows(np.array([[0, 1, 2]], np.uint8), np.array([1])).tolist()
    [[4, 0, 1]]
    """
    reach = int(np.abs(shifts).max(initial=0))
    padded = np.pad(target_codes, ((0, 0), (reach, reach)), constant_values=N)
    columns = np.arange(target_codes.shape[1])[None, :] + (reach - shifts)[:, None]
    return np.take_along_axis(padded, columns, axis=1)


@dataclass(frozen=True)
class EpochDraw:
    """Which pairs an epoch takes, `size` of them: each once, or by `chances` (n,), with replacement."""

    n: int
    size: int
    chances: np.ndarray | None = None

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Rows (size,) of an epoch: a function of seed and epoch, so a resumed training sees the same."""
        random = np.random.default_rng([seed, epoch])
        if self.chances is None:
            return random.permutation(self.n)[: self.size]
        cumulative = np.cumsum(self.chances, dtype=np.float64)
        return np.minimum(np.searchsorted(cumulative, random.random(self.size) * cumulative[-1], side="right"), self.n - 1)


def plan_epochs(
    weights: np.ndarray, sampling: float, epoch_pairs: int, difficulty: np.ndarray | None = None
) -> tuple[EpochDraw, np.ndarray]:
    """How epochs draw pairs of `weights` (n,), and the weights left for the loss: chances w^s and the rest w^(1 - s), s being `sampling`.

    `difficulty` (n,) multiplies the chances. Both together weigh a pair as w does; a heavy pair that comes often moves the network more
    steadily than one that comes seldom and hard, and an easy one teaches nothing.
    """
    n = len(weights)
    if sampling == 0 and difficulty is None:
        return EpochDraw(n, min(epoch_pairs or n, n)), weights
    size, chances = epoch_pairs or n, weights.astype(np.float64) ** sampling * (1.0 if difficulty is None else difficulty)
    drawn = np.where(weights > 0, weights / np.maximum(chances, 1e-300), 0)
    return EpochDraw(n, size, chances), (drawn * (chances.sum() / max(float(weights.sum(dtype=np.float64)), 1e-9))).astype(np.float32)


def draw_batch(data: EncodedPairs, rows: np.ndarray, window_shift: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Inputs of these rows with every window moved by up to `window_shift` nt, and by up to its own `right_shift` more to the right.

    The duplex features stay those of the unmoved window: they describe the pair, and a move of a few nt seldom changes the best duplex.
    """
    inputs = data.inputs(rows)
    if window_shift or data.right_shift is not None:
        shifts = random.integers(-window_shift, window_shift + 1, len(rows))
        if data.right_shift is not None:
            shifts += random.integers(0, data.right_shift[rows] + 1)
        inputs["target_codes"] = shift_windows(inputs["target_codes"], shifts)
    return inputs


def iter_predict_batches(data: EncodedPairs, batch_size: int) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Batches of one fixed size over all rows; the last is filled up by repeating its last row, so nothing is traced twice."""
    for first in range(0, len(data), batch_size):
        rows = slice(first, min(first + batch_size, len(data)))
        inputs = data.inputs(rows)
        missing = batch_size - (rows.stop - rows.start)
        if missing:
            inputs = {name: np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) for name, array in inputs.items()}
        yield rows, inputs


def predict_pairs(network, data: EncodedPairs, batch_size: int = 512) -> np.ndarray:
    """Outputs (n,) float32 of a Keras network, uncalibrated."""
    batch_size = min(batch_size, max(1, len(data)))
    outputs = np.empty(len(data), np.float32)
    for rows, inputs in iter_predict_batches(data, batch_size):
        outputs[rows] = np.asarray(network.predict_on_batch(inputs), np.float32).reshape(-1)[: rows.stop - rows.start]
    return outputs
