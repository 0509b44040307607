"""What an answer is, and what every method's answers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.moments import Numbers
from simstudy.numerics.tails import critical_value
from simstudy.theory.predictors import Spread
from simstudy.theory.quadrature import CENTRAL, Nodes, noncentrality


class Answer(NamedTuple):
    """What theory says a measure is: `exact`, or `asymptotic` (many clusters)."""

    value: float
    kind: str


def exactly(value: Numbers) -> Answer:
    """An exact answer."""
    return Answer(float(value), "exact")


def asymptotically(value: float) -> Answer:
    """The limit for many clusters."""
    return Answer(float(value), "asymptotic")


def critical(rule: str, alpha: float, rules: Mapping[str, float]) -> float:
    """Critical value of |t| under z ("wald") or a rule of `rules`: name -> df."""
    return float(critical_value(np.inf if rule == "wald" else rules[rule], alpha))


def shifted_by(
    scenario: Scenario, shift: float, spread: Spread | None, variance: float
) -> Nodes | None:
    """Noncentrality of a slope `shift` off the tested one; None where it is not known.

    Parameters
    ----------
    spread : Spread or None
        Sum of squares of x that the estimate uses.
    variance : float
        Variance of the estimate times that sum of squares, in units of the total variance.
    """
    if shift == 0:
        return CENTRAL
    if spread is None:
        return None
    squared = shift * shift * spread.scale / (variance * scenario.total_variance)
    return noncentrality(squared, spread.df, spread.lost)
