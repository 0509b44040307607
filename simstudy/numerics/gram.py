"""Room 1: adding cross-products and pooling clusters. Imports the waist.

Everything is done in residual form on Cholesky factors: no sum of squares is ever the
difference of two larger ones (Chan, Golub & LeVeque 1983 give the reason).
"""

from __future__ import annotations

import numpy as np

from simstudy.moments import Array, Clusters, Factor, Floats, Ints, Moments, Pooled


def divide(top: Floats, bottom: Floats) -> Floats:
    """Top / bottom, and 0 wherever bottom is 0."""
    bottom = np.asarray(bottom)
    zero = bottom == 0
    if not zero.any():
        return np.asarray(top / bottom)
    return np.where(zero, 0.0, top / np.where(zero, 1.0, bottom))


def total(a: Floats, b: Floats, r: Floats) -> Factor:
    """Sum cross-products over the first axis.

    Parameters
    ----------
    a, b, r : arrays, shape (K, ...)
        K factors; `b` is 0 where `a` is.

    Returns
    -------
    Factor of arrays, shape (...)
    """
    xx = (a * a).sum(axis=0)
    slope = divide((a * b).sum(axis=0), xx)
    rest = b - a * slope
    root = np.sqrt(xx)
    return Factor(root, root * slope, np.sqrt((rest * rest + r * r).sum(axis=0)))


def add(first: Factor, second: Factor) -> Factor:
    """Sum of two factors of the same shape."""
    xx = first.a * first.a + second.a * second.a
    slope = divide(first.a * first.b + second.a * second.b, xx)
    rest1, rest2 = first.b - first.a * slope, second.b - second.a * slope
    root = np.sqrt(xx)
    rr = rest1 * rest1 + rest2 * rest2 + first.r * first.r + second.r * second.r
    return Factor(root, root * slope, np.sqrt(rr))


def factor_of(x: Floats, y: Floats, weight: Floats | Ints | float = 1.0) -> Factor:
    """Cross-products sum_j weight_j (x_j, y_j)(x_j, y_j)' of centred vectors, as a factor.

    Parameters
    ----------
    x, y : arrays, shape (K, ...)
        Already centred.
    weight : array broadcastable to them
    """
    xx = (weight * x * x).sum(axis=0)
    slope = divide((weight * x * y).sum(axis=0), xx)
    rest = y - x * slope
    root = np.sqrt(xx)
    return Factor(root, root * slope, np.sqrt((weight * rest * rest).sum(axis=0)))


def grand_means(clusters: Clusters) -> tuple[Floats, Floats]:
    """Means of x and y over all units, shape (R,)."""
    n_obs = clusters.n_obs
    mean_x = (clusters.sizes * clusters.mean_x).sum(axis=0) / n_obs
    mean_y = (clusters.sizes * clusters.mean_y).sum(axis=0) / n_obs
    return mean_x, mean_y


def within(moments: Moments) -> Factor:
    """Cross-products about the cluster means, over all clusters, shape (R,)."""
    if isinstance(moments, Pooled):
        return moments.within
    shape = np.broadcast_shapes(moments.within.a.shape, moments.within.b.shape)
    return total(np.broadcast_to(moments.within.a, shape), moments.within.b, moments.within.r)


def between(moments: Moments) -> Factor:
    """sum_j n_j (m_j - m)(m_j - m)' of the cluster means m_j, shape (R,)."""
    if isinstance(moments, Pooled):
        return moments.between
    mean_x, mean_y = grand_means(moments)
    y = moments.mean_y - mean_y
    return factor_of(np.broadcast_to(moments.mean_x - mean_x, y.shape), y, moments.sizes)


def join(batches: list[Clusters]) -> Clusters:
    """Put batches of the same design side by side; what is shared by replications stays so."""
    if len(batches) == 1:
        return batches[0]
    n_reps = [batch.mean_y.shape[1] for batch in batches]

    def beside(arrays: list[Array]) -> Array:
        if all(array.shape[-1] == 1 for array in arrays) and max(n_reps) > 1:
            return arrays[0]
        return np.concatenate(arrays, axis=-1)

    first = batches[0]
    return Clusters(
        beside([batch.sizes for batch in batches]),
        beside([np.asarray(batch.mean_x) for batch in batches]),
        beside([batch.mean_y for batch in batches]),
        Factor(*(beside([b.within[k] for b in batches]) for k in range(len(first.within)))),
    )


def pool(clusters: Clusters) -> Pooled:
    """Reduce balanced clusters to their pooled moments."""
    if not clusters.balanced:
        raise ValueError("only clusters of one fixed size can be pooled")
    size = int(clusters.sizes[0, 0])
    return Pooled(clusters.n_clusters, size, within(clusters), between(clusters))
