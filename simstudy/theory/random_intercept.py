"""What theory says of the random-intercept fit."""

from __future__ import annotations

from simstudy.generators.scenario import Scenario
from simstudy.theory import balanced, covariates, pooled
from simstudy.theory.law import Answer, Options, critical, exactly, shifted_by
from simstudy.theory.predictors import is_cluster_level, largest_n_obs, total_spread
from simstudy.theory.quadrature import Nodes

RULES = ("wald", "residual", "between_within", "satterthwaite", "kenward_roger")


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


def divisors(left: balanced.Strata, n_clusters: int, options: Options) -> tuple[int, int]:
    """Of the sum of squares between clusters, and of the whole one."""
    n_obs = left.df_inner + n_clusters
    return (left.df_outer, left.free) if options["estimator"] == "reml" else (n_clusters, n_obs)


def bias(scenario: Scenario, options: Options) -> Answer | None:
    """Zero: the error of the slope is an odd function of y's errors, the weights an even one.

    (Kackar & Harville 1981, Commun. Stat. A 10:1249-1261.)
    """
    return exactly(0.0) if pooled.unbiased(scenario) else None


def share_boundary(scenario: Scenario, options: Options) -> Answer | None:
    """Share of all replications with tau2 = 0, where none can have collinear predictors."""
    left, kinds = _left(scenario), [one.type for one in scenario.covariates]
    if left is None or sum(kind != "normal" for kind in (scenario.x, *kinds)) > 1:
        return None
    return exactly(balanced.boundary_share(left, divisors(left, scenario.n_clusters, options)[0]))


def rejection(scenario: Scenario, options: Options, alpha: float, shift: float) -> Answer | None:
    """P(p < alpha) when the slope is `shift` off the tested one."""
    left = _left(scenario)
    if left is None:
        return None
    shifted = shifted_by(scenario, shift, total_spread(scenario), left.outer)
    rate = (
        None if shifted is None else of_strata(left, scenario.n_clusters, options, alpha, shifted)
    )
    return None if rate is None else exactly(rate)


def of_strata(
    left: balanced.Strata,
    n_clusters: int,
    options: Options,
    alpha: float,
    shifted: Nodes,
    true: float | None = None,
) -> float | None:
    """Rejection rate where the fit is a function of two sums of squares.

    Parameters
    ----------
    true : float, optional
        As of `balanced.random_intercept`.
    """
    rule = options["df"]
    if rule == "kenward_roger" and options["estimator"] != "reml":
        return None
    over = divisors(left, n_clusters, options)
    inside = {
        "residual": left.free,
        "between_within": left.df_outer,
        "kenward_roger": left.df_outer,
        "satterthwaite": over[0],
    }
    boundary = inside | {"satterthwaite": over[1]}
    limit, at_zero = (critical(rule, alpha, dfs) for dfs in (inside, boundary))
    return balanced.random_intercept(left, over, limit, at_zero, shifted, true)
