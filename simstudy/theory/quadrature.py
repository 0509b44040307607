"""Probabilities as short sums.

Every integral is taken over a logarithm, where its integrand is analytic in a strip that
does not depend on the weights or the degrees of freedom; equidistant points then converge
geometrically (Trefethen & Weideman 2014, SIAM Rev. 56:385-458).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy

from simstudy.moments import Array, Floats
from simstudy.numerics import tails

_NEGLIGIBLE = 42.0  # -log of what is left out, relative to the peak: 6e-19
_STEP = 0.125  # the strip is pi / 4 wide to either side: error exp(-pi^2 / (2 step)) = 7e-18
_END = 40.0
_MOST = 50_000
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


class Nodes(NamedTuple):
    """A distribution as points and weights that sum to 1; shape (K,) each."""

    at: Floats
    weight: Floats


CENTRAL = Nodes(np.zeros(1), np.ones(1))


def exceeds(weights: Floats, dfs: Floats) -> Floats:
    """P(X_0 > sum_i weights_i X_i), X_0 ~ chi2(1), X_i ~ chi2(dfs_i), all independent.

    Imhof's (1961, Biometrika 48:419-426) probability where one weight is positive. With
    P(X_0 > y) = 2/pi int_0^(pi/2) exp(-y / (2 cos^2 phi)) dphi (Craig 1991, IEEE MILCOM)
    the other variables are integrated out, and tan phi = sinh x gives the positive integrand
    2/pi prod_i (1 + weights_i cosh^2 x)^(-dfs_i / 2) / cosh x on x > 0.

    Parameters
    ----------
    weights : array, shape (..., K)
        Not negative.
    dfs : array, shape (K,)

    Returns
    -------
    array, shape (...)
    """
    x = np.arange(0.0, _END, _STEP)
    cosh = np.cosh(x)
    log_size = np.zeros((*weights.shape[:-1], x.size))
    for k, df in enumerate(dfs):
        log_size -= 0.5 * df * np.log1p(weights[..., k, None] * (cosh * cosh))
    share = np.where(x == 0, 0.5, 1.0) * (2.0 * _STEP / np.pi) / cosh
    return np.asarray((np.exp(log_size) * share).sum(axis=-1))


def odds_nodes(df1: float, df2: float, split: float | None = None) -> Nodes:
    """Nodes of X_1 / X_2, independent chi2(df1) and chi2(df2).

    Parameters
    ----------
    split : float, optional
        A value at which functions to be averaged jump; the nodes then stay clear of it.
    """
    centre, total = df1 / df2, df1 + df2
    share = df1 / total
    at = None if split is None else 0.5 * np.log(split / centre)
    v, weight = _nodes(
        lambda v: df1 * v - 0.5 * total * np.log1p(share * np.expm1(2.0 * v)),
        np.sqrt(0.5 * (1.0 / df1 + 1.0 / df2)),
        at,
    )
    return Nodes(centre * np.exp(2.0 * v), weight)


def _nodes(log_density: Callable[[Array], Array], sd: float, split: float | None = None) -> Nodes:
    """Nodes of a log-concave density with its mode at 0, where its curvature is 1 / sd^2."""
    distances = sd * 1.1 ** np.arange(130)
    with np.errstate(over="ignore"):
        low, high = (
            side * distances[np.argmax(log_density(side * distances) < -_NEGLIGIBLE)]
            for side in (-1.0, 1.0)
        )
    step = min(0.5 * sd, _STEP)
    if split is None or not low < split < high:
        at = low + step * np.arange(np.ceil((high - low) / step))
        weight = np.exp(log_density(at))
    else:
        edges = np.concatenate([_panels(low, split, 5.0 * step), _panels(split, high, 5.0 * step)])
        half = 0.5 * np.diff(edges)[:, None]
        at = (edges[:-1, None] + half * (1.0 + _NODES)).ravel()
        weight = (half * _WEIGHTS).ravel() * np.exp(log_density(at))
    return Nodes(at, weight / weight.sum())


def _panels(low: float, high: float, length: float) -> Floats:
    return np.linspace(low, high, 1 + int(np.ceil((high - low) / length)))


def noncentrality(squared: float, df: int | None = None, lost: int = 0) -> Nodes | None:
    """The number K with chi2(1, noncentral) = chi2(1 + 2 K), as nodes.

    K is Poisson(squared / 2); where the noncentrality is itself squared * chi2(df), as for a
    predictor drawn anew in every replication, K is negative binomial; where it is squared *
    Beta(df / 2, lost / 2), as for one of which `lost` drawn ones take a part, a mean of Poissons.

    Returns
    -------
    Nodes or None
        None where K spreads over more than 50,000 values.
    """
    if squared == 0:
        return CENTRAL
    if lost:
        return _of_part(squared, *odds_nodes(df or 1, lost))
    spread = 0.0 if df is None else squared
    mean = 0.5 * squared * (df or 1)
    reach = 10.0 * np.sqrt(mean * (1.0 + spread)) + 45.0 * (1.0 + spread)
    low = max(0.0, np.floor(mean - reach))
    if mean + reach - low > _MOST:
        return None
    k = np.arange(low, mean + reach)
    if df is None:
        log_size = k * np.log(mean) - mean - scipy.special.gammaln(k + 1.0)
    else:
        of_k = scipy.special.gammaln(k + 0.5 * df) - scipy.special.gammaln(k + 1.0)
        log_size = of_k - k * np.log1p(1.0 / squared)
    weight = np.exp(log_size - log_size.max())
    return Nodes(k, weight / weight.sum())


def _of_part(squared: float, odds: Floats, share: Floats) -> Nodes | None:
    """The number K where the noncentrality is squared * odds / (1 + odds)."""
    mean = 0.5 * squared
    k = np.arange(0.0, mean + 10.0 * np.sqrt(mean) + 45.0)
    if k.size * odds.size > 40 * _MOST:
        return None
    means = mean * odds / (1.0 + odds)
    log_size = k * np.log(means)[:, None] - means[:, None] - scipy.special.gammaln(k + 1.0)
    weight = share @ np.exp(log_size)
    return Nodes(k, weight / weight.sum())


def two_sided(t: Floats | float, df: float, shifted: Nodes) -> Floats:
    """P(|T| > t) for Student's t with df > 0 (inf for z) and a `noncentrality`; t > 0.

    Given K the square of T is df chi2(1 + 2 K) / chi2(df), whose tail is one incomplete beta
    function (Lenth 1989, Appl. Stat. 38:185-189): a sum of positive terms.

    Parameters
    ----------
    t : array, shape (...)
    """
    t = np.asarray(t, dtype=float)
    if shifted is CENTRAL:
        return tails.two_sided(np.atleast_1d(t), df).reshape(t.shape)
    half, square = shifted.at + 0.5, (t * t)[..., None]
    if np.isinf(df):
        tail = scipy.special.gammaincc(half, 0.5 * square)
    else:
        tail = scipy.special.betainc(0.5 * df, half, df / (df + square))
    return np.asarray((tail * shifted.weight).sum(axis=-1))
