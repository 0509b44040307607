"""What theory says of the random-intercept fit."""

from __future__ import annotations

from collections.abc import Mapping

from simstudy.generators.scenario import Scenario
from simstudy.theory import balanced, covariates, pooled
from simstudy.theory.law import Answer, critical, exactly, shifted_by
from simstudy.theory.predictors import is_cluster_level, largest_n_obs, total_spread


def usable(scenario: Scenario) -> bool:
    """Whether each variance can have a degree of freedom."""
    varying = covariates.n_varying(scenario) + (not is_cluster_level(scenario))
    between = scenario.n_clusters - covariates.n_fixed(scenario) + varying
    return between >= 1 and largest_n_obs(scenario) - scenario.n_clusters - varying >= 1


def _left(scenario: Scenario) -> balanced.Strata | None:
    """What is left of the errors where the fit is a function of two sums of squares.

    That is of equal clusters and cluster-level predictors.
    """
    n = scenario.equal_size
    if n is None or scenario.slope_sd or not pooled.unbiased(scenario):
        return None
    return pooled.cluster_level_errors(scenario, n)


def _divisors(scenario: Scenario, left: balanced.Strata, restricted: bool) -> tuple[int, int]:
    """Of the sum of squares between clusters, and of the whole one."""
    n_obs = left.df_inner + scenario.n_clusters
    return (left.df_outer, left.free) if restricted else (scenario.n_clusters, n_obs)


def bias(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Zero: the error of the slope is an odd function of y's errors, the weights an even one.

    (Kackar & Harville 1981, Commun. Stat. A 10:1249-1261.)
    """
    return exactly(0.0) if pooled.unbiased(scenario) else None


def share_boundary(scenario: Scenario, options: Mapping[str, str]) -> Answer | None:
    """Share of all replications with tau2 = 0, where none can have collinear predictors."""
    left, kinds = _left(scenario), [one.type for one in scenario.covariates]
    if left is None or sum(kind != "normal" for kind in (scenario.x, *kinds)) > 1:
        return None
    divisors = _divisors(scenario, left, options["estimator"] == "reml")
    return exactly(balanced.boundary_share(left, divisors[0]))


def rejection(
    scenario: Scenario, options: Mapping[str, str], alpha: float, shift: float
) -> Answer | None:
    """P(p < alpha) when the slope is `shift` off the tested one."""
    left, rule, restricted = _left(scenario), options["df"], options["estimator"] == "reml"
    if left is None or (rule == "kenward_roger" and not restricted):
        return None
    divisors = _divisors(scenario, left, restricted)
    inside = {
        "residual": left.free,
        "between_within": left.df_outer,
        "kenward_roger": left.df_outer,
        "satterthwaite": divisors[0],
    }
    boundary = inside | {"satterthwaite": divisors[1]}
    shifted = shifted_by(scenario, shift, total_spread(scenario), left.outer)
    if shifted is None:
        return None
    limit, at_zero = (critical(rule, alpha, dfs) for dfs in (inside, boundary))
    return exactly(balanced.random_intercept(left, divisors, limit, at_zero, shifted))
