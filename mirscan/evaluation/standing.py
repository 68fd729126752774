"""Where sites stand in a ranked list whose ties have no order."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Standing:
    """Sites that have a candidate in a list, each by its best one: the block of equal scores begins at rank `first` (from 0), has `size`
    candidates, and `own` of these belong to the site; all (n_found,). `n_sites` counts the others, too.
    """

    first: np.ndarray
    size: np.ndarray
    own: np.ndarray
    n_sites: int

    def shares(self, lengths: np.ndarray) -> np.ndarray:
        """Expected share (k,) of all sites among the first lengths[i] candidates, over every order of the ties."""
        behind = self.size - np.clip(lengths[:, None] - self.first, 0, self.size)
        # All of a site's own candidates of the block stand behind the cut: draws without replacement.
        missed = np.ones(behind.shape)
        for step in range(int(self.own.max(initial=0))):
            factor = np.maximum(behind - step, 0) / np.maximum(self.size - step, 1)
            missed *= np.where(step < self.own, factor, 1.0)
        return (1 - missed).sum(axis=1) / self.n_sites


def stand(scores: np.ndarray, in_list: np.ndarray, candidate: np.ndarray, site: np.ndarray, n_sites: int) -> Standing:
    """Standing of sites in the list of the candidates `in_list` (n,) bool, strongest score (n,) first.

    `candidate` and `site` (couples,): which candidate lies in which site.
    """
    rows = np.flatnonzero(in_list)
    order = rows[np.argsort(-scores[rows], kind="stable")]
    is_first = np.append(True, scores[order][1:] != scores[order][:-1])[: len(order)]
    starts = np.flatnonzero(is_first)
    # What is not in the list stands behind every block of it.
    block = np.full(len(scores), len(starts))
    block[order] = np.cumsum(is_first) - 1
    best = np.full(n_sites, len(starts))
    np.minimum.at(best, site, block[candidate])
    own = np.bincount(site[block[candidate] == best[site]], minlength=n_sites)
    found = best < len(starts)
    sizes = np.diff(np.append(starts, len(order)))
    return Standing(starts[best[found]], sizes[best[found]], own[found], n_sites)
