"""Measures that need all rows of a group at once.

They have no totals that add up, so they are made where they are asked for by name, and cost
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import bdtr, ndtri

from simstudy.measures.block import Block
from simstudy.measures.totals import Totals
from simstudy.measures.values import NAN, Column, mean_of, plain
from simstudy.moments import Array, Floats

Pair = tuple[float, float]  # a value and its MCSE


def median_bias(error: Floats) -> Pair:
    """Median of estimate minus truth, and its Monte Carlo SE.

    The SE is that of Price & Bonett (2001, J. Stat. Comput. Simul. 68:295-305): the distance
    between the order statistics c and n - c + 1, c = n / 2 - sqrt(n), over that between the
    normal quantiles of their exact binomial probability. No density is estimated.
    """
    n = error.size
    if n == 0:
        return NAN, NAN
    c = max(1, round(n / 2 - np.sqrt(n)))
    places = [(n - 1) // 2, n // 2, c - 1, n - c]
    there = np.partition(error, places)[places]
    median = there[0] + 0.5 * (there[1] - there[0])
    if n < 2:
        return float(median), NAN
    z = -ndtri(bdtr(c - 1, n, 0.5))
    return float(median), float((there[3] - there[2]) / (2.0 * z))


def mean_absolute_error(error: Floats) -> Pair:
    """Mean distance of estimate and truth; MCSE its SD / sqrt(n)."""
    if error.size == 0:
        return NAN, NAN
    distance = np.abs(error)
    with np.errstate(over="ignore"):
        mean = distance.mean(keepdims=True)
        square = np.square(distance - mean).sum(keepdims=True)
    value = mean_of(mean, square, np.array([error.size]))
    return float(value.value[0]), float(value.mcse[0])


FUNCTIONS: dict[str, Callable[[Floats], Pair]] = {
    "median_bias": median_bias,
    "mean_absolute_error": mean_absolute_error,
}
ON_REQUEST = tuple(FUNCTIONS)


def ordered(
    names: Sequence[str],
    rows_of: Callable[[int], dict[str, Array]],
    truth: Floats,
    totals: Totals,
) -> list[Column]:
    """Measures of every group from its rows.

    Parameters
    ----------
    names : sequence of str
        Some of `ON_REQUEST`.
    rows_of : callable
        Number of a group -> columns of a `Block`.
    truth : array, shape (K,)
    totals : Totals
        Of the same groups; those without replications are not read.
    """
    if not names:
        return []
    found = np.full((len(names), 2, truth.size), NAN)
    n_used = np.zeros(truth.size, dtype=np.int64)
    for g in np.flatnonzero(totals.n_all):
        rows = Block(rows_of(int(g)), truth[g])
        error = rows.error[rows.there]
        n_used[g] = error.size
        for k, name in enumerate(names):
            found[k, :, g] = FUNCTIONS[name](error)
    there = (totals.n_used == 0) | (n_used > 0)  # p-values alone have no estimates
    return [
        Column(name, NAN, plain(*found[k]), n_used, totals.n_all - n_used, there)
        for k, name in enumerate(names)
    ]
