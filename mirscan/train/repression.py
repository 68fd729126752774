"""Expression changes of several laboratories -> a repression model: forms for mRNAs and 3'UTRs, with and without a network's score."""

from collections.abc import Callable, Sequence

import numpy as np

from mirscan.evaluation.gene_sites import GeneSites
from mirscan.genes.fitting import Change, Fit, fit_form, gather_training_sites
from mirscan.genes.repression import RepressionModel

# Features by region, found by leaving studies out; docs/genes.md has what each adds. With the score of a network 3' pairing adds nothing.
_UTR, _CDS = ("local_au", "end_distance", "utr_length"), ("local_au", "coding_length", "stop_distance")
FEATURES = {
    "mrna": {"3utr": (*_UTR, "supplementary"), "cds": _CDS, "5utr": ()},
    "mrna-scored": {"3utr": (*_UTR, "log_odds"), "cds": (*_CDS, "log_odds"), "5utr": ()},
    "3utr": {"3utr": (*_UTR, "supplementary")},
    "3utr-scored": {"3utr": (*_UTR, "log_odds")},
}


def forms_for(sites: GeneSites) -> list[str]:
    """The forms that these sites can teach."""
    return [
        name
        for name in FEATURES
        if (sites.coding is not None or not name.startswith("mrna")) and (sites.score_model or "scored" not in name)
    ]


def fit_forms(sites: GeneSites, experiments: Sequence[int] | None = None, names: Sequence[str] | None = None) -> dict[str, Fit]:
    """Fits by form, on all experiments or those numbered."""
    chosen = range(len(sites.experiments)) if experiments is None else experiments
    changes: list[Change] = [sites.changes[number] for number in chosen]
    places, features = sites.apart(), sites.features
    gene = sites.names.gene_of_transcript[places.transcript]
    fits = {}
    for name in forms_for(sites) if names is None else names:
        used = gather_training_sites(features, places, gene, changes, FEATURES[name])
        fits[name] = fit_form(name, used, changes, FEATURES[name], sites.score_model if "scored" in name else "")
    return fits


def train_repression(
    sites: GeneSites, name: str, description: str = "", progress: Callable[[str], None] = lambda what: None
) -> RepressionModel:
    """A model with every form that the sites can teach, and what it was taught with."""
    forms = []
    for form in forms_for(sites):
        progress(form)
        forms.append(fit_forms(sites, names=[form])[form].form)
    studies = dict.fromkeys(experiment.study for experiment in sites.experiments)
    training = {study: _describe([e for e in sites.experiments if e.study == study]) for study in studies}
    return RepressionModel(name=name, description=description, forms=tuple(forms), training=training)


def _describe(experiments: list) -> dict:
    values = np.concatenate([experiment.change for experiment in experiments])
    return {
        "experiments": [experiment.name for experiment in experiments],
        "genes": len(experiments[0].gene),
        "standard_deviation": round(float(values.std()), 4),
    }
