"""Effects and slopes of clusters: the joint law with x and with sizes.

u = tau (rho_x a + rho_n s + k h), v = slope_sd (rho_v s + r' h + k' z); a is the cluster part
of x, s the size, both standardized, h of the chosen shape and z normal.
"""

from __future__ import annotations

import math

import numpy as np

from simstudy.generators import components, shapes
from simstudy.generators.part import registered
from simstudy.generators.parts import cluster_effects, third_level
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Sketch, standardized
from simstudy.generators.streams import SLOPES
from simstudy.moments import Floats
from simstudy.numerics.elimination import divide


def tau2_of_clusters(scenario: Scenario) -> float:
    """Variance between the clusters of a group."""
    third = scenario.part("third_level")
    share = 0.0 if third is None else third.icc
    return scenario.total_variance * (scenario.icc - share)


def in_noise(scenario: Scenario) -> bool:
    """Whether nothing but the means of clusters depends on their effects, which are normal.

    Then effects and mean errors are one normal number, as in data that behave.
    """
    parts = registered()
    return not scenario.slope_sd and all(parts[name].keeps_effects for name, _ in scenario.parts)


def beside_noise(sketch: Sketch) -> tuple[Floats | float, Floats | None]:
    """As `of_cells`, without effects that the mean errors of clusters hold."""
    return (of_groups(sketch), None) if in_noise(sketch.scenario) else of_cells(sketch)


def of_cells(sketch: Sketch) -> tuple[Floats | float, Floats | None]:
    """Effects of group and cluster in every cell, and slopes of clusters beside the mean one."""
    scenario = sketch.scenario
    sketch.run("effects")
    shape = scenario.part("cluster_effects")
    own = shapes.draw(sketch.open(cluster_effects.STREAM), shape, sketch.shape)
    tau2 = tau2_of_clusters(scenario)
    effects = of_groups(sketch)
    if tau2 > 0:
        of_clusters = standardized(sketch.loadings, own)
        effects = math.sqrt(tau2) * sketch.effect_sd * sketch.spread(of_clusters) + effects
    return effects, _slopes(sketch, own) if scenario.slope_sd else None


def of_groups(sketch: Sketch) -> Floats | float:
    """Effects of groups in every cell."""
    third = sketch.scenario.part("third_level")
    if third is None or third.icc == 0:
        return 0.0
    return math.sqrt(sketch.scenario.total_variance * third.icc) * of_group(sketch)


def of_group(sketch: Sketch) -> Floats:
    """Standard normal numbers of groups, in every cell."""
    third = sketch.scenario.part("third_level")
    n_clusters, n_reps = sketch.shape
    drawn = sketch.open(third_level.STREAM).standard_normal((n_clusters // third.clusters, n_reps))
    return np.asarray(sketch.spread(np.repeat(drawn, third.clusters, axis=0)))


def _slopes(sketch: Sketch, own: Floats) -> Floats:
    scenario = sketch.scenario
    rho_n, rho_v = scenario.part("informative_size"), scenario.part("informative_slope")
    left = 1.0 - sum(correlation**2 for correlation, _ in sketch.loadings)
    gap = scenario.slope_correlation - rho_n * rho_v
    along = gap / math.sqrt(left) if left > 1e-12 else 0.0
    noise = sketch.open(SLOPES).standard_normal(sketch.shape)
    return scenario.slope_sd * standardized([*sketch.slope_loadings, (along, own)], noise)


def cluster_part(
    rng: np.random.Generator, scenario: Scenario, sizes: Floats, means: list[Floats]
) -> Floats:
    """Standardized cluster part of a normal x, given the cluster means of the normal predictors.

    Parameters
    ----------
    scenario : Scenario
        By whose variances they were drawn.
    means : list of arrays
        In the order of `components.normal_names`.
    """
    root = components.root_of_means(scenario, sizes)
    scale = math.sqrt(components.shares(scenario, "between")[0])
    targets = [row[0] / scale for row in components.covariances(scenario, "between")]
    loadings: list[Floats] = []
    normals: list[Floats] = []
    for k, row in enumerate(root):
        along, mean = np.asarray(targets[k]), means[k]
        for m in range(k):
            along, mean = along - row[m] * loadings[m], mean - row[m] * normals[m]
        loadings.append(divide(along, row[k]))
        normals.append(divide(np.asarray(mean), row[k]))
    shape = np.broadcast_shapes(*(mean.shape for mean in means))
    left = np.maximum(1.0 - sum(loading**2 for loading in loadings), 0.0)
    part = np.sqrt(left) * rng.standard_normal(shape)
    for loading, normal in zip(loadings, normals, strict=True):
        part = part + loading * normal
    return np.asarray(part)
