"""Degrees of freedom and adjusted variance of a random-intercept contrast.

Satterthwaite as lmerTest (observed information), Kenward-Roger as pbkrtest (expected
information): two calls of one formula.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Factor, Floats, Ints
from simstudy.numerics import likelihood
from simstudy.numerics.weighted import Sums


class Contrast(NamedTuple):
    """One linear function of (level at mean x, slope), times sigma2 where a variance."""

    variance: Floats  # l' Phi l
    ratio: Floats  # z' M1 z / variance, z = Phi l: the variance's relative growth with psi
    curvature: Floats  # z' (M2 - M1 Phi M1) z


def contrast(sums: Sums, level: float, slope: Floats | float) -> Contrast:
    """Variance of level * (intercept at mean x) + slope * b and what its df needs.

    Parameters
    ----------
    sums : Sums of arrays, shape (R,)
    level, slope : floats or arrays, shape (R,)
        (0, 1) is the slope; (1, -mean_x) the intercept.
    """
    at, second, third = sums
    z1, z2 = level / at.s, slope / at.d
    variance = level * z1 + slope * z2
    m11, m12, m22, _ = second
    first = z1 * z1 * m11 + 2.0 * z1 * z2 * m12 + z2 * z2 * m22
    v1, v2 = m11 * z1 + m12 * z2, m12 * z1 + m22 * z2
    outer = z1 * z1 * third.q11 + 2.0 * z1 * z2 * third.q12 + z2 * z2 * third.q22
    return Contrast(variance, first / variance, outer - v1 * v1 / at.s - v2 * v2 / at.d)


def independent(first: Contrast, second: Contrast) -> Contrast:
    """Sum of two linear functions that share no element of the information at any psi."""
    variance = first.variance + second.variance
    growth = first.variance * first.ratio + second.variance * second.ratio
    return Contrast(variance, growth / variance, first.curvature + second.curvature)


def within_slope(within: Factor) -> Contrast:
    """A slope on x about its cluster means alone: its variance does not depend on psi."""
    none = np.zeros_like(within.a)
    return Contrast(1.0 / (within.a * within.a), none, none)


def _df(nu: Floats | Ints | int, i02: Floats, i22: Floats, ratio: Floats) -> Floats:
    top = nu * i22 - i02 * i02
    return np.asarray(top / (i22 - 2.0 * i02 * ratio + nu * ratio * ratio))


def kenward_roger(sums: Sums, of: Contrast, nu: Ints | int) -> tuple[Floats, Floats]:
    """Kenward-Roger df and inflated variance (Kenward & Roger 1997, Biometrics 53:983-997).

    Parameters
    ----------
    nu : N less the number of fixed effects

    Returns
    -------
    df : array, shape (R,)
    inflation : array, shape (R,)
        Adjusted over unadjusted variance, at least 1 for the slope.
    """
    i02 = likelihood.expected_02(sums.at, sums.second, True)
    i22 = likelihood.expected_22(sums, True)
    adjustment = 4.0 * nu / (nu * i22 - i02 * i02) * of.curvature
    return _df(nu, i02, i22, of.ratio), 1.0 + adjustment / of.variance


def satterthwaite(
    sums: Sums, of: Contrast, nu: Ints | int, boundary: Bools, *, reml: bool
) -> Floats:
    """Satterthwaite df from the observed information (Kuznetsova et al. 2017, lmerTest).

    At the boundary tau2 = 0 the df is nu = N - p (ML: N), as lmerTest, which differentiates in
    sqrt(psi), where the derivative vanishes.
    """
    at, second, third = sums
    sigma2 = at.rss / nu
    a02 = -likelihood.expected_02(at, second, reml) + 2.0 * second.g1 / sigma2
    a22 = -likelihood.expected_22(sums, reml) + 2.0 * third.g2 / sigma2
    return np.where(boundary, nu, _df(nu, a02, a22, of.ratio))
