"""Cluster sizes and predictors that are not normal.

Sizes are the first thing drawn from their stream, then who is treated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from simstudy.generators.gaussian import Treatment
from simstudy.generators.scenario import GivenX, Scenario
from simstudy.moments import Ints, Units
from simstudy.numerics.anova import icc_of_y
from simstudy.numerics.elimination import divide
from simstudy.numerics.reduce import reduce


def draw_first(
    open_: Callable[[], np.random.Generator], scenario: Scenario, n_reps: int
) -> tuple[Ints, Treatment | None]:
    """Sizes of the clusters and x, unless it is normal; a stream is opened if one is needed."""
    if not scenario.size.random and scenario.x != "binary":
        sizes = scenario.fixed_sizes()
        return sizes, fixed_treatment(scenario, sizes)
    rng = open_()
    sizes = draw_sizes(rng, scenario, n_reps)
    return sizes, draw_treatment(rng, scenario, sizes, n_reps)


def draw_sizes(rng: np.random.Generator, scenario: Scenario, n_reps: int) -> Ints:
    """Sizes of the clusters, shape (J, R), or (J, 1) where they are not random."""
    rule = scenario.size
    if not rule.random:
        return scenario.fixed_sizes()
    return rule.draw(rng, (scenario.n_clusters, n_reps))


def draw_treatment(
    rng: np.random.Generator, scenario: Scenario, sizes: Ints, n_reps: int
) -> Treatment | None:
    """Fix the predictor before the errors are drawn; None where it is normal."""
    if scenario.x != "binary":
        return fixed_treatment(scenario, sizes)
    return Treatment.of_treated(_treated(rng, scenario, sizes, n_reps), sizes)


def fixed_treatment(scenario: Scenario, sizes: Ints) -> Treatment | None:
    """A predictor that is not drawn once sizes are known; None where it is normal."""
    if scenario.x == "normal":
        return None
    if scenario.x == "file":
        return from_file(scenario)
    if scenario.x == "time":
        return order_of_units(sizes)
    return Treatment.of_treated(half_of(sizes), sizes)


def order_of_units(sizes: Ints) -> Treatment:
    """The order of the units of a cluster, about its middle, with mean square 1 over all units."""
    squares = sizes * (sizes**2.0 - 1.0) / 12.0
    step = divide(np.ones(1), np.sqrt(squares.sum(axis=0) / sizes.sum(axis=0)))
    return Treatment(np.zeros((1, 1)), np.sqrt(squares) * step, step=np.asarray(step)[None])


def from_file(scenario: Scenario) -> Treatment:
    """Cluster moments of the predictor in the file, shape (J, 1)."""
    given = scenario.given
    assert given is not None
    sizes = given.sizes.reshape(-1, 1)
    x = given.values
    if scenario.equal_size:
        x = x.reshape(sizes.size, -1).T[:, :, None]
    moments = reduce(Units(sizes, (x, np.zeros_like(x))))
    return Treatment(moments.mean_x, moments.within.a)


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
    if scenario.x_icc == 0:
        return rng.binomial(sizes, scenario.part("treated"), (j, n_reps))
    third = scenario.part("third_level")
    n_groups = 1 if third is None or third.x_icc else j // third.clusters
    together = third.clusters if third is not None and third.x_icc else 1
    n_drawn = j // n_groups // together
    arms = arms_of(n_drawn, scenario.part("treated"))
    if scenario.equal_size:  # which clusters are treated then makes no difference
        drawn = np.tile(arms, n_groups).reshape(-1, 1)
    else:
        shape = (n_groups, n_drawn, n_reps)
        drawn = rng.permuted(np.broadcast_to(arms[:, None], shape), axis=1).reshape(-1, n_reps)
    return np.repeat(drawn, together, axis=0) * sizes


def arms_of(count: int, share: float) -> Ints:
    """As many ones as are treated of so many, rounded down but not none and not all, then zeros."""
    treated = min(max(math.floor(Fraction(repr(share)) * count), 1), count - 1)
    return np.repeat([1, 0], [treated, count - treated])


def half_of(sizes: Ints) -> Ints:
    """Half of the units of each cluster; floor and ceil alternate where that is no number."""
    odd = sizes % 2
    return np.asarray(sizes // 2 + odd * ((np.cumsum(odd, axis=0) + 1) % 2))
