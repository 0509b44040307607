"""Clusters without the empty ones: what is left of data sets that lost whole clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Array, Clusters
from simstudy.numerics.shared import shared


@dataclass(frozen=True, slots=True, eq=False)
class Occupied:
    """Data sets of as many clusters each, none of them empty.

    Attributes
    ----------
    index : array of int, shape (R',)
        Which replications they are.
    clusters : Clusters
        The clusters that hold units, in their order, of these replications.
    """

    index: NDArray[np.intp]
    clusters: Clusters


@shared
def by_clusters_left(clusters: Clusters) -> list[Occupied] | None:
    """Replications apart by how many clusters hold units, the empty ones taken out.

    Replications without a unit are in none of the sets. What says which clusters form a group
    is not kept: their numbers have changed.

    Returns
    -------
    list of Occupied, or None
        None where no cluster is empty, so that the moments can be fitted as they are.
    """
    if clusters.sizes.min() > 0:
        return None
    held = np.broadcast_to(clusters.sizes > 0, (clusters.n_clusters, clusters.n_reps))
    n_left = held.sum(axis=0)
    return [_occupied(clusters, held, np.flatnonzero(n_left == n), n)
            for n in np.unique(n_left).tolist() if n]  # fmt: skip


def _occupied(clusters: Clusters, held: Array, index: NDArray[np.intp], n_left: int) -> Occupied:
    """The sets of one number of clusters left."""
    place = np.nonzero(held[:, index].T)[1].reshape(index.size, n_left).T
    one_place = clusters.sizes.shape[1] == 1  # in all replications

    def kept(values: Array) -> Array:
        if values.shape[0] == 1:  # the same in all clusters
            return values if values.shape[1] == 1 else values[:, index]
        if values.shape[1] == 1:
            return values[place[:, :1] if one_place else place, 0]
        return values[place, index]

    left = replace(
        clusters,
        sizes=kept(clusters.sizes),
        means=tuple(kept(mean) for mean in clusters.means),
        within=clusters.within.map(kept),
        clusters_per_group=0,
    )
    return Occupied(index, left)
