"""Exact answers where clusters form groups, and whole groups or clusters are treated.

The slope has the variance of one of the strata (`strata`); a fit that ignores a level takes
its mean with what lies below for that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from simstudy.generators.scenario import Scenario
from simstudy.theory import balanced, means, pooled, random_intercept
from simstudy.theory.law import Answer, Law, Options, critical, exactly, shifted_by
from simstudy.theory.omission import World
from simstudy.theory.robust import ROBUST, Arms
from simstudy.theory.strata import Strata, Stratum, as_one, halved, naive, se_bias, strata, thinned

_MOST = 10_000  # tails of a random intercept, each a mean over a hundred


def _world(scenario: Scenario, omit: Collection[str]) -> World | None:
    """The data as they are, where their strata are known."""
    return None if strata(scenario) is None else World(scenario)


def _world_of_groups(scenario: Scenario, omit: Collection[str]) -> World | None:
    """As a method sees it that looks at the means of groups alone."""
    known = strata(scenario)
    if known is None or scenario.part("third_level").x_icc != 1:
        return None
    return World(known.seen)


def _of(scenario: Scenario) -> Strata:
    known = strata(scenario)
    assert known is not None
    return known


def _rejection(
    scenario: Scenario,
    left: Collection[Stratum],
    threshold: float,
    shift: float,
) -> Answer | None:
    """That of a test whose variance is the mean over these strata."""
    known = _of(scenario)
    shifted = shifted_by(scenario, shift, known.spread, known.true)
    rate = None if shifted is None else naive(known.true, left, threshold, shifted)
    return None if rate is None else exactly(rate)


def _pooled_rejection(
    level: int, scenario: Scenario, options: Options, alpha: float, shift: float
) -> Answer | None:
    known, se, df = _of(scenario), options["se"], options["df"]
    if not pooled.unbiased(scenario):
        return None
    if se != "classical" and level == 3:
        groups = _treated_groups(scenario)
        return None if groups is None else pooled.rejection(groups, options, alpha, shift)
    n_obs = int(scenario.mean_n_obs)
    rules = {"residual": n_obs - 2, "clusters": _clusters(level, scenario) - 1.0}
    if se == "classical":
        if df == "satterthwaite":
            return None
        left = (*known.between, *known.within)
        return _rejection(scenario, left, critical(df, alpha, rules), shift)
    arms = _equal_arms(scenario, se)
    if arms is None:
        return None
    threshold = critical(df, alpha, rules | {"satterthwaite": arms.satterthwaite})
    return _rejection(scenario, known.between, threshold * arms.se_ratio, shift)


def _pooled_se_error(level: int, scenario: Scenario, options: Options) -> Answer | None:
    known, se = _of(scenario), options["se"]
    if not pooled.unbiased(scenario) or not pooled.has_moment(known.seen, 2):
        return None
    if se == "classical":
        return exactly(se_bias(known.true, (*known.between, *known.within)))
    if level == 3:
        groups = _treated_groups(scenario)
        return None if groups is None else pooled.se_error(groups, options)
    arms = _equal_arms(scenario, se)
    return None if arms is None else exactly(se_bias(known.true, known.between, arms.se_ratio))


def _treated_groups(scenario: Scenario) -> Scenario | None:
    """What an error that is robust to groups sees where they are treated: their means."""
    return _of(scenario).seen if scenario.part("third_level").x_icc == 1 else None


def _equal_arms(scenario: Scenario, se: str) -> Arms | None:
    """Two arms of as many clusters each, over which a robust error is a mean as any other."""
    third, j = scenario.part("third_level"), scenario.n_clusters
    halved = j // third.clusters if third.x_icc == 1 else third.clusters
    if scenario.x != "binary" or halved % 2 or not Arms.exist(j, se):
        return None
    return Arms(j, int(scenario.mean_n_obs), se)


def _means_rejection(
    scenario: Scenario, options: Options, alpha: float, shift: float
) -> Answer | None:
    threshold = critical(options["df"], alpha, {"residual": scenario.n_clusters - 2.0})
    return _rejection(scenario, _of(scenario).between, threshold, shift)


def _means_se_error(scenario: Scenario, options: Options) -> Answer | None:
    known = _of(scenario)
    if not pooled.has_moment(known.seen, 2):
        return None
    return exactly(se_bias(known.true, known.between))


def _mixed(level: int, scenario: Scenario) -> list[tuple[balanced.Strata, float]] | None:
    """The two sums of squares that a random intercept sees, as a mean over their variances."""
    known = _of(scenario)
    (units,) = known.within
    if not pooled.unbiased(scenario) or not units.df:
        return None
    upper, lower = known.between
    if level == 2:
        sums = halved(as_one(known.between))
        free = upper.df + lower.df
        seen = [balanced.Strata(float(at), units.variance, free, units.df) for at in sums.at]
    elif scenario.part("third_level").x_icc == 1 and upper.df:
        sums = halved(as_one((lower, units)))
        free = lower.df + units.df
        seen = [balanced.Strata(upper.variance, float(at), upper.df, free) for at in sums.at]
    else:
        return None
    return list(zip(seen, sums.weight.tolist(), strict=True))


def _clusters(level: int, scenario: Scenario) -> int:
    """Clusters of the analysis."""
    j = scenario.n_clusters
    return j // scenario.clusters_per_group if level == 3 else j


def _mixed_rejection(
    level: int, scenario: Scenario, options: Options, alpha: float, shift: float
) -> Answer | None:
    known, seen, n = _of(scenario), _mixed(level, scenario), _clusters(level, scenario)
    shifted = shifted_by(scenario, shift, known.spread, known.true)
    if seen is None or shifted is None or len(seen) * shifted.at.size > _MOST:
        return None
    rate, shifted = 0.0, thinned(shifted)
    for left, weight in seen:
        given = random_intercept.of_strata(left, n, options, alpha, shifted, known.true)
        if given is None:
            return None
        rate += weight * given
    return exactly(rate)


def _share_boundary(level: int, scenario: Scenario, options: Options) -> Answer | None:
    seen, n = _mixed(level, scenario), _clusters(level, scenario)
    if seen is None:
        return None
    return exactly(sum(
        weight * balanced.boundary_share(left, random_intercept.divisors(left, n, options)[0])
        for left, weight in seen
    ))  # fmt: skip


def _mixed_usable(level: int, scenario: Scenario) -> bool:
    groups = _treated_groups(scenario) if level == 3 else None
    return random_intercept.usable(replace(scenario, parts=()) if groups is None else groups)


def _usable(scenario: Scenario) -> bool:
    return pooled.usable(_of(scenario).seen)


def _bias(scenario: Scenario, options: Options) -> Answer | None:
    return pooled.bias(_of(scenario).seen, options)


_MEANS = {"weights": ("equal", "size"), "df": ("residual", "wald")}
LAWS = {
    name: Law(
        {"se": ("classical", *ROBUST), "df": ("residual", "wald", "clusters", "satterthwaite")},
        _world,
        _usable,
        _bias,
        partial(_pooled_rejection, level),
        partial(_pooled_se_error, level),
    )
    for name, level in (("pooled", 2), ("pooled[level=3]", 3))
} | {
    name: Law(
        {"estimator": ("reml", "ml"), "df": random_intercept.RULES},
        _world,
        partial(_mixed_usable, level),
        random_intercept.bias,
        partial(_mixed_rejection, level),
        share_boundary=partial(_share_boundary, level),
    )
    for name, level in (("random_intercept", 2), ("random_intercept[level=3]", 3))
} | {
    "cluster_means": Law(
        _MEANS, _world, _usable, means.bias, _means_rejection, _means_se_error, drift=means.drift
    ),
    "cluster_means[level=3]": Law(
        _MEANS, _world_of_groups, means.usable, means.bias, means.rejection, means.se_error,
        drift=means.drift,
    ),
}  # fmt: skip
