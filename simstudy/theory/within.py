"""What theory says of the dummy (within) fit.

Given the predictors its estimate is an ordinary least-squares one with independent errors and
N - J - w degrees of freedom, w the predictors that vary within clusters, whatever the clusters
do: also with a contextual effect. Slopes that vary are part of its errors.
"""

from __future__ import annotations

from collections.abc import Mapping

from simstudy.generators.scenario import Scenario
from simstudy.theory import balanced, covariates, design_effect
from simstudy.theory.law import Answer, asymptotically, critical, exactly, shifted_by
from simstudy.theory.predictors import (
    fixed_sizes,
    is_cluster_level,
    largest_n_obs,
    smallest_n_obs,
    within_spread,
)
from simstudy.theory.quadrature import Nodes, two_sided


def usable(scenario: Scenario) -> bool:
    """Whether x can vary within clusters and leave degrees of freedom."""
    least = 2 + covariates.n_varying(scenario)
    return not is_cluster_level(scenario) and largest_n_obs(scenario) - scenario.n_clusters >= least


def bias(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero."""
    return exactly(0.0)


def se_error(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero: the variance is estimated without bias given the predictors.

    Exactly so where the slope has a variance: with a normal predictor and N - J - w = 1 it has
    not, which random sizes allow with a probability that vanishes as J grows.
    """
    if options["se"] != "classical":
        return None
    if scenario.slope_sd:
        return _varying_se_error(scenario)
    free = smallest_n_obs(scenario) - scenario.n_clusters - covariates.n_varying(scenario)
    if not covariates.any_normal_within(scenario) or free >= 3:
        return exactly(0.0)
    return asymptotically(0.0) if scenario.size.random else None


def rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    """P(|t| > critical value) when the slope is `shift` off the tested one."""
    if options["se"] != "classical" or options["df"] == "satterthwaite":
        return None
    sizes = fixed_sizes(scenario)
    if sizes is None or not _rank_is_known(scenario):
        if shift != 0 or scenario.slope_sd:
            return None
        return exactly(alpha) if options["df"] == "residual" else asymptotically(alpha)
    free = int(sizes.sum()) - scenario.n_clusters - covariates.n_varying(scenario)
    rules = {"residual": free - 1, "clusters": scenario.n_clusters - 1}
    threshold = critical(options["df"], alpha, rules)
    if scenario.slope_sd:
        return _varying_rejection(scenario, alpha, threshold, shift)
    shifted = shifted_by(scenario, shift, within_spread(scenario), 1.0 - scenario.icc)
    if shifted is None:
        return None
    return exactly(two_sided(threshold, free - 1, shifted))


def _rank_is_known(scenario: Scenario) -> bool:
    """Whether the given predictors that vary within clusters cannot be collinear there."""
    kinds = [one.type for one in scenario.covariates if not covariates.is_constant(one)]
    given = [kind for kind in (scenario.x, *kinds) if kind != "normal"]
    return len(given) <= 1 and "binary" not in kinds


# --- slopes that vary -------------------------------------------------------------------------


def _halved(scenario: Scenario) -> balanced.Strata | None:
    """What is left of the errors where half of the units of each of equal clusters is treated.

    The slopes of the clusters are independent, with one variance.
    """
    n, j = scenario.equal_size, scenario.n_clusters
    if scenario.x != "binary_blocked" or not n or n % 2 or covariates.n_varying(scenario):
        return None
    outer = scenario.sigma2 + scenario.slope_sd**2 * n / 4
    return balanced.Strata(outer, scenario.sigma2, j - 1, j * n - 2 * j)


def _varying_se_error(scenario: Scenario) -> Answer | None:
    left = _halved(scenario)
    if left is not None:
        return exactly(balanced.se_bias(left))
    effect = design_effect.of_dummy(scenario)
    return None if effect is None else asymptotically(design_effect.se_bias(effect))


def _varying_rejection(
    scenario: Scenario, alpha: float, threshold: float, shift: float
) -> Answer | None:
    left = _halved(scenario)
    if left is not None:
        variance = left.outer / scenario.total_variance
        shifted: Nodes | None = shifted_by(scenario, shift, within_spread(scenario), variance)
        return None if shifted is None else exactly(balanced.naive(left, threshold, shifted))
    effect = design_effect.of_dummy(scenario)
    if effect is None or shift != 0:
        return None
    return asymptotically(design_effect.size(effect, alpha))
