"""The waist. Three frozen types that generators make and methods read.

Cross-products are carried as their Cholesky factor, so that rank-one cases are exact and no
residual sum of squares is ever a difference. Replications are the last axis of every array.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Array = NDArray[Any]
Numbers = Floats | Ints | float | int


class Factor(NamedTuple):
    """Cross-products of (x, y) as a Cholesky factor: xx = a^2, xy = a b, yy = b^2 + r^2.

    `b` is zero where `a` is zero (then all of yy is in `r`). Any broadcastable shapes.
    The products themselves, `xx`, `xy` and `yy`, are computed each time they are asked for.
    """

    a: Floats
    b: Floats
    r: Floats

    @property
    def xx(self) -> Floats:
        """Sum of the squares of x about its mean."""
        return np.asarray(self.a * self.a)

    @property
    def xy(self) -> Floats:
        """Sum of the products of x and y about their means."""
        return np.asarray(self.a * self.b)

    @property
    def yy(self) -> Floats:
        """Sum of the squares of y about its mean."""
        return np.asarray(self.b * self.b + self.r * self.r)

    def rss(self, slope: Floats) -> Floats:
        """Sum of the squares of y - slope x."""
        rest = self.b - self.a * slope
        return np.asarray(rest * rest + self.r * self.r)

    def take(self, index: NDArray[np.intp]) -> Factor:
        """Some replications, of arrays of shape (R,)."""
        return Factor(self.a[index], self.b[index], self.r[index])

    def tilted(self, by: float) -> Factor:
        """Cross-products of (x, y + by x)."""
        return self if by == 0 else self._replace(b=self.b + by * self.a)


class _Moments:
    @cached_property
    def results(self) -> dict[Hashable, Any]:
        """What was made of these moments, by the function that made it and its arguments."""
        return {}


@dataclass(frozen=True, eq=False)
class Pooled(_Moments):
    """Moments of balanced data, pooled over clusters: what the classical fits need.

    Attributes
    ----------
    n_clusters, cluster_size : int
        J clusters of n units.
    within, between : Factor
        Cross-products of the units about their cluster mean, and n times those of the
        cluster means about the grand mean; arrays of shape (R,), R replications.
    """

    n_clusters: int
    cluster_size: int
    within: Factor
    between: Factor

    @property
    def n_reps(self) -> int:
        """Number of replications R."""
        return int(self.within.r.shape[-1])

    @property
    def n_obs(self) -> int:
        """Number of units N."""
        return self.n_clusters * self.cluster_size


@dataclass(frozen=True, eq=False)
class Clusters(_Moments):
    """Moments of every cluster: sizes, means and within-cluster cross-products.

    Attributes
    ----------
    sizes : array of int, shape (J, 1) or (J, R)
        Units in each cluster; one column where all replications share them.
    mean_x, mean_y : arrays broadcastable to (J, R)
        Cluster means, about `origin`.
    within : Factor of arrays broadcastable to (J, R)
        Cross-products of the units about their own cluster mean.
    origin : (x, y)
        A point inside the data.
    """

    sizes: Ints
    mean_x: Floats
    mean_y: Floats
    within: Factor
    origin: tuple[float, float] = (0.0, 0.0)

    @property
    def n_clusters(self) -> int:
        """Number of clusters J."""
        return int(self.sizes.shape[0])

    @property
    def n_reps(self) -> int:
        """Number of replications R."""
        return int(self.mean_y.shape[1])

    @cached_property
    def n_obs(self) -> Ints:
        """Number of units N, shape (1,) or (R,)."""
        return np.asarray(self.sizes.sum(axis=0), dtype=np.int64)

    @cached_property
    def weights(self) -> Floats:
        """`sizes` as doubles: converted once, not in every sum."""
        return self.sizes.astype(np.float64)

    @property
    def balanced(self) -> bool:
        """Whether every replication has these same sizes, all equal."""
        return self.sizes.shape[1] == 1 and bool(np.all(self.sizes == self.sizes[0, 0]))


@dataclass(frozen=True, slots=True)
class Rows:
    """Units themselves.

    Attributes
    ----------
    sizes : array of int, shape (J, 1) or (J, R)
        Units in each cluster.
    x, y : arrays
        Shape (n, J, R) when `sizes` is one column of equal numbers n; otherwise flat,
        the units of one cluster contiguous, clusters in the C order of (J, R).
    """

    sizes: Ints
    x: Floats
    y: Floats


Moments = Pooled | Clusters
