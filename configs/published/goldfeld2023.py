"""Data sets of Goldfeld (2023), clusters of a Dirichlet distribution's sizes."""

import numpy as np

import simstudy


@simstudy.generator(grain="clusters")
def shared_out(rng, scenario, dispersion=0.0, persons=500):
    """Deal `persons` out to the clusters by Dirichlet(1 / dispersion), and draw a trial in them."""
    j, r = scenario.n_clusters, scenario.n_reps
    sizes = np.full((j, r), persons // j)
    if dispersion:
        weights = rng.standard_gamma(1 / dispersion, (j, r))
        sizes = (persons * weights / weights.sum(axis=0)).astype(int)
        lots = rng.random((j, r)).argsort(axis=0).argsort(axis=0)
        sizes += lots < persons - sizes.sum(axis=0)  # what is left goes to clusters at random
        sizes = np.maximum(sizes, 1)
    treated = np.repeat([1.0, 0.0], j // 2)[:, None] * np.ones(r)
    noise = np.sqrt(scenario.tau2 + scenario.sigma2 / sizes) * rng.standard_normal((j, r))
    yy = scenario.sigma2 * 2 * rng.standard_gamma((sizes - 1) / 2)
    zero = np.zeros((j, r))
    return {"sizes": sizes, "mean_x": treated, "mean_y": scenario.slope * treated + noise,
            "within.xx": zero, "within.xy": zero, "within.yy": yy}  # fmt: skip
