"""What errors are meant to be like: the law of the mean errors of clusters."""

from __future__ import annotations

import numpy as np

from simstudy.generators import streams
from simstudy.generators.scenario import Scenario
from simstudy.moments import Floats, Ints, Units
from simstudy.numerics.reduce import reduce
from simstudy.runner.realized import errors_of
from simstudy.study.grid import Design

_CLUSTERS, _UNITS = 200_000, 4_000_000  # that are drawn, the fewer of the two
_POINTS, _EDGE = 161, 3e-4  # places, and what lies beyond them


def means(of_units: Floats, sizes: Ints) -> Floats:
    """Mean of each cluster, of units sorted by cluster."""
    return np.asarray(np.add.reduceat(of_units, np.cumsum(sizes) - sizes) / sizes)


def share_of_mean(scenario: Scenario, sizes: Ints) -> Floats:
    """Variance of a mean of n errors over that of one error, for every n."""
    r = scenario.part("autocorrelation")
    sum_of_pairs = 2.0 * r * (1.0 - r**sizes) / (sizes * (1.0 - r) ** 2)
    return np.asarray(((1.0 + r) / (1.0 - r) - sum_of_pairs) / sizes)


def density_of_means(design: Design, seed: int) -> tuple[Floats, Floats]:
    """Density of the mean error of a cluster, over all data sets of a scenario.

    Returns
    -------
    places, heights : arrays
        A histogram of the clusters of the first data sets, smoothed.
    """
    draws = _mean_errors(design, seed)
    low, high = np.quantile(draws, [_EDGE, 1.0 - _EDGE])
    heights, edges = np.histogram(draws, _POINTS, (low, high))
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    smooth = np.convolve(heights, kernel / kernel.sum(), "same")
    width = edges[1] - edges[0]
    return (edges[1:] + edges[:-1]) / 2, smooth / (draws.size * width)


def _mean_errors(design: Design, seed: int) -> Floats:
    """Mean errors of clusters with units, from data sets at the coarsest grain that has any."""
    scenario = design.scenario
    grain = max(streams.CLUSTERS, streams.GRAIN[scenario.first_grain])
    length = streams.chunk_length(scenario, grain)
    per_data_set = max(scenario.n_clusters / _CLUSTERS, scenario.mean_n_obs / _UNITS)
    left, chunk, found = max(1, round(1.0 / per_data_set)), 0, []
    while left > 0:
        errors = errors_of(design, seed, grain, chunk, left).data
        clusters = reduce(errors) if isinstance(errors, Units) else errors
        means, sizes = np.broadcast_arrays(clusters.mean_y, clusters.sizes)
        found.append((means + clusters.point[-1])[sizes > 0])
        left, chunk = left - length, chunk + 1
    return np.concatenate(found)
