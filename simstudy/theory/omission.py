"""What a model leaves out, as part of its slopes and of its errors.

Normal covariates are a linear function of the fitted normal predictors and a rest that is
independent of them, at each level: the function moves the slopes, the rest is error.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simstudy.generators import components
from simstudy.generators.scenario import Covariate, Scenario
from simstudy.moments import Floats
from simstudy.theory.covariates import CLUSTERS, UNITS, all_normal, covariances, is_constant


class World(NamedTuple):
    """A scenario as a model sees it.

    Attributes
    ----------
    scenario : Scenario
        With the fitted covariates alone; icc and total variance are those given them.
    drift : float
        By how much the slope of x is off the true one.
    linear : bool
        Whether there is one slope for both levels; else the drift is that of many clusters.
    """

    scenario: Scenario
    drift: float = 0.0
    linear: bool = True


def of_units(scenario: Scenario, omit: Collection[str]) -> World | None:
    """As a model sees it that looks at units about their clusters only."""
    fitted, missed = _split(scenario, omit)
    missed = [covariate for covariate in missed if not is_constant(covariate)]
    if not all_normal(missed):
        return None
    if not missed:
        return World(fitted)
    slopes, rest = _regression(scenario, fitted, missed, UNITS)
    return _world(fitted, slopes, 0.0, rest)


def of_means(scenario: Scenario, omit: Collection[str]) -> World | None:
    """As a model of cluster means sees it."""
    fitted, missed = _split(scenario, omit)
    n = scenario.equal_size
    if n is None or not missed or not all_normal(missed):
        return of_one_slope(scenario, omit)
    inner = _regression(scenario, fitted, missed, UNITS).rest
    outer = _regression(scenario, fitted, missed, (1.0, 1.0 / n))
    return _world(fitted, outer.slopes, outer.rest - inner / n, inner)


def of_one_slope(scenario: Scenario, omit: Collection[str]) -> World | None:
    """As a model of both levels sees it, where x has one slope for both."""
    found = of_all(scenario, omit)
    return found if found is not None and found.linear else None


def of_all(scenario: Scenario, omit: Collection[str]) -> World | None:
    """As a model of both levels sees it."""
    fitted, missed = _split(scenario, omit)
    if not missed:
        return World(fitted)
    if not all_normal(missed):
        return None
    outer, inner = (_regression(scenario, fitted, missed, level) for level in (CLUSTERS, UNITS))
    varying = [np.diag(covariances(fitted, *level)) > 0 for level in (CLUSTERS, UNITS)]
    both = varying[0] & varying[1]
    if np.allclose(outer.slopes[both], inner.slopes[both], rtol=1e-9, atol=1e-12):
        slopes = np.where(varying[1], inner.slopes, outer.slopes)
        return _world(fitted, slopes, outer.rest, inner.rest)
    limit = _regression(scenario, fitted, missed, (1.0, 1.0))
    return _world(fitted, limit.slopes, outer.rest, inner.rest)._replace(linear=False)


def _split(scenario: Scenario, omit: Collection[str]) -> tuple[Scenario, list[Covariate]]:
    """The scenario with the fitted covariates, and those others that y depends on."""
    if not omit:
        return scenario, []
    fitted = tuple(one for one in scenario.covariates if one.name not in omit)
    missed = [one for one in scenario.covariates if one.name in omit and one.slope]
    return replace(scenario, covariates=fitted), missed


class _Regression(NamedTuple):
    """Of what is missed on the fitted normal predictors: slopes, and the variance of the rest."""

    slopes: Floats
    rest: float


def _regression(
    scenario: Scenario, fitted: Scenario, missed: Collection[Covariate], level: tuple[float, float]
) -> _Regression:
    names = components.normal_names(scenario)
    kept = [names.index(name) for name in components.normal_names(fitted)]
    out = [names.index(one.name) for one in missed]
    gamma = np.array([one.slope for one in missed])
    matrix = covariances(scenario, *level)
    along = matrix[np.ix_(kept, out)] @ gamma
    slopes = np.linalg.pinv(matrix[np.ix_(kept, kept)], hermitian=True) @ along
    return _Regression(slopes, float(gamma @ matrix[np.ix_(out, out)] @ gamma - slopes @ along))


def _world(fitted: Scenario, slopes: Floats, tau2: float, sigma2: float) -> World:
    """With more variance of the errors, and other slopes."""
    total = fitted.total_variance + tau2 + sigma2
    seen = replace(fitted, icc=(fitted.tau2 + tau2) / total, total_variance=total)
    return World(seen, float(slopes[0]) if fitted.x == "normal" else 0.0)
