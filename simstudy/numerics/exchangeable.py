"""Room 1: generalised estimating equations with exchangeable correlation.

Imports the waist, gram and weighted. Liang & Zeger (1986, Biometrika 73:13-22) with the
moment estimators of geepack (Halekoh, Hojsgaard & Yan 2006, J. Stat. Softw. 15): no
divisor is reduced by the number of coefficients.

The working covariance phi [(1 - alpha) I + alpha 11'] is that of a random intercept with
psi = alpha / (1 - alpha), which may be negative here; so the sums are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Clusters, Factor, Floats
from simstudy.numerics import gram, weighted
from simstudy.numerics.weighted import Profile

_STEPS = 500
_TOLERANCE = 1e-13  # of a step of alpha
_SINGULAR = 1e-10  # eigenvalue of a correlation matrix below which only rounding is left


class Working(NamedTuple):
    """A solution of the estimating equations; arrays of shape (R,)."""

    at: Profile
    alpha: Floats
    phi: Floats
    converged: Bools
    definite: Bools  # working correlation matrices positive definite at every step


def solve(clusters: Clusters, within: Factor) -> Working:
    """Iterate line -> alpha -> line from independence; every replication stops by itself.

    Parameters
    ----------
    clusters : Clusters
    within : Factor, shape (R,)
        Within-cluster cross-products over all clusters.

    Returns
    -------
    Working
        `alpha` is a fixed point to 1e-13, or the first value that is not a correlation.
    """
    alpha = np.zeros(clusters.mean_y.shape[1])
    largest = np.broadcast_to(clusters.weights.max(axis=0), alpha.shape)
    converged, definite = np.zeros(alpha.shape, dtype=bool), np.ones(alpha.shape, dtype=bool)
    index = np.arange(alpha.size)
    for _ in range(_STEPS):
        if not index.size:
            break
        part = weighted.columns(clusters, index)
        old = alpha[index]
        new, _ = _moments(part, *_line(part, Factor(*(v[index] for v in within)), old))
        alpha[index] = new
        inside = (1.0 - new > _SINGULAR) & (1.0 + (largest[index] - 1.0) * new > _SINGULAR)
        settled = np.abs(new - old) <= _TOLERANCE
        definite[index], converged[index] = inside, settled
        index = index[inside & ~settled]
    at, inner = _line(clusters, within, np.where(definite, alpha, 0.0))
    return Working(at, alpha, _moments(clusters, at, inner)[1], converged, definite)


def _line(clusters: Clusters, within: Factor, alpha: Floats) -> tuple[Profile, Floats]:
    """Line at alpha and the sum of squared residuals about their cluster means."""
    at = weighted.profile(clusters, within, alpha / (1.0 - alpha))
    rest = within.b - within.a * at.slope
    return at, rest * rest + within.r * within.r


def _moments(clusters: Clusters, at: Profile, inner: Floats) -> tuple[Floats, Floats]:
    """Alpha, the mean product of two residuals of a cluster over phi, their mean square."""
    n = clusters.weights
    squares = inner + gram.dot(n, at.e_dot, at.e_dot)
    sums = n * at.e_dot
    products = gram.dot(sums, sums) - squares
    phi = squares / clusters.n_obs
    return products / (phi * (n * (n - 1.0)).sum(axis=0)), phi


def model_variance(found: Working, level: Floats | float, slope: Floats | float) -> Floats:
    """Variance of level * (intercept at mean x) + slope * b if the correlation is right.

    Parameters
    ----------
    level, slope : floats or arrays, shape (R,)
        (0, 1) is the slope; (1, -mean_x) the intercept.
    """
    at, unit = found.at, found.phi * (1.0 - found.alpha)
    return np.asarray(unit * (level * level / at.s + slope * slope / at.d))


def robust_variance(
    clusters: Clusters, found: Working, level: Floats | float, slope: Floats | float
) -> Floats:
    """Sandwich variance of the same, whatever the correlation (Liang & Zeger 1986, CR0)."""
    at, inner = found.at, clusters.within
    weighted_e = at.c * at.e_dot
    score = inner.a * (inner.b - inner.a * at.slope) + weighted_e * at.x_dot
    influence = (level / at.s) * weighted_e + (slope / at.d) * score
    return gram.dot(influence, influence)
