"""Degrees of freedom and adjusted variance of a random-intercept contrast.

Satterthwaite as lmerTest (observed information), Kenward-Roger as pbkrtest (expected
information): two calls of one formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Factor, Floats, Ints, products
from simstudy.numerics import likelihood, weighted
from simstudy.numerics.symmetric import quadratic, square
from simstudy.numerics.weighted import Sums


class Contrast(NamedTuple):
    """One linear function of level and slopes, times sigma2 where a variance."""

    variance: Floats  # l' Phi l
    ratio: Floats  # z' M1 z / variance, z = Phi l: the variance's relative growth with psi
    curvature: Floats  # z' (M2 - M1 Phi M1) z


def contrast(sums: Sums, weights: Sequence[Floats | float]) -> Contrast:
    """Variance of a linear function of level and slopes and what its df needs.

    Parameters
    ----------
    sums : Sums of arrays, shape (R,)
    weights : sequence of floats or arrays, shape (R,)
        Of the intercept at the means of the predictors and of the slopes of what is left of
        each, as in `Profile`: (0, ..., 0, 1) is the slope of x; (1, -means) the intercept.
    """
    at, second, third = sums
    z = [weight / of for weight, of in zip(weights, at.information, strict=True)]
    variance = products(weights, z)
    first, outer = quadratic(second.m, z), quadratic(third.m, z)
    for row, of in zip(square(second.m), at.information, strict=True):
        v = products(row, z)
        outer = outer - v * v / of
    return Contrast(variance, first / variance, outer)


def of_slope(sums: Sums) -> Contrast:
    """Variance of the slope of x."""
    return contrast(sums, weighted.of_slope(sums.at))


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
