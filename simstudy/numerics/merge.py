"""Consecutive clusters merged: the third level as the clusters of an analysis."""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.moments import Array, Clusters, Factor, Floats, products
from simstudy.numerics.elimination import Column, divide, eliminate
from simstudy.numerics.shared import shared


@shared
def merged(clusters: Clusters, clusters_per_group: int) -> Clusters:
    """Moments of groups of consecutive clusters.

    Cross-products within a group are those within its clusters and those between their means.
    A column that is constant in a group stays exactly so.

    Parameters
    ----------
    clusters : Clusters
        Of J clusters; some may be empty.
    clusters_per_group : int
        A divisor of J.

    Returns
    -------
    Clusters
        Of J / clusters_per_group groups, which are in no groups themselves.
    """

    def grouped(values: Array) -> Array:
        width = values.shape[-1] if values.ndim else 1
        values = np.broadcast_to(values, (clusters.n_clusters, width))
        return values.reshape(-1, clusters_per_group, width)

    def product(first: Column, second: Column) -> Floats:
        return _sum(products(first, second))

    sizes = grouped(clusters.weights)
    within = clusters.within.map(grouped)
    means, columns = [], []
    for k, of_clusters in enumerate(clusters.means):
        mean, distance = _about_group(grouped(of_clusters), sizes)
        means.append(mean[:, 0])
        columns.append([distance, *within.column(k)])
    return Clusters(
        grouped(clusters.sizes).sum(axis=1),
        tuple(means),
        _flat(eliminate(columns, product).factor),
        clusters.names,
        clusters.origin,
        clusters.slope_of,
    )


def group_of(cluster: Any, clusters_per_group: int) -> Any:
    """Number of the group of a cluster, or of each of an array; both from 1."""
    return (cluster - 1) // clusters_per_group + 1


def _about_group(means: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Mean of each group, and root n_j times the distances of its clusters, shape (G, m, R).

    All is measured from the first cluster that is not empty: what is equal has no distance.
    """
    there = sizes > 0
    first = means[:, :1]
    if not there.all():
        shape = np.broadcast_shapes(means.shape, sizes.shape)
        means, seen = np.broadcast_to(means, shape), np.broadcast_to(there, shape)
        means = np.where(seen, means, 0.0)
        first = np.take_along_axis(means, seen.argmax(axis=1)[:, None], axis=1)
        means = np.where(seen, means, first)
    distance = means - first
    centre = divide(_sum(sizes * distance), _sum(sizes))
    return first + centre, np.sqrt(sizes) * (distance - centre)


def _sum(values: Floats) -> Floats:
    """Over the clusters of a group, in one order however many replications there are."""
    total = values[:, :1]
    for k in range(1, values.shape[1]):
        total = total + values[:, k : k + 1]
    return total


def _flat(factor: Factor) -> Factor:
    return factor.map(lambda entry: entry[:, 0])
