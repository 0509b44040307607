"""Data of more than one predictor, or of slopes that vary: what is drawn beside (x, e).

The moments of (x, e) are drawn as if there were nothing else; columns are put beside them in
the order in which each is drawn given the ones before: given predictors, x, e, normal
covariates. At the very end e becomes y and the columns stand in the order of the waist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from simstudy.generators import appended, gaussian, given, refine
from simstudy.generators.components import given_covariates, normal_covariates
from simstudy.generators.frames import combined, over_units
from simstudy.generators.gaussian import Treatment
from simstudy.generators.given import Given
from simstudy.generators.scenario import Scenario
from simstudy.moments import XY, Clusters, Factor, Floats, Pooled, Units
from simstudy.numerics.batches import cut, cut_array
from simstudy.numerics.columns import triangle
from simstudy.numerics.segments import Segments

E = "(error)"  # no name of a column


@dataclass(frozen=True, slots=True)
class Arms:
    """The two arms of every cluster, the treated one first, where units make them differ.

    Attributes
    ----------
    moments : Clusters
        Of (x, e), of twice as many clusters.
    treatment : Treatment
        x of them.
    """

    moments: Clusters
    treatment: Treatment

    def cut(self, first: int, last: int) -> Arms:
        """Replications first..last-1 (from 0)."""
        return Arms(cut(self.moments, first, last), self.treatment.cut(first, last))


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chunk's clusters, before e becomes y.

    Attributes
    ----------
    plain : Clusters
        Moments of (x, e).
    treatment : Treatment or None
        x, unless it is normal.
    whole : Clusters
        Moments of all columns, in the order in which they are drawn.
    given : Given or None
        The given predictors, where a covariate is among them.
    slopes : array, shape (J, R), or None
        What the clusters' slopes of x are beside the mean one.
    arms : Arms or None
        Where they are what units are drawn from.
    """

    plain: Clusters
    treatment: Treatment | None
    whole: Clusters
    given: Given | None = None
    slopes: Floats | None = None
    arms: Arms | None = None

    def cut(self, first: int, last: int) -> Drawn:
        """Replications first..last-1 (from 0)."""
        treatment, of_given, slopes = self.treatment, self.given, self.slopes
        arms = None if self.arms is None else self.arms.cut(first, last)
        if treatment is not None:
            treatment = treatment.cut(first, last)
        if of_given is not None:
            of_given = of_given.cut(first, last)
        if slopes is not None:
            slopes = cut_array(slopes, first, last)
        plain = cut(self.plain, first, last)
        whole = plain if self.whole is self.plain else cut(self.whole, first, last)
        return Drawn(plain, treatment, whole, of_given, slopes, arms)


def order(scenario: Scenario) -> list[str]:
    """The columns in the order in which each is drawn given the ones before."""
    fixed = [one.name for one in given_covariates(scenario)]
    first = [*fixed, "x"] if scenario.x == "normal" else ["x", *fixed]
    return [*first, E, *(one.name for one in normal_covariates(scenario))]


def with_covariates(
    rng: np.random.Generator, scenario: Scenario, drawn: Drawn, fixed: Given | None
) -> Drawn:
    """Put the covariates beside the moments of (x, e), where clusters are the first grain."""
    whole = drawn.plain
    if fixed is not None:
        whole = given.beside(rng, scenario, whole, fixed)
    whole = appended.to_clusters(rng, scenario, whole, order(scenario).index("x"))
    return replace(drawn, whole=whole, given=fixed)


def draw_slopes(rng: np.random.Generator, scenario: Scenario, plain: Clusters) -> Floats:
    """What the clusters' slopes are beside the mean one, given their mean errors.

    (u, v) is normal, and the mean error is u and a mean of independent errors.
    """
    variance = scenario.tau2 + scenario.sigma2 / plain.weights
    share = scenario.slope_correlation * np.sqrt(scenario.tau2 / variance)  # cor(v, mean error)
    noise = rng.standard_normal((plain.n_clusters, plain.n_reps))
    return np.asarray(
        scenario.slope_sd
        * (share / np.sqrt(variance) * plain.mean_y + np.sqrt(1.0 - share * share) * noise)
    )


def finish(
    scenario: Scenario, whole: Pooled | Clusters, slopes: Floats | None
) -> Pooled | Clusters:
    """Turn moments in the order of the draw into those of (covariates, x, y)."""
    m = scenario.clusters_per_group
    if not scenario.covariates and slopes is None:
        alone = gaussian.finish(scenario, whole)
        if isinstance(alone, Clusters):
            alone = replace(alone, names=XY, clusters_per_group=m)
        return alone
    slope = scenario.slope if slopes is None else scenario.slope + slopes
    names = order(scenario)
    waist = scenario.columns
    inner = _finished(scenario, names, whole.within, slope)
    if isinstance(whole, Pooled):
        outer = _finished(
            scenario, names, whole.between, scenario.slope + scenario.contextual_effect
        )
        return replace(whole, within=inner, between=outer, names=waist)
    columns = dict(zip(names, whole.means, strict=True))
    of_means = {name: [mean] for name, mean in columns.items()}
    (mean_y,) = _y(scenario, of_means, slope + scenario.contextual_effect)
    means = (*(columns[name] for name in waist[:-1]), scenario.intercept + mean_y)
    return replace(whole, means=means, within=inner, names=waist, clusters_per_group=m)


def _y(
    scenario: Scenario, columns: Mapping[str, Sequence[Floats]], slope: Floats | float
) -> list[Floats]:
    """The column of y, but for its intercept."""
    slopes = {one.name: one.slope for one in scenario.covariates} | {"x": slope, E: 1.0}
    used = [name for name in columns if np.any(slopes[name])]
    return combined([slopes[name] for name in used], [columns[name] for name in used])


def _finished(
    scenario: Scenario, names: Sequence[str], factor: Factor, slope: Floats | float
) -> Factor:
    columns = dict(zip(names, appended.columns_of(factor), strict=True))
    y = _y(scenario, columns, slope)
    turned = triangle([*(columns[name] for name in scenario.columns[:-1]), y])
    shape = np.broadcast_shapes(*(entry.shape for row in turned.rows for entry in row))
    # which entries replications share would else depend on what was drawn
    return turned.map(lambda entry: np.ascontiguousarray(np.broadcast_to(entry, shape)))


# --- units ------------------------------------------------------------------------------------


def units_of(
    rng: np.random.Generator, beside: np.random.Generator, scenario: Scenario, drawn: Drawn
) -> Units:
    """Split clusters into units, with y.

    Parameters
    ----------
    rng : Generator
        That of the units of (x, e).
    beside : Generator
        That of the units of normal covariates.
    """
    whole = drawn.whole
    cells = Segments(whole.sizes, whole.n_reps)
    normal = normal_covariates(scenario)
    columns: list[Floats]
    if drawn.given is None:
        columns = _first_units(rng, scenario, drawn, cells)
        fresh = [beside.standard_normal(cells.shape) for _ in normal]
    else:
        columns = drawn.given.units(cells)
        n_own = len(whole.means) - len(columns) - len(normal)
        fresh = [rng.standard_normal(cells.shape) for _ in range(n_own)]
        fresh += [beside.standard_normal(cells.shape) for _ in normal]
    if fresh:
        columns += _refined(whole, cells, columns, fresh)
    return _finished_units(scenario, whole, drawn.slopes, cells, columns)


def _first_units(
    rng: np.random.Generator, scenario: Scenario, drawn: Drawn, cells: Segments
) -> list[Floats]:
    """Units of x and e, without covariates that are given."""
    if drawn.arms is None:
        return list(refine.to_rows(rng, scenario, drawn.plain, drawn.treatment).columns)
    arms = drawn.arms.moments
    units = refine.to_rows(rng, scenario, arms, drawn.arms.treatment)
    return [cells.paired(Segments(arms.sizes, arms.n_reps), column) for column in units.columns]


def _refined(
    whole: Clusters, cells: Segments, known: Sequence[Floats], fresh: Sequence[Floats]
) -> list[Floats]:
    """Fresh units with the moments of their columns, beside those that are known."""
    n, space = len(known), over_units(cells, whole.sizes)
    columns = appended.refined(
        [[values] for values in known], [[values] for values in fresh], whole.within, space
    )
    return [
        column + cells.spread(mean)
        for (column,), mean in zip(columns, whole.means[n:], strict=True)
    ]


def _finished_units(
    scenario: Scenario,
    whole: Clusters,
    slopes: Floats | None,
    cells: Segments,
    units: Sequence[Floats],
) -> Units:
    columns = dict(zip(order(scenario), units, strict=True))
    slope: Floats | float = scenario.slope
    if slopes is not None:
        slope = cells.spread(scenario.slope + slopes)
    (y,) = _y(scenario, {name: [column] for name, column in columns.items()}, slope)
    mean_x = whole.means[order(scenario).index("x")]
    shift = scenario.intercept + scenario.contextual_effect * mean_x
    y = y + cells.spread(shift)
    waist = scenario.columns
    values = (*(columns[name] for name in waist[:-1]), y)
    return Units(whole.sizes, values, waist, scenario.clusters_per_group)
