"""The finer grain of the same data set, drawn given the coarser one.

A Gaussian matrix is E = Q T', T the Cholesky factor of its cross-product, Q uniform on the
orthonormal frames and independent of T (Olkin & Rubin 1964): keep the coarse T, take Q from a
fresh draw. 0/0 is 0: ranks come from integer degrees of freedom, so a zero factor stays zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simstudy.generators.gaussian import Treatment, draw_within, sd_mean
from simstudy.generators.scenario import GivenX, Scenario
from simstudy.moments import Clusters, Factor, Floats, Pooled, Units
from simstudy.numerics.elimination import divide
from simstudy.numerics.gram import dot, total
from simstudy.numerics.segments import Segments


def to_clusters(rng: np.random.Generator, scenario: Scenario, coarse: Pooled) -> Clusters:
    """Split pooled moments of (x, e) into those of J clusters, shape (J, R)."""
    shape = (coarse.n_clusters, coarse.within.r.size)
    sizes = scenario.fixed_sizes()
    within = _share(draw_within(rng, scenario, sizes, shape), coarse.within)
    x, e = rng.standard_normal(shape), rng.standard_normal(shape)
    x = _centre(x)
    q = divide(x, np.sqrt(dot(x, x)))
    e = _centre(e)
    for _ in range(2):
        e -= q * dot(q, e)
    e = divide(e, np.sqrt(dot(e, e)))
    root = coarse.cluster_size**-0.5
    outer = coarse.between
    sd_x, sd_e = sd_mean(scenario, coarse.cluster_size)
    level_x, level_e = rng.standard_normal((2, shape[1])) * coarse.n_clusters**-0.5
    mean_x, mean_e = q * (outer.a * root), q * (outer.b * root)
    mean_x += sd_x * level_x
    mean_e += e * (outer.r * root)
    mean_e += sd_e * level_e
    return Clusters(sizes, (mean_x, mean_e), within)


def _centre(values: Floats) -> Floats:
    """Centre fresh values, in place."""
    for _ in range(2):
        values -= values.sum(axis=0) / len(values)
    return values


def _share(fresh: Factor, coarse: Factor) -> Factor:
    """Give fresh factors (J, R) the coarse total (R,), in residual form."""
    whole = total(fresh)
    slope = divide(whole.b, whole.a)
    by_r = divide(coarse.r, whole.r)
    a = fresh.a * divide(coarse.a, whole.a)
    b = fresh.b - fresh.a * slope
    b *= by_r
    b += fresh.a * divide(coarse.b, whole.a)
    return Factor.of_line(a, b, by_r * fresh.r)


def to_rows(
    rng: np.random.Generator,
    scenario: Scenario,
    coarse: Clusters,
    given: Treatment | None,
) -> Units:
    """Split cluster moments of (x, e) into units."""
    cells = Segments(coarse.sizes, coarse.mean_y.shape[1])
    whole_x: Floats | None = None
    if given is not None:
        whole_x = given_rows(scenario.given, given, cells)
        q = _centred_rows(np.broadcast_to(whole_x, cells.shape).copy(), coarse, cells)
    elif scenario.x_icc == 1.0:
        q = np.zeros(cells.shape)
    else:
        q = _centred_rows(rng.standard_normal(cells.shape), coarse, cells)
    length = np.where(coarse.within.a > 0, np.sqrt(cells.dot(q, q)), 0.0)
    q *= cells.spread(divide(np.ones_like(length), length))
    e = _centred_rows(rng.standard_normal(cells.shape), coarse, cells)
    for _ in range(2):
        e -= q * cells.spread(cells.dot(q, e))
    scale = divide(np.broadcast_to(coarse.within.r, cells.cells), np.sqrt(cells.dot(e, e)))
    e *= cells.spread(scale)
    e += q * cells.spread(coarse.within.b)
    e += cells.spread(coarse.mean_y)
    if whole_x is None:
        q *= cells.spread(coarse.within.a)
        q += cells.spread(coarse.mean_x)
        whole_x = q
    return Units(coarse.sizes, (whole_x, e))


def _centred_rows(values: Floats, coarse: Clusters, cells: Segments) -> Floats:
    """Centre the units of each cluster, in place."""
    for _ in range(2):
        values -= cells.spread(cells.sum(values) / np.maximum(coarse.sizes, 1))
    return values


def given_rows(file: GivenX | None, given: Treatment, cells: Segments) -> Floats:
    """Units of a given predictor: the treated first, their order, or the file's own values."""
    if given.step is not None:
        middle = 0.5 * (cells.spread(cells.sizes) - 1.0)
        return np.asarray((cells.position() - middle) * cells.spread(given.step))
    if given.treated is not None:
        return (cells.position() < cells.spread(given.treated)).astype(float)
    assert file is not None
    starts = np.cumsum(file.sizes) - file.sizes
    index = cells.spread(starts[:, None].astype(float)).astype(np.int64) + cells.position()
    return np.asarray(file.values[index])


def finish_rows(scenario: Scenario, rows: Units, moments: Clusters) -> Units:
    """Turn units of (x, e) into units of (x, y); `moments` are those of (x, e)."""
    y = rows.y if scenario.slope == 0 else rows.y + scenario.slope * rows.x
    if scenario.intercept != 0 or scenario.contextual_effect != 0:
        cells = Segments(rows.sizes, moments.mean_y.shape[1])
        shift = scenario.intercept + scenario.contextual_effect * np.asarray(moments.mean_x)
        y = y + cells.spread(shift)
    return replace(rows, columns=(rows.x, y))
