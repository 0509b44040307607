"""Kish's (1965) design effect, and what it does to the pooled fit of many clusters.

Its slope's variance is understated by the design effect (Kish 1965; Moulton 1986,
J. Econometrics 32:385-397). Covariates change what is left of x; slopes that vary add their own.
"""

from __future__ import annotations

import math

from simstudy.generators.scenario import Scenario
from simstudy.numerics.tails import critical_value
from simstudy.theory import covariates
from simstudy.theory.predictors import FixedX, adjusted_x


def design_effect(scenario: Scenario) -> float:
    """1 + (sum n_j^2 / N - 1) icc x_icc, x_icc that of what covariates leave of x.

    Groups of N_g units add (sum N_g^2 - sum n_j^2) / N times their shares of both variances.
    It is the realised one of a given or blocked x. Slopes that vary are left aside where
    nothing is known of them, and NaN where nothing is known of the data.
    """
    if scenario.generator is not None:
        return math.nan
    if not scenario.clusters_per_group:
        return _of_clusters(scenario)
    scale = scenario.slope_sd**2 / scenario.total_variance if slopes_are_known(scenario) else 0.0
    return _of_clusters(scenario) + _of_groups(scenario) / (1.0 + scale)


def _of_clusters(scenario: Scenario) -> float:
    """That of two levels."""
    if slopes_are_known(scenario):
        return _of_slopes(scenario)
    if scenario.x_icc is not None:
        size, x_icc = scenario.size, covariates.icc_left(scenario)
        return 1.0 + (size.mean_square / size.mean - 1.0) * scenario.icc * x_icc
    fixed = adjusted_x(scenario)
    if fixed is None:  # blocked, random sizes: a cluster of odd size is off by half a unit
        return 1.0 - scenario.icc
    return 1.0 + scenario.icc * moulton(fixed)


def slopes_are_known(scenario: Scenario) -> bool:
    """Whether slopes vary, and what they add is known: x normal, independent, equal clusters."""
    if not scenario.slope_sd or scenario.x != "normal" or scenario.contextual_effect:
        return False
    return scenario.equal_size is not None and covariates.are_independent_of_x(scenario)


def _of_slopes(scenario: Scenario) -> float:
    n, x_icc = scenario.equal_size, scenario.x_icc
    assert n is not None and x_icc is not None
    added = scenario.slope_sd**2 / scenario.total_variance
    true = 1.0 + (n - 1) * scenario.icc * x_icc + added * (n + 2 + 2 * (n - 1) * x_icc**2)
    return true / (1.0 + added)


def _of_groups(scenario: Scenario) -> float:
    """What pairs of units of a group add that are not of one cluster."""
    third, size = scenario.part("third_level"), scenario.size
    m = third.clusters
    if scenario.x_icc is None:
        fixed = adjusted_x(scenario)
        if fixed is None:  # halves of random sizes
            return 0.0
        sums = (fixed.sizes * fixed.mean).reshape(-1, m)
        return float(third.icc * ((sums.sum(axis=1) ** 2).sum() - (sums**2).sum()) / fixed.total)
    shared = third.x_icc / covariates.share_left(scenario, *covariates.TOTAL)
    if scenario.x == "binary" and scenario.x_icc == 1 and not third.x_icc:
        shared = -1.0 / (m - 1)  # as many clusters are treated in every group
    if size.random:
        return float(third.icc * shared * (m - 1) * size.mean)
    sizes = scenario.fixed_sizes().reshape(-1, m)
    pairs = (sizes.sum(axis=1) ** 2).sum() - (sizes**2).sum()
    return float(third.icc * shared * pairs / sizes.sum())


def of_dummy(scenario: Scenario) -> float | None:
    """By how much the dummy fit understates its slope's variance where slopes vary."""
    n, x_icc = scenario.equal_size, scenario.x_icc
    if not slopes_are_known(scenario) or n is None or x_icc is None:
        return None
    added = scenario.slope_sd**2 * (1.0 - x_icc)
    return (scenario.sigma2 + added * (n + 1)) / (scenario.sigma2 + added)


def moulton(fixed: FixedX) -> float:
    """sum_j (sum_i x_ij)^2 / sum x^2 - 1 for centred x: (n - 1) x_icc when balanced."""
    sums = fixed.sizes * fixed.mean
    return float((sums**2).sum() / fixed.total - 1.0)


def size(design_effect: float, alpha: float) -> float:
    """Rejection rate of the pooled test of a true null: 2 Phi(-z / sqrt(deff))."""
    return math.erfc(float(critical_value(math.inf, alpha)) / math.sqrt(2.0 * design_effect))


def se_bias(design_effect: float) -> float:
    """Percent by which the pooled standard error misses: 100 (1 / sqrt(deff) - 1)."""
    return 100.0 * (1.0 / math.sqrt(design_effect) - 1.0)
