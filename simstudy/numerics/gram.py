"""Adding cross-products and pooling clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.moments import Clusters, Factor, Floats, Moments, Pooled, products
from simstudy.numerics.elimination import Column, eliminate
from simstudy.numerics.shared import shared


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


def total(factor: Factor) -> Factor:
    """Sum cross-products over the first axis.

    Parameters
    ----------
    factor : Factor of arrays, shape (K, R) or (K, 1)

    Returns
    -------
    Factor of arrays, shape (R,)
    """

    def product(first: Column, second: Column) -> Floats:
        if len(first) == 1:
            return dot(first[0], second[0])
        return dot(products(first, second))

    return eliminate([factor.column(k) for k in range(len(factor.rows))], product).factor


def add(first: Factor, second: Factor) -> Factor:
    """Sum of two factors of the same shape."""
    columns = [interleaved(first.column(k), second.column(k)) for k in range(len(first.rows))]
    return eliminate(columns, products).factor


def interleaved(first: Column, second: Column) -> list[Floats]:
    """Entries of two columns in turn: stored rows have the bits of this order."""
    return [entry for pair in zip(first, second, strict=True) for entry in pair]


def factor_of(columns: Sequence[Floats], weight: Floats) -> Factor:
    """Cross-products sum_j weight_j z_j z_j' of centred vectors z, as a factor.

    Parameters
    ----------
    columns : sequence of arrays, shape (K, R) or (K, 1)
        Already centred.
    weight : array, shape (K, R) or (K, 1)
    """

    def product(first: Column, second: Column) -> Floats:
        return dot(weight, first[0], second[0])

    return eliminate([[column] for column in columns], product).factor


def grand_means(clusters: Clusters) -> tuple[Floats, ...]:
    """Means of every column over all units, shape (R,)."""
    return weighted_means(clusters, clusters.weights)


def weighted_means(clusters: Clusters, weight: Floats) -> tuple[Floats, ...]:
    """Means of the cluster means of every column, shape (R,)."""
    total = weight.sum(axis=0)
    return tuple(dot(weight, mean) / total for mean in clusters.means)


def of_means(clusters: Clusters, weight: Floats) -> Factor:
    """sum_j weight_j (m_j - m)(m_j - m)' of the cluster means m_j about their mean m."""
    centre = weighted_means(clusters, weight)
    return factor_of([m - c for m, c in zip(clusters.means, centre, strict=True)], weight)


@shared
def within(moments: Moments) -> Factor:
    """Cross-products about the cluster means, over all clusters, shape (R,)."""
    if isinstance(moments, Pooled):
        return moments.within
    return total(moments.within)


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
    return Pooled(clusters.n_clusters, size, within(clusters), between(clusters), clusters.names)
