"""What an answer is, and what every method's answers share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.moments import Numbers
from simstudy.numerics.tails import critical_value
from simstudy.theory.omission import World
from simstudy.theory.predictors import Spread
from simstudy.theory.quadrature import CENTRAL, Nodes, noncentrality

Options = Mapping[str, str]


class Answer(NamedTuple):
    """What theory says a measure is: `exact`, or `asymptotic` (many clusters)."""

    value: float
    kind: str


class Law(NamedTuple):
    """What is known of one method.

    Attributes
    ----------
    options : mapping of str to tuple of str
        The options and values that were thought of; others have no answers.
    usable : callable
        Whether a scenario has replications that can be fitted.
    world : callable
        A scenario as the method sees it, which the other functions are about.
    drift : callable
        By how much the estimates' centre is off the slope, where the errors leave it.
    rejection : callable
        (scenario, options, alpha, shift) -> P(p < alpha) when the centre of the estimates is
        `shift` off the tested value.
    """

    options: Mapping[str, tuple[str, ...]]
    world: Callable[[Scenario, Collection[str]], World | None]
    usable: Callable[[Scenario], bool]
    bias: Callable[[Scenario, Options], Answer | None]
    rejection: Callable[[Scenario, Options, float, float], Answer | None]
    se_error: Callable[[Scenario, Options], Answer | None] = lambda scenario, options: None
    share_boundary: Callable[[Scenario, Options], Answer | None] = lambda scenario, options: None
    drift: Callable[[Scenario], float] = lambda scenario: 0.0

    def knows(self, options: Options) -> bool:
        """Whether all of these were thought of."""
        named = set(options) == set(self.options)
        return named and all(value in self.options[name] for name, value in options.items())


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
