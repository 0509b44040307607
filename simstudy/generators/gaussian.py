"""Room 2: drawing moments of (x, e) directly, exact for normal data.

Imports the waist, scenario and numpy. A Gaussian matrix of df rows and SDs (sx, se) has
the cross-product factor a = sx chi(df), b = se z, r = se chi(df - 1) (Bartlett 1933).
The second column stays the error e until `finish` puts y on at the very end, so that the
noise is the same for every slope and nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simstudy.generators.scenario import Scenario
from simstudy.generators.streams import STEPS
from simstudy.moments import Clusters, Factor, Floats, Ints, Pooled


@dataclass(frozen=True, slots=True)
class Treatment:
    """A predictor that is given, not drawn with the errors, broadcastable to (J, R)."""

    mean: Floats
    root: Floats  # square root of its within-cluster sum of squares
    treated: Ints | None  # units with x = 1 where x is binary


def chi(rng: np.random.Generator, df: Ints | int, shape: tuple[int, ...]) -> Floats:
    """Draw chi variates; exactly 0 where df is 0."""
    return np.sqrt(2.0 * rng.standard_gamma(np.broadcast_to(0.5 * np.asarray(df), shape)))


def sd_mean(scenario: Scenario, sizes: Ints | int) -> tuple[Floats, Floats]:
    """SDs of the mean of x (normal) and of e in a cluster of that size."""
    sizes = np.asarray(sizes, dtype=float)
    x_icc = scenario.x_icc if scenario.x_icc is not None else 0.0
    sd_x = np.sqrt(x_icc + (1.0 - x_icc) / sizes)
    return sd_x, np.sqrt(scenario.tau2 + scenario.sigma2 / sizes)


def draw_pooled(rng: np.random.Generator, scenario: Scenario, need: int) -> Pooled:
    """Draw pooled moments of (x, e) for the first `need` replications of a chunk or more.

    The draw goes by `STEPS`, so a longer draw begins with the same replications.
    """
    j, n = scenario.n_clusters, scenario.equal_size
    assert n is not None and scenario.x_icc is not None
    free_within, free_between = j * (n - 1), j - 1
    sd_x, sd_e = np.sqrt(1.0 - scenario.x_icc), np.sqrt(scenario.sigma2)
    mean_x, mean_e = sd_mean(scenario, n)
    steps = np.cumsum(STEPS)
    length = int(steps[np.searchsorted(steps, need)])
    a, b, r, a2, b2, r2 = np.empty((6, length))
    for last, step in zip(steps, STEPS, strict=True):
        if last > length:
            break
        here = slice(last - step, last)
        if sd_x > 0 and free_within > 0:
            _fill(rng, free_within, a[here])
            rng.standard_normal(out=b[here])
            _fill(rng, free_within - 1, r[here])
        else:
            a[here], b[here] = 0.0, 0.0
            _fill(rng, free_within, r[here])
        _fill(rng, free_between, a2[here])
        rng.standard_normal(out=b2[here])
        _fill(rng, free_between - 1, r2[here])
    root = np.sqrt(n)
    within = Factor(a * sd_x, b * sd_e, r * sd_e)
    between = Factor(a2 * (root * mean_x), b2 * (root * mean_e), r2 * (root * mean_e))
    return Pooled(j, n, within, between)


def _fill(rng: np.random.Generator, df: int, out: Floats) -> None:
    """Draw chi(df) into `out`."""
    if df == 0:
        out[:] = 0.0
        return
    rng.standard_gamma(0.5 * df, out=out)
    out *= 2.0
    np.sqrt(out, out=out)


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
        return Clusters(sizes, mean_x, mean_e, within)
    mean_e = sd_e * rng.standard_normal(shape)
    varies = given.root > 0
    noise = np.sqrt(scenario.sigma2)
    b = np.where(varies, noise * rng.standard_normal(shape), 0.0)
    r = noise * chi(rng, sizes - 1 - varies, shape)
    return Clusters(sizes, given.mean, mean_e, Factor(given.root, b, r))


def draw_within(
    rng: np.random.Generator, scenario: Scenario, sizes: Ints, shape: tuple[int, int]
) -> Factor:
    """Draw the within-cluster factors of (x, e), x normal, shape (J, R)."""
    assert scenario.x_icc is not None
    sd_x, sd_e = np.sqrt(1.0 - scenario.x_icc), np.sqrt(scenario.sigma2)
    if sd_x == 0:
        zero = np.zeros(shape)
        return Factor(zero, zero, sd_e * chi(rng, sizes - 1, shape))
    a = sd_x * chi(rng, sizes - 1, shape)
    b = np.where(sizes > 1, sd_e * rng.standard_normal(shape), 0.0)
    return Factor(a, b, sd_e * chi(rng, np.maximum(sizes - 2, 0), shape))


def finish(scenario: Scenario, moments: Pooled | Clusters) -> Pooled | Clusters:
    """Turn moments of (x, e) into moments of (x, y)."""
    slope, outer_slope = scenario.slope, scenario.slope + scenario.contextual_effect

    def tilt(factor: Factor, by: float) -> Factor:
        return factor._replace(b=factor.b + by * factor.a)

    if isinstance(moments, Pooled):
        return replace(
            moments,
            within=tilt(moments.within, slope),
            between=tilt(moments.between, outer_slope),
        )
    mean_y = scenario.intercept + outer_slope * moments.mean_x + moments.mean_y
    return replace(moments, mean_y=mean_y, within=tilt(moments.within, slope))
