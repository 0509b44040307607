"""A line through the points of a curve near a target, and where it crosses that.

Rates are fitted by maximum likelihood of binomial counts with a probit link, other measures by
least squares weighted by their Monte Carlo errors. The interval of the crossing is Fieller's (1954,
J. R. Stat. Soc. B 16:175-185): the places at which the line cannot be told from the target.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincc, ndtr, ndtri

from simstudy.moments import Floats

_STEPS = 50
_SMALL = 1e-10  # of a step, in SEs
_FARTHEST = 8.0  # probits: no rate that is simulated is farther out
_LONE = 1e-9  # of the spread of the points: they are one place


class Crossing(NamedTuple):
    """Where a line crosses a target.

    Attributes
    ----------
    place : float
        NaN where the line is level.
    low, high : float
        95 % interval; infinite where the line cannot be told from a level one.
    slope, slope_se : float
        Of the line, per unit of the axis; of rates in probits.
    fit : float
        p-value of the points' distances from the line; 1 where two points make it.
    """

    place: float
    low: float
    high: float
    slope: float
    slope_se: float
    fit: float


class _Line(NamedTuple):
    """Level at 0 and slope of a line, and their covariances."""

    level: float
    slope: float
    cov: Floats
    misfit: float


def crossing(
    place: Floats, value: Floats, weight: Floats, target: float, *, rate: bool, z: float
) -> Crossing:
    """Fit a line to points of a curve and say where it crosses a target.

    Parameters
    ----------
    place, value : arrays, shape (K,)
        At least two points, in any order.
    weight : array, shape (K,)
        Replications of each point for a rate; 1 / MCSE squared for another measure.
    target : float
        In the units of `value`.
    rate : bool
        Whether the values are shares of replications.
    z : float
        Half width of the interval in standard errors.

    Returns
    -------
    Crossing
        The interval's error is that of the normal approximation, and of the line where the
        curve is none between the points.
    """
    centre = float(np.average(place, weights=weight))
    spread = float(np.ptp(place))
    if spread <= _LONE * max(abs(centre), _LONE):
        return Crossing(math.nan, -math.inf, math.inf, 0.0, math.inf, 1.0)
    line = (_probit if rate else _weighted)((place - centre) / spread, value, weight)
    goal = float(ndtri(target)) if rate else target
    left = place.size - 2
    fit = float(gammaincc(left / 2.0, line.misfit / 2.0)) if left else 1.0
    low, high = _fieller(line.level - goal, line.slope, line.cov, z)
    at = (goal - line.level) / line.slope if line.slope else math.nan
    at, low, high = (centre + spread * d for d in (at, low, high))
    slope, slope_se = (v / spread for v in (line.slope, math.sqrt(line.cov[1, 1])))
    return Crossing(at, low, high, slope, slope_se, fit)


def _weighted(x: Floats, value: Floats, weight: Floats) -> _Line:
    design = np.stack([np.ones_like(x), x], axis=1)
    cov = np.linalg.inv(design.T @ (weight[:, None] * design))
    level, slope = cov @ (design.T @ (weight * value))
    misfit = float(weight @ (value - level - slope * x) ** 2)
    return _Line(float(level), float(slope), np.asarray(cov, dtype=float), misfit)


def _probit(x: Floats, value: Floats, n: Floats) -> _Line:
    """Fisher scoring; half a replication is added to both counts, so that none is 0."""
    share = (value * n + 0.5) / (n + 1.0)
    design = np.stack([np.ones_like(x), x], axis=1)
    beta = np.linalg.lstsq(design, ndtri(share), rcond=None)[0]
    cov = np.eye(2)
    for _ in range(_STEPS):
        eta = np.clip(design @ beta, -_FARTHEST, _FARTHEST)
        p = ndtr(eta)
        density = np.exp(-0.5 * eta * eta) / math.sqrt(2.0 * math.pi)
        spread = np.maximum(p * ndtr(-eta), 1e-300)
        weight = n * density * density / spread
        cov = np.linalg.pinv(design.T @ (weight[:, None] * design))
        step = cov @ (design.T @ (n * density * (share - p) / spread))
        longest = float(np.abs(design @ step).max())
        beta = beta + step * min(1.0, 1.0 / longest if longest else 1.0)
        if step @ np.linalg.pinv(cov) @ step < _SMALL:
            break
    p = ndtr(np.clip(design @ beta, -_FARTHEST, _FARTHEST))
    misfit = float(np.sum(n * (share - p) ** 2 / np.maximum(p * (1.0 - p), 1.0 / n)))
    return _Line(float(beta[0]), float(beta[1]), cov, misfit)


def _fieller(level: float, slope: float, cov: Floats, z: float) -> tuple[float, float]:
    """All d with (level + slope d)^2 <= z^2 Var(level + slope d), where that is an interval."""
    square = z * z
    a = slope * slope - square * cov[1, 1]
    b = slope * level - square * cov[0, 1]
    c = level * level - square * cov[0, 0]
    if a <= 0:
        return -math.inf, math.inf
    half = math.sqrt(max(b * b - a * c, 0.0))
    return (-b - half) / a, (-b + half) / a
