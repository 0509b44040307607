"""What theory says of the pooled fit in a scenario."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.theory import balanced, covariates, unequal
from simstudy.theory.design_effect import design_effect, se_bias, size, slopes_are_known
from simstudy.theory.law import Answer, asymptotically, critical, exactly, shifted_by
from simstudy.theory.predictors import (
    all_cluster_level,
    allocations,
    drawn_by_units,
    fixed_sizes,
    fixed_x,
    independent_errors,
    is_cluster_level,
    largest_n_obs,
    smallest_n_obs,
    total_spread,
)
from simstudy.theory.quadrature import two_sided
from simstudy.theory.robust import ROBUST, Arms

_MOST_CLUSTERS = 300  # eigenvalues of a J x J matrix: 10 ms
_MOST_ALLOCATED = 12_000  # allocations times clusters: 50 ms


def usable(scenario: Scenario) -> bool:
    """Whether some replications can be fitted."""
    constant = len(scenario.covariates) - covariates.n_varying(scenario)
    levels = 1 + constant + is_cluster_level(scenario)
    return levels <= scenario.n_clusters and largest_n_obs(scenario) > covariates.n_fixed(scenario)


def unbiased(scenario: Scenario) -> bool:
    """Whether a contextual effect is absent or, each cluster being halved, harmless."""
    if scenario.contextual_effect == 0:
        return True
    fixed = fixed_x(scenario)
    return scenario.x == "binary_blocked" and fixed is not None and not fixed.mean.any()


def bias(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero, where the mean exists: not for two clusters whose x is drawn with them."""
    if not unbiased(scenario) or (is_cluster_level(scenario) and not has_moment(scenario, 1)):
        return None
    return exactly(0.0)


def rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    """P(|t| > critical value) when the slope is `shift` off the tested one."""
    if not unbiased(scenario):
        return None
    if options["se"] != "classical":
        return _robust_rejection(scenario, options, alpha, shift)
    if options["df"] == "satterthwaite":
        return None
    sizes = fixed_sizes(scenario)
    if sizes is not None:
        free = int(sizes.sum()) - covariates.n_fixed(scenario)
        rules = {"residual": free, "clusters": scenario.n_clusters - 1}
        threshold = critical(options["df"], alpha, rules)
        exact = _exact_rejection(scenario, threshold, shift)
        if exact is not None:
            return exactly(exact)
    elif shift == 0 and options["df"] == "residual" and _ordinary(scenario):
        return exactly(alpha)
    if shift == 0 and _has_limit(scenario):
        return asymptotically(size(design_effect(scenario), alpha))
    return None


def _ordinary(scenario: Scenario) -> bool:
    """Whether t is Student's: independent errors, or x drawn independently for every unit."""
    drawn = drawn_by_units(scenario) and not scenario.slope_sd
    return drawn or independent_errors(scenario)


def cluster_level_errors(scenario: Scenario, n: int) -> balanced.Strata | None:
    """What is left of the errors about cluster-level predictors, clusters having n units."""
    if scenario.slope_sd or not all_cluster_level(scenario):
        return None
    p = 1 + len(scenario.covariates)
    return balanced.cluster_level(scenario.n_clusters, n, scenario.icc, p)


def _has_limit(scenario: Scenario) -> bool:
    """Whether the design effect is that of many clusters; of halved random sizes it is not."""
    if scenario.slope_sd and not slopes_are_known(scenario):
        return False
    return not (scenario.x == "binary_blocked" and scenario.size.random)


def _exact_rejection(scenario: Scenario, threshold: float, shift: float) -> float | None:
    """Fixed sizes: the exact rejection rate where it is known."""
    j, n, icc = scenario.n_clusters, scenario.equal_size, scenario.icc
    if independent_errors(scenario) or (shift == 0 and _ordinary(scenario)):
        shifted = shifted_by(scenario, shift, total_spread(scenario), 1.0)
        free = int(scenario.fixed_sizes().sum()) - covariates.n_fixed(scenario)
        return None if shifted is None else float(two_sided(threshold, free, shifted))
    left = cluster_level_errors(scenario, n) if n else None
    if left is not None:
        shifted = shifted_by(scenario, shift, total_spread(scenario), left.outer)
        return None if shifted is None else balanced.naive(left, threshold, shifted)
    if shift != 0 or scenario.covariates or scenario.slope_sd:
        return None
    if n and scenario.x == "normal":
        assert scenario.x_icc is not None
        return balanced.mixed_naive_size(j, n, icc, scenario.x_icc, threshold)
    fixed = fixed_x(scenario)
    if fixed is not None and n:
        share = np.asarray(fixed.between / fixed.total)
        return float(balanced.between_share_size(j, n, icc, share, threshold))
    if fixed is not None:
        return float(unequal.size(fixed, icc, threshold)) if j <= _MOST_CLUSTERS else None
    allocated = allocations(scenario, _MOST_ALLOCATED)
    if allocated is None:
        return None
    return float((unequal.size(allocated[0], icc, threshold) * allocated[1]).sum())


def se_error(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Percent by which the root-mean-square SE misses the SD of the estimates."""
    if not unbiased(scenario) or not has_moment(scenario, 2):
        return None
    if options["se"] != "classical":
        arms = _arms(scenario, options["se"])
        return None if arms is None else exactly(arms.se_bias)
    if _ordinary(scenario):
        return exactly(0.0)
    exact = _exact_se_error(scenario)
    if exact is not None:
        return exactly(exact)
    if _has_limit(scenario):
        return asymptotically(se_bias(design_effect(scenario)))
    return None


def has_moment(scenario: Scenario, order: int) -> bool:
    """Whether the mean of 1 / |x|^order is finite: more than `order` df, if x is drawn.

    |x| is the length of what the covariates leave of x.
    """
    level = is_cluster_level(scenario)
    rows = scenario.n_clusters if level else smallest_n_obs(scenario)
    free = rows - 1 - len(scenario.covariates)
    return not covariates.any_normal(scenario) or free > order


def _exact_se_error(scenario: Scenario) -> float | None:
    j, n, icc = scenario.n_clusters, scenario.equal_size, scenario.icc
    if scenario.covariates or scenario.slope_sd:
        left = cluster_level_errors(scenario, n) if n else None
        return None if left is None else balanced.se_bias(left)
    if n and scenario.x == "normal":
        assert scenario.x_icc is not None
        return balanced.mixed_se_bias(j, n, icc, scenario.x_icc)
    fixed = fixed_x(scenario)
    if fixed is not None:
        return unequal.se_bias(fixed, icc)
    allocated = allocations(scenario, _MOST_ALLOCATED)
    return None if allocated is None else unequal.se_bias(allocated[0], icc, allocated[1])


def _arms(scenario: Scenario, se: str) -> Arms | None:
    """Two arms of equal clusters, where this cluster-robust error exists."""
    n, j = scenario.equal_size, scenario.n_clusters
    if se not in ROBUST or scenario.x != "binary" or scenario.x_icc != 1 or not n:
        return None
    if scenario.covariates or scenario.slope_sd:
        return None
    return Arms(j, j * n, se) if Arms.exist(j, se) else None


def _robust_rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    arms, n = _arms(scenario, options["se"]), scenario.equal_size
    if arms is None or n is None:
        return None
    j = scenario.n_clusters
    rules = {"residual": j * n - 2, "clusters": j - 1, "satterthwaite": arms.satterthwaite}
    threshold = critical(options["df"], alpha, rules)
    variance = 1.0 + (n - 1) * scenario.icc
    shifted = shifted_by(scenario, shift, total_spread(scenario), variance)
    rate = None if shifted is None else arms.rejection(threshold, shifted)
    return None if rate is None else exactly(rate)
