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

_Z95 = 1.959963984540054
_STEPS = 50
_SMALL = 1e-10  # of a step, in SEs
_FARTHEST = 8.0  # probits: no rate that is simulated is farther out
_LONE = 1e-9  # of the spread of the points: they are one place


class Line(NamedTuple):
    """A fitted line, of rates in probits.

    Attributes
    ----------
    center, spread : float
        What is 0 on the line's own axis, and what is 1 beyond it.
    level, slope : float
        At 0 of that axis, and along it.
    cov : array, shape (2, 2)
        Covariances of level and slope.
    misfit : float
        Sum of squares of the points' distances, in their own errors.
    rate : bool
    first, last : float
        The outermost points.
    """

    center: float
    spread: float
    level: float
    slope: float
    cov: Floats
    misfit: float
    rate: bool
    first: float
    last: float

    def at(self, place: Floats) -> tuple[Floats, Floats, Floats]:
        """The fitted measure at some places, and its pointwise 95 % interval."""
        d = (place - self.center) / self.spread
        fitted = self.level + self.slope * d
        half = _Z95 * np.sqrt(self.cov[0, 0] + 2 * d * self.cov[0, 1] + d * d * self.cov[1, 1])
        three = fitted, fitted - half, fitted + half
        return (ndtr(three[0]), ndtr(three[1]), ndtr(three[2])) if self.rate else three


class Crossing(NamedTuple):
    """Where a line crosses a target.

    Attributes
    ----------
    place : float
        NaN where the line is level.
    low, high : float
        95 % interval (Fieller); infinite where the line cannot be told from a level one.
    fit : float
        p-value of the points' distances from the line; 1 where two points make it.
    line : Line or None
        None where the points are at one place.
    """

    place: float
    low: float
    high: float
    fit: float
    line: Line | None

    @property
    def upward(self) -> bool:
        """Whether the line rises."""
        return self.line is not None and self.line.slope > 0


def crossing(place: Floats, value: Floats, weight: Floats, target: float, rate: bool) -> Crossing:
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

    Returns
    -------
    Crossing
        The interval's error is that of the normal approximation, and of the line where the
        curve is none between the points.
    """
    center, spread = float(np.average(place, weights=weight)), float(np.ptp(place))
    if spread <= _LONE * max(abs(center), _LONE):
        return Crossing(math.nan, -math.inf, math.inf, 1.0, None)
    fitted = (_probit if rate else _weighted)((place - center) / spread, value, weight)
    line = Line(center, spread, *fitted, rate, float(place.min()), float(place.max()))
    distance = line.level - (float(ndtri(target)) if rate else target)
    left = place.size - 2
    fit = float(gammaincc(left / 2.0, line.misfit / 2.0)) if left else 1.0
    at = -distance / line.slope if line.slope else math.nan
    low, high = _fieller(distance, line.slope, line.cov)
    return Crossing(center + spread * at, center + spread * low, center + spread * high, fit, line)


def _weighted(x: Floats, value: Floats, weight: Floats) -> tuple[float, float, Floats, float]:
    """Level, slope, their covariances and the misfit, by weighted least squares."""
    design = np.stack([np.ones_like(x), x], axis=1)
    cov = np.asarray(np.linalg.inv(design.T @ (weight[:, None] * design)), dtype=float)
    level, slope = cov @ (design.T @ (weight * value))
    misfit = float(weight @ (value - level - slope * x) ** 2)
    return float(level), float(slope), cov, misfit


def _probit(x: Floats, value: Floats, n: Floats) -> tuple[float, float, Floats, float]:
    """The same by Fisher scoring; half a replication is added to both counts: none is 0."""
    share = (value * n + 0.5) / (n + 1.0)
    design = np.stack([np.ones_like(x), x], axis=1)
    beta = np.linalg.lstsq(design, ndtri(share), rcond=None)[0]
    cov = np.eye(2)
    for _ in range(_STEPS):
        eta = np.clip(design @ beta, -_FARTHEST, _FARTHEST)
        p = ndtr(eta)
        density = np.exp(-0.5 * eta * eta) / math.sqrt(2.0 * math.pi)
        spread = np.maximum(p * ndtr(-eta), 1e-300)
        information = design.T @ ((n * density * density / spread)[:, None] * design)
        cov = np.linalg.pinv(information)
        step = cov @ (design.T @ (n * density * (share - p) / spread))
        longest = float(np.abs(design @ step).max())
        beta = beta + step * min(1.0, 1.0 / longest if longest else 1.0)
        if step @ information @ step < _SMALL:
            break
    p = ndtr(np.clip(design @ beta, -_FARTHEST, _FARTHEST))
    misfit = float(np.sum(n * (share - p) ** 2 / np.maximum(p * (1.0 - p), 1.0 / n)))
    return float(beta[0]), float(beta[1]), cov, misfit


def _fieller(level: float, slope: float, cov: Floats) -> tuple[float, float]:
    """All d with (level + slope d)^2 <= z^2 Var(level + slope d), where that is an interval."""
    square = _Z95 * _Z95
    a = slope * slope - square * cov[1, 1]
    b = slope * level - square * cov[0, 1]
    c = level * level - square * cov[0, 0]
    if a <= 0:
        return -math.inf, math.inf
    half = math.sqrt(max(b * b - a * c, 0.0))
    return (-b - half) / a, (-b + half) / a
