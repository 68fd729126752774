"""One scorer for every caller: distinct pairs -> engine -> calibration, with counts of what was saved."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mirscan.errors import InputError, MirscanError
from mirscan.notices import counted
from mirscan.scoring.distinct import find_distinct
from mirscan.seeds.seed_class import shift_by_seed
from mirscan.sequence.alphabet import decode
from mirscan.trained_models import Card
from mirscan.windows import WindowLayout


class Engine(Protocol):
    """Computes raw outputs of pairs that are grouped by miRNA."""

    def score(self, mirnas: np.ndarray, index: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Outputs (n,) float32 of the pairs (mirnas[index[r]], targets[r]); `index` (n,) int32 holds equal numbers side by side."""

    def describe(self) -> dict:
        """What computes, for run.json."""


@dataclass
class Counts:
    """Pairs asked for, and distinct pairs computed."""

    pairs: int = 0
    computed: int = 0

    @property
    def saved(self) -> float:
        """Share of the pairs that needed no computation, 0-1."""
        return 1.0 - self.computed / self.pairs if self.pairs else 0.0

    def summary(self) -> dict:
        """Pairs, those computed, and the share saved, rounded."""
        return {"pairs": self.pairs, "computed": self.computed, "saved": round(self.saved, 4)}


@dataclass(frozen=True)
class Scorer:
    """Calibrated scores of (miRNA, window) pairs under one model.

    `card` describes the model, `engine` computes it; `counts` adds up over calls.
    """

    card: Card
    engine: Engine
    counts: Counts = field(default_factory=Counts)

    @property
    def layout(self) -> WindowLayout:
        """How windows for this model are cut."""
        return self.card.layout

    def score(self, mirna_codes: np.ndarray, target_codes: np.ndarray) -> np.ndarray:
        """Scores (n,) float32, 0-1, of pairs given as codes.

        `mirna_codes` (n, layout.mirna_length) and `target_codes` (n, layout.length), uint8, both 5'->3'. Identical pairs are computed once.
        Raises InputError for other shapes and MirscanError where the network gives NaN or infinity.
        """
        return self.card.calibration.apply(self.outputs(mirna_codes, target_codes))

    def outputs(self, mirna_codes: np.ndarray, target_codes: np.ndarray) -> np.ndarray:
        """The same before calibration, which joins neighbouring outputs in steps: what the engine gives, moved by the `seed_shift`."""
        self.check(mirna_codes, target_codes)
        if not len(mirna_codes):
            return np.empty(0, np.float32)
        distinct = find_distinct(mirna_codes, target_codes)
        outputs = self.engine.score(mirna_codes[distinct.mirnas], distinct.mirna_of, target_codes[distinct.rows])
        self._check_outputs(outputs, mirna_codes, target_codes, distinct.rows)
        outputs = shift_by_seed(outputs, mirna_codes[distinct.rows], target_codes[distinct.rows], self.card.seed_shift)
        self.counts.pairs += len(mirna_codes)
        self.counts.computed += len(distinct.rows)
        return outputs[distinct.pair_of]

    def describe(self) -> dict:
        """Model, engine, precision, batch, device, and everything that could not be done as asked; the same for equal set-ups."""
        return {"model": self.card.name, "sha256": self.card.sha256, **self.engine.describe()}

    def check(self, mirna_codes: np.ndarray, target_codes: np.ndarray) -> None:
        """Raise InputError unless these are codes of as many miRNAs as windows, in the layout of the model."""
        layout = self.layout
        for name, codes, width in (("miRNAs", mirna_codes, layout.mirna_length), ("windows", target_codes, layout.length)):
            if codes.ndim != 2 or codes.shape[1] != width or codes.dtype != np.uint8:
                raise InputError(
                    f"{name}: {codes.dtype} of shape {codes.shape}; model {self.card.name!r} expects uint8 codes of shape (n, {width})"
                )
            if codes.size and codes.max() > 4:
                raise InputError(f"{name}: code {codes.max()}; expected A 0, C 1, G 2, U 3 or N 4")
        if len(mirna_codes) != len(target_codes):
            raise InputError(
                f"{counted(len(mirna_codes), 'miRNA')} but {counted(len(target_codes), 'window')}; expected one window for each miRNA"
            )

    def _check_outputs(self, outputs: np.ndarray, mirna_codes: np.ndarray, target_codes: np.ndarray, rows: np.ndarray) -> None:
        if np.isfinite(outputs).all():
            return
        bad = np.flatnonzero(~np.isfinite(outputs))
        row = rows[bad[0]]
        mirna, target = decode(mirna_codes[row]).rstrip("N"), decode(target_codes[row])
        raise MirscanError(
            f"model {self.card.name!r}: score {outputs[bad[0]]} for miRNA {mirna} on window {target} ({len(bad)} such pairs);"
            " expected finite scores. Try --precision float32, or train the model again."
        )
