"""Units that stand in for those of given moments, where nobody has the units themselves."""

from __future__ import annotations

import numpy as np

from simstudy.moments import Array, Clusters, Floats, Units
from simstudy.numerics.segments import Segments


def units_with(clusters: Clusters) -> Units:
    """Units of one replication that have the moments of its clusters; no more is true of them.

    A cluster of n units has the rows of its triangle, but those that are zero, along the first
    contrasts of Helmert.

    Parameters
    ----------
    clusters : Clusters
        Of one replication.
    """
    n_clusters, n_columns = clusters.n_clusters, len(clusters.means)
    sizes = clusters.sizes[:, :1]

    def lone(values: Array) -> Floats:
        return np.broadcast_to(values, (n_clusters, 1))[:, 0]

    triangles = np.zeros((n_clusters, n_columns, n_columns))
    for i, row in enumerate(clusters.within.rows):
        for k, entry in enumerate(row, start=i):
            triangles[:, i, k] = lone(entry)
    means = np.stack([lone(mean) for mean in clusters.means], axis=1)
    units = []
    for n, mean, triangle in zip(sizes[:, 0].tolist(), means, triangles, strict=True):
        rows = triangle[triangle.any(axis=1)][: max(n - 1, 0)]
        units.append(mean + _helmert(n, len(rows)).T @ rows)
    cells = Segments(sizes, 1)
    columns = tuple(cells.layout(column) for column in np.concatenate(units).T)
    return Units(sizes, columns, clusters.names, clusters.clusters_per_group)


def _helmert(n: int, count: int) -> Floats:
    """The first contrasts of n values, orthonormal, shape (count, n)."""
    rows = np.zeros((count, n))
    for k, row in enumerate(rows, start=1):
        row[:k], row[k] = 1.0, -k
        row /= np.sqrt(k * (k + 1.0))
    return rows
