"""The repression model: predicted log2 fold change = -scale x ln(1 + sum of effects), an effect = exp(intercept + weights x features).

Effects of the sites of one mRNA add up and then saturate, as occupancies do (McGeary et al. 2019). A weight is read as a factor: 0.7 for a
feature doubles the effect for each unit of it.
"""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mirscan.errors import ModelError
from mirscan.genes.site_features import FEATURE_NAMES, KINDS, Places, SiteFeatures
from mirscan.sequence.coding import REGIONS, THREE_UTR
from mirscan.shipped import REPRESSION_FILE, models_folder, shipped_names

FORMAT = 1
# What exp() may be given; a trained model stays far below.
_MOST = 5.0


@dataclass(frozen=True)
class Form:
    """One set of weights. `needs_coding`: for whole mRNAs with known coding sequences; else for 3'UTRs alone. `score_model`: the network
    whose score it reads, empty for none.

    `intercepts` by region and rule, `weights` by region and feature, `scale` in log2 units.
    """

    name: str
    needs_coding: bool
    score_model: str
    scale: float
    intercepts: dict[str, dict[str, float]]
    weights: dict[str, dict[str, float]]

    @property
    def metadata(self) -> dict[str, str]:
        """What a file of predictions says of them."""
        return {"repression_form": self.name}

    def effects(self, features: SiteFeatures, places: Places) -> np.ndarray:
        """Effect of each site (n,) float64 on its mRNA, 0 for sites of rules without a weight."""
        kinds, regions = features.kinds(places), features.regions(places) if self.needs_coding else np.full(len(places.start), THREE_UTR)
        effects = np.zeros(len(kinds))
        for number, region in enumerate(REGIONS):
            rows = np.flatnonzero((regions == number) & (kinds >= 0))
            if region not in self.intercepts or not len(rows):
                continue
            intercepts = np.array([self.intercepts[region].get(kind, -np.inf) for kind in KINDS])
            here = Places(*(column[rows] for column in places))
            z = intercepts[kinds[rows]]
            for name, values in features.compute(tuple(self.weights.get(region, {})), here).items():
                z = z + self.weights[region][name] * values
            effects[rows] = np.exp(np.minimum(z, _MOST)) * features.uniqueness(here)
        return effects

    def fold_changes(self, totals: np.ndarray) -> np.ndarray:
        """Predicted log2 fold change (n,) of mRNAs by the sum of their sites' effects."""
        return -self.scale * np.log1p(totals)


@dataclass(frozen=True)
class RepressionModel:
    """The forms of a model and what its file says of it."""

    name: str
    description: str
    forms: tuple[Form, ...]
    licence: str = "MIT"
    citation: str = ""
    training: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)

    def choose(self, has_coding: bool, score_model: str) -> Form:
        """The form for a scan: with coding sequences or without, and for its network where there is one, else the one without scores."""
        fitting = [form for form in self.forms if form.needs_coding <= has_coding and form.score_model in ("", score_model)]
        if not fitting:
            what = "mRNAs" if has_coding else "3'UTRs"
            raise ModelError(f"repression model {self.name!r}: no form for {what} without a score")
        return max(fitting, key=lambda form: (form.needs_coding, form.score_model != ""))


def find_repression_model(name_or_path: str | os.PathLike = "repression") -> Path:
    """File of a shipped model's name, of a folder or of a path; ModelError lists the known names otherwise."""
    text = os.fspath(name_or_path)
    for path in (models_folder() / text / REPRESSION_FILE, Path(text) / REPRESSION_FILE, Path(text)):
        if path.is_file():
            return path
    known = ", ".join(shipped_names(REPRESSION_FILE)) or "none"
    raise ModelError(f"repression model {text!r}: neither a known name nor a file of `mirscan train-genes`; known: {known}")


def read_repression_model(name_or_path: str | os.PathLike = "repression") -> RepressionModel:
    """The model of a name, folder or file; ModelError says which entry is missing or wrong."""
    path = find_repression_model(name_or_path)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        if entries.pop("format") != FORMAT:
            raise ModelError(f"{path}: written by another version of mirscan")
        model = RepressionModel(**{**entries, "forms": tuple(Form(**form) for form in entries["forms"])})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not valid TOML ({error})") from None
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a repression model ({error}); expected a file of `mirscan train-genes`") from None
    for form in model.forms:
        _check(form, path)
    return model


def _check(form: Form, path: Path) -> None:
    for region, entries in (*form.intercepts.items(), *form.weights.items()):
        unknown = next((name for name in entries if name not in (*KINDS, *FEATURE_NAMES)), None)
        if region not in REGIONS or unknown:
            raise ModelError(
                f"{path}: form {form.name!r} has {unknown or region!r}; known are {', '.join((*REGIONS, *KINDS, *FEATURE_NAMES))}"
            )


def write_repression_model(model: RepressionModel, folder: str | os.PathLike) -> Path:
    """Write the model's file into `folder`; weights with four decimals, more than their error."""
    import tomli_w

    entries = {"format": FORMAT, **vars(model), "forms": [vars(form) for form in model.forms]}
    path = Path(folder) / REPRESSION_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(entries), encoding="utf-8")
    return path
