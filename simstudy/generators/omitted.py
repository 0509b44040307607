"""What covariates that are left out of a model add to its errors."""

from __future__ import annotations

import numpy as np

from simstudy.generators import components
from simstudy.generators.components import Level
from simstudy.generators.scenario import Covariate, Scenario


def unadjusted_icc(scenario: Scenario) -> float | None:
    """Intraclass correlation of y given x alone, at x = 0; None where it is not known.

    An independent z adds slope^2 icc between clusters and slope^2 (1 - icc) within; a
    correlated one what x leaves of it.
    """
    if scenario.generator is not None:
        return None
    between, within = scenario.tau2, scenario.sigma2
    for one in components.given_covariates(scenario):
        parts = _binary(scenario, one)
        if parts is None:
            return None
        between, within = between + one.slope**2 * parts[0], within + one.slope**2 * parts[1]
    between += _left(scenario, "between")
    within += _left(scenario, "within")
    return between / (between + within)


def _left(scenario: Scenario, level: Level) -> float:
    """Variance that x leaves of the normal covariates' part of y."""
    slopes = np.array([one.slope for one in components.normal_covariates(scenario)])
    if not slopes.size:
        return 0.0
    matrix = np.array(components.covariances(scenario, level))
    if scenario.x == "normal":
        of_x, along, matrix = matrix[0, 0], matrix[0, 1:], matrix[1:, 1:]
        if of_x > 0:
            matrix = matrix - np.outer(along, along) / of_x
    return float((slopes[:, None] * matrix * slopes).sum())


def _binary(scenario: Scenario, covariate: Covariate) -> tuple[float, float] | None:
    """Variances between and within clusters, as an analysis of variance finds them."""
    n, j = scenario.equal_size, scenario.n_clusters
    if covariate.type == "binary" and covariate.icc == 0:
        return 0.0, 0.25
    if covariate.type == "binary":
        treated = j // 2
        return treated * (j - treated) / (j * (j - 1)), 0.0
    if covariate.type == "binary_blocked" and n and n % 2 == 0:
        within = n / (4 * (n - 1))
        return -within / n, within
    return None
