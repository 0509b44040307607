"""Adding cross-products and pooling clusters.

Everything is done in residual form on Cholesky factors: no sum of squares is ever the
difference of two larger ones (Chan, Golub & LeVeque 1983 give the reason).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simstudy.moments import Clusters, Factor, Floats, Moments, Pooled
from simstudy.numerics.shared import shared


def divide(top: Floats, bottom: Floats) -> Floats:
    """Top / bottom, and 0 wherever bottom is 0."""
    bottom = np.asarray(bottom)
    zero = bottom == 0
    if not zero.any():
        return np.asarray(top / bottom)
    return np.where(zero, 0.0, top / np.where(zero, 1.0, bottom))


def dot(first: Floats, *others: Floats) -> Floats:
    """Sum of products over the first axis: sum_k first_k others_k ..., no array in between.

    Parameters
    ----------
    first, others : arrays, shape (K, R) or (K, 1)
        Up to three in all.

    Returns
    -------
    array, shape (R,)
        The same bits as multiplying first and summing then, in half the time; and the same
        for a replication alone, whose terms numpy would add up in another order.
    """
    if all(array.shape[1] == 1 for array in (first, *others)):
        product = first
        for array in others:
            product = product * array
        return np.cumsum(product, axis=0)[-1]
    if not others:
        return np.asarray(first.sum(axis=0))
    return np.einsum(("kr,kr->r", "kr,kr,kr->r")[len(others) - 1], first, *others)


def total(a: Floats, b: Floats, r: Floats) -> Factor:
    """Sum cross-products over the first axis.

    Parameters
    ----------
    a, b, r : arrays, shape (K, R) or (K, 1)
        K factors; `b` is 0 where `a` is.

    Returns
    -------
    Factor of arrays, shape (R,)
    """
    return _eliminated(dot(a, a), dot(a, b), lambda slope: dot(Factor(a, b, r).rss(slope)))


def add(first: Factor, second: Factor) -> Factor:
    """Sum of two factors of the same shape."""

    def rss(slope: Floats) -> Floats:  # in this order: stored rows have these bits
        rest1, rest2 = first.b - first.a * slope, second.b - second.a * slope
        return rest1 * rest1 + rest2 * rest2 + first.r * first.r + second.r * second.r

    return _eliminated(first.xx + second.xx, first.xy + second.xy, rss)


def factor_of(x: Floats, y: Floats, weight: Floats) -> Factor:
    """Cross-products sum_j weight_j (x_j, y_j)(x_j, y_j)' of centred vectors, as a factor.

    Parameters
    ----------
    x, y, weight : arrays, shape (K, R) or (K, 1)
        `x` and `y` already centred.
    """

    def rss(slope: Floats) -> Floats:
        rest = y - x * slope
        return dot(weight, rest, rest)

    return _eliminated(dot(weight, x, x), dot(weight, x, y), rss)


def _eliminated(xx: Floats, xy: Floats, rss: Callable[[Floats], Floats]) -> Factor:
    """The factor of cross-products of which `rss` gives what a slope leaves of yy."""
    slope = divide(xy, xx)
    root = np.broadcast_to(np.sqrt(xx), slope.shape)
    return Factor(root, root * slope, np.sqrt(rss(slope)))


def grand_means(clusters: Clusters) -> tuple[Floats, Floats]:
    """Means of x and y over all units, shape (R,)."""
    return weighted_means(clusters, clusters.weights)


def weighted_means(clusters: Clusters, weight: Floats) -> tuple[Floats, Floats]:
    """Means of the cluster means of x and y, shape (R,)."""
    total = weight.sum(axis=0)
    return dot(weight, clusters.mean_x) / total, dot(weight, clusters.mean_y) / total


def of_means(clusters: Clusters, weight: Floats) -> Factor:
    """sum_j weight_j (m_j - m)(m_j - m)' of the cluster means m_j about their mean m."""
    mean_x, mean_y = weighted_means(clusters, weight)
    return factor_of(clusters.mean_x - mean_x, clusters.mean_y - mean_y, weight)


@shared
def within(moments: Moments) -> Factor:
    """Cross-products about the cluster means, over all clusters, shape (R,)."""
    if isinstance(moments, Pooled):
        return moments.within
    return total(*moments.within)


@shared
def between(moments: Moments) -> Factor:
    """sum_j n_j (m_j - m)(m_j - m)' of the cluster means m_j, shape (R,)."""
    if isinstance(moments, Pooled):
        return moments.between
    return of_means(moments, moments.weights)


@shared
def whole(moments: Moments) -> Factor:
    """Cross-products of all units about the grand means, shape (R,)."""
    return add(within(moments), between(moments))


def pool(clusters: Clusters) -> Pooled:
    """Reduce balanced clusters to their pooled moments."""
    if not clusters.balanced:
        raise ValueError("only clusters of one fixed size can be pooled")
    size = int(clusters.sizes[0, 0])
    return Pooled(clusters.n_clusters, size, within(clusters), between(clusters))
