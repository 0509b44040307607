"""What theory says of the random-intercept fit."""

from __future__ import annotations

from collections.abc import Mapping

from simstudy.generators.scenario import Scenario
from simstudy.theory import balanced, pooled
from simstudy.theory.law import Answer, critical, exactly, shifted_by
from simstudy.theory.predictors import cluster_level, largest_n_obs, total_spread


def usable(scenario: Scenario) -> bool:
    """Whether each variance can have a degree of freedom."""
    constant = cluster_level(scenario)
    between = scenario.n_clusters - 1 - constant
    return between >= 1 and largest_n_obs(scenario) - scenario.n_clusters - (not constant) >= 1


def _closed_form(scenario: Scenario) -> bool:
    """Whether the fit is a function of two sums of squares: cluster-level x, equal clusters."""
    equal = scenario.equal_size is not None
    return equal and cluster_level(scenario) and pooled.unbiased(scenario)


def bias(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero: the error of the slope is an odd function of y's errors, the weights an even one.

    (Kackar & Harville 1981, Commun. Stat. A 10:1249-1261.)
    """
    return exactly(0.0) if pooled.unbiased(scenario) else None


def share_boundary(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Share of all replications with tau2 = 0."""
    n = scenario.equal_size
    if n is None or not _closed_form(scenario):
        return None
    restricted = options["estimator"] == "reml"
    return exactly(
        balanced.boundary_share(scenario.n_clusters, n, scenario.icc, restricted=restricted)
    )


def rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    """P(p < alpha) when the slope is `shift` off the tested one."""
    n, j, icc = scenario.equal_size, scenario.n_clusters, scenario.icc
    if n is None or not _closed_form(scenario):
        return None
    restricted, rule, n_obs = options["estimator"] == "reml", options["df"], j * n
    if rule == "kenward_roger" and not restricted:
        return None
    inside = {
        "residual": n_obs - 2,
        "between_within": j - 2,
        "kenward_roger": j - 2,
        "satterthwaite": j - 2 if restricted else j,
    }
    boundary = inside | {"satterthwaite": n_obs - 2 if restricted else n_obs}
    shifted = shifted_by(scenario, shift, total_spread(scenario), 1.0 + (n - 1) * icc)
    if shifted is None:
        return None
    limit, at_zero = (critical(rule, alpha, dfs) for dfs in (inside, boundary))
    return exactly(
        balanced.random_intercept(j, n, icc, limit, at_zero, shifted, restricted=restricted)
    )
