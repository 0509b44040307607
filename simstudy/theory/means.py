"""What theory says of the regression on cluster means.

Equal clusters: given the predictors the means are independent with one variance, for every x
whose means vary. It estimates the between-cluster slope, contextual effect included.
"""

from __future__ import annotations

from collections.abc import Mapping

from simstudy.generators.scenario import Scenario
from simstudy.theory import covariates
from simstudy.theory.law import Answer, critical, exactly, shifted_by
from simstudy.theory.predictors import between_spread, fixed_x
from simstudy.theory.quadrature import two_sided

_ROUNDING = 1e-24  # of the sum of squares of x: then its cluster means do not differ


def usable(scenario: Scenario) -> bool:
    """Whether there are degrees of freedom and cluster means that differ."""
    fixed = fixed_x(scenario)
    differ = fixed is None or bool(fixed.between > _ROUNDING * fixed.total)
    halved = not any(n % 2 for n in scenario.size.values) and not scenario.size.random
    blocked = any(covariate.type == "binary_blocked" for covariate in scenario.covariates)
    return _free(scenario) >= 1 and differ and not (halved and blocked)


def _free(scenario: Scenario) -> int:
    return scenario.n_clusters - covariates.n_fixed(scenario)


def drift(scenario: Scenario) -> float:
    """The between-cluster slope is off the within-cluster one by the contextual effect."""
    return scenario.contextual_effect


def _one_variance(scenario: Scenario, options: Mapping[str, str]) -> bool:
    """Whether the weights are right: equal clusters, or weights n_j without an ICC."""
    if scenario.slope_sd:
        return False
    if scenario.equal_size:
        return True
    return options["weights"] == "size" and scenario.icc == 0


def bias(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """The contextual effect."""
    return exactly(scenario.contextual_effect)


def se_error(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero where the weights are right and the slope has a variance."""
    if not _one_variance(scenario, options):
        return None
    if covariates.any_normal(scenario) and _free(scenario) < 2:
        return None
    return exactly(0.0)


def rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    """P(p < alpha) when the between-cluster slope is `shift` off the tested one."""
    if not _one_variance(scenario, options):
        return None
    variance = 1.0 + ((scenario.equal_size or 1) - 1) * scenario.icc
    shifted = shifted_by(scenario, shift, between_spread(scenario), variance)
    if shifted is None:
        return None
    free = _free(scenario)
    threshold = critical(options["df"], alpha, {"residual": free})
    return exactly(two_sided(threshold, free, shifted))
