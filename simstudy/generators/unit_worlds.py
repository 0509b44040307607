"""Data that misbehave unit by unit: drawn as units, and never refined."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simstudy.generators import components, effects, given, predictor, shapes
from simstudy.generators.frames import combined
from simstudy.generators.parts import autocorrelation, errors, x_shape
from simstudy.generators.refine import given_rows
from simstudy.generators.scenario import Scenario
from simstudy.generators.sketch import Open, Sketch
from simstudy.generators.streams import COVARIATES
from simstudy.generators.worlds import groups_of_x, noise_of
from simstudy.moments import Array, Bools, Floats, Ints, Units
from simstudy.numerics.elimination import Column
from simstudy.numerics.segments import Segments


def draw_units(open_: Open, aside: Open, scenario: Scenario, n_reps: int) -> Units:
    """Draw one chunk; see `worlds.draw_clusters`."""
    sizes, treatment = predictor.draw_first(aside, scenario, n_reps)
    cells = Segments(sizes, n_reps)
    sketch = Sketch(scenario, n_reps, open_, sizes, sizes, treatment, units=cells)
    columns = _predictors(sketch, cells, aside)
    sketch.x = columns["x"]
    sketch.run("predictors")
    shift, slopes = effects.of_cells(sketch)
    y = _errors(sketch, cells)
    y += shift
    _add_fixed(y, scenario, cells, columns, slopes)
    held = [*(columns[name] for name in scenario.columns[:-1]), y]
    if sketch.kept is not None:
        sizes, held = _left(cells, sketch.kept, held)
    return Units(sizes, tuple(held), scenario.columns, scenario.clusters_per_group)


# --- predictors -------------------------------------------------------------------------------


def _predictors(sketch: Sketch, cells: Segments, aside: Open) -> dict[str, Floats]:
    scenario, treatment = sketch.scenario, sketch.treatment
    columns: dict[str, Floats] = {}
    fixed = [one.name for one in components.given_covariates(scenario)]
    if fixed:
        drawn = given.draw_given(
            aside(COVARIATES), scenario, sketch.planned, treatment, sketch.n_reps
        )
        assert drawn is not None
        names = fixed if treatment is None else ["x", *fixed]
        columns = dict(zip(names, drawn.units(cells), strict=True))
    elif treatment is not None:
        columns["x"] = given_rows(scenario.given, treatment, cells)
    if scenario.part("autocorrelation"):
        _shuffle(sketch, cells, columns)
    columns |= _normal_predictors(sketch, cells)
    if treatment is not None:
        sketch.component = lambda: treatment.standardized
    return {name: np.broadcast_to(column, cells.shape) for name, column in columns.items()}


def _shuffle(sketch: Sketch, cells: Segments, columns: dict[str, Floats]) -> None:
    """Put units with 1 and 0 in random order where order counts: they stand in that of these."""
    scenario = sketch.scenario
    binary = [one.name for one in components.given_covariates(scenario)
              if components.varies_in_clusters(one.type, one.icc)]  # fmt: skip
    if components.varies_in_clusters(scenario.x, scenario.x_icc):
        binary.append("x")
    if not binary:
        return
    keys = sketch.open(autocorrelation.STREAM).random(cells.shape)
    if cells.equal:
        order = np.argsort(keys, axis=0)
    else:
        cell = cells.spread(np.arange(math.prod(cells.cells)).reshape(cells.cells))
        order = np.lexsort((keys, cell))
    for name in binary:
        whole = np.broadcast_to(columns[name], cells.shape)
        columns[name] = np.take_along_axis(whole, order, axis=0)


def _normal_predictors(sketch: Sketch, cells: Segments) -> dict[str, Floats]:
    """The sums of parts of groups, clusters and units."""
    scenario = sketch.scenario
    noise = noise_of(scenario)
    names = components.normal_names(noise)
    if not names:
        return {}
    of_x = scenario.x == "normal"
    shape = scenario.part("x_shape")

    streams = [sketch.open(COVARIATES, k) if k or not of_x else sketch.open(x_shape.STREAM)
               for k in range(len(names))]  # fmt: skip
    laws = [shape if of_x and k == 0 else shapes.NORMAL for k in range(len(names))]

    def fresh(level: components.Level, size: tuple[int, ...]) -> list[Column]:
        shares = components.shares(noise, level)
        return [[shapes.draw(rng, law, size) if share > 0 else np.zeros(1)]
                for rng, law, share in zip(streams, laws, shares, strict=True)]  # fmt: skip

    outer, inner = fresh("between", sketch.shape), fresh("within", cells.shape)
    if of_x:
        sketch.component = lambda: outer[0][0]
    root = components.root_of_units(noise)
    spread = components.cholesky(
        [[np.asarray(v) for v in row] for row in components.covariances(noise, "between")]
    )
    columns = {}
    for k, name in enumerate(names):
        (column,) = combined(root[k], inner[: k + 1])
        (mean,) = combined(spread[k], outer[: k + 1])
        if column.shape != cells.shape:
            column = np.zeros(cells.shape)
        if mean.size > 1:
            column += cells.spread(mean)
        columns[name] = column
    if of_groups := groups_of_x(sketch):
        sd, shift = of_groups
        columns["x"] = sd * columns["x"] + shift
    return columns


# --- outcome ----------------------------------------------------------------------------------


def _errors(sketch: Sketch, cells: Segments) -> Floats:
    scenario = sketch.scenario
    own = shapes.draw(sketch.open(errors.STREAM), scenario.part("errors"), cells.shape)
    if correlation := scenario.part("autocorrelation"):
        own = autocorrelation.followed(own, correlation, cells)
    sketch.run("errors")
    own *= math.sqrt(scenario.sigma2) * sketch.error_sd
    return own


def _add_fixed(
    y: Floats,
    scenario: Scenario,
    cells: Segments,
    columns: dict[str, Floats],
    slopes: Floats | None,
) -> None:
    """Add what is fixed in y, and the slopes' part, in place."""
    x = columns["x"]
    slope: Floats | float = scenario.slope
    if slopes is not None:
        slope = cells.spread(scenario.slope + slopes)
    if np.any(slope):
        y += slope * x
    for one in scenario.covariates:
        if one.slope:
            y += one.slope * columns[one.name]
    if scenario.contextual_effect:
        mean = cells.sum(np.ascontiguousarray(x)) / cells.sizes
        y += scenario.contextual_effect * cells.spread(mean)
    if scenario.intercept:
        y += scenario.intercept


def _left(cells: Segments, kept: Bools, columns: list[Floats]) -> tuple[Ints, list[Floats]]:
    """Sizes and units that are not lost."""
    kept = np.broadcast_to(kept, cells.shape)
    sizes = cells.sum(kept.astype(float)).astype(np.int64)
    flat: Callable[[Array], Array] = (
        (lambda values: np.moveaxis(values, 0, -1).ravel()) if cells.equal else (lambda v: v)
    )
    here, left = flat(kept), Segments(sizes, cells.cells[1])  # of one replication, maybe equal
    return sizes, [left.layout(flat(np.broadcast_to(c, cells.shape))[here]) for c in columns]
