"""How far a measure is from what it should be, method by method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.report.found.cells import Estimate, MethodCells
from simstudy.report.found.conditions import Some, some_of


class Spread(NamedTuple):
    """Values of a method against the value that they should have.

    Attributes
    ----------
    n : int
        Scenarios.
    target : float
    below, above : int
        Where the interval is on one side of the target.
    off : Some
        Both.
    worst : Estimate
        Of those that are `off`, that furthest from the target; of all where none is.
    median : Estimate or None
    """

    n: int
    target: float
    below: int
    above: int
    off: Some
    worst: Estimate
    median: Estimate | None


def spread(cells: MethodCells, target: float) -> Spread:
    """Hold a method's values of a measure against a target."""
    off = cells.away(target)
    return Spread(
        len(cells),
        target,
        int((cells.high < target).sum()),
        int((cells.low > target).sum()),
        some_of(cells.levels, off),
        cells.furthest(target, off),
        cells.median,
    )


def complement(coverage: MethodCells, type1: MethodCells | None) -> bool:
    """Whether coverage is one minus the Type I error, wherever there is any."""
    return (
        type1 is not None
        and coverage.rows == type1.rows
        and bool(np.allclose(coverage.value + type1.value, 1.0, rtol=0, atol=1e-12))
    )
