"""Which places of miRNA and target a model reads: effects of many bound pairs, place by place and letter by letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from mirscan.errors import InputError
from mirscan.explain.mutagenesis import letter_effects, mean_of_letters
from mirscan.pairs.columns import POSITIVE, labels_of
from mirscan.pairs.read import read_pairs
from mirscan.scoring.duplex_engine import DUPLEX
from mirscan.seeds.seed_class import best_seeds
from mirscan.sequence.alphabet import N
from mirscan.windows import WindowLayout, encode_pairs

MUTAGENESIS, GRADIENTS = "mutagenesis", "gradients"
Method = Literal["mutagenesis", "gradients"]
# Places of the target are counted as the miRNA position they lie opposite, when the strands run side by side from the seed.
FIRST_OPPOSITE, _LAST_OPPOSITE = -7, 30
# Fewer values than this make no box of many pairs.
_LEAST_PAIRS = 5
_LETTERS = "ACGU"
Codes = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class PositionEffects:
    """Effects on the log odds, a row a pair and NaN where it has no base.

    `mirna_letters` (n, M, 4): entry [r, i, c] is about letter c (A C G U) at miRNA position i + 1. `target_letters` (m, 38, 4): the same
    for the target bases opposite miRNA positions -7 to 30, of the m pairs with a canonical seed match. By mutagenesis it is the change
    when the base becomes c, NaN for the letter that is there; by gradients what the letter that is there adds, NaN for the others.
    """

    model: str
    method: str
    mirna_letters: np.ndarray
    target_letters: np.ndarray

    @property
    def mirna(self) -> np.ndarray:
        """(n, M): mean over letters."""
        return mean_of_letters(self.mirna_letters)

    @property
    def target(self) -> np.ndarray:
        """(m, 38): mean over letters."""
        return mean_of_letters(self.target_letters)

    @property
    def least(self) -> int:
        """Pairs that a position must have to be shown."""
        return min(_LEAST_PAIRS, len(self.mirna_letters))

    def sides(self) -> tuple[tuple[str, np.ndarray, int], ...]:
        """(name, effects by letter, first position) of both strands."""
        return ("mirna", self.mirna_letters, 1), ("target", self.target_letters, FIRST_OPPOSITE)

    def table(self) -> pa.Table:
        """A row a side and position: number of pairs, mean, quartiles."""
        rows = [
            (side, position, len(values), values.mean(), *np.percentile(values, (25, 50, 75)))
            for side, effects, first in self.sides()
            for position, values in self.shown(mean_of_letters(effects), first)
        ]
        return _table(("side", "position", "pairs", "mean", "first_quartile", "median", "third_quartile"), rows)

    def letter_table(self) -> pa.Table:
        """A row a side, position and letter: number of pairs and mean."""
        rows = [
            (side, position, letter, len(values), values.mean())
            for side, effects, first in self.sides()
            for number, letter in enumerate(_LETTERS)
            for position, values in self.shown(effects[..., number], first)
        ]
        return _table(("side", "position", "letter", "pairs", "mean"), rows)

    def shown(self, effects: np.ndarray, first: int) -> list[tuple[int, np.ndarray]]:
        """(position, known values) for the columns of `effects` (n, width) that enough pairs have."""
        columns = [(first + number, column[~np.isnan(column)]) for number, column in enumerate(effects.T)]
        return [(position, values) for position, values in columns if len(values) >= max(self.least, 1)]


def explain_by_position(
    model: str | Path,
    pairs: str | Path | Sequence[str | Path],
    max_pairs: int = 500,
    seed: int = 1,
    threads: int | None = None,
    method: Method = MUTAGENESIS,
) -> PositionEffects:
    """Effects in up to `max_pairs` positive pairs, drawn at random with `seed`.

    Raises InputError for files without positives, ModelError for an unknown model and for gradients of a model that has none.
    """
    table = read_pairs(pairs)
    positives = np.flatnonzero(labels_of(table) >= POSITIVE)
    if len(positives) < _LEAST_PAIRS:
        raise InputError(f"{len(positives)} positive pairs in {table.num_rows}; expected at least {_LEAST_PAIRS} to explain")
    rows = np.sort(np.random.default_rng([seed, 0xE8]).choice(positives, min(max_pairs, len(positives)), replace=False))
    table = table.take(pa.array(rows))
    return explain_windows(model, lambda layout: encode_pairs(table["mirna"], table["target"], layout), threads, method)


def explain_windows(
    model: str | Path, read_codes: Callable[[WindowLayout], Codes], threads: int | None = None, method: Method = MUTAGENESIS
) -> PositionEffects:
    """Effects in the pairs that `read_codes` gives, as codes (n, M) and (n, L), for the layout of the model.

    Raises ModelError for an unknown model and for gradients of a model that has none.
    """
    name, codes, effects = (_mutate if method == MUTAGENESIS else _differentiate)(model, read_codes, threads)
    mirna, target = effects
    return PositionEffects(name, method, mirna, _align_to_seed(target, best_seeds(*codes)[1]))


def _mutate(model, read_codes: Callable[[WindowLayout], Codes], threads: int | None) -> tuple[str, Codes, Codes]:
    from mirscan.scoring import load_scorer

    scorer = load_scorer(model, precision="float32", threads=threads)
    codes = read_codes(scorer.layout)
    return scorer.card.name, codes, letter_effects(scorer, *codes)


def _differentiate(model, read_codes: Callable[[WindowLayout], Codes], threads: int | None) -> tuple[str, Codes, Codes]:
    from mirscan.explain.gradients import integrated_gradients
    from mirscan.trained_models import load_model

    if model == DUPLEX:
        raise InputError("duplex has no gradients; expected a network, or --method mutagenesis")
    trained = load_model(model)
    codes = read_codes(trained.card.layout)
    return trained.card.name, codes, tuple(map(_at_letters, codes, integrated_gradients(trained, *codes)))


def _at_letters(codes: np.ndarray, added: np.ndarray) -> np.ndarray:
    """(n, width, 4): what a base adds at its letter, NaN elsewhere."""
    is_letter = np.arange(N) == codes[..., None]
    return np.where(is_letter, added[..., None], np.nan).astype(np.float32)


def _align_to_seed(effects: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Effects (m, 38, 4) of rows with a seed match (`anchors` from 0), moved so that columns are miRNA positions opposite."""
    rows = np.flatnonzero(anchors >= 0)
    places = anchors[rows, None] + 1 - np.arange(FIRST_OPPOSITE, _LAST_OPPOSITE + 1)
    inside = (places >= 0) & (places < effects.shape[1])
    return np.where(inside[..., None], effects[rows[:, None], np.clip(places, 0, effects.shape[1] - 1)], np.nan)


def _table(names: Sequence[str], rows: list[tuple]) -> pa.Table:
    return pa.table({name: [row[number] for row in rows] for number, name in enumerate(names)})
