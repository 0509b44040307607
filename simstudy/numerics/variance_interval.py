"""An exact confidence interval for the variance ratio psi = tau2 / sigma2 of a random intercept.

RSS(psi), the residual sum of squares of generalized least squares, is that of a dummy for every
cluster and Q(psi), the rest. At the true psi Q / sigma2 and that of the dummies are independent
chi squares, so that F = (Q / r) / (RSS(inf) / f) has an F distribution whatever the sizes and
the predictors, and it falls with psi (Wald 1940, Ann. Math. Stat. 11:96-100; Seely &
El-Bassiouni 1983, Ann. Stat. 11:197-201).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import fdtri

from simstudy.moments import Clusters, Floats, Ints
from simstudy.numerics import gram, weighted

_STEPS = 200
_COLLINEAR = 1e-7  # R's tolerance: what is left of a column's length
_MOST = 2.0**60  # a ratio that is larger is infinite


class Pivot(NamedTuple):
    """What F is made of.

    Attributes
    ----------
    between : callable
        psi -> Q(psi), falling.
    within : float
        RSS(inf), what the predictors and a dummy for every cluster leave of y.
    between_df, within_df : int
        r and f.
    """

    between: Callable[[float], float]
    within: float
    between_df: int
    within_df: int


def of_intercepts(moments: Clusters) -> Pivot:
    """The pivot of one data set: of all its predictors, none of them a combination of others."""
    inner = gram.within(moments)
    rest = float(inner.r[0]) ** 2
    n_within = sum(int(row[0][0] > 0) for row in inner.rows[:-1])
    n_clusters = moments.n_clusters

    def between(psi: float) -> float:
        return float(weighted.profile(moments, inner, np.array([psi])).rss[0]) - rest

    n_obs = int(moments.n_obs[0])
    return Pivot(
        between, rest, n_clusters + n_within - moments.n_fixed, n_obs - n_clusters - n_within
    )


def of_slopes(columns: Floats, sizes: Ints, shape: Floats) -> Pivot:
    """The same where slopes of x vary, too: psi times a covariance over sigma2 that is given.

    Parameters
    ----------
    columns : array, shape (N, p + 1)
        x, the other predictors and y of units sorted by cluster.
    sizes : array of int, shape (J,)
    shape : array, shape (2, 2)
        Covariance of intercept (at x = 0) and slope, not singular.
    """
    first, centre = np.cumsum(sizes) - sizes, columns.mean(axis=0)
    about = columns - centre
    whole = np.linalg.norm(about[:, 1:-1], axis=0)
    means = np.add.reduceat(about, first) / sizes[:, None]
    about = about - np.repeat(means, sizes, axis=0)
    x, level = about[:, :1], means[:, :1]
    squares = np.add.reduceat(x * x, first)
    varies = squares > 0
    along = np.add.reduceat(about * x, first) / np.where(varies, squares, 1.0)
    left = about[:, 1:] - np.repeat(along[:, 1:], sizes, axis=0) * x
    n_others, rest = _rest(left, whole)
    lines = np.stack([means - along * level, along], axis=1)  # of x, the others and y
    lines = np.concatenate([np.tile([[1.0], [0.0]], (sizes.size, 1, 1)), lines], axis=2)
    n = sizes[:, None] * np.concatenate([np.ones_like(level), level, level**2], axis=1)
    inner = np.stack([n[:, :2], n[:, 1:]], axis=1)
    inner[:, 1, 1] += squares[:, 0]
    units = np.pad(left.T @ left, (2, 0))
    turn = np.array([[1.0, centre[0]], [0.0, 1.0]])
    shape = turn @ shape @ turn.T

    def between(psi: float) -> float:
        weight = np.linalg.solve(np.eye(2) + psi * inner @ shape, inner)
        sums = units + np.einsum("jak,jab,jbl->kl", lines, weight, lines)
        along_y = np.linalg.solve(sums[:-1, :-1], sums[:-1, -1])
        return float(sums[-1, -1] - sums[:-1, -1] @ along_y) - rest

    n_lines = sizes.size + int(varies.sum())
    n_fixed = columns.shape[1]
    free = n_lines + n_others - n_fixed, len(columns) - n_lines - n_others
    return Pivot(between, rest, *free)


def _rest(columns: Floats, lengths: Floats) -> tuple[int, float]:
    """How many of the others are left beside each other, and what they leave of the last column.

    Parameters
    ----------
    columns : array, shape (N, q + 1)
        What lines leave of the others and of y.
    lengths : array, shape (q,)
        Of the others before that.
    """
    y, others = columns[:, -1], columns[:, :-1]
    own = np.linalg.norm(others, axis=0)
    others = others[:, own > _COLLINEAR * lengths] / own[own > _COLLINEAR * lengths]
    solved, _, rank, _ = np.linalg.lstsq(others, y, rcond=_COLLINEAR)
    rest = y - others @ solved
    return int(rank), float(rest @ rest)


def interval(pivot: Pivot, level: float = 0.95) -> tuple[float, float] | None:
    """Both ends of the interval of psi, in the bounds 0 and inf.

    Both are 0 where clusters differ less than any psi would have it, by more than chance.

    Returns
    -------
    (low, high), or None
        None where the data do not tell psi: no degree of freedom between or within clusters, or
        no variance within them.
    """
    free = pivot.between_df, pivot.within_df
    if min(free) < 1 or not pivot.within > 0:
        return None
    mean_square = pivot.within / pivot.within_df
    tail = (1.0 - level) / 2.0
    low, high = (
        _root(pivot.between, float(fdtri(*free, p)) * pivot.between_df * mean_square)
        for p in (1.0 - tail, tail)
    )
    return low, high


def _root(falling: Callable[[float], float], value: float) -> float:
    """Where a function falls through a value: 0 where it is below it from the start."""
    if falling(0.0) <= value:
        return 0.0
    high = 1.0
    while falling(high) > value:
        high *= 2.0
        if high > _MOST:
            return math.inf
    low = high / 2.0
    while falling(low) <= value:
        low, high = low / 2.0, low
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if falling(middle) > value else (low, middle)
    return 0.5 * (low + high)
