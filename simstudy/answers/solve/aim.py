"""What is sought: a target of a measure, along a field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simstudy.moments import Floats

_DIGITS = 3  # of a level of a field that is not whole, where nothing finer is wanted
_SHARE = 0.005  # nearest that a share is sought by default, and 1 % of any other root
_OF_ROOT = 0.01
FINE = 3.0  # grid steps of a field that is not whole in a tolerance, at least


class Point(NamedTuple):
    """A measure at a level that was tried.

    Attributes
    ----------
    n_reps, n_used : int
        Replications, and those that the measure is of.
    value, mcse : float
        NaN where there is none.
    """

    n_reps: int
    n_used: int
    value: float
    mcse: float


@dataclass(frozen=True, slots=True)
class Axis:
    """A field as an axis to seek along.

    Attributes
    ----------
    name : str
    low, high : float
        Where it is sought.
    unit : float
        Levels are multiples of it; 0 where it is not whole.
    log : bool
        Whether levels are compared by their ratios.
    share : bool
        Whether it is bounded by 1.
    """

    name: str
    low: float
    high: float
    unit: float
    log: bool
    share: bool

    def of(self, level: float) -> float:
        """Place of a level."""
        return math.log(level) if self.log else level

    def back(self, place: float) -> float:
        """Level of a place; within a factor of the range where that is infinite."""
        if not self.log:
            return place
        return math.exp(min(place, 700.0))

    def on_grid(self, level: float, unit: float, toward: int = 0) -> float:
        """The nearest multiple of a unit that is in the range, or that on a side of the level."""
        steps = level / unit
        near = round(steps)
        if toward and abs(steps - near) > 1e-9:
            near = math.ceil(steps) if toward > 0 else math.floor(steps)
        least, most = math.ceil(self.low / unit - 1e-9), math.floor(self.high / unit + 1e-9)
        return tidy(min(max(near, least), most) * unit)

    def middle(self, low: float, high: float) -> float:
        """The level halfway between two."""
        return math.sqrt(low * high) if self.log and low > 0 else (low + high) / 2

    def rounded(self, level: float) -> float:
        """A level to try where no grid is known yet."""
        if self.unit:
            return self.on_grid(level, self.unit)
        if not level:
            return level
        places = _DIGITS - 1 - math.floor(math.log10(abs(level)))
        return tidy(min(max(round(level, places), self.low), self.high))


@dataclass(frozen=True, slots=True)
class Aim:
    """A target of a measure along an axis.

    Attributes
    ----------
    axis : Axis
    measure : str
        As it was asked for: power, type1_error, coverage, bias, ...
    target : float
    at_least : bool
        Whether the target holds from it up, or down.
    rate : bool
        Whether the measure is a share of replications.
    tolerance : float or None
        Farthest that an end of the interval may be from the root; None: a unit, or 1 %.
    first, most : int
        Replications of a level, at first and at most: a power of two apart.
    """

    axis: Axis
    measure: str
    target: float
    at_least: bool
    rate: bool
    tolerance: float | None
    first: int
    most: int

    def near(self, root: float) -> float:
        """Farthest that an end of the interval may be from this root."""
        if self.tolerance is not None:
            return self.tolerance
        if self.axis.unit:
            return self.axis.unit
        share = _SHARE if self.axis.share else 0.0
        return max(_OF_ROOT * abs(root), share)

    def unit(self, root: float) -> float:
        """Of the grid on which a root like this is given."""
        return self.axis.unit or 10.0 ** math.floor(math.log10(self.near(root) / FINE))

    def reps(self, wanted: float) -> int:
        """Replications of a level that are at least so many, or the most."""
        number = self.first
        while number < min(wanted, self.most):
            number *= 2
        return number

    def error(self, point: Point) -> float:
        """Monte Carlo error of a point; a rate counts one more of either kind, so it is never 0."""
        if not self.rate:
            return point.mcse
        share = (point.value * point.n_used + 1.0) / (point.n_used + 2.0)
        return math.sqrt(share * (1.0 - share) / point.n_used)

    def signed(self, point: Point) -> float:
        """How far a point is on the side where the target holds, in its Monte Carlo errors."""
        distance, error = point.value - self.target, self.error(point)
        side = distance if self.at_least else -distance
        return side / error if error > 0 else math.copysign(math.inf, side)

    def weight(self, point: Point) -> float:
        """Of a point in a fit: see `numerics.crossing`."""
        return float(point.n_used) if self.rate else 1.0 / max(point.mcse, 1e-300) ** 2


def tidy(level: float) -> float:
    """A level without the dust of arithmetic in doubles."""
    return float(f"{level:.10g}")


def arrays(aim: Aim, points: dict[float, Point]) -> tuple[Floats, Floats, Floats]:
    """Places, values and weights of points."""
    places = np.array([aim.axis.of(level) for level in points])
    values = np.array([point.value for point in points.values()])
    return places, values, np.array([aim.weight(point) for point in points.values()])
