"""Data that misbehave, where clusters are exact: drawn as the others, then changed.

Predictors and the noise of units are drawn as if there were no cluster effects; parts of the
design then change the SDs, and effects of clusters and groups are added to the means.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from simstudy.generators import effects, gaussian, given, predictor, shapes, world
from simstudy.generators.appended import columns_of, factor_of
from simstudy.generators.components import normal_names
from simstudy.generators.gaussian import Treatment
from simstudy.generators.part import registered
from simstudy.generators.parts import endogeneity, x_shape
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Open, Sketch
from simstudy.generators.streams import COVARIATES
from simstudy.generators.world import Arms, Drawn, E
from simstudy.moments import Clusters, Floats, Ints
from simstudy.numerics.merge import merged


def noise_of(scenario: Scenario) -> Scenario:
    """The scenario without effects of groups, and of clusters unless these are mere noise.

    Its x is without what lies between groups.
    """
    group, cluster, unit = x_shares(scenario)
    tau2 = effects.tau2_of_clusters(scenario) if effects.in_noise(scenario) else 0.0
    total = tau2 + scenario.sigma2
    x_icc = scenario.x_icc
    if group:
        x_icc = cluster / (cluster + unit) if cluster + unit else 1.0
    return replace(scenario, icc=tau2 / total, total_variance=total, x_icc=x_icc, slope_sd=0.0)


def x_shares(scenario: Scenario) -> tuple[float, float, float]:
    """Shares of the variance of a normal x between groups, between their clusters, and within."""
    third, x_icc = scenario.part("third_level"), scenario.x_icc or 0.0
    group = third.x_icc if third is not None and scenario.x == "normal" else 0.0
    return group, x_icc - group, 1.0 - x_icc


def groups_of_x(sketch: Sketch) -> tuple[float, Floats] | None:
    """SD of what a normal x has within groups, and what it has of them, if anything."""
    group, cluster, unit = x_shares(sketch.scenario)
    if not group:
        return None
    return math.sqrt(cluster + unit), math.sqrt(group) * effects.of_group(sketch)


def draw_clusters(open_: Open, aside: Open, scenario: Scenario, n_reps: int) -> Drawn:
    """Draw one chunk.

    Parameters
    ----------
    open_ : callable
        Random numbers of the grain, of a part where one is given.
    aside : callable
        The same of sizes, and of predictors that are given before the errors.
    """
    planned, treatment = predictor.draw_first(aside, scenario, n_reps)
    split = _has_arms(scenario) and scenario.x_icc != 1.0
    sketch = Sketch(scenario, n_reps, open_, planned, planned, treatment, split=split)
    sketch.run("predictors")
    noise = noise_of(scenario)
    whole, fixed = _noise(sketch, noise, aside)
    at_x, at_e = (0, 1) if split else (world.order(scenario).index(name) for name in ("x", E))
    sketch.x = whole.means[at_x] if not split else np.tile([1.0, 0.0], len(planned))[:, None]
    sketch.component = lambda: _component(sketch, noise, whole)
    shift, slopes = effects.beside_noise(sketch)
    if of_groups := groups_of_x(sketch):
        whole = _changed(whole, at_x, *of_groups)
        sketch.x = whole.means[at_x]
    sketch.run("errors")
    whole = _changed(whole, at_e, sketch.error_sd, shift)
    arms, sizes = None, _sizes_of_arms(sketch) if split else sketch.sizes
    whole = _without_empty(whole, sizes)
    if split:
        arms = Arms(whole, _of_arms(sizes))
        whole = replace(merged(whole, 2), sizes=sketch.sizes)
    plain = whole if fixed is not None else _first_two(whole)
    return Drawn(plain, sketch.treatment, whole, fixed, slopes, arms)


def _has_arms(scenario: Scenario) -> bool:
    """Whether arms differ in their variances."""
    return any(registered()[name].by_arm(value) for name, value in scenario.parts)


def _noise(sketch: Sketch, noise: Scenario, aside: Open) -> tuple[Clusters, given.Given | None]:
    """Predictors and noise of cells, e not yet changed; and given predictors with covariates.

    A cluster that is lost is drawn as it was planned, an arm without units as one unit.
    """
    sizes, treatment, n_reps = sketch.sizes, sketch.treatment, sketch.n_reps
    if sketch.split:
        sizes = _sizes_of_arms(sketch)
        treatment, sizes = _of_arms(sizes), np.maximum(sizes, 1)
    elif sizes is not sketch.planned:
        sizes = np.where(sizes > 0, sizes, sketch.planned)
    cells = replace(noise, n_clusters=len(sizes))
    plain = gaussian.draw_clusters(sketch.open(), cells, sizes, treatment, n_reps)
    shape = noise.part("x_shape")
    if noise.x == "normal" and shape.name != "normal":  # its cluster part is all of it
        x = shapes.draw(sketch.open(x_shape.STREAM), shape, sketch.shape)
        plain = replace(plain, means=(x, plain.means[1]))
    if not noise.covariates:
        return plain, None
    fixed = given.draw_given(aside(COVARIATES), noise, sizes, treatment, n_reps)
    drawn = Drawn(plain, treatment, plain)
    return world.with_covariates(sketch.open(COVARIATES), noise, drawn, fixed).whole, fixed


def _sizes_of_arms(sketch: Sketch) -> Ints:
    """Units of the treated and of the control of each cluster, in turn."""
    treatment = sketch.treatment
    assert treatment is not None and treatment.treated is not None
    treated = np.where(sketch.sizes > 0, treatment.treated, 0)
    both = np.broadcast_arrays(treated, sketch.sizes - treated)
    return np.stack(both, axis=1).reshape(-1, both[0].shape[1])


def _of_arms(sizes: Ints) -> Treatment:
    arm = np.tile([1, 0], len(sizes) // 2)[:, None]
    return Treatment(arm.astype(float), np.zeros((1, 1)), arm * sizes)


def _component(sketch: Sketch, noise: Scenario, whole: Clusters) -> Floats:
    """Standardized cluster part of x."""
    if sketch.treatment is not None:
        return sketch.treatment.standardized
    if noise.x_icc == 1.0:
        return whole.means[world.order(noise).index("x")]
    names = world.order(noise)
    means = [whole.means[names.index(name)] for name in normal_names(noise)]
    rng = sketch.open(endogeneity.STREAM)
    return effects.cluster_part(rng, noise, whole.weights, means)


def _changed(whole: Clusters, k: int, sd: Floats | float, shift: Floats | float) -> Clusters:
    """The moments with column k multiplied, and then shifted by cluster."""
    means, within = list(whole.means), whole.within
    if np.ndim(sd) or sd != 1.0:
        columns = columns_of(within)
        columns[k] = [entry * sd for entry in columns[k]]
        within, means[k] = factor_of(columns), means[k] * sd
    means[k] = np.asarray(means[k] + shift)
    return replace(whole, means=tuple(means), within=within)


def _without_empty(whole: Clusters, sizes: Ints) -> Clusters:
    """What was drawn where there are no units, emptied."""
    if sizes.min() > 0:
        return whole
    kept = sizes > 0
    return replace(
        whole,
        sizes=sizes,
        means=tuple(np.where(kept, mean, 0.0) for mean in whole.means),
        within=whole.within.map(lambda entry: np.where(kept, entry, 0.0)),
    )


def _first_two(whole: Clusters) -> Clusters:
    columns = columns_of(whole.within)[:2]
    return replace(whole, means=whole.means[:2], within=factor_of(columns), names=("x", "y"))
