"""Loss and gradient of the repression model in two passes over the sites."""

import numpy as np

from mirscan.jit import njit


@njit
def group_effects(sites, weight_of, intercepts, weights, loadings, effect, total):
    """Effect of each site (n,) and the sum of each group (g,): exp(intercept of its kind + weights x features), times exp(loading of the
    experiment) for a site of a passenger strand, times the share of its isoform. `sites`: `TrainingSites`; `weight_of` (regions, f): which
    of the weights is that of a feature.
    """
    for group in range(len(sites.first) - 1):
        total[group] = 0.0
        for site in range(sites.first[group], sites.first[group + 1]):
            z = intercepts[sites.kind[site]]
            for place in range(weight_of.shape[1]):
                z += weights[weight_of[sites.region[site], place]] * sites.features[site, place]
            if sites.is_passenger[site]:
                z += loadings[sites.experiment[group]]
            effect[site] = sites.share[site] * np.exp(min(z, 5.0))
            total[group] += effect[site]


@njit
def group_gradient(sites, weight_of, effect, slope, by_intercept, by_weight, by_loading):
    """Add the derivatives by intercepts, weights and loadings; `slope` (g,) is the derivative of the loss by the sum of each group."""
    for group in range(len(sites.first) - 1):
        for site in range(sites.first[group], sites.first[group + 1]):
            step = slope[group] * effect[site]
            by_intercept[sites.kind[site]] += step
            for place in range(weight_of.shape[1]):
                by_weight[weight_of[sites.region[site], place]] += step * sites.features[site, place]
            if sites.is_passenger[site]:
                by_loading[sites.experiment[group]] += step
