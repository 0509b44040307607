"""Clusters as a model with a random intercept and a random slope reads them.

A cluster's data (1, x_1, ..., x_p, y) are the upper triangle of their cross-products. Only its
first two rows meet the random effects, whose columns are the same 1 and x_1; what is below is
summed over clusters once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simstudy.moments import Floats, Ints
from simstudy.numerics import elimination, gram

Rows = Sequence[Sequence[Floats]]
Columns = list[Floats]
Triangle = list[list[Floats]]


def orthonormalize(columns: Columns) -> Triangle:
    """Orthonormalize columns in place (modified Gram-Schmidt); the triangle U of X = QU.

    Parameters
    ----------
    columns : list of arrays, shape (K, R)
        K may grow from a column to the next: a shorter column is 0 further down.

    Returns
    -------
    list of lists of arrays, shape (R,)
        Row k from its diagonal on.
    """
    triangle = []
    for k, column in enumerate(columns):
        length = np.sqrt(gram.dot(column, column))
        row = [length]
        column *= elimination.divide(np.ones_like(length), length)
        for later in columns[k + 1 :]:
            part = later[: column.shape[0]]
            share = gram.dot(column, part)
            part -= share * column
            row.append(share)
        triangle.append(row)
    return triangle


@dataclass(frozen=True, eq=False)
class Lines:
    """Clusters of R replications; every array is contiguous and has them as its last axis.

    Attributes
    ----------
    root, mean, inner : arrays, shape (J, R)
        Triangle of (1, x_1): sqrt(n_j), sqrt(n_j) times the mean of x_1, root of its sum of
        squares about that mean.
    others : tuple of arrays, shape (2J + m, R)
        Columns x_2 .. x_p, y: both upper rows of all clusters, then the m rows of the triangle
        into which all lower rows add up, down to the diagonal.
    n_obs : array, shape (R,)
        Number of units N.
    """

    root: Floats
    mean: Floats
    inner: Floats
    others: tuple[Floats, ...]
    n_obs: Floats

    @property
    def n_clusters(self) -> int:
        """Number of clusters J."""
        return self.root.shape[0]

    @property
    def n_reps(self) -> int:
        """Number of replications R."""
        return self.root.shape[1]

    @property
    def n_fixed(self) -> int:
        """Number of fixed effects p + 1, the intercept included."""
        return len(self.others) + 1

    @cached_property
    def area(self) -> Floats:
        """Determinant of the triangle of (1, x_1), shape (J, R)."""
        return self.root * self.inner

    def nu(self, reml: bool) -> Floats:
        """Divisor of RSS, N less the fixed effects (REML) or N (ML), shape (R,)."""
        return self.n_obs - self.n_fixed if reml else self.n_obs

    def take(self, index: Ints) -> Lines:
        """Replications `index`, in any order, repeated or not.

        Taken, not indexed: ``a[:, index]`` changes the order in which numpy adds clusters up.
        """
        if index.size == self.n_reps and bool((index == np.arange(index.size)).all()):
            return self

        def take(values: Floats) -> Floats:
            return values.take(index, axis=1)

        others = tuple(take(values) for values in self.others)
        return Lines(take(self.root), take(self.mean), take(self.inner), others, self.n_obs[index])


@dataclass(frozen=True, eq=False)
class Frame:
    """Where `Lines` are measured from, and their unit of x_1.

    Attributes
    ----------
    origins : tuple of arrays, shape (R,)
        What was taken off x_1, ..., x_p and y.
    unit : array, shape (R,)
        What x_1 was divided by then.
    """

    origins: tuple[Floats, ...]
    unit: Floats

    def take(self, index: Ints) -> Frame:
        """Replications `index`."""
        return Frame(tuple(origin[index] for origin in self.origins), self.unit[index])

    def inward(self, contrast: Sequence[Floats | float]) -> list[Floats]:
        """Weights of coefficients in this frame that add up to a contrast of those outside."""
        level = np.broadcast_to(contrast[0], self.unit.shape)
        pairs = zip(contrast[1:], self.origins[:-1], strict=True)
        slopes = [np.asarray(weight - level * origin) for weight, origin in pairs]
        return [level, slopes[0] / self.unit, *slopes[1:]]


def lines(rows: Rows, origins: Sequence[Floats | float], *, centred: bool) -> tuple[Lines, Frame]:
    """Add up what random effects do not meet, centre the columns and give x_1 a unit.

    Parameters
    ----------
    rows : sequence of sequences of arrays that broadcast to (J, R)
        rows[k][l] is row k, column k + l of the triangle of (1, x_1, ..., x_p, y).
    origins : sequence of p + 1 floats or arrays, shape (R,)
        What the means of x_1, ..., x_p, y were measured from.
    centred : bool
        Measure x_1 from its mean; else from 0, whatever its origin was.
    """
    shape = np.broadcast_shapes(*(np.shape(values) for row in rows for values in row))
    top = [_whole(values, shape) for values in rows[0]]
    root, n_obs = top[0], gram.dot(top[0], top[0])
    known = [np.broadcast_to(np.asarray(v, dtype=float), shape[1:]) for v in origins]
    shifts = [gram.dot(root, column) / n_obs for column in top[1:]]
    if not centred:
        shifts[0] = -known[0]
    unit = _unit(_whole(rows[1][0], shape), n_obs)
    moved = [column - shift * root for column, shift in zip(top[1:], shifts, strict=True)]
    second = [_whole(values, shape) for values in rows[1]]
    upper = [np.concatenate(pair) for pair in zip(moved[1:], second[1:], strict=True)]
    lower = _summed(rows[2:], shape)
    others = tuple(np.concatenate([a, b]) for a, b in zip(upper, lower, strict=True))
    data = Lines(root, moved[0] / unit, second[0] / unit, others, np.rint(n_obs))
    return data, Frame(tuple(a + b for a, b in zip(known, shifts, strict=True)), unit)


def _whole(values: Floats, shape: tuple[int, ...]) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, dtype=float), shape))


def _unit(inner: Floats, n_obs: Floats) -> Floats:
    """Standard deviation of x_1 about the cluster means; 1 where it has none."""
    free = np.maximum(np.rint(n_obs) - inner.shape[0], 1.0)
    spread = np.sqrt(gram.dot(inner, inner) / free)
    return np.where(spread > 0, spread, 1.0)


def _summed(rows: Rows, shape: tuple[int, ...]) -> list[Floats]:
    """Columns of the triangle of the sum of all clusters' lower rows; column m has m + 1 rows."""
    whole = [[_whole(values, shape) for values in row] for row in rows]
    n_columns = len(whole)
    columns = [np.concatenate([whole[k][m - k] for k in range(m + 1)]) for m in range(n_columns)]
    triangle = orthonormalize(columns)
    return [np.array([triangle[k][m - k] for k in range(m + 1)]) for m in range(n_columns)]
