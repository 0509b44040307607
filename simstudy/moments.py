"""The waist. Three frozen types that generators make and methods read.

Cross-products are carried as their Cholesky factor, so that rank-one cases are exact and no
residual sum of squares is ever a difference. Replications are the last axis of every array.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Array = NDArray[Any]
Numbers = Floats | Ints | float | int
XY = ("x", "y")


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """Cross-products of columns as an upper triangle U, U'U = Z'Z; any broadcastable shapes.

    The last column is y, the one before it x, the predictor under test, and covariates come
    before. Where a column is a combination of the ones before it, its row is zero.

    Attributes
    ----------
    rows : tuple of tuples of arrays
        Row k holds the columns k, k + 1, ...
    """

    rows: tuple[tuple[Floats, ...], ...]

    @classmethod
    def of_line(cls, a: Floats, b: Floats, r: Floats) -> Factor:
        """Cross-products of (x, y): xx = a^2, xy = a b, yy = b^2 + r^2; b is 0 where a is."""
        return cls(((a, b), (r,)))

    @property
    def a(self) -> Floats:
        """Length of what the covariates leave of x."""
        return self.rows[-2][0]

    @property
    def b(self) -> Floats:
        """Length of y along what the covariates leave of x."""
        return self.rows[-2][1]

    @property
    def r(self) -> Floats:
        """Length of what all predictors leave of y."""
        return self.rows[-1][0]

    @property
    def xx(self) -> Floats:
        """Sum of the squares of x about its mean."""
        return self.product(-2, -2)

    @property
    def xy(self) -> Floats:
        """Sum of the products of x and y about their means."""
        return self.product(-2, -1)

    @property
    def yy(self) -> Floats:
        """Sum of the squares of y about its mean."""
        return self.product(-1, -1)

    def column(self, k: int) -> tuple[Floats, ...]:
        """Entries of column k, from the first row down."""
        k %= len(self.rows)
        return tuple(self.rows[i][k - i] for i in range(k + 1))

    def product(self, k: int, m: int) -> Floats:
        """Sum of the products of columns k and m about their means."""
        return products(self.column(k), self.column(m))

    def map(self, function: Callable[[Floats], Floats]) -> Factor:
        """The triangle of what a function makes of each array."""
        return Factor(tuple(tuple(function(entry) for entry in row) for row in self.rows))

    def rss(self, slopes: Sequence[Floats]) -> Floats:
        """Sum of the squares of what these multiples of the predictors leave of y."""
        rest = list(self.column(-1))
        for k, slope in enumerate(slopes):
            for i, entry in enumerate(self.column(k)):
                rest[i] = rest[i] - entry * slope
        return products(rest, rest)

    def take(self, index: NDArray[np.intp]) -> Factor:
        """Some replications, of arrays of shape (R,)."""
        return self.map(lambda values: values[index])

    def tilted(self, by: float) -> Factor:
        """Cross-products of the predictors and y + by x."""
        if by == 0:
            return self
        y = [entry + by * x for entry, x in zip(self.column(-1), self.column(-2), strict=False)]
        return Factor((*((*row[:-1], last) for row, last in zip(self.rows, y, strict=False)),
                       self.rows[-1]))  # fmt: skip


def products(first: Sequence[Numbers], second: Sequence[Numbers]) -> Floats:
    """Sum of the products of two columns, entry by entry; what one lacks at its end is 0."""
    total = first[0] * second[0]
    for left, right in zip(first[1:], second[1:], strict=False):
        total = total + left * right
    return np.asarray(total)


class _Moments:
    names: tuple[str, ...]

    @cached_property
    def results(self) -> dict[Hashable, Any]:
        """What was made of these moments, by the function that made it and its arguments."""
        return {}

    @property
    def n_fixed(self) -> int:
        """Coefficients of a line: one a predictor, and the intercept."""
        return len(self.names)


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
    names : tuple of str
        Of the columns: covariates, x, y.
    """

    n_clusters: int
    cluster_size: int
    within: Factor
    between: Factor
    names: tuple[str, ...] = XY

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
    means : tuple of arrays broadcastable to (J, R)
        Cluster means of every column, about `origin`.
    within : Factor of arrays broadcastable to (J, R)
        Cross-products of the units about their own cluster mean.
    names : tuple of str
        Of the columns: covariates, x, y.
    origin : tuple of float
        A point inside the data, of all columns; empty where it is 0.
    slope_of : str
        Predictor whose slope a model lets vary over clusters; by default x.
    clusters_per_group : int
        So many clusters in turn form a group; 0 where there is no third level.
    """

    sizes: Ints
    means: tuple[Floats, ...]
    within: Factor
    names: tuple[str, ...] = XY
    origin: tuple[float, ...] = ()
    slope_of: str = ""
    clusters_per_group: int = 0

    @property
    def mean_x(self) -> Floats:
        """Cluster means of x."""
        return self.means[-2]

    @property
    def mean_y(self) -> Floats:
        """Cluster means of y."""
        return self.means[-1]

    @property
    def main(self) -> str:
        """Name of the predictor whose slope may vary."""
        return self.slope_of or self.names[-2]

    @property
    def point(self) -> tuple[float, ...]:
        """The origin, of every column."""
        return self.origin or (0.0,) * len(self.names)

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
class Units:
    """Units themselves.

    Attributes
    ----------
    sizes : array of int, shape (J, 1) or (J, R)
        Units in each cluster.
    columns : tuple of arrays
        Shape (n, J, R) when `sizes` is one column of equal numbers n; otherwise flat,
        the units of one cluster contiguous, clusters in the C order of (J, R).
    names : tuple of str
        Of the columns: covariates, x, y.
    clusters_per_group : int
        As in `Clusters`.
    """

    sizes: Ints
    columns: tuple[Floats, ...]
    names: tuple[str, ...] = XY
    clusters_per_group: int = 0

    @property
    def x(self) -> Floats:
        """The predictor under test."""
        return self.columns[-2]

    @property
    def y(self) -> Floats:
        """The outcome."""
        return self.columns[-1]


Moments = Pooled | Clusters
