"""Exact answers where clusters form groups, and whole groups or clusters are treated.

Notation: G groups of m clusters of n units, r3 the share of groups in the total variance.
Errors have three strata, in units of the total variance: L = 1 + (n - 1) icc + n (m - 1) r3 of
groups, M = L - n m r3 of clusters about their group, 1 - icc of units about their cluster. The
slope has the variance of one of the first two; a fit that ignores a level takes its mean with
what lies below for that.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.theory import means, pooled
from simstudy.theory.law import Answer, Law, Options, critical, exactly, shifted_by
from simstudy.theory.omission import World
from simstudy.theory.predictors import Spread, total_spread
from simstudy.theory.quadrature import CENTRAL, Nodes, odds_nodes, two_sided
from simstudy.theory.robust import ROBUST, Arms

_NEGLIGIBLE = 1e-13  # weight of a node
_MOST = 1_000_000  # evaluations of a tail: half a second


class Stratum(NamedTuple):
    """A part of the residual sum of squares: variance * chi2(df)."""

    variance: float
    df: int


class Strata(NamedTuple):
    """What tests of treatment rest on, in a balanced design.

    Attributes
    ----------
    seen : Scenario
        With two levels, in which x is the same: of groups where they are treated.
    true : float
        Variance of the slope times the sum of squares of x, over the total variance.
    spread : Spread or None
        That sum of squares.
    between, within : tuple of Stratum
        What is left between clusters and within them of the errors about the line.
    """

    seen: Scenario
    true: float
    spread: Spread | None
    between: tuple[Stratum, ...]
    within: tuple[Stratum, ...]


def strata(scenario: Scenario) -> Strata | None:
    """Those of equal clusters of which all units of a group, or of a cluster, are treated."""
    third, n, j = scenario.part("third_level"), scenario.equal_size, scenario.n_clusters
    plain = not scenario.covariates and not scenario.slope_sd and scenario.x in ("normal", "binary")
    if not (n and plain and scenario.x_icc == 1):
        return None
    m, g = third.clusters, j // third.clusters
    upper = 1.0 + (n - 1) * scenario.icc + n * (m - 1) * third.icc
    lower = upper - n * m * third.icc
    units = (Stratum(1.0 - scenario.icc, j * (n - 1)),)
    if third.x_icc == 1:
        seen = of_groups(scenario)
        between = Stratum(upper, g - 2), Stratum(lower, j - g)
        return Strata(seen, upper, total_spread(seen), between, units)
    if scenario.x == "binary":  # the same number of clusters in every group
        seen, share = replace(scenario, parts=()), (m // 2) / m
        between = Stratum(upper, g - 1), Stratum(lower, j - g - 1)
        return Strata(seen, lower, Spread(j * n * share * (1.0 - share)), between, units)
    return None


def of_groups(scenario: Scenario) -> Scenario:
    """Groups of equal clusters as clusters: the variance between them is right, no other."""
    third, n = scenario.part("third_level"), scenario.equal_size
    assert n is not None
    m = third.clusters
    icc = ((n - 1) * scenario.icc + n * (m - 1) * third.icc) / (n * m - 1)
    size = SizeRule("fixed", (float(n * m),))
    return replace(scenario, n_clusters=scenario.n_clusters // m, size=size, icc=icc, parts=())


def naive(
    true: float, left: Collection[Stratum], threshold: float, shifted: Nodes = CENTRAL
) -> float | None:
    """Rejection rate of a test whose variance is the mean over all strata.

    t^2 = df true X_0 / sum_i variance_i X_i, df that of all strata. The ratios of the X_i are
    independent of their sum; given them the test is a Student's t test.

    Returns
    -------
    float or None
        None where it would take too long.
    """
    (first, *others) = (stratum for stratum in left if stratum.df)
    variance, free = Nodes(np.array([first.variance]), np.ones(1)), first.df
    for stratum in others:
        odds, share = odds_nodes(free, stratum.df)
        at = (variance.at[:, None] * odds + stratum.variance) / (1.0 + odds)
        variance = _thinned(Nodes(at.ravel(), (variance.weight[:, None] * share).ravel()))
        free += stratum.df
    if shifted is not CENTRAL:
        shifted = _thinned(shifted)
    if variance.at.size * shifted.at.size > _MOST:
        return None
    tail = two_sided(threshold * np.sqrt(variance.at / true), free, shifted)
    return float((tail * variance.weight).sum())


def _thinned(nodes: Nodes) -> Nodes:
    """Without the nodes that weigh nothing."""
    kept = nodes.weight > _NEGLIGIBLE
    weight = nodes.weight[kept]
    return Nodes(nodes.at[kept], weight / weight.sum())


def se_bias(true: float, left: Collection[Stratum], ratio: float = 1.0) -> float:
    """Percent by which the root-mean-square SE of that test, times a ratio, misses."""
    model = sum(one.variance * one.df for one in left) / sum(one.df for one in left)
    return 100.0 * (ratio * math.sqrt(model / true) - 1.0)


# --- methods ----------------------------------------------------------------------------------


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
    j, n_obs = scenario.n_clusters, int(scenario.mean_n_obs)
    clusters = j // scenario.part("third_level").clusters if level == 3 else j
    rules = {"residual": n_obs - 2, "clusters": clusters - 1.0}
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
    "cluster_means": Law(
        _MEANS, _world, _usable, means.bias, _means_rejection, _means_se_error, drift=means.drift
    ),
    "cluster_means[level=3]": Law(
        _MEANS, _world_of_groups, means.usable, means.bias, means.rejection, means.se_error,
        drift=means.drift,
    ),
}  # fmt: skip
