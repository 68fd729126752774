"""Which places of miRNA and target a model reads: mutation effects of many bound pairs, place by place."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from mirscan.errors import InputError
from mirscan.explain.mutagenesis import mutation_effects
from mirscan.pairs.columns import POSITIVE, labels_of
from mirscan.pairs.read import read_pairs
from mirscan.seeds.seed_class import best_seeds
from mirscan.windows import encode_pairs

# Places of the target are counted as the miRNA position they lie opposite, when the strands run side by side from the seed.
_FIRST_OPPOSITE, _LAST_OPPOSITE = -7, 30
# Fewer values than this make no box.
_LEAST_PAIRS = 5


@dataclass(frozen=True)
class PositionEffects:
    """Mean change of the log odds by mutation, a row a pair and NaN where it has no base.

    `mirna` (n, M): column i is miRNA position i + 1. `target` (m, 38): target bases opposite miRNA positions -7 to 30, of the m pairs
    with a canonical seed match; `model` is the name in the card.
    """

    model: str
    mirna: np.ndarray
    target: np.ndarray

    def table(self) -> pa.Table:
        """A row a side and position: number of pairs, mean, quartiles of the change."""
        rows = [
            (side, position, len(values), values.mean(), *np.percentile(values, (25, 50, 75)))
            for side, effects, first in (("mirna", self.mirna, 1), ("target", self.target, _FIRST_OPPOSITE))
            for position, values in zip(range(first, first + effects.shape[1]), map(_known, effects.T), strict=True)
            if len(values) >= _LEAST_PAIRS
        ]
        names = ("side", "position", "pairs", "mean", "first_quartile", "median", "third_quartile")
        return pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})


def explain_by_position(
    model: str | Path, pairs: str | Path | Sequence[str | Path], max_pairs: int = 500, seed: int = 1, threads: int | None = None
) -> PositionEffects:
    """Mutate every base of up to `max_pairs` positive pairs, drawn at random with `seed`, and score the mutants with `model`.

    Raises InputError for files without positives, ModelError for an unknown model.
    """
    from mirscan.scoring import load_scorer

    table = read_pairs(pairs)
    positives = np.flatnonzero(labels_of(table) >= POSITIVE)
    if len(positives) < _LEAST_PAIRS:
        raise InputError(f"{len(positives)} positive pairs in {table.num_rows}; expected at least {_LEAST_PAIRS} to explain")
    rows = np.sort(np.random.default_rng([seed, 0xE8]).choice(positives, min(max_pairs, len(positives)), replace=False))
    table = table.take(pa.array(rows))
    scorer = load_scorer(model, precision="float32", threads=threads)
    mirna_codes, target_codes = encode_pairs(table["mirna"], table["target"], scorer.layout)
    mirna, target = mutation_effects(scorer, mirna_codes, target_codes)
    return PositionEffects(scorer.card.name, mirna, _align_to_seed(target, best_seeds(mirna_codes, target_codes)[1]))


def write_effects(effects: PositionEffects, folder: str | Path) -> tuple[Path, Path]:
    """Write by-position.tsv and by-position.png into `folder`; return their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table, picture = folder / "by-position.tsv", folder / "by-position.png"
    pa.csv.write_csv(effects.table(), table, pa.csv.WriteOptions(delimiter="\t", quoting_style="none"))
    _draw(effects, picture)
    return table, picture


def _align_to_seed(effects: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Effects (m, 38) of rows with a seed match (`anchors` from 0), moved so that columns are miRNA positions opposite."""
    rows = np.flatnonzero(anchors >= 0)
    places = anchors[rows, None] + 1 - np.arange(_FIRST_OPPOSITE, _LAST_OPPOSITE + 1)
    inside = (places >= 0) & (places < effects.shape[1])
    return np.where(inside, effects[rows[:, None], np.clip(places, 0, effects.shape[1] - 1)], np.nan)


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _draw(effects: PositionEffects, path: Path) -> None:
    from mirscan.evaluation.curves import new_figure, save_figure

    figure, panels = new_figure(2, width=14)
    sides = (
        (effects.mirna, 1, "miRNA position", len(effects.mirna)),
        (effects.target, _FIRST_OPPOSITE, "target base opposite miRNA position", len(effects.target)),
    )
    for panel, (values, first, title, n) in zip(panels, sides, strict=True):
        columns = [(first + number, _known(column)) for number, column in enumerate(values.T)]
        shown = [(position, column) for position, column in columns if len(column) >= _LEAST_PAIRS]
        panel.axvspan(1.5, 8.5, color="#0072B2", alpha=0.12, linewidth=0, label="seed, nt 2-8")
        panel.axhline(0, color="grey", linewidth=0.8)
        boxes = [column for _, column in shown]
        panel.boxplot(boxes, positions=[position for position, _ in shown], widths=0.6, showfliers=False, manage_ticks=False)
        panel.set(xlabel=title, ylabel="change of the log odds", title=f"{effects.model}: {n} bound pairs")
        panel.legend(frameon=False, loc="lower right")
    save_figure(figure, path)
