"""Where theory expects a root: the first guess of a search."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from scipy.special import ndtri

from simstudy.answers.solve.aim import Aim

_COARSE = 14  # levels over the whole range
_STEPS = 6  # of a secant between two of them
_CLOSE = 0.002  # of the place, from which a guess is good


def guess(aim: Aim, value: Callable[[float], float | None]) -> float | None:
    """The root of a curve that is known, about; None where it is not known to cross.

    Parameters
    ----------
    aim : Aim
    value : callable
        Level -> what theory says of the measure, or None.
    """
    axis = aim.axis
    low, high = axis.of(axis.low), axis.of(axis.high)
    levels = {axis.rounded(axis.back(low + k / _COARSE * (high - low)))
              for k in range(_COARSE + 1)}  # fmt: skip
    known = [(x, side) for x in sorted(levels) if (side := _side(aim, value(x))) is not None]
    steps = [(a, b) for a, b in itertools.pairwise(known) if a[1] * b[1] < 0]
    if not steps:
        return None
    return _between(aim, value, *steps[-1 if known[-1][1] > 0 else 0])


def _side(aim: Aim, found: float | None) -> float | None:
    """How far a value is on the side where the target holds; of rates in probits."""
    if found is None or math.isnan(found):
        return None
    distance = found - aim.target
    if aim.rate:
        inside = min(max(found, 1e-12), 1.0 - 1e-12)
        distance = float(ndtri(inside) - ndtri(aim.target))
    return distance if aim.at_least else -distance


def _between(
    aim: Aim, value: Callable[[float], float | None], a: tuple[float, float], b: tuple[float, float]
) -> float:
    """A secant from two levels on both sides, which keeps them so."""
    axis = aim.axis
    for _ in range(_STEPS):
        place, last = axis.of(a[0]), axis.of(b[0])
        share = min(max(a[1] / (a[1] - b[1]), 0.05), 0.95)
        level = axis.rounded(axis.back(place + share * (last - place)))
        if level in (a[0], b[0]) or abs(last - place) < _CLOSE * max(abs(place), 1e-3):
            break
        side = _side(aim, value(level))
        if side is None:
            break
        if side * a[1] < 0:
            b = level, side
        else:
            a = level, side
    return a[0] if abs(a[1]) < abs(b[1]) else b[0]
