"""Normal covariates, drawn given all columns before them.

Bartlett's columns go on: along each direction that exists a normal number, then a chi with what
is left of the degrees of freedom; what is correlated is a sum of those (Bartlett 1933).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simstudy.generators import components
from simstudy.generators.components import Rows
from simstudy.generators.frames import (
    OF_MEANS,
    OVER_CLUSTERS,
    Space,
    combined,
    directions,
    pivots,
    placed,
)
from simstudy.generators.gaussian import chi
from simstudy.generators.scenario import Scenario
from simstudy.generators.streams import steps_to
from simstudy.moments import Clusters, Factor, Floats, Ints, Pooled
from simstudy.numerics.elimination import Column, divide


def factor_of(columns: Sequence[Column]) -> Factor:
    """The triangle of columns given from the first row down."""
    n = len(columns)
    return Factor(tuple(tuple(columns[k][i] for k in range(i, n)) for i in range(n)))


def columns_of(factor: Factor) -> list[Column]:
    """The columns of a triangle, from the first row down."""
    return [factor.column(k) for k in range(len(factor.rows))]


def _with_normals(
    columns: Sequence[Column], of_x: Column | None, root: Rows, fresh: Sequence[Column]
) -> list[Column]:
    """Columns and those of normal covariates, of fresh ones with variance 1.

    Parameters
    ----------
    columns : sequence
        All before, which stay as they are.
    of_x : sequence of arrays, optional
        That of x, where x is normal.
    root : lower triangle
        Of the covariances of the normal predictors.
    """
    units = list(fresh)
    if of_x is not None:
        units.insert(0, [divide(entry, root[0][0]) for entry in of_x])
    first = len(units) - len(fresh)
    drawn = [combined(root[k], units[: k + 1]) for k in range(first, len(units))]
    return [*columns, *drawn]


# --- pooled -----------------------------------------------------------------------------------


def to_pooled(rng: np.random.Generator, scenario: Scenario, drawn: Pooled) -> Pooled:
    """Append the covariates to pooled moments of (x, e)."""
    j, n = drawn.n_clusters, drawn.cluster_size
    outer_root = [[v * np.sqrt(n) for v in row] for row in components.root_of_means(scenario, n)]
    levels = (
        (drawn.within, j * (n - 1), components.root_of_units(scenario)),
        (drawn.between, j - 1, outer_root),
    )
    plans = [_plan(df, root) for _, df, root in levels]
    fresh = _draw_steps(rng, plans, drawn.n_reps)
    within, between = (
        factor_of(_with_normals(columns_of(factor), factor.column(0), root, columns))
        for (factor, _, root), columns in zip(levels, fresh, strict=True)
    )
    return replace(drawn, within=within, between=between)


def _plan(df: int, root: Rows) -> list[tuple[list[bool], int]]:
    """For each covariate, which directions exist before it, and the df of its own."""
    exists: list[bool] = []
    plans = []
    for k, varies in enumerate([root[0][0] > 0, True, *(row[-1] > 0 for row in root[1:])]):
        free = df - sum(exists)
        if k > 1:
            plans.append((list(exists) if varies else [False] * k, free if varies else 0))
        exists.append(bool(varies and free > 0))
    return plans


def _draw_steps(
    rng: np.random.Generator, plans: Sequence[list[tuple[list[bool], int]]], n_reps: int
) -> list[list[Column]]:
    """Fresh columns of variance 1, step by step as those of (x, e) are drawn."""
    fresh: list[list[Column]] = [
        [[np.zeros(n_reps) for _ in range(len(exists) + 1)] for exists, _ in plan] for plan in plans
    ]
    for here in steps_to(n_reps):
        for plan, columns in zip(plans, fresh, strict=True):
            for (exists, free), column in zip(plan, columns, strict=True):
                for there, entry in zip(exists, column, strict=False):
                    if there:
                        rng.standard_normal(out=entry[here])
                if free > 0:
                    rng.standard_gamma(0.5 * free, out=column[-1][here])
    for columns in fresh:
        for column in columns:
            np.sqrt(2.0 * column[-1], out=column[-1])
    return fresh


def leading(moments: Pooled) -> Pooled:
    """The moments of (x, e) alone."""
    if len(moments.within.rows) == 2:
        return moments
    within, between = (
        factor_of([factor.column(0), factor.column(1)])
        for factor in (moments.within, moments.between)
    )
    return replace(moments, within=within, between=between)


# --- clusters ---------------------------------------------------------------------------------


def to_clusters(
    rng: np.random.Generator, scenario: Scenario, drawn: Clusters, at_x: int
) -> Clusters:
    """Append the normal covariates to cluster moments, where these are the first grain.

    Parameters
    ----------
    drawn : Clusters
        Of the given predictors, x and e.
    at_x : int
        Which column is x.
    """
    normal = scenario.x == "normal"
    root = components.root_of_units(scenario)
    varies = [bool(row[-1] > 0) for row in root[normal:]]
    fresh = draw_columns(rng, drawn.sizes - 1, pivots(drawn.within), varies, drawn.n_reps)
    columns = columns_of(drawn.within)
    within = _with_normals(columns, columns[at_x] if normal else None, root, fresh)
    shape = (drawn.n_clusters, drawn.n_reps)
    means = [[rng.standard_normal(shape)] for _ in varies]
    root = components.root_of_means(scenario, drawn.weights)
    of_x = [drawn.means[at_x]] if normal else None
    wholes = _with_normals([[mean] for mean in drawn.means], of_x, root, means)
    return replace(drawn, means=tuple(mean for (mean,) in wholes), within=factor_of(within))


def draw_columns(
    rng: np.random.Generator,
    df: Ints,
    exists: Sequence[Floats],
    varies: Sequence[bool],
    n_reps: int,
) -> list[Column]:
    """Columns of variance 1 within clusters, shape (J, R), given which directions there are.

    Parameters
    ----------
    df : array of int, shape (J, 1) or (J, R)
    exists : sequence of arrays
        Positive where a column before has a direction of its own.
    varies : sequence of bool
        Whether each column varies within clusters.
    """
    shape = (df.shape[0], n_reps)
    there = [np.asarray(one) > 0 for one in exists]
    drawn: list[Column] = []
    for moving in varies:
        column = [np.zeros(shape) for _ in range(len(there) + 1)]
        own = np.zeros((1, 1), dtype=bool)
        if moving:
            column = [np.where(one, rng.standard_normal(shape), 0.0) for one in there]
            rank = sum((one.astype(np.int64) for one in there), np.zeros((1, 1), np.int64))
            free = np.maximum(df - rank, 0)
            column.append(chi(rng, free, shape))
            own = free > 0
        there.append(own)
        drawn.append(column)
    return drawn


def refine_clusters(
    rng: np.random.Generator, scenario: Scenario, coarse: Pooled, drawn: Clusters
) -> Clusters:
    """Split the covariates of pooled moments among clusters whose (x, e) are drawn."""
    n_reps, j = drawn.n_reps, drawn.n_clusters
    shape = (j, n_reps)
    varies = [bool(row[-1] > 0) for row in components.root_of_units(scenario)[1:]]
    exists = pivots(drawn.within)
    fresh = draw_columns(rng, drawn.sizes - 1, exists, varies, n_reps)
    known = columns_of(drawn.within)
    within = refined(known, fresh, coarse.within, OVER_CLUSTERS)
    normals = [[rng.standard_normal(shape)] for _ in varies]
    between = coarse.between.map(lambda entry: entry * coarse.cluster_size**-0.5)
    spread = refined([[mean] for mean in drawn.means], normals, between, OF_MEANS)
    root = components.root_of_means(scenario, coarse.cluster_size)
    scaled = [[v * j**-0.5 for v in row] for row in root]
    level_x = [drawn.means[0].sum(axis=0) / j]
    levels = _with_normals([], level_x, scaled, [[rng.standard_normal(n_reps)] for _ in varies])
    means = [of[0] + level[0] for of, level in zip(spread, levels, strict=True)]
    return replace(drawn, means=(*drawn.means, *means), within=factor_of([*known, *within]))


def refined(
    known: Sequence[Column], fresh: Sequence[Column], coarse: Factor, space: Space
) -> list[list[Floats]]:
    """Give fresh columns the coarse triangle, beside those that are known to have it."""
    frame = directions([*known, *fresh], pivots(coarse), space)
    return [placed(coarse, k, frame[: k + 1], space) for k in range(len(known), len(coarse.rows))]
