"""Generalised estimating equations with exchangeable correlation.

Liang & Zeger (1986, Biometrika 73:13-22) with the moment estimators of geepack (Halekoh,
Hojsgaard & Yan 2006, J. Stat. Softw. 15): no divisor is reduced by the number of coefficients.

The working covariance phi [(1 - alpha) I + alpha 11'] is that of a random intercept with
psi = alpha / (1 - alpha), which may be negative here; so the sums are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Bools, Clusters, Factor, Floats, Pooled, products
from simstudy.numerics import gram, weighted
from simstudy.numerics.elimination import swept
from simstudy.numerics.weighted import Profile

Step = Callable[[NDArray[np.intp], Floats], tuple[Floats, Floats]]

_STEPS = 500
_CONTRACTS = 0.5  # a step of g this much shorter than the last: near its fixed point
_TOLERANCE = 1e-13  # distance of alpha from what the line at alpha gives
_SINGULAR = 1e-10  # eigenvalue of a correlation matrix below which only rounding is left


class Working(NamedTuple):
    """A solution of the estimating equations; arrays of shape (R,)."""

    at: Profile
    alpha: Floats
    phi: Floats
    converged: Bools
    definite: Bools  # working correlation matrices positive definite at every step


def solve(clusters: Clusters, within: Factor) -> Working:
    """Find alpha = g(alpha), g(alpha) the estimate from the residuals of the line at alpha.

    From independence by steps of g, as geepack; where they contract, secant steps to the
    same fixed point. Every replication stops by itself.

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
    step = _stepper(clusters, within)
    alpha = np.zeros(clusters.mean_y.shape[1])
    largest = np.broadcast_to(clusters.weights.max(axis=0), alpha.shape)
    converged, definite = np.zeros(alpha.shape, dtype=bool), np.ones(alpha.shape, dtype=bool)
    index = np.arange(alpha.size)
    before = gap_before = np.full(alpha.shape, np.nan)
    for _ in range(_STEPS):
        if not index.size:
            break
        old = alpha[index]
        gap = step(index, old)[0] - old
        secant = old - gap * (old - before) / (gap - gap_before)
        settled = np.abs(gap) <= _TOLERANCE
        closer = np.abs(gap) < _CONTRACTS * np.abs(gap_before)
        leap = closer & ~settled & _is_correlation(secant, largest[index])
        new = np.where(leap, secant, old + gap)
        inside = _is_correlation(new, largest[index])
        alpha[index], definite[index], converged[index] = new, inside, settled
        going = inside & ~settled
        index, before, gap_before = index[going], old[going], gap[going]
    alpha_or_0 = np.where(definite, alpha, 0.0)
    phi = step(np.arange(alpha.size), alpha_or_0)[1]
    at = weighted.profile(clusters, within, _psi(alpha_or_0))
    return Working(at, alpha, phi, converged, definite)


def _is_correlation(alpha: Floats, largest: Floats) -> Bools:
    """Whether clusters of up to `largest` units have positive definite correlations."""
    return (1.0 - alpha > _SINGULAR) & (1.0 + (largest - 1.0) * alpha > _SINGULAR)


def _psi(alpha: Floats) -> Floats:
    return alpha / (1.0 - alpha)


def _stepper(clusters: Clusters, within: Factor) -> Step:
    """(replications, alpha) -> (g(alpha), phi); equal clusters need their pooled moments only.

    g is the mean product of two residuals of a cluster over phi, phi their mean square.
    """
    n = clusters.weights
    pairs, n_obs = (n * (n - 1.0)).sum(axis=0), clusters.n_obs
    pooled = gram.pool(clusters) if clusters.balanced else None

    def step(index: NDArray[np.intp], alpha: Floats) -> tuple[Floats, Floats]:
        part = weighted.columns(clusters if pooled is None else pooled, index)
        sizes = n[:1] if isinstance(part, Pooled) else part.weights
        at = weighted.line(part, within.take(index), _psi(alpha))
        sums = sizes * at.e_dot
        squares = products(at.e_within, at.e_within) + gram.dot(sums, at.e_dot)
        phi = squares / weighted.take(n_obs, index)
        return (gram.dot(sums, sums) - squares) / (phi * weighted.take(pairs, index)), phi

    return step


def model_variance(working: Working, weights: Sequence[Floats | float]) -> Floats:
    """Variance of a linear function of level and slopes if the correlation is right.

    Parameters
    ----------
    weights : sequence of floats or arrays, shape (R,)
        As for `information.contrast`.
    """
    at, unit = working.at, working.phi * (1.0 - working.alpha)
    squares = (w * w / of for w, of in zip(weights, at.information, strict=True))
    return np.asarray(unit * sum(squares))


def robust_variance(
    clusters: Clusters, working: Working, weights: Sequence[Floats | float]
) -> Floats:
    """Sandwich variance of the same, whatever the correlation (Liang & Zeger 1986, CR0)."""
    at, inner = working.at, clusters.within
    weighted_e = at.c * at.e_dot
    *of_x, e = swept([inner.column(k) for k in range(len(inner.rows))], at.coefficients)
    influence = (weights[0] / at.s) * weighted_e
    for weight, d, x, x_dot in zip(weights[1:], at.d, of_x, at.x_dot, strict=True):
        influence = influence + (weight / d) * (products(x, e) + weighted_e * x_dot)
    return gram.dot(influence, influence)
