"""Criterion, score and information of the random-intercept model.

REML and ML differ by `reml` alone. The variance parameters are (sigma2, psi) with psi = tau2 /
sigma2, c_j = n_j / (1 + n_j psi).
"""

from __future__ import annotations

import numpy as np

from simstudy.moments import Floats, Ints, Moments, Pooled
from simstudy.numerics import gram
from simstudy.numerics.weighted import Profile, Second, Sums


def residual_df(n_obs: Ints | int, reml: bool, n_fixed: int) -> Ints | int:
    """Divisor nu of RSS: N less the fixed effects (REML) or N (ML)."""
    return n_obs - n_fixed if reml else n_obs


def expected_02(at: Profile, second: Second, reml: bool) -> Floats:
    """Mixed element of the expected information, tr(P ZZ'): I02."""
    if not reml:
        return at.s
    value = at.s
    for row, information in zip(second.m, at.information, strict=True):
        value = value - _over(row[0], information)
    return value


def expected_22(sums: Sums, reml: bool) -> Floats:
    """Psi-psi element of the expected information, tr(P ZZ' P ZZ'): I22."""
    at, second, third = sums
    if not reml:
        return second.m[0][0]
    information = at.information
    lost = sum(_over(row[0], of) for row, of in zip(third.m, information, strict=True))
    value = second.m[0][0] - 2.0 * lost
    for a, row in enumerate(second.m):
        own = _over(row[0], information[a])
        value = value + own * own
        for m, of in zip(row[1:], information[a + 1 :], strict=True):
            value = value + 2.0 * _over(m * m / information[a], of)
    return value


def _over(value: Floats, information: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(value / information)


def score(at: Profile, second: Second, nu: Ints | int, reml: bool) -> Floats:
    """Minus RSS times d(-2 log L)/d psi: nu g1 - RSS I02; positive: psi should grow."""
    return np.asarray(nu * second.g1 - at.rss * expected_02(at, second, reml))


def score_slope(sums: Sums, nu: Ints | int, reml: bool) -> Floats:
    """Derivative of `score` in psi: -2 nu g2 + g1 I02 + RSS I22."""
    at, second, third = sums
    first = second.g1 * expected_02(at, second, reml)
    return np.asarray(-2.0 * nu * third.g2 + first + at.rss * expected_22(sums, reml))


def criterion(moments: Moments, at: Profile, psi: Floats, reml: bool, n_fixed: int) -> Floats:
    """lme4's REML criterion, or -2 log-likelihood under ML, constants included.

    Bates, Maechler, Bolker & Walker (2015, J. Stat. Softw. 67), eqs. 34 and 42, for one
    scalar random effect.
    """
    if isinstance(moments, Pooled):
        log_w = -moments.n_clusters * np.log1p(moments.cluster_size * psi)
    else:
        log_w = -gram.dot(np.log1p(moments.weights * psi))
    nu = residual_df(moments.n_obs, reml, n_fixed)
    fixed = sum(np.log(of) for of in at.information) if reml else 0.0
    return np.asarray(-log_w + fixed + nu * (1.0 + np.log(2.0 * np.pi * at.rss / nu)))
