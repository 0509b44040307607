"""What the covariates of a model are, and what they leave of a normal predictor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from simstudy.generators import components
from simstudy.generators.given import constant_within
from simstudy.generators.scenario import Correlation, Covariate, Scenario
from simstudy.moments import Floats

CLUSTERS, UNITS, TOTAL = (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)  # weights of the components
_ROUNDING = 1e-12


def n_fixed(scenario: Scenario) -> int:
    """Columns of a model with an intercept, x and all covariates: 1 + p."""
    return 2 + len(scenario.covariates)


def is_constant(covariate: Covariate) -> bool:
    """Whether a covariate never varies within a cluster."""
    if covariate.given is not None:
        return constant_within(covariate.given)
    return covariate.icc == 1


def n_varying(scenario: Scenario) -> int:
    """Covariates that vary within clusters."""
    return sum(not is_constant(covariate) for covariate in scenario.covariates)


def all_normal(covariates: Iterable[Covariate]) -> bool:
    """Whether all of some covariates are drawn with the errors."""
    return all(covariate.type == "normal" for covariate in covariates)


def any_normal(scenario: Scenario) -> bool:
    """Whether what covariates leave of x is drawn anew, so that it may be all but nothing."""
    return bool(components.normal_names(scenario))


def any_normal_within(scenario: Scenario) -> bool:
    """The same of what they leave within clusters."""
    varying = [one.type for one in scenario.covariates if not is_constant(one)]
    return "normal" in (scenario.x, *varying)


def covariances(scenario: Scenario, between: float, within: float) -> Floats:
    """Covariances of the normal predictors, of weighted cluster and unit components."""
    outer, inner = (
        np.array(components.covariances(scenario, level)) for level in components.LEVELS[::-1]
    )
    n = len(components.normal_names(scenario))
    return np.asarray(between * outer + within * inner).reshape(n, n)


def on_covariates(matrix: Floats) -> Floats:
    """Coefficients of a normal x on the normal covariates; those without variance have 0."""
    return np.asarray(np.linalg.pinv(matrix[1:, 1:], hermitian=True) @ matrix[1:, 0])


def in_place_of_x(scenario: Scenario, name: str) -> Scenario | None:
    """The same scenario with a covariate for its x, which gets the name of the covariate.

    None where y depends on x otherwise than by one slope, or where there is no such covariate:
    a method may be asked for elsewhere alone.
    """
    known = {one.name for one in scenario.covariates}
    if scenario.contextual_effect or scenario.slope_sd or name not in known:
        return None
    as_covariate = Covariate("x", scenario.x_icc, scenario.slope, scenario.x, given=scenario.given)
    named = {one.name: one for one in (as_covariate, *scenario.covariates)}
    tested = named.pop(name)
    renamed = {other: other for other in named} | {name: "x", "x": name}
    names = components.normal_names(scenario)
    inner, outer = (components.correlations(scenario, level) for level in components.LEVELS)
    pairs = {
        one: tuple(
            Correlation(renamed[other], inner[k][m], outer[k][m])
            for m, other in enumerate(names)
            if m != k
        )
        for k, one in enumerate(names)
    }
    others = tuple(
        replace(one, name=renamed[one.name], correlations=pairs.get(one.name, ()))
        for one in named.values()
    )
    return replace(
        scenario, x=tested.type, x_icc=tested.icc, slope=tested.slope, given=tested.given,
        covariates=others,
    )  # fmt: skip


def share_left(scenario: Scenario, between: float, within: float) -> float:
    """Share of the variance of x that the normal covariates leave; exactly 1 of another x."""
    if scenario.x != "normal" or not scenario.covariates:
        return 1.0
    matrix = covariances(scenario, between, within)
    if not matrix[0, 1:].any():
        return 1.0
    return float(1.0 - matrix[0, 1:] @ on_covariates(matrix) / matrix[0, 0])


def icc_left(scenario: Scenario) -> float:
    """Share between clusters of what the normal covariates leave of a normal x."""
    assert scenario.x_icc is not None
    if scenario.x != "normal" or not scenario.covariates:
        return scenario.x_icc
    whole = covariances(scenario, *TOTAL)
    if not whole[0, 1:].any():
        return scenario.x_icc
    along = np.append(1.0, -on_covariates(whole))
    return float(along @ covariances(scenario, *CLUSTERS) @ along / (along @ whole @ along))


def leaves_independent_units(scenario: Scenario) -> bool:
    """Whether a normal x of icc 0 is, given the covariates, drawn independently for every unit.

    It is not where it goes with the unit component of a covariate that has another, which the
    model does not see apart.
    """
    if not scenario.covariates:
        return True
    along = on_covariates(covariances(scenario, *UNITS))
    return all(
        abs(slope) <= _ROUNDING or covariate.icc == 0
        for slope, covariate in zip(along, components.normal_covariates(scenario), strict=True)
    )


def are_independent_of_x(scenario: Scenario) -> bool:
    """Whether no covariate is correlated with a normal x, at either level."""
    return all(not covariances(scenario, *level)[0, 1:].any() for level in (CLUSTERS, UNITS))
