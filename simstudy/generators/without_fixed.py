"""The errors of data sets: the same draws without their fixed part."""

from __future__ import annotations

from dataclasses import replace

from simstudy.generators.scenario import Scenario

_HARDLY = 1e-300  # moves no number, where 0 might be drawn at another grain


def without_fixed_part(scenario: Scenario) -> Scenario:
    """A scenario whose y are the errors of a scenario, where both have one source of numbers.

    Streams are named by the digest that a `Source` is given, and no draw depends on the size of
    a slope. Errors are effects of clusters and units; what slopes differ by is not among them.
    """
    return replace(
        scenario,
        slope=_hardly(scenario.slope),
        intercept=_hardly(scenario.intercept),
        contextual_effect=_hardly(scenario.contextual_effect),
        slope_sd=_hardly(scenario.slope_sd),
        covariates=tuple(replace(one, slope=_hardly(one.slope)) for one in scenario.covariates),
    )


def _hardly(value: float) -> float:
    return _HARDLY if value else 0.0
