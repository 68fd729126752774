"""Expression changes -> weights of the repression model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mirscan.genes.fit_kernels import group_effects, group_gradient
from mirscan.genes.repression import Form, Source
from mirscan.genes.site_features import KINDS, SHARED, Places, SiteFeatures
from mirscan.sequence.coding import REGIONS, THREE_UTR

# Where the weights of rules start, near what Grimson 2007 and Agarwal 2015 report for 3'UTRs.
_START = {"8mer": -0.5, "7mer-m8": -1.0, "7mer-A1": -1.5, "6mer": -2.5, "6mer-A1": -3.0, "offset-7mer": -3.0, "offset-6mer": -3.5}
_START_OF_REGION = {"3utr": 0.0, "cds": -1.0, "5utr": -2.0}
# Pull of the weights to their start and of the scales to each other: enough to hold what the data do not say.
_WEIGHT_PULL, _SCALE_PULL = 1e-5, 1e-3
_ITERATIONS = 200


class TrainingSites(NamedTuple):
    """Sites of several experiments. Group i, the sites first[i] to first[i + 1], belongs to row `row[i]` of experiment `experiment[i]`.

    `kind` (n,) counts rules through regions, `region` (n,) those; `features` (n, most features of a region) hold those of the site's
    region, 0 behind them; `is_passenger` (n,): sites of the other strand; `share` (n,): by how much a site counts.
    """

    kind: np.ndarray
    region: np.ndarray
    features: np.ndarray
    is_passenger: np.ndarray
    share: np.ndarray
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
        columns = (column[sites] for column in self[:5])
        return TrainingSites(*columns, np.append(0, np.cumsum(sizes)), self.row[groups], number)


@dataclass(frozen=True)
class Change:
    """One experiment to fit: log2 fold changes (n,) of genes by number (n,), its miRNA by number, and the other strand (-1: unknown).

    Changes that are against the mean of several experiments rather than a control name their set (`against`): all of a set have the same
    genes, and what is predicted for them is compared after its mean, too, was subtracted.
    """

    mirna: int
    gene: np.ndarray
    value: np.ndarray
    passenger: int = -1
    against: str = ""


def gather_training_sites(
    features: SiteFeatures,
    places: Places,
    gene: np.ndarray,
    changes: Sequence[Change],
    names: dict[str, tuple[str, ...]],
    n_kinds: int = len(KINDS),
    shares: np.ndarray | None = None,
) -> TrainingSites:
    """The sites that lie in measured genes. `gene` (n,) of each site; `names`: features by region, regions it lacks have no effect, and
    neither have kinds behind the first `n_kinds`. `shares` (n,) of the sites' transcripts in the mRNAs of their genes, NaN or None: all.
    """
    kinds, regions = features.kinds(places), features.regions(places)
    usable = (kinds >= 0) & (kinds < n_kinds) & np.isin(regions, [REGIONS.index(region) for region in names])
    table = np.zeros((len(kinds), max(map(len, names.values()))), np.float32)
    for number, region in enumerate(REGIONS):
        rows = np.flatnonzero(usable & (regions == number))
        values = features.compute(names.get(region, ()), Places(*(part[rows] for part in places)))
        for place, name in enumerate(values):
            table[rows, place] = values[name]
    code = regions.astype(np.int64) * len(KINDS) + kinds
    parts = [_sites_of(change, number, places.mirna, gene, usable) for number, change in enumerate(changes)]
    site, row, experiment = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    is_passenger = places.mirna[site] != np.array([change.mirna for change in changes])[experiment]
    starts = np.flatnonzero(np.append(True, (np.diff(row) != 0) | (np.diff(experiment) != 0)))
    share = np.ones(len(kinds)) if shares is None else np.nan_to_num(shares, nan=1.0)
    columns = code[site], regions[site].astype(np.int64), table[site], is_passenger, share[site]
    return TrainingSites(*columns, np.append(starts, len(site)), row[starts], experiment[starts])


def _sites_of(change: Change, number: int, mirna: np.ndarray, gene: np.ndarray, usable: np.ndarray):
    """(site, row of the experiment, experiment) of the sites in measured genes, gene by gene."""
    row_of = np.full(max(int(gene.max(initial=0)), int(change.gene.max(initial=0))) + 1, -1)
    row_of[change.gene] = np.arange(len(change.gene))
    site = np.flatnonzero(np.isin(mirna, [change.mirna, change.passenger]) & usable)
    site = site[row_of[gene[site]] >= 0]
    site = site[np.argsort(row_of[gene[site]], kind="stable")]
    return site, row_of[gene[site]], np.full(len(site), number)


@dataclass(frozen=True)
class Fit:
    """Weights as one form, and by experiment its scale and by how much less or more the passenger strand does (1 where unknown)."""

    form: Form
    scales: np.ndarray
    passengers: np.ndarray
    loss: float


def fit_form(
    name: str,
    sites: TrainingSites,
    changes: Sequence[Change],
    names: dict[str, tuple[str, ...]],
    reads: dict[str, Source] | None = None,
    n_kinds: int = len(KINDS),
) -> Fit:
    """Weights that predict the changes with the least squared error, each experiment by its own variance, scale and mean.

    An experiment's scale is how strongly its cells respond; the form gets their median. How much of a passenger strand gets loaded is
    fitted for each experiment, and no part of the form.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    keys = _keys_of(names)
    problem = _Problem(sites, changes, _weight_table(names, keys), len(keys))
    # The vectors are short: threads of BLAS would spend more time on waking up than on them, twice that of the whole fit.
    with threadpool_limits(1, user_api="blas"):
        found = minimize(problem.loss, problem.start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    intercepts, weights, scales, loadings = problem.split(found.x)
    known = [region for region in REGIONS if region in names]
    named = dict(zip(keys, weights.tolist(), strict=True))
    form = Form(
        name=name,
        needs_coding=set(names) != {REGIONS[THREE_UTR]},
        scale=round(float(np.exp(np.median(scales))), 4),
        intercepts={
            region: {
                kind: round(float(intercepts[REGIONS.index(region) * len(KINDS) + place]), 4) for place, kind in enumerate(KINDS[:n_kinds])
            }
            for region in known
        },
        weights={region: {feature: round(named[_key(region, feature)], 4) for feature in names[region]} for region in known},
        reads=reads or {},
    )
    return Fit(form, np.exp(scales), np.exp(loadings), float(found.fun))


def _key(region: str, feature: str) -> tuple[str, str]:
    """What has a weight of its own: a feature, in each region unless it is shared by them."""
    return ("" if feature in SHARED else region, feature)


def _keys_of(names: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(_key(region, feature) for region in REGIONS for feature in names.get(region, ())))


def _weight_table(names: dict[str, tuple[str, ...]], keys: list[tuple[str, str]]) -> np.ndarray:
    """(regions, most features): number of the weight of each feature, where there is none the last, whose features are 0."""
    table = np.full((len(REGIONS), max(map(len, names.values()))), max(len(keys) - 1, 0))
    for number, region in enumerate(REGIONS):
        for place, feature in enumerate(names.get(region, ())):
            table[number, place] = keys.index(_key(region, feature))
    return table


class _Problem:
    """The loss of a fit and its gradient by (intercepts, weights, log scales, log loadings of the passenger strands)."""

    def __init__(self, sites: TrainingSites, changes: Sequence[Change], weight_of: np.ndarray, n_weights: int):
        self._sites, self._weight_of = sites, weight_of
        self._sets = _sets_of(changes)
        self._values = _less_means([change.value - change.value.mean() for change in changes], self._sets)
        self._spans = list(pairwise(np.searchsorted(sites.experiment, np.arange(len(changes) + 1)).tolist()))
        self._sizes = [1 / (len(values) * values.var() * len(changes)) for values in self._values]
        starts = [_START_OF_REGION[region] + _START[kind] for region in REGIONS for kind in KINDS]
        self._cuts = np.cumsum([len(starts), n_weights, len(changes)])
        self.start = np.concatenate([starts, np.zeros(n_weights), np.full(2 * len(changes), -1.0)])
        self._effect, self._total = np.empty(len(sites.kind)), np.empty(len(sites.row))

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values, self._cuts)

    def loss(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        sites, (intercepts, weights, scales, loadings) = self._sites, self.split(values)
        padded = weights if len(weights) else np.zeros(1)
        group_effects(sites, self._weight_of, intercepts, padded, loadings, self._effect, self._total)
        plain = [self._predict(number) for number in range(len(scales))]
        scaled = _less_means([np.exp(scale) * one for scale, one in zip(scales, plain, strict=True)], self._sets)
        residuals = [one - change for one, change in zip(scaled, self._values, strict=True)]
        loss = sum(size * (one @ one) for size, one in zip(self._sizes, residuals, strict=True))
        slopes = _less_means([2 * size * one for size, one in zip(self._sizes, residuals, strict=True)], self._sets)
        by_scale = [np.exp(scale) * (one @ by) for scale, one, by in zip(scales, plain, slopes, strict=True)]
        slope = np.concatenate([self._by_total(number, np.exp(scale) * slopes[number]) for number, scale in enumerate(scales)])
        gradients = [np.zeros(len(part)) for part in (intercepts, padded, loadings)]
        group_gradient(sites, self._weight_of, self._effect, slope, *gradients)
        parts = gradients[0], gradients[1][: len(weights)], by_scale, gradients[2]
        return self._with_pulls(loss, values, np.concatenate(parts))

    def _predict(self, number: int) -> np.ndarray:
        """What is predicted for the genes (n,) of an experiment at a scale of 1, about its mean."""
        first, last = self._spans[number]
        predicted = np.zeros(len(self._values[number]))
        predicted[self._sites.row[first:last]] = -np.log1p(self._total[first:last])
        return predicted - predicted.mean()

    def _by_total(self, number: int, by_prediction: np.ndarray) -> np.ndarray:
        """Derivatives by the sums of an experiment's groups."""
        first, last = self._spans[number]
        about = by_prediction - by_prediction.mean()
        return -about[self._sites.row[first:last]] / (1 + self._total[first:last])

    def _with_pulls(self, loss: float, values: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
        first, last = self._cuts[1:]
        away, apart = values - self.start, values[first:last] - values[first:last].mean()
        pull = np.full(len(values), _WEIGHT_PULL)
        pull[first:last] = 0
        gradient = gradient + 2 * pull * away
        gradient[first:last] += 2 * _SCALE_PULL * apart
        return loss + pull @ (away * away) + _SCALE_PULL * (apart @ apart), gradient


def _sets_of(changes: Sequence[Change]) -> list[list[int]]:
    """Experiments whose changes are against the mean of each other."""
    names = dict.fromkeys(change.against for change in changes if change.against)
    sets = [[number for number, change in enumerate(changes) if change.against == name] for name in names]
    return [members for members in sets if len(members) > 1]


def _less_means(values: list[np.ndarray], sets: list[list[int]]) -> list[np.ndarray]:
    """The values of each experiment less the mean of its set, gene by gene; its own transpose, so gradients go the same way."""
    means = {number: np.mean([values[member] for member in members], axis=0) for members in sets for number in members}
    return [one - means.get(number, 0.0) for number, one in enumerate(values)]
