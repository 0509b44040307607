"""The weighted sums that generalised least squares and its df are made of.

Notation of the package's statistics: psi = tau2 / sigma2, c_j = n_j / (1 + n_j psi), and
<f>[ab] = sum_j f_j a_j b_j over cluster means. The predictors are taken about their weighted
means and without the ones before them, so that the information on level and slopes is
diagonal, Phi = diag(1 / S, 1 / D_1, ...); e is the residual of the mean. One set of sums serves
balanced (pooled) and unbalanced (clustered) moments; all formulas behind it are shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simstudy.moments import Array, Clusters, Factor, Floats, Ints, Moments, Pooled, products
from simstudy.numerics import gram
from simstudy.numerics.elimination import (
    Coefficients,
    Column,
    divide,
    eliminate,
    swept,
)
from simstudy.numerics.symmetric import Triangle


@dataclass(frozen=True, slots=True)
class Profile:
    """Generalised least squares at a given psi; arrays of shape (R,), inner ones (J, R)."""

    coefficients: Coefficients  # of the elimination; y is its last column
    level: Floats  # intercept at the weighted means of the predictors
    means: tuple[Floats, ...]  # weighted ones of the predictors, each without the ones before
    s: Floats  # <c>[1]: information on the level
    d: tuple[Floats, ...]  # information on the slopes, each of a predictor without those before
    rss: Floats  # Wee + <c>[ee]
    c: Floats
    x_dot: tuple[Floats, ...]
    e_dot: Floats
    e_within: tuple[Floats, ...]  # what the line leaves of y within clusters, as a column

    @property
    def slope(self) -> Floats:
        """Slope of x, the last predictor."""
        return self.coefficients[-1][-1]

    @property
    def information(self) -> tuple[Floats, ...]:
        """Diagonal of the information on level and slopes."""
        return (self.s, *self.d)


class Second(NamedTuple):
    """Second-order weighted sums at psi, shape (R,): what the score needs."""

    m: Triangle  # M1: <c^2> of 1 and the predictors
    g1: Floats  # <c^2>[ee]


class Third(NamedTuple):
    """Third-order weighted sums at psi, shape (R,): what the information needs besides."""

    m: Triangle  # M2: <c^3> of 1 and the predictors
    g2: Floats  # <c^3>[ee] - <c^2>[e]^2/S - <c^2>[xe]^2/D


class Sums(NamedTuple):
    """Everything a random-intercept fit is made of, at one psi."""

    at: Profile
    second: Second
    third: Third


def profile(clusters: Clusters, within: Factor, psi: Floats) -> Profile:
    """Fit the line at psi by generalised least squares.

    Parameters
    ----------
    clusters : Clusters
        Means and sizes.
    within : Factor, shape (R,)
        Within-cluster cross-products over all clusters.
    psi : array, shape (R,)
        tau2 / sigma2.
    """
    c = clusters.weights * psi
    c += 1.0
    np.divide(clusters.weights, c, out=c)
    s = gram.dot(c)
    means = [gram.dot(c, mean) / s for mean in clusters.means]
    columns = [
        [of_cluster - mean, *within.column(k)]
        for k, (of_cluster, mean) in enumerate(zip(clusters.means, means, strict=True))
    ]

    def product(first: Column, second: Column) -> Floats:
        return products(first[1:], second[1:]) + gram.dot(c, first[0], second[0])

    done = eliminate(columns, product)
    centre = swept([[mean] for mean in means[:-1]], predictors_on_each_other(done.coefficients))
    *x_dot, e_dot = (column[0] for column in done.columns)
    return Profile(
        done.coefficients,
        means[-1],
        tuple(column[0] for column in centre),
        s,
        done.squares[:-1],
        done.squares[-1],
        c,
        tuple(x_dot),
        e_dot,
        tuple(done.columns[-1][1:]),
    )


def predictors_on_each_other(coefficients: Coefficients) -> Coefficients:
    """Coefficients of the predictors on each other."""
    return tuple(along[:-1] for along in coefficients)


def _sums(weight: Floats, columns: Sequence[Floats]) -> Triangle:
    """Weighted sums of the products of 1 and these columns."""
    first = (gram.dot(weight), *(gram.dot(weight, column) for column in columns))
    others = (
        tuple(gram.dot(weight, column, other) for other in columns[a:])
        for a, column in enumerate(columns)
    )
    return (first, *others)


def second_order(at: Profile) -> Second:
    """Sums with weight c^2."""
    c2 = at.c * at.c
    return Second(_sums(c2, at.x_dot), gram.dot(c2, at.e_dot, at.e_dot))


def third_order(at: Profile) -> Third:
    """Sums with weight c^3."""
    c2 = at.c * at.c
    c3 = c2 * at.c
    e1 = gram.dot(c2, at.e_dot)
    g2 = gram.dot(c3, at.e_dot, at.e_dot) - e1 * e1 / at.s
    for x_dot, d in zip(at.x_dot, at.d, strict=True):
        xe = gram.dot(c2, at.e_dot, x_dot)
        g2 = g2 - divide(xe * xe, d)
    return Third(_sums(c3, at.x_dot), g2)


def of_slope(at: Profile) -> list[Floats | float]:
    """Weights of the slope of x on level and slopes."""
    return [*[0.0] * len(at.d), 1.0]


def profile_pooled(moments: Pooled, psi: Floats) -> Profile:
    """Fit the line at psi to balanced moments: the same sums from their two triangles.

    The cluster means enter as pseudo-clusters, the rows of their triangle, which have the
    means' cross-products; their level is not known and stays NaN.
    """
    size, inner, outer = moments.cluster_size, moments.within, moments.between
    w = 1.0 / (1.0 + size * psi)

    def product(first: Column, second: Column) -> Floats:
        between = first[1::2], second[1::2]
        if len(between[0]) == 1:  # in this order: stored rows have these bits
            return first[0] * second[0] + w * first[1] * second[1]
        return products(first[::2], second[::2]) + w * products(*between)

    count = len(inner.rows)
    done = eliminate(
        [gram.interleaved(inner.column(k), outer.column(k)) for k in range(count)], product
    )
    *x_dot, e_dot = (_pseudo_clusters(column[1::2], count, size) for column in done.columns)
    unknown = np.full_like(done.squares[-1], np.nan)
    return Profile(
        done.coefficients,
        unknown,
        (unknown,) * (count - 1),
        moments.n_clusters * size * w,
        done.squares[:-1],
        done.squares[-1],
        size * w,
        tuple(x_dot),
        e_dot,
        tuple(done.columns[-1][::2]),
    )


def _pseudo_clusters(column: Column, count: int, size: int) -> Floats:
    """Cluster means that have the cross-products of a column, shape (count, R)."""
    none = np.zeros_like(column[0])
    return np.asarray(size**-0.5 * np.array([*column, *[none] * (count - len(column))]))


def orders_pooled(n_clusters: int, at: Profile) -> tuple[Second, Third]:
    """Second and third orders of balanced moments, where the cross terms with 1 vanish."""
    c, c2 = at.c, at.c * at.c
    c3 = c2 * c
    columns = at.x_dot
    xx = [[gram.dot(x, other) for other in columns[a:]] for a, x in enumerate(columns)]
    zeros = (np.zeros_like(xx[0][0]),) * len(columns)
    ee = gram.dot(at.e_dot, at.e_dot)
    g2 = c3 * ee
    for x_dot, d in zip(columns, at.d, strict=True):
        g2 = g2 - divide((c2 * gram.dot(x_dot, at.e_dot)) ** 2, d)

    def triangle(weight: Floats) -> Triangle:
        sums = (tuple(weight * value for value in row) for row in xx)
        return ((n_clusters * weight, *zeros), *sums)

    return Second(triangle(c2), c2 * ee), Third(triangle(c3), g2)


def line(moments: Moments, within: Factor, psi: Floats) -> Profile:
    """Fit the line to either kind of moments at psi, shape (R,); `within` instead of theirs."""
    if isinstance(moments, Pooled):
        return profile_pooled(replace(moments, within=within), psi)
    return profile(moments, within, psi)


def evaluate(moments: Moments, within: Factor, psi: Floats) -> Sums:
    """All sums of either kind of moments at psi, shape (R,); `within` instead of theirs."""
    at = line(moments, within, psi)
    if isinstance(moments, Pooled):
        return Sums(at, *orders_pooled(moments.n_clusters, at))
    return Sums(at, second_order(at), third_order(at))


def first_orders(moments: Moments, within: Factor, psi: Floats) -> tuple[Profile, Second]:
    """The line of either kind of moments at psi, and what its score needs."""
    at = line(moments, within, psi)
    if isinstance(moments, Pooled):
        return at, orders_pooled(moments.n_clusters, at)[0]
    return at, second_order(at)


def sizes(moments: Moments) -> Floats:
    """Units in each cluster, shape (J, 1) or (J, R)."""
    if isinstance(moments, Pooled):
        return np.full((moments.n_clusters, 1), float(moments.cluster_size))
    return moments.weights


def take(values: Array, index: Ints) -> Array:
    """Some replications of numbers that all may share."""
    return values if values.size == 1 else values[index]


def columns(moments: Moments, index: Ints) -> Moments:
    """Keep the replications `index`; the factors of Clusters are left as they are.

    Taken, not indexed: ``a[:, index]`` lays the clusters of a replication side by side in
    memory, and then numpy adds them up in another order than in a whole batch.
    """
    if isinstance(moments, Pooled):
        within, between = (f.take(index) for f in (moments.within, moments.between))
        return replace(moments, within=within, between=between)
    n_reps = moments.n_reps
    if index.size == n_reps and bool(np.all(index[1:] > index[:-1])):
        return moments

    def chosen(values: Array) -> Array:
        return values if values.shape[1] == 1 else values.take(index, axis=1)

    *of_x, of_y = moments.means
    means = (*(chosen(mean) for mean in of_x), of_y.take(index, axis=1))
    return replace(moments, sizes=chosen(moments.sizes), means=means)
