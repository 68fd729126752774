"""Loss and gradient of the repression model in two passes over the sites."""

import numpy as np

from mirscan.jit import njit


@njit
def group_effects(kind, column, features, first, intercepts, weights, effect, total):
    """Effect of each site (n,) and the sum of each group (g,): exp(intercept of its kind + weights x features).

    `features` (n, f) are the features of a site's region; `column` (n,) is where the weights of that region begin. Sites of group i
    are rows first[i] to first[i + 1].
    """
    n_features = features.shape[1]
    for group in range(len(first) - 1):
        total[group] = 0.0
        for site in range(first[group], first[group + 1]):
            z = intercepts[kind[site]]
            for place in range(n_features):
                z += weights[column[site] + place] * features[site, place]
            effect[site] = np.exp(min(z, 5.0))
            total[group] += effect[site]


@njit
def group_gradient(kind, column, features, first, effect, slope, intercept_gradient, weight_gradient):
    """Add the derivatives by intercepts and weights; `slope` (g,) is the derivative of the loss by the sum of each group."""
    n_features = features.shape[1]
    for group in range(len(first) - 1):
        for site in range(first[group], first[group + 1]):
            step = slope[group] * effect[site]
            intercept_gradient[kind[site]] += step
            for place in range(n_features):
                weight_gradient[column[site] + place] += step * features[site, place]
