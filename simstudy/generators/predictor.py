"""Cluster sizes and predictors that are not normal.

Sizes are the first thing drawn from their stream, then who is treated.
"""

from __future__ import annotations

import numpy as np

from simstudy.generators.gaussian import Treatment
from simstudy.generators.scenario import GivenX, Scenario, SizeRule
from simstudy.moments import Ints, Units
from simstudy.numerics.anova import icc_of_y
from simstudy.numerics.reduce import reduce


def draw_sizes(rng: np.random.Generator, scenario: Scenario, n_reps: int) -> Ints:
    """Sizes of the clusters, shape (J, R), or (J, 1) where they are not random."""
    rule = scenario.size
    if not rule.random:
        return scenario.fixed_sizes()
    shape = (scenario.n_clusters, n_reps)
    if rule.kind == "uniform":
        return rng.integers(int(rule.values[0]), int(rule.values[1]), shape, endpoint=True)
    if rule.kind == "poisson":
        return _positive_poisson(rng, rule.values[0], shape)
    return _rounded_gamma(rng, rule, shape)


def _positive_poisson(rng: np.random.Generator, mean: float, shape: tuple[int, int]) -> Ints:
    """Poisson conditional on >= 1, exactly and without rejection.

    Given at least one event of a unit-rate process on (0, mean), the first one is at
    t = -log(1 - u (1 - exp(-mean))); the others are Poisson(mean - t).
    """
    first = -np.log1p(rng.random(shape) * np.expm1(-mean))
    return 1 + rng.poisson(np.maximum(mean - first, 0.0))


def gamma_shape(mean: float, cv: float) -> tuple[float, float]:
    """Shape and scale of G in size = 1 + round(G), rounding up with probability frac(G).

    That rounding keeps the mean exact and adds 1/6 to the variance (the mean of f(1 - f)).
    """
    variance = (mean * cv) ** 2 - 1.0 / 6.0
    return (mean - 1.0) ** 2 / variance, variance / (mean - 1.0)


def _rounded_gamma(rng: np.random.Generator, rule: SizeRule, shape: tuple[int, int]) -> Ints:
    gamma, scale = gamma_shape(*rule.values)
    return 1 + np.floor(scale * rng.standard_gamma(gamma, shape) + rng.random(shape)).astype(int)


def draw_treatment(
    rng: np.random.Generator, scenario: Scenario, sizes: Ints, n_reps: int
) -> Treatment | None:
    """Fix the predictor before the errors are drawn; None where it is normal."""
    if scenario.x == "normal":
        return None
    if scenario.x == "file":
        return from_file(scenario)
    treated = _treated(rng, scenario, sizes, n_reps)
    return Treatment(treated / sizes, np.sqrt(treated * (sizes - treated) / sizes), treated)


def from_file(scenario: Scenario) -> Treatment:
    """Cluster moments of the predictor in the file, shape (J, 1)."""
    given = scenario.given
    assert given is not None
    sizes = given.sizes.reshape(-1, 1)
    x = given.values
    if scenario.equal_size:
        x = x.reshape(sizes.size, -1).T[:, :, None]
    moments = reduce(Units(sizes, (x, np.zeros_like(x))))
    return Treatment(moments.mean_x, moments.within.a, None)


def icc_of(given: GivenX) -> float:
    """Intraclass correlation of a predictor from a file, by one-way analysis of variance."""
    sizes, x = given.sizes.reshape(-1, 1), given.values
    if np.all(sizes == sizes[0]):
        x = x.reshape(sizes.size, -1).T[:, :, None]
    x = x - given.values.mean()
    return float(icc_of_y(reduce(Units(sizes, (x, x))))[0])


def _treated(rng: np.random.Generator, scenario: Scenario, sizes: Ints, n_reps: int) -> Ints:
    """Units with x = 1 in each cluster, shape (J, 1) or (J, R)."""
    j = scenario.n_clusters
    if scenario.x == "binary_blocked":
        return half_of(sizes)
    if scenario.x_icc == 0:
        return rng.binomial(sizes, 0.5, (j, n_reps))
    arms = np.repeat([1, 0], [j // 2, j - j // 2]).reshape(-1, 1)
    if scenario.equal_size:  # which clusters are treated then makes no difference
        return arms * sizes
    return rng.permuted(np.broadcast_to(arms, (j, n_reps)), axis=0) * sizes


def half_of(sizes: Ints) -> Ints:
    """Half of the units of each cluster; floor and ceil alternate where that is no number."""
    odd = sizes % 2
    return np.asarray(sizes // 2 + odd * ((np.cumsum(odd, axis=0) + 1) % 2))
