"""Expression changes of several laboratories -> a repression model: forms for mRNAs and 3'UTRs, with and without a network's score and the
conservation of sites.
"""

from collections.abc import Callable, Sequence

import numpy as np

from mirscan.evaluation.gene_sites import GeneSites
from mirscan.genes.fitting import Fit, TrainingSites, fit_form, gather_training_sites
from mirscan.genes.repression import RepressionModel
from mirscan.genes.site_features import CONSERVATION, FROM_FILES, KINDS

# Features by region, found by leaving studies out; docs/genes.md has what each adds. With the score of a network 3' pairing adds nothing.
_UTR = "local_au", "end_distance", "polyadenylation", "target_abundance", "mrna_length"
_CDS = "local_au", "stop_distance", "target_abundance", "mrna_length"
_UPSTREAM = "target_abundance", "mrna_length"
# Of 3'UTRs alone the length of the mRNA is not known, and theirs says less, where it is below 1,000 nt nothing.
_UTR_ALONE = "local_au", "end_distance", "polyadenylation", "target_abundance", "long_utr"
FEATURES = {
    "mrna": {"3utr": (*_UTR, "supplementary"), "cds": _CDS, "5utr": _UPSTREAM},
    "mrna-scored": {"3utr": (*_UTR, "log_odds"), "cds": (*_CDS, "log_odds"), "5utr": _UPSTREAM},
    "3utr": {"3utr": (*_UTR_ALONE, "supplementary")},
    "3utr-scored": {"3utr": (*_UTR_ALONE, "log_odds")},
}
# A coding sequence is conserved for its protein, whatever sites lie in it.
FEATURES |= {f"{name}-conserved": {**regions, "3utr": (*regions["3utr"], CONSERVATION)} for name, regions in FEATURES.items()}
# Weak kinds of sites say little and order the many genes that have nothing else: with them the ranks of 3'UTRs alone fall below those of a
# count of canonical sites.
_CANONICAL = 4


def n_kinds(sites: GeneSites, form: str) -> int:
    """How many kinds of sites a form gives weights, the strongest first."""
    return min(sites.n_kinds, _CANONICAL if form.startswith("3utr") else len(KINDS))


def forms_for(sites: GeneSites) -> list[str]:
    """The forms that these sites can teach."""
    has_coding = sites.coding is not None
    return [name for name in FEATURES if (has_coding or not name.startswith("mrna")) and sites.sources.keys() >= files_of(name)]


def files_of(form: str) -> set[str]:
    """The features of a form that come out of files."""
    return {name for names in FEATURES[form].values() for name in names if name in FROM_FILES}


def gather(sites: GeneSites, form: str) -> TrainingSites:
    """The sites of all experiments with what a form reads of them."""
    places = sites.apart()
    gene = sites.names.gene_of_transcript[places.transcript]
    shares = None if sites.shares is None else sites.shares[places.transcript]
    return gather_training_sites(sites.features, places, gene, sites.changes, FEATURES[form], n_kinds(sites, form), shares)


def fit(sites: GeneSites, form: str, gathered: TrainingSites | None = None, experiments: Sequence[int] | None = None) -> Fit:
    """Weights of a form by all experiments, or by those numbered; `gathered` as `gather` gives it."""
    gathered, changes = gather(sites, form) if gathered is None else gathered, sites.changes
    if experiments is not None:
        gathered, changes = gathered.of(experiments), [changes[number] for number in experiments]
    reads = {name: sites.sources[name] for name in FROM_FILES if name in files_of(form)}
    return fit_form(form, gathered, changes, FEATURES[form], reads, n_kinds(sites, form))


def train_repression(
    sites: GeneSites, name: str, description: str = "", progress: Callable[[str], None] = lambda form: None
) -> RepressionModel:
    """A model with every form that the sites can teach, and what it was taught with."""
    forms = []
    for form in forms_for(sites):
        progress(form)
        forms.append(fit(sites, form).form)
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
