"""Negatives out of the positives' own miRNAs and sites: a site with other miRNAs, or a miRNA with sites of other gene clusters."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from mirscan.pairs.positives import Positives, negatives_table, site_clusters

# Rows a batch: a few MB.
BATCH = 1 << 16


def iter_other_mirnas(positives: Positives, ratio: int, random: np.random.Generator) -> Iterator[pa.Table]:
    """Each site with miRNAs of other families than those known to bind it, `ratio` a positive, no pair twice."""
    pool = positives.pool
    draws = _draw_partners(positives.site, pool.family[positives.mirna], pool.family, ratio, random)
    for site, mirna in _batches(draws):
        yield negatives_table(pool, "other-mirna", mirna, positives.sites.take(pa.array(site)), site_clusters(positives, site))


def iter_other_clusters(positives: Positives, ratio: int, random: np.random.Generator) -> Iterator[pa.Table]:
    """Each miRNA with sites of gene clusters that no miRNA of its family is known to bind, `ratio` a positive, no pair twice.

    So every miRNA is as often among negatives as among positives (miRBench: Sammut et al. 2025).
    """
    pool = positives.pool
    family, cluster = pool.family[positives.mirna], positives.site_cluster[positives.site]
    bound = {number: cluster[family == number] for number in np.unique(family)}
    rows = np.argsort(positives.mirna, kind="stable")
    blocked_by = [bound[pool.family[mirna]] for mirna in np.unique(positives.mirna)]
    draws = _draw_for_groups(positives.mirna[rows], blocked_by, positives.site_cluster, ratio, random)
    for mirna, site in _batches(draws):
        yield negatives_table(pool, "other-cluster", mirna, positives.sites.take(pa.array(site)), site_clusters(positives, site))


def _draw_partners(groups: np.ndarray, traits: np.ndarray, item_traits: np.ndarray, ratio: int, random) -> Iterator:
    """For each group of rows, items whose trait none of its rows has."""
    order = np.argsort(groups, kind="stable")
    cuts = np.flatnonzero(np.diff(groups[order])) + 1
    return _draw_for_groups(groups[order], np.split(traits[order], cuts), item_traits, ratio, random)


def _draw_for_groups(sorted_groups: np.ndarray, blocked_by: list, item_traits: np.ndarray, ratio: int, random) -> Iterator:
    """(group (n,), item (n,)) without repetition, `ratio` items a row of the group, or all there are."""
    groups, sizes = np.unique(sorted_groups, return_counts=True)
    for group, size, blocked in zip(groups, sizes, blocked_by, strict=True):
        allowed = np.flatnonzero(~np.isin(item_traits, blocked))
        items = random.choice(allowed, min(len(allowed), ratio * int(size)), replace=False)
        yield np.full(len(items), group), items


def _batches(draws: Iterator[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The draws joined to batches of at least `BATCH` rows, the last one shorter."""
    waiting, n = [], 0
    for draw in draws:
        waiting.append(draw)
        n += len(draw[0])
        if n >= BATCH:
            yield tuple(np.concatenate(column) for column in zip(*waiting, strict=True))
            waiting, n = [], 0
    if n:
        yield tuple(np.concatenate(column) for column in zip(*waiting, strict=True))
