"""Sums of squares of a balanced design with three levels, and tests that mix them.

Notation: G groups of m clusters of n units, r3 the share of groups in the total variance.
Errors have three strata, in units of the total variance: L = 1 + (n - 1) icc + n (m - 1) r3 of
groups, M = L - n m r3 of clusters about their group, 1 - icc of units about their cluster.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.theory.predictors import Spread, total_spread
from simstudy.theory.quadrature import CENTRAL, Nodes, odds_nodes, two_sided

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
    variance, shifted = as_one(left), thinned(shifted)
    if variance.at.size * shifted.at.size > _MOST:
        return None
    free = sum(stratum.df for stratum in left)
    tail = two_sided(threshold * np.sqrt(variance.at / true), free, shifted)
    return float((tail * variance.weight).sum())


def as_one(left: Collection[Stratum]) -> Nodes:
    """Variances V with sum_i variance_i X_i = V X, V and X ~ chi2(all df) independent."""
    (first, *others) = (stratum for stratum in left if stratum.df)
    variance, free = Nodes(np.array([first.variance]), np.ones(1)), first.df
    for stratum in others:
        odds, share = odds_nodes(free, stratum.df)
        at = (variance.at[:, None] * odds + stratum.variance) / (1.0 + odds)
        variance = thinned(Nodes(at.ravel(), (variance.weight[:, None] * share).ravel()))
        free += stratum.df
    return variance


def halved(nodes: Nodes) -> Nodes:
    """Every second of equidistant nodes: 1e-8 of a mean, in half the time."""
    return thinned(Nodes(nodes.at[::2], nodes.weight[::2]), 1e-9)


def thinned(nodes: Nodes, negligible: float = _NEGLIGIBLE) -> Nodes:
    """Without the nodes that weigh nothing."""
    if nodes is CENTRAL:
        return nodes
    kept = nodes.weight > negligible
    weight = nodes.weight[kept]
    return Nodes(nodes.at[kept], weight / weight.sum())


def se_bias(true: float, left: Collection[Stratum], ratio: float = 1.0) -> float:
    """Percent by which the root-mean-square SE of that test, times a ratio, misses."""
    model = sum(one.variance * one.df for one in left) / sum(one.df for one in left)
    return 100.0 * (ratio * math.sqrt(model / true) - 1.0)
