"""What ``simstudy init --generator`` writes: a generator of one's own, and a study that uses it."""

GENERATOR = '''\
"""A generator of your own. Try it:  python -m simstudy check {name}.py

In a study file beside this one:

    scenarios:
      data: {{use: "{name}.py:{name}", shape: [1, 5]}}   # a list is a factor, data.shape
      n_clusters: 20                  # these two are needed; all other fields may be left out,
      cluster_size: 10                # and mean what the function makes of them

What it raises, numbers that are not finite and sizes that are not those asked for make failed rows
of all methods in those replications. The content of this file is part of the scenarios' identity:
after a change their data are drawn anew. What it imports must be installed, not lie beside it.
"""

import numpy as np
import pandas as pd

import simstudy


# One replication: columns cluster, x, y, and the covariates of the scenario; all random numbers
# from rng, which is that of this replication alone. True is the scenario's slope; else say it:
# @simstudy.generator(truth=0.3), truth=lambda scenario, shape: ..., or frame.attrs["truth"].
@simstudy.generator
def {name}(rng, scenario, shape=1):
    """Cluster effects from a gamma distribution of this shape, centered, of variance tau2."""
    cluster = np.repeat(np.arange(scenario.n_clusters), scenario.sizes(rng))
    effect = (rng.gamma(shape, size=scenario.n_clusters) - shape) * (scenario.tau2 / shape) ** 0.5
    x = rng.standard_normal(cluster.size)
    error = rng.normal(0, scenario.sigma2**0.5, cluster.size)
    y = scenario.slope * x + effect[cluster] + error
    return pd.DataFrame({{"cluster": cluster, "x": x, "y": y}})
'''
STUDY = """\
# Data from a generator of one's own. Run it:  python -m simstudy run {name}.yaml
name: {name}
title: Skewed cluster effects
aim: Do tests keep to their level when the cluster effects are skewed?
seed: {seed}
replications: 500
scenarios:
  data: {{use: "{name}.py:{name}", shape: [0.5, 5]}}
  n_clusters: [6, 20]
  cluster_size: 10                # or {{uniform: [5, 15]}}, ...: scenario.sizes(rng) draws them
  icc: 0.3
  slope: 0
methods:
  - pooled
  - random_intercept
"""
