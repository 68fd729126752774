"""Expression changes -> weights of the repression model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mirscan.genes.fit_kernels import group_effects, group_gradient
from mirscan.genes.repression import Form
from mirscan.genes.site_features import KINDS, Places, SiteFeatures
from mirscan.sequence.coding import REGIONS, THREE_UTR

# Where the weights of rules start, near what Grimson 2007 and Agarwal 2015 report for 3'UTRs.
_START = {"8mer": -0.5, "7mer-m8": -1.0, "7mer-A1": -1.5, "6mer": -2.5, "6mer-A1": -3.0, "offset-7mer": -3.0, "offset-6mer": -3.5}
_START_OF_REGION = {"3utr": 0.0, "cds": -1.0, "5utr": -2.0}
# Pull of the weights to their start and of the scales to each other: enough to hold what the data do not say.
_WEIGHT_PULL, _SCALE_PULL = 1e-5, 1e-3
_ITERATIONS = 200


@dataclass(frozen=True)
class TrainingSites:
    """Sites of several experiments. Group i, the sites first[i] to first[i + 1], belongs to row `row[i]` of experiment `experiment[i]`.

    `kind` (n,) counts rules through regions, `features` (n, most features of a region) hold those of the site's region, whose weights
    begin at `column` (n,).
    """

    kind: np.ndarray
    column: np.ndarray
    features: np.ndarray
    first: np.ndarray
    row: np.ndarray
    experiment: np.ndarray

    def of(self, experiments: Sequence[int]) -> "TrainingSites":
        """The sites of some experiments, which are numbered anew in this order."""
        spans = [tuple(np.searchsorted(self.experiment, (number, number + 1))) for number in experiments]
        groups = np.concatenate([np.arange(*span) for span in spans])
        sites = np.concatenate([np.arange(self.first[low], self.first[high]) for low, high in spans])
        sizes = (self.first[1:] - self.first[:-1])[groups]
        number = np.repeat(np.arange(len(spans)), [high - low for low, high in spans])
        columns = self.kind[sites], self.column[sites], self.features[sites], np.append(0, np.cumsum(sizes))
        return TrainingSites(*columns, self.row[groups], number)


@dataclass(frozen=True)
class Change:
    """One experiment to fit: log2 fold changes (n,) of genes by number (n,), and its miRNA by number."""

    mirna: int
    gene: np.ndarray
    value: np.ndarray


def gather_training_sites(
    features: SiteFeatures,
    places: Places,
    gene: np.ndarray,
    changes: Sequence[Change],
    names: dict[str, tuple[str, ...]],
    n_kinds: int = len(KINDS),
) -> TrainingSites:
    """The sites that lie in measured genes. `gene` (n,) of each site; `names`: features by region, regions it lacks have no effect, and
    neither have kinds behind the first `n_kinds`.
    """
    kinds, regions = features.kinds(places), features.regions(places)
    weights_from = dict(zip(REGIONS, np.cumsum([0, *(len(names.get(region, ())) for region in REGIONS)]), strict=False))
    usable = (kinds >= 0) & (kinds < n_kinds) & np.isin(regions, [REGIONS.index(region) for region in names])
    width = max(map(len, names.values()))
    table, column = np.zeros((len(kinds), width), np.float32), np.zeros(len(kinds), np.int64)
    for number, region in enumerate(REGIONS):
        rows = np.flatnonzero(usable & (regions == number))
        values = features.compute(names.get(region, ()), Places(*(part[rows] for part in places)))
        for place, name in enumerate(values):
            table[rows, place] = values[name]
        column[rows] = weights_from[region]
    # Weights of a region with fewer features than the widest are read past their end, times 0.
    code = regions.astype(np.int64) * len(KINDS) + kinds
    parts = [_sites_of(change, number, places.mirna, gene, usable) for number, change in enumerate(changes)]
    site, row, experiment = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    starts = np.flatnonzero(np.append(True, (np.diff(row) != 0) | (np.diff(experiment) != 0)))
    return TrainingSites(code[site], column[site], table[site], np.append(starts, len(site)), row[starts], experiment[starts])


def _sites_of(change: Change, number: int, mirna: np.ndarray, gene: np.ndarray, usable: np.ndarray):
    """(site, row of the experiment, experiment) of the sites in measured genes, gene by gene."""
    row_of = np.full(max(int(gene.max(initial=0)), int(change.gene.max(initial=0))) + 1, -1)
    row_of[change.gene] = np.arange(len(change.gene))
    site = np.flatnonzero((mirna == change.mirna) & usable)
    site = site[row_of[gene[site]] >= 0]
    site = site[np.argsort(row_of[gene[site]], kind="stable")]
    return site, row_of[gene[site]], np.full(len(site), number)


@dataclass(frozen=True)
class Fit:
    """Weights as one form, and the scale that each experiment would have."""

    form: Form
    scales: np.ndarray
    loss: float


def fit_form(
    name: str,
    sites: TrainingSites,
    changes: Sequence[Change],
    names: dict[str, tuple[str, ...]],
    score_model: str = "",
    n_kinds: int = len(KINDS),
) -> Fit:
    """Weights that predict the changes with the least squared error, each experiment by its own variance, scale and mean.

    An experiment's scale is how strongly its cells respond; the form gets their median.
    """
    from scipy.optimize import minimize

    problem = _Problem(sites, changes, sum(map(len, names.values())))
    found = minimize(problem.loss, problem.start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    intercepts, weights, scales = problem.split(found.x)
    named = iter(weights.tolist())
    form = Form(
        name=name,
        needs_coding=set(names) != {REGIONS[THREE_UTR]},
        score_model=score_model,
        scale=round(float(np.exp(np.median(scales))), 4),
        intercepts={
            region: {
                kind: round(float(intercepts[REGIONS.index(region) * len(KINDS) + place]), 4) for place, kind in enumerate(KINDS[:n_kinds])
            }
            for region in REGIONS
            if region in names
        },
        weights={region: {feature: round(next(named), 4) for feature in names[region]} for region in REGIONS if region in names},
    )
    return Fit(form, np.exp(scales), float(found.fun))


class _Problem:
    """The loss of a fit and its gradient by (intercepts, weights, log scales)."""

    def __init__(self, sites: TrainingSites, changes: Sequence[Change], n_weights: int):
        self._sites, self._values = sites, [change.value - change.value.mean() for change in changes]
        self._spans = list(pairwise(np.searchsorted(sites.experiment, np.arange(len(changes) + 1)).tolist()))
        self._sizes = [1 / (len(values) * values.var() * len(changes)) for values in self._values]
        self._n_kinds, self._n_weights = len(REGIONS) * len(KINDS), n_weights
        starts = [_START_OF_REGION[region] + _START[kind] for region in REGIONS for kind in KINDS]
        self.start = np.concatenate([starts, np.zeros(n_weights), np.full(len(changes), -1.0)])
        self._effect, self._total = np.empty(len(sites.kind)), np.empty(len(sites.row))

    def split(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return tuple(np.split(values, [self._n_kinds, self._n_kinds + self._n_weights]))

    def loss(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        sites, (intercepts, weights, scales) = self._sites, self.split(values)
        arrays = sites.kind, sites.column, sites.features, sites.first
        # Rows of a narrow region are as wide as the widest: what is read past the last weight is multiplied by 0.
        padded = np.append(weights, np.zeros(sites.features.shape[1]))
        group_effects(*arrays, intercepts, padded, self._effect, self._total)
        loss, slope, by_scale = 0.0, np.empty(len(self._total)), np.empty(len(scales))
        for number, ((first, last), change, size) in enumerate(zip(self._spans, self._values, self._sizes, strict=True)):
            predicted = np.zeros(len(change))
            predicted[sites.row[first:last]] = -np.log1p(self._total[first:last])
            predicted -= predicted.mean()
            scale = np.exp(scales[number])
            residual = scale * predicted - change
            loss += size * (residual @ residual)
            by_scale[number] = 2 * size * scale * (residual @ predicted)
            by_prediction = 2 * size * scale * (residual - residual.mean())
            slope[first:last] = -by_prediction[sites.row[first:last]] / (1 + self._total[first:last])
        by_intercept, by_weight = np.zeros(self._n_kinds), np.zeros(len(padded))
        group_gradient(*arrays, self._effect, slope, by_intercept, by_weight)
        return self._with_pulls(loss, values, np.concatenate([by_intercept, by_weight[: self._n_weights], by_scale]))

    def _with_pulls(self, loss: float, values: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
        n = self._n_kinds + self._n_weights
        away, apart = values[:n] - self.start[:n], values[n:] - values[n:].mean()
        gradient[:n] += 2 * _WEIGHT_PULL * away
        gradient[n:] += 2 * _SCALE_PULL * apart
        return loss + _WEIGHT_PULL * (away @ away) + _SCALE_PULL * (apart @ apart), gradient
