"""Fits of data sets that lost whole clusters: methods never see an empty one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simstudy.entries import Words
from simstudy.estimates import Estimates, Outcome, blank, concatenate
from simstudy.moments import Array, Clusters
from simstudy.numerics.occupied import by_clusters_left

Fit = Callable[[Any, Words | None], Estimates]


def fit_occupied(fit: Fit, moments: Any, words: Words | None) -> Estimates:
    """Fit replications together that have as many clusters left, and put them back in order.

    Parameters
    ----------
    fit : callable
        Moments without an empty cluster, and random words -> Estimates.
    moments : Pooled, Clusters or Units
        Clusters may be empty; a replication without a unit is not estimable.
    words : callable, optional
        Random words by replication: each has its own, whatever was lost.
    """
    sets = by_clusters_left(moments) if isinstance(moments, Clusters) else None
    if sets is None:
        return fit(moments, words)
    several = None if words is None else _several(words)
    fits = [fit(one.clusters, several and several(one.index)) for one in sets]
    places = [one.index for one in sets]
    lost = np.setdiff1d(np.arange(moments.n_reps), np.concatenate([[], *places]))
    if lost.size:
        fits.append(blank(lost.size, Outcome.NO_UNITS))
        places.append(lost)
    return concatenate(fits).take(np.argsort(np.concatenate(places)))


def _several(words: Words) -> Callable[[NDArray[np.intp]], Words]:
    """Words that several fits read from the first on, each those of its replications."""
    drawn: list[Array] = []

    def words_of(index: NDArray[np.intp]) -> Words:
        read = 0

        def of_these(count: int) -> Array:
            nonlocal read
            first, read = read, read + count
            if read > len(drawn):
                drawn.extend(words(read - len(drawn)))
            block = np.stack(drawn[first:read])
            return block if block.shape[1] == 1 else block[:, index]

        return of_these

    return words_of
