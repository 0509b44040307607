"""The weighted sums that generalised least squares and its df are made of.

Notation of the package's statistics: psi = tau2 / sigma2, c_j = n_j / (1 + n_j psi), and
<f>[ab] = sum_j f_j a_j b_j over cluster means, x about its weighted mean and e the residual of
the mean. One set of sums serves balanced (pooled) and unbalanced (clustered) moments; all
formulas behind it are shared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simstudy.moments import Array, Clusters, Factor, Floats, Ints, Moments, Pooled
from simstudy.numerics import gram


@dataclass(frozen=True, slots=True)
class Profile:
    """Generalised least squares at a given psi; arrays of shape (R,), inner ones (J, R)."""

    slope: Floats  # b
    level: Floats  # intercept at x = mean_x
    mean_x: Floats  # weighted mean of x
    s: Floats  # <c>[1]: information on the level
    d: Floats  # Wxx + <c>[xx]: information on the slope
    rss: Floats  # Wee + <c>[ee]
    c: Floats
    x_dot: Floats
    e_dot: Floats


class Second(NamedTuple):
    """Second-order weighted sums at psi, shape (R,): what the score needs."""

    m11: Floats  # <c^2>[1]
    m12: Floats  # <c^2>[x]
    m22: Floats  # <c^2>[xx]
    g1: Floats  # <c^2>[ee]


class Third(NamedTuple):
    """Third-order weighted sums at psi, shape (R,): what the information needs besides."""

    q11: Floats  # <c^3>[1]
    q12: Floats  # <c^3>[x]
    q22: Floats  # <c^3>[xx]
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
    mean_x, mean_y = gram.dot(c, clusters.mean_x) / s, gram.dot(c, clusters.mean_y) / s
    x_dot, y_dot = clusters.mean_x - mean_x, clusters.mean_y - mean_y
    d = within.xx + gram.dot(c, x_dot, x_dot)
    slope = gram.divide(within.xy + gram.dot(c, x_dot, y_dot), d)
    e_dot = slope * x_dot
    np.subtract(y_dot, e_dot, out=e_dot)
    rss = within.rss(slope) + gram.dot(c, e_dot, e_dot)
    return Profile(slope, mean_y, mean_x, s, d, rss, c, x_dot, e_dot)


def second_order(at: Profile) -> Second:
    """Sums with weight c^2."""
    c2 = at.c * at.c
    return Second(
        m11=gram.dot(c2),
        m12=gram.dot(c2, at.x_dot),
        m22=gram.dot(c2, at.x_dot, at.x_dot),
        g1=gram.dot(c2, at.e_dot, at.e_dot),
    )


def third_order(at: Profile) -> Third:
    """Sums with weight c^3."""
    c2 = at.c * at.c
    c3 = c2 * at.c
    e1, xe = gram.dot(c2, at.e_dot), gram.dot(c2, at.e_dot, at.x_dot)
    return Third(
        q11=gram.dot(c3),
        q12=gram.dot(c3, at.x_dot),
        q22=gram.dot(c3, at.x_dot, at.x_dot),
        g2=gram.dot(c3, at.e_dot, at.e_dot) - e1 * e1 / at.s - gram.divide(xe * xe, at.d),
    )


def profile_pooled(moments: Pooled, psi: Floats) -> Profile:
    """Fit the line at psi to balanced moments: the same sums from six numbers.

    The cluster means enter as two pseudo-clusters, the two rows of their Cholesky factor,
    which have the means' cross-products; their level is not known and stays NaN.
    """
    size, inner, outer = moments.cluster_size, moments.within, moments.between
    w = 1.0 / (1.0 + size * psi)
    d = inner.a * inner.a + w * outer.a * outer.a
    slope = gram.divide(inner.a * inner.b + w * outer.a * outer.b, d)
    rss = inner.rss(slope) + w * outer.rss(slope)
    unknown = np.full_like(slope, np.nan)
    root = size**-0.5
    return Profile(
        slope,
        unknown,
        unknown,
        moments.n_clusters * size * w,
        d,
        rss,
        size * w,
        root * np.array([outer.a, np.zeros_like(outer.a)]),
        root * np.array([outer.b - outer.a * slope, outer.r]),
    )


def orders_pooled(n_clusters: int, at: Profile) -> tuple[Second, Third]:
    """Second and third orders of balanced moments, where the cross terms with 1 vanish."""
    c, c2 = at.c, at.c * at.c
    x, e = at.x_dot, at.e_dot
    xx, xe, ee = gram.dot(x, x), gram.dot(x, e), gram.dot(e, e)
    c3, zero = c2 * c, np.zeros_like(xx)
    g2 = c3 * ee - gram.divide((c2 * xe) ** 2, at.d)
    second = Second(n_clusters * c2, zero, c2 * xx, c2 * ee)
    return second, Third(n_clusters * c3, zero, c3 * xx, g2)


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


def take(values: Array, index: Ints) -> Array:
    """Some replications of numbers that all may share."""
    return values if values.size == 1 else values[index]


def columns(clusters: Clusters, index: Ints) -> Clusters:
    """Keep the replications `index` of sizes and means; the factors are left as they are.

    Taken, not indexed: ``a[:, index]`` lays the clusters of a replication side by side in
    memory, and then numpy adds them up in another order than in a whole batch.
    """
    n_reps = clusters.mean_y.shape[1]
    if index.size == n_reps and bool(np.all(index[1:] > index[:-1])):
        return clusters

    def chosen(values: Array) -> Array:
        return values if values.shape[1] == 1 else values.take(index, axis=1)

    sizes, mean_x = chosen(clusters.sizes), chosen(clusters.mean_x)
    mean_y = clusters.mean_y.take(index, axis=1)
    return Clusters(sizes, mean_x, mean_y, clusters.within)
