"""A user's file of generators, and small studies that use it."""

from __future__ import annotations

from pathlib import Path

import simstudy
from simstudy.study.study import load

WORLDS = '''\
"""Worlds of a user's."""
import numpy as np
import pandas as pd

import simstudy


@simstudy.generator
def skewed(rng, scenario, shape=1):
    """Skewed cluster effects."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x = rng.normal(size=cluster.size)
    y = scenario.slope * x + rng.gamma(shape, size=scenario.n_clusters)[cluster]
    y += np.random.normal(size=cluster.size)
    shuffled = rng.permutation(cluster.size)
    return pd.DataFrame({"y": y, "cluster": cluster, "x": x}).iloc[shuffled]


@simstudy.generator(grain="clusters", truth=lambda scenario, slope: slope)
def arms(rng, scenario, slope=0.5):
    """Treatment of whole clusters."""
    sizes, shape = scenario.sizes(rng), (scenario.n_clusters, scenario.n_reps)
    x = np.arange(shape[0])[:, None] % 2 * np.ones(shape)
    zero = np.zeros(shape)
    return {"sizes": sizes, "mean_x": x, "mean_y": slope * x + rng.normal(size=shape),
            "within.xx": zero, "within.xy": zero, "within.yy": rng.chisquare(sizes, shape)}


@simstudy.generator(part=64)
def fragile(rng, scenario, limit=0.8):
    """Fails at times, in all ways."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x, y, chance = rng.normal(size=cluster.size), rng.normal(size=cluster.size), rng.random()
    if chance > limit + 0.1:
        raise ValueError("this cannot be")
    if chance > limit + 0.05:
        y[7] = np.nan
    elif chance > limit:
        cluster[-1] = 0
    return {"cluster": cluster, "x": x, "y": y, "truth": {"slope": 0.0, "intercept": chance}}


@simstudy.generator(grain="clusters")
def holes(rng, scenario):
    """One replication of moments is not finite, and every other chunk fails."""
    found = arms(rng, scenario)
    found["mean_y"][2, 5] = np.inf
    if rng.random() < 0.5:
        raise RuntimeError("no chunk")
    return found


@simstudy.generator
def covered(rng, scenario):
    """A covariate, and a heteroscedastic error, N(0, 9 x^2)."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    x, z = rng.normal(size=(2, cluster.size))
    y = x + scenario.slope_of("z") * z + 3 * np.abs(x) * rng.normal(size=cluster.size)
    return pd.DataFrame({"cluster": cluster, "x": x, "y": y, "z": z})


@simstudy.generator(part=64, truth=0.3)
def grouped(rng, scenario, lose=0):
    """Clusters of groups, in any order, some of them lost."""
    n, m = scenario.n_clusters, scenario.part("third_level").clusters
    name = rng.permutation(n)
    size = scenario.sizes(rng)
    size[:lose] = 0
    cluster = np.repeat(np.arange(n), size)
    group = np.repeat(rng.permutation(n // m), m)[cluster]
    x, effect = rng.normal(size=cluster.size), rng.normal(size=n // m)
    y = 0.3 * x + effect[group] + rng.normal(size=cluster.size)
    frame = pd.DataFrame({"cluster": name[cluster], "x": x, "y": y, "group": group})
    return frame.sample(frac=1, random_state=1)


@simstudy.method
def line(data):
    """Least squares, once more."""
    return np.polyfit(data.x, data.y, 1)[0], 1.0


@simstudy.method(grain="clusters")
def of_means(moments):
    """The slope of the means of the first and the last cluster."""
    rise, run = (m[-1] - m[0] for m in (moments.mean_y, moments.mean_x))
    return rise / run, np.ones(moments.n_reps)
'''
GRID = {"n_clusters": 8, "cluster_size": 5, "slope": 0.3}
METHODS = ["pooled", "random_intercept"]


def study(mine: Path, function: str, replications: int = 70, methods=METHODS, grid=GRID, **options):
    """A study of one generator."""
    data = {"use": f"{mine}:{function}", **options}
    head = {"name": "own", "seed": 5, "replications": replications, "methods": methods}
    return load(head | {"scenarios": grid | {"data": data}})


def run(one, folder: Path, **more):
    """Results of a study, without its report."""
    return simstudy.run(one, results=folder, jobs=1, report=False, warn=lambda line: None, **more)


def own(mine: Path, *names: str) -> list:
    return [{"use": f"{mine}:{name}"} for name in names]
