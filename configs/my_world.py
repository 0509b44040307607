"""Two generators of a user's own; configs/own_world.yaml uses them."""

import numpy as np
import pandas as pd

import simstudy


@simstudy.generator
def skewed(rng, scenario, shape=1):
    """Cluster effects from a gamma distribution of this shape, centered, of variance tau2."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    effect = (rng.gamma(shape, size=scenario.n_clusters) - shape) * (scenario.tau2 / shape) ** 0.5
    x = rng.standard_normal(scenario.n_clusters)[cluster]
    error = rng.normal(0, scenario.sigma2**0.5, cluster.size)
    y = scenario.slope * x + effect[cluster] + error
    return pd.DataFrame({"cluster": cluster, "x": x, "y": y})


@simstudy.generator(grain="clusters")
def noisy_arm(rng, scenario, ratio=1):
    """Every other cluster is treated; its units vary by `ratio` times the variance."""
    sizes, shape = scenario.sizes(rng), (scenario.n_clusters, scenario.n_reps)
    x = np.broadcast_to(np.arange(scenario.n_clusters)[:, None] % 2, shape)
    variance = scenario.sigma2 * np.where(x == 1, ratio, 1)
    mean_y = scenario.slope * x + rng.normal(0, np.sqrt(scenario.tau2 + variance / sizes), shape)
    within = {"within.xx": np.zeros(shape), "within.xy": np.zeros(shape)}
    within["within.yy"] = variance * rng.chisquare(sizes - 1, shape)
    return {"sizes": sizes, "mean_x": x, "mean_y": mean_y} | within
