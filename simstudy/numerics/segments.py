"""Sums over the units of a cluster and back, for equal and ragged clusters.

Equal clusters hold units as (n, J, R); ragged ones as one flat array, the units of a cluster
contiguous, clusters in the C order of (J, R).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simstudy.moments import Array, Floats, Ints


class Segments:
    """Which units belong to which cluster of which replication.

    Parameters
    ----------
    sizes : array of int, shape (J, 1) or (J, R)
        Units in each cluster; sums over none are 0.
    n_reps : int
        Number of replications R.
    """

    def __init__(self, sizes: Ints, n_reps: int) -> None:
        self.cells = (int(sizes.shape[0]), n_reps)
        first = int(sizes.flat[0])
        self.equal = first > 0 and sizes.shape[1] == 1 and bool(np.all(sizes == first))
        self._counts = np.broadcast_to(sizes, self.cells).ravel()
        self.shape: tuple[int, ...]
        if self.equal:
            self.shape = (first, *self.cells)
        else:
            self.shape = (int(self._counts.sum()),)
            self._starts = np.concatenate([[0], np.cumsum(self._counts)[:-1]])
            self._held = None if self._counts.all() else np.flatnonzero(self._counts)

    @property
    def sizes(self) -> Ints:
        """Units in each cluster, shape (J, R)."""
        return self._counts.reshape(self.cells)

    def sum(self, values: Floats) -> Floats:
        """Add the units of each cluster: to shape (J, R)."""
        if self.equal:
            return np.asarray(values.sum(axis=0))
        return self._by_cluster(np.add.reduceat, values)

    def dot(self, first: Floats, second: Floats) -> Floats:
        """Add the products of the units of each cluster: to shape (J, R)."""
        if self.equal:  # the same bits as `sum` of the product, without that array
            return np.einsum("njr,njr->jr", first, second)
        return self.sum(first * second)

    def constant(self, values: Floats) -> Array:
        """Whether all units of a cluster hold the same double: shape (J, R)."""
        if self.equal:
            ends = np.asarray(values[0] == values[-1])
            return np.asarray((values == values[:1]).all(axis=0)) if ends.any() else ends
        low = self._by_cluster(np.minimum.reduceat, values)
        return np.asarray(low == self._by_cluster(np.maximum.reduceat, values))

    def first(self, values: Floats) -> Floats:
        """First unit of each cluster, 0 where there is none: shape (J, R)."""
        return values[0] if self.equal else self._by_cluster(lambda of, at: of[at], values)

    def _by_cluster(self, function: Callable[[Floats, Ints], Floats], values: Floats) -> Floats:
        """What a function makes of the units and where each cluster starts; 0 of empty ones."""
        if self._held is None:
            return function(values, self._starts).reshape(self.cells)
        of_cluster = np.zeros(self.cells)
        of_cluster.ravel()[self._held] = function(values, self._starts[self._held])
        return of_cluster

    def spread(self, of_cluster: Array) -> Array:
        """Give every unit its cluster's value; the inverse direction of `sum`."""
        of_cluster = np.broadcast_to(of_cluster, self.cells)
        return of_cluster if self.equal else np.repeat(of_cluster.ravel(), self._counts)

    def layout(self, flat: Array) -> Array:
        """Units of one array, the units of a cluster contiguous, as these clusters hold them."""
        if not self.equal:
            return flat
        n_units, n_clusters, n_reps = self.shape
        return np.moveaxis(flat.reshape(n_clusters, n_reps, n_units), -1, 0)

    def position(self) -> Ints:
        """Number of each unit in its cluster, from 0; broadcastable to the units."""
        if self.equal:
            return np.arange(self.shape[0]).reshape(-1, 1, 1)
        return np.arange(self.shape[0]) - np.repeat(self._starts, self._counts)

    def later(self) -> Iterator[Ints]:
        """Where the second units of all clusters are, then the third, ..., in the flat layout."""
        order = np.argsort(-self._counts, kind="stable")
        starts, counts = self._starts[order], -self._counts[order]
        for k in range(1, int(-counts[0])):
            yield starts[: np.searchsorted(counts, -k)] + k

    def paired(self, halves: Segments, values: Floats) -> Floats:
        """Units of twice as many clusters, each two of which are one of these, one after the other.

        Parameters
        ----------
        halves : Segments
            How the values are held.
        """
        n_clusters, n_reps = self.cells
        first = np.where(np.arange(2 * n_clusters)[:, None] % 2, np.repeat(
            halves.sizes[::2], 2, axis=0), 0)  # fmt: skip
        cell = np.repeat(np.arange(n_clusters * n_reps).reshape(self.cells), 2, axis=0)
        order = halves.position() + halves.spread(first)
        cell = halves.spread(cell)
        joined = np.empty(self.shape)
        if self.equal:
            joined.reshape(self.shape[0], -1)[order, cell] = values
        else:
            joined[self._starts[cell] + order] = values
        return joined
