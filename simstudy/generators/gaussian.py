"""Drawing moments of (x, e) directly, exact for normal data.

A Gaussian matrix of df rows and SDs (sx, se) has the cross-product factor a = sx chi(df), b =
se z, r = se chi(df - 1) (Bartlett 1933). The second column stays the error e until `finish`
puts y on at the very end, so that the noise is the same for every slope and nothing cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.generators.streams import steps_to
from simstudy.moments import Clusters, Factor, Floats, Ints, Pooled
from simstudy.numerics.batches import cut_array


@dataclass(frozen=True, slots=True)
class Treatment:
    """A predictor that is given, not drawn with the errors, broadcastable to (J, R)."""

    mean: Floats
    root: Floats  # square root of its within-cluster sum of squares
    treated: Ints | None = None  # units with x = 1 where x is binary
    step: Floats | None = None  # from unit to unit where x is their order

    @classmethod
    def of_treated(cls, treated: Ints, sizes: Ints) -> Treatment:
        """A binary predictor of clusters of these sizes."""
        return cls(treated / sizes, np.sqrt(treated * (sizes - treated) / sizes), treated)

    @property
    def standardized(self) -> Floats:
        """The means less their mean, over their SD, where whole clusters are treated."""
        share = self.mean.mean(axis=0)
        return np.asarray((self.mean - share) / np.sqrt(share * (1.0 - share)))

    def cut(self, first: int, last: int) -> Treatment:
        """Replications first..last-1 (from 0)."""
        treated, step = (None if a is None else cut_array(a, first, last)
                         for a in (self.treated, self.step))  # fmt: skip
        mean, root = (cut_array(a, first, last) for a in (self.mean, self.root))
        return Treatment(mean, root, treated, step)


def chi(rng: np.random.Generator, df: Ints | int, shape: tuple[int, ...]) -> Floats:
    """Draw chi variates; exactly 0 where df is 0."""
    half = 0.5 * np.asarray(df)
    # one df for all as a scalar: the same numbers in two thirds of the time
    shared = half.ndim == 0 or (half.shape[-1] == 1 and bool(np.all(half == half.flat[0])))
    squares = rng.standard_gamma(float(half.flat[0]) if shared else half, shape)
    squares *= 2.0
    return np.asarray(np.sqrt(squares, out=squares))


def sd_mean(scenario: Scenario, sizes: Ints | int) -> tuple[Floats, Floats]:
    """SDs of the mean of x (normal) and of e in a cluster of that size."""
    sizes = np.asarray(sizes, dtype=float)
    x_icc = scenario.x_icc if scenario.x_icc is not None else 0.0
    sd_x = np.sqrt(x_icc + (1.0 - x_icc) / sizes)
    return sd_x, np.sqrt(scenario.tau2 + scenario.sigma2 / sizes)


def draw_pooled(rng: np.random.Generator, scenario: Scenario, need: int) -> Pooled:
    """Draw pooled moments of (x, e) for the first `need` replications of a chunk or more.

    The draw goes by steps, so a longer draw begins with the same replications.
    """
    j, n = scenario.n_clusters, scenario.equal_size
    assert n is not None and scenario.x_icc is not None
    sd_x, sd_e = math.sqrt(1.0 - scenario.x_icc), math.sqrt(scenario.sigma2)
    varies = sd_x > 0 and n > 1
    free = (j * (n - 1), j * (n - 1) - varies, j - 1, j - 2)
    steps = steps_to(need)
    gammas, normals = np.zeros((4, steps[-1].stop)), np.zeros((2, steps[-1].stop))
    for here in steps:
        if varies:
            rng.standard_gamma(0.5 * free[0], out=gammas[0, here])
            rng.standard_normal(out=normals[0, here])
        _fill(rng, free[1], gammas[1, here])
        _fill(rng, free[2], gammas[2, here])
        rng.standard_normal(out=normals[1, here])
        _fill(rng, free[3], gammas[3, here])
    gammas *= 2.0
    a, r, a2, r2 = np.sqrt(gammas, out=gammas)
    mean_x, mean_e = (math.sqrt(n) * float(sd) for sd in sd_mean(scenario, n))
    within = Factor.of_line(a * sd_x, normals[0] * sd_e, r * sd_e)
    between = Factor.of_line(a2 * mean_x, normals[1] * mean_e, r2 * mean_e)
    return Pooled(j, n, within, between)


def _fill(rng: np.random.Generator, df: int, out: Floats) -> None:
    """Draw half a chi-square(df) into `out`, which is 0."""
    if df > 0:
        rng.standard_gamma(0.5 * df, out=out)


def draw_clusters(
    rng: np.random.Generator,
    scenario: Scenario,
    sizes: Ints,
    given: Treatment | None,
    n_reps: int,
) -> Clusters:
    """Draw cluster moments of (x, e) where they are the first grain.

    Parameters
    ----------
    sizes : array of int, shape (J, 1) or (J, R)
    given : Treatment or None
        The predictor, unless it is normal.
    """
    shape = (scenario.n_clusters, n_reps)
    sd_x, sd_e = sd_mean(scenario, sizes)
    if given is None:
        mean_x = sd_x * rng.standard_normal(shape)
        mean_e = sd_e * rng.standard_normal(shape)
        within = draw_within(rng, scenario, sizes, shape)
        return Clusters(sizes, (mean_x, mean_e), within)
    mean_e = sd_e * rng.standard_normal(shape)
    varies = given.root > 0
    noise = np.sqrt(scenario.sigma2)
    b = np.where(varies, noise * rng.standard_normal(shape), 0.0)
    r = noise * chi(rng, sizes - 1 - varies, shape)
    return Clusters(sizes, (given.mean, mean_e), Factor.of_line(given.root, b, r))


def draw_within(
    rng: np.random.Generator, scenario: Scenario, sizes: Ints, shape: tuple[int, int]
) -> Factor:
    """Draw the within-cluster factors of (x, e), x normal, shape (J, R)."""
    assert scenario.x_icc is not None
    sd_x, sd_e = np.sqrt(1.0 - scenario.x_icc), np.sqrt(scenario.sigma2)
    if sd_x == 0:
        zero = np.zeros(shape)
        return Factor.of_line(zero, zero, sd_e * chi(rng, sizes - 1, shape))
    a = sd_x * chi(rng, sizes - 1, shape)
    b = sd_e * rng.standard_normal(shape)
    if np.any(sizes == 1):
        b = np.where(sizes > 1, b, 0.0)
    return Factor.of_line(a, b, sd_e * chi(rng, np.maximum(sizes - 2, 0), shape))


def finish(scenario: Scenario, moments: Pooled | Clusters) -> Pooled | Clusters:
    """Turn moments of (x, e) into moments of (x, y)."""
    slope, outer_slope = scenario.slope, scenario.slope + scenario.contextual_effect
    if isinstance(moments, Pooled):
        return replace(
            moments,
            within=moments.within.tilted(slope),
            between=moments.between.tilted(outer_slope),
        )
    mean_y = scenario.intercept + outer_slope * moments.mean_x + moments.mean_y
    return replace(moments, means=(moments.mean_x, mean_y), within=moments.within.tilted(slope))
