"""The repression model: predicted log2 fold change = -scale x ln(1 + sum of effects), an effect = exp(intercept + weights x features).

Effects of the sites of one mRNA add up and then saturate, as occupancies do (McGeary et al. 2019). A weight is read as a factor: 0.7 for a
feature doubles the effect for each unit of it.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from mirscan.errors import ModelError
from mirscan.genes.site_features import CONSERVATION, FEATURE_NAMES, FROM_FILES, KINDS, LOG_ODDS, Places, SiteFeatures
from mirscan.sequence.coding import REGIONS, THREE_UTR
from mirscan.sequence.text import finite
from mirscan.shipped import REPRESSION_FILE, models_folder, shipped_names
from mirscan.trained_models import Card

FORMAT = 2
# What exp() may be given; a trained model stays far below.
_MOST = 5.0


@dataclass(frozen=True)
class Source:
    """A file that a feature comes out of: what it is called, and the SHA-256 of what decides its values."""

    name: str
    sha256: str

    @classmethod
    def of_scores(cls, card: Card) -> "Source":
        """The network behind scores."""
        return cls(card.name, card.scores_sha256)


# What is known of the sites of a scan, by feature.
Sources = Mapping[str, Source]


@dataclass(frozen=True)
class Form:
    """One set of weights. `needs_coding`: for whole mRNAs with known coding sequences; else for 3'UTRs alone. `reads`: the file that each
    of its features out of a file was fitted with.

    `intercepts` by region and rule, `weights` by region and feature, `scale` in log2 units.
    """

    name: str
    needs_coding: bool
    scale: float
    intercepts: dict[str, dict[str, float]]
    weights: dict[str, dict[str, float]]
    reads: dict[str, Source] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, str]:
        """What a file of predictions says of them."""
        return {"repression_form": self.name}

    def effects(self, features: SiteFeatures, places: Places) -> np.ndarray:
        """Effect of each site (n,) float64 on its mRNA, 0 for sites of rules without a weight."""
        kinds, regions = features.kinds(places), features.regions(places) if self.needs_coding else np.full(len(places.start), THREE_UTR)
        effects = np.zeros(len(kinds))
        for number, region in enumerate(REGIONS):
            is_here = (regions == number) & (kinds >= 0)
            if region not in self.intercepts or not is_here.any():
                continue
            # All of them are usual, and a slice copies nothing.
            rows = slice(None) if is_here.all() else is_here
            intercepts = np.array([self.intercepts[region].get(kind, -np.inf) for kind in KINDS])
            here = Places(*(column[rows] for column in places))
            z = intercepts[kinds[rows]]
            for name, values in features.compute(tuple(self.weights.get(region, {})), here).items():
                z += self.weights[region][name] * values
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

    def choose(self, has_coding: bool, sources: Sources) -> Form:
        """The form for a scan: with coding sequences or without, and of those whose files are the scan's the one that reads most."""
        fitting = [form for form in self._forms_for(has_coding) if not _missing(form, sources)]
        if not fitting:
            what = "mRNAs" if has_coding else "3'UTRs"
            raise ModelError(f"repression model {self.name!r}: no form for {what} that reads neither a score nor conservation")
        return max(fitting, key=_richness)

    def describe_unread(self, has_coding: bool, sources: Sources) -> tuple[str, ...]:
        """A line where another form would be chosen if the scan had the files that it was fitted with."""
        chosen, richest = self.choose(has_coding, sources), max(self._forms_for(has_coding), key=_richness)
        missing = _missing(richest, sources)
        if not missing:
            return ()
        why = "; ".join(f"{_WORDS[name].format(richest.reads[name].name)}, {_found(name, sources)}" for name in missing)
        return (f"repression model {self.name!r} predicts by its form {chosen.name!r}; {richest.name!r} reads {why}",)

    def _forms_for(self, has_coding: bool) -> list[Form]:
        return [form for form in self.forms if form.needs_coding <= has_coding]


_WORDS = {LOG_ODDS: "scores of --model {}", CONSERVATION: "--conservation {}"}


def _missing(form: Form, sources: Sources) -> list[str]:
    """Features that the form was fitted with another file for than the scan has, or that it has none for."""
    return [name for name, source in form.reads.items() if name not in sources or sources[name].sha256 != source.sha256]


def _richness(form: Form) -> tuple[bool, int]:
    return form.needs_coding, len(form.reads)


def _found(name: str, sources: Sources) -> str:
    return f"and {sources[name].name} is another file by its checksum" if name in sources else "which is not given"


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
        entries = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=finite)
        if entries.pop("format") != FORMAT:
            raise ModelError(f"{path}: written by another version of mirscan; fit it again with `mirscan train-genes`")
        model = RepressionModel(**{**entries, "forms": tuple(map(_form, entries["forms"]))})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not valid TOML ({error})") from None
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a repression model ({error}); expected a file of `mirscan train-genes`") from None
    for form in model.forms:
        _check(form, path)
    return model


def _form(entries: dict) -> Form:
    return Form(**{**entries, "reads": {name: Source(**source) for name, source in entries.get("reads", {}).items()}})


def _check(form: Form, path: Path) -> None:
    read = {name for weights in form.weights.values() for name in weights if name in FROM_FILES}
    if read != set(form.reads):
        differ = ", ".join(sorted(read ^ set(form.reads)))
        raise ModelError(f"{path}: form {form.name!r} has {differ} in its weights or in reads alone; expected both or neither")
    for region, entries in (*form.intercepts.items(), *form.weights.items()):
        unknown = next((name for name in entries if name not in (*KINDS, *FEATURE_NAMES)), None)
        if region not in REGIONS or unknown:
            raise ModelError(
                f"{path}: form {form.name!r} has {unknown or region!r}; known are {', '.join((*REGIONS, *KINDS, *FEATURE_NAMES))}"
            )


def write_repression_model(model: RepressionModel, folder: str | os.PathLike) -> Path:
    """Write the model's file into `folder`; weights with four decimals, more than their error."""
    import tomli_w

    entries = {"format": FORMAT, **asdict(model)}
    path = Path(folder) / REPRESSION_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomli_w.dumps(entries), encoding="utf-8")
    return path
