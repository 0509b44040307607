"""What errors are meant to be like: the nominal law of the mean errors of clusters."""

from __future__ import annotations

import math

import numpy as np

from simstudy.generators import shapes
from simstudy.generators.effects import tau2_of_clusters
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import variances_by_arm
from simstudy.moments import Floats, Ints

_DRAWS, _POINTS, _EDGE = 200_000, 161, 3e-4  # draws in all; places, and what lies beyond them


def means(of_units: Floats, sizes: Ints) -> Floats:
    """Mean of each cluster, of units sorted by cluster."""
    return np.asarray(np.add.reduceat(of_units, np.cumsum(sizes) - sizes) / sizes)


def share_of_mean(scenario: Scenario, sizes: Ints) -> Floats:
    """Variance of a mean of n errors over that of one error, for every n."""
    r = scenario.part("autocorrelation")
    sum_of_pairs = 2.0 * r * (1.0 - r**sizes) / (sizes * (1.0 - r) ** 2)
    return np.asarray(((1.0 + r) / (1.0 - r) - sum_of_pairs) / sizes)


def density_of_means(scenario: Scenario, x: Floats, sizes: Ints) -> tuple[Floats, Floats]:
    """Nominal density of the mean error of a cluster of a data set, given its x.

    A mean of errors is taken as normal, and the effects as independent of x and the sizes.

    Parameters
    ----------
    scenario : Scenario
    x : array, shape (N,)
        Sorted by cluster.
    sizes : array of int, shape (J,)

    Returns
    -------
    places, heights : arrays
        A histogram of draws, smoothed.
    """
    rng = np.random.Generator(np.random.SFC64(0))
    shape = sizes.size, -(-_DRAWS // sizes.size)
    by_effects, by_errors = _multiples(scenario, x, sizes)
    noise = np.sqrt(scenario.sigma2 * share_of_mean(scenario, sizes) * by_errors)[:, None]
    draws = by_effects[:, None] * _effects(rng, scenario, shape)
    key, cv = scenario.part("error_variance") or ("", 0.0)
    if key == "clusters":
        noise = noise * np.sqrt(rng.standard_gamma(cv**-2, shape) * cv**2)
    draws += noise * rng.standard_normal(shape)
    low, high = np.quantile(draws, [_EDGE, 1.0 - _EDGE])
    heights, edges = np.histogram(draws, _POINTS, (low, high))
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    smooth = np.convolve(heights, kernel / kernel.sum(), "same")
    width = edges[1] - edges[0]
    return (edges[1:] + edges[:-1]) / 2, smooth / (draws.size * width)


def _effects(rng: np.random.Generator, scenario: Scenario, shape: tuple[int, int]) -> Floats:
    """Effects of clusters, and of their groups: what goes with x, sizes and groups is normal."""
    left = 1.0 - scenario.part("endogeneity") ** 2 - scenario.part("informative_size") ** 2
    own = tau2_of_clusters(scenario) * max(left, 0.0)
    of_shape = shapes.draw(rng, scenario.part("cluster_effects"), shape)
    rest = math.sqrt(max(scenario.tau2 - own, 0.0)) * rng.standard_normal(shape)
    return np.asarray(math.sqrt(own) * of_shape + rest)


def _multiples(scenario: Scenario, x: Floats, sizes: Ints) -> tuple[Floats, Floats]:
    """By what effects, and variances of errors, are multiplied in each cluster, given its x."""
    by_effects, by_errors = np.ones(sizes.size), np.ones(sizes.size)
    if (pair := scenario.part("cluster_variance")) is not None:
        by_effects = means(np.sqrt(variances_by_arm(scenario, pair[1], x)), sizes)
    key, k = scenario.part("error_variance") or ("", 0.0)
    if key == "arms":
        by_errors = means(variances_by_arm(scenario, k, x), sizes)
    elif key == "x":
        by_errors = means(np.exp(k * x - 0.5 * k * k), sizes)
    return by_effects, by_errors
