"""Predictors that are given before the errors are drawn, more than one of them.

Binary ones are assigned independently of each other: given how many units of a cluster each
has, the counts of their combinations are hypergeometric. Columns of a file keep its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simstudy.generators.appended import columns_of, draw_columns, factor_of
from simstudy.generators.components import given_covariates
from simstudy.generators.frames import IN_CLUSTERS, Space, combined, over_units, pivots
from simstudy.generators.gaussian import Treatment
from simstudy.generators.predictor import half_of
from simstudy.generators.refine import given_rows
from simstudy.generators.scenario import Covariate, GivenX, Scenario
from simstudy.moments import Array, Clusters, Factor, Floats, Ints
from simstudy.numerics.batches import cut_array
from simstudy.numerics.elimination import Column, divide
from simstudy.numerics.segments import Segments

_COLLINEAR = 1e-7  # R's tolerance: what is left of a column's length


@dataclass(frozen=True, slots=True)
class Given:
    """Given predictors of clusters, x first where it is one; arrays broadcastable to (J, R).

    Attributes
    ----------
    means : tuple of arrays
    within : Factor
        Cross-products about the cluster means, of all.
    files : tuple of GivenX or None
        Where each is from a file.
    counts : tuple of arrays
        Units with each combination of the binary ones, 2^k: 1 before 0, the first slowest.
    step : array or None
        From unit to unit where x is their order; it is the first then, and in no other list.
    """

    means: tuple[Floats, ...]
    within: Factor
    files: tuple[GivenX | None, ...]
    counts: tuple[Ints, ...]
    step: Floats | None = None

    def cut(self, first: int, last: int) -> Given:
        """Replications first..last-1 (from 0)."""

        def part(values: Array) -> Array:
            return cut_array(values, first, last)

        means, counts = tuple(map(part, self.means)), tuple(map(part, self.counts))
        step = None if self.step is None else part(self.step)
        return replace(self, means=means, within=self.within.map(part), counts=counts, step=step)

    def units(self, cells: Segments) -> list[Floats]:
        """The values of every unit."""
        ends = np.cumsum([np.broadcast_to(count, cells.cells) for count in self.counts], axis=0)
        steps = [cells.spread(end) for end in ends]
        position = cells.position()
        code = sum((position >= step for step in steps), np.zeros(cells.shape, np.int64))
        n_binary, fixed = self.files.count(None), Treatment(np.zeros((1, 1)), np.zeros((1, 1)))
        bits = iter(range(n_binary - 1, -1, -1))
        in_order = replace(fixed, step=self.step)
        columns = [] if self.step is None else [given_rows(None, in_order, cells)]
        for file in self.files:
            if file is not None:
                columns.append(given_rows(file, fixed, cells))
            else:
                columns.append((1 - (code >> next(bits) & 1)).astype(float))
        return columns


def draw_given(
    rng: np.random.Generator,
    scenario: Scenario,
    sizes: Ints,
    treatment: Treatment | None,
    n_reps: int,
) -> Given | None:
    """Draw covariates that are not normal; None where there are none.

    Parameters
    ----------
    sizes : array of int, shape (J, 1) or (J, R)
    treatment : Treatment or None
        x, unless it is normal.
    """
    covariates = given_covariates(scenario)
    if not covariates:
        return None
    files = [one.given for one in covariates]
    treated = [_treated(rng, one, sizes, n_reps) for one in covariates if one.type != "file"]
    step = None if treatment is None else treatment.step
    if treatment is not None and step is None:
        files.insert(0, scenario.given)
        if treatment.treated is not None:
            treated.insert(0, treatment.treated)
    counts = _crossed(rng, sizes, treated, n_reps)
    space, columns, means = _centred(sizes, files, treated, counts)
    if treatment is not None and step is not None:  # beside it no binary one varies in clusters
        columns.insert(0, [treatment.root, *(np.zeros_like(entry) for entry in columns[0][1:])])
        means.insert(0, treatment.mean)
    return Given(tuple(means), _triangle(columns, space), tuple(files), tuple(counts), step)


def _treated(rng: np.random.Generator, covariate: Covariate, sizes: Ints, n_reps: int) -> Ints:
    """Units with 1 in each cluster, shape (J, R), or (J, 1) where there is no choice.

    Which clusters are treated is drawn whatever their sizes: they differ in other predictors.
    """
    j = len(sizes)
    if covariate.type == "binary_blocked":
        if not np.any(sizes % 2):
            return sizes // 2
        order = rng.permuted(np.broadcast_to(np.arange(j)[:, None], (j, n_reps)), axis=0)
        whole = np.broadcast_to(sizes, (j, n_reps))
        shuffled = np.take_along_axis(whole, order, axis=0)
        treated = np.empty_like(shuffled)
        np.put_along_axis(treated, order, half_of(shuffled), axis=0)
        return treated
    if covariate.icc == 0:
        return rng.binomial(sizes, 0.5, (j, n_reps))
    arms = np.repeat([1, 0], [j // 2, j - j // 2]).reshape(-1, 1)
    return rng.permuted(np.broadcast_to(arms, (j, n_reps)), axis=0) * sizes


def _crossed(
    rng: np.random.Generator, sizes: Ints, treated: Sequence[Ints], n_reps: int
) -> list[Ints]:
    """Units with each combination of binary predictors, assigned independently."""
    counts = [sizes]
    for k, ones in enumerate(treated):
        left, rest, split = ones, sizes, []
        for count in counts:
            taken = left
            if k > 0:
                rest = rest - count
                shape = (len(sizes), n_reps)
                taken = rng.hypergeometric(count, np.maximum(rest, 0), left, shape)
                left = left - taken
            split += [taken, count - taken]
        counts = split
    return counts


def _centred(
    sizes: Ints, files: Sequence[GivenX | None], treated: Sequence[Ints], counts: Sequence[Ints]
) -> tuple[Space, list[Column], list[Floats]]:
    """Columns about their cluster means, where they live, and these means.

    Where some column of a file varies within clusters no binary one does.
    """
    weights = [np.sqrt(count) for count in counts]
    none: Column = [np.zeros_like(weight) for weight in weights]
    space = IN_CLUSTERS
    from_files = [file for file in files if file is not None]
    if by_units := not all(map(constant_within, from_files)):
        cells = Segments(sizes, 1)
        space, none = over_units(cells, sizes), [np.zeros(cells.shape)]
    columns: list[Column] = []
    means: list[Floats] = []
    bits = iter(range(len(treated) - 1, -1, -1))
    ones = iter(treated)
    for file in files:
        if file is not None:
            values, mean = _of_file(file, sizes)
            columns.append([values] if by_units else none)
        else:
            mean, bit = next(ones) / sizes, next(bits)
            values_of = [1 - (code >> bit & 1) for code in range(len(counts))]
            about = [weight * (v - mean) for weight, v in zip(weights, values_of, strict=True)]
            columns.append(none if by_units else about)
        means.append(mean)
    return space, columns, means


def constant_within(file: GivenX) -> bool:
    """Whether the values of a file do not vary within clusters."""
    starts = np.cumsum(file.sizes) - file.sizes
    low, high = (ends.reduceat(file.values, starts) for ends in (np.minimum, np.maximum))
    return bool(np.all(low == high))


def _of_file(file: GivenX, sizes: Ints) -> tuple[Floats, Floats]:
    """Values of a file about their cluster means, as units, and these means, shape (J, 1)."""
    cells = Segments(sizes, 1)
    values = file.values
    if cells.equal:
        values = values.reshape(len(sizes), -1).T[:, :, None]
    flat = cells.constant(values)
    mean = cells.sum(values) / sizes
    about = values - cells.spread(mean)
    rest = cells.sum(about) / sizes
    about = np.where(cells.spread(flat), 0.0, about - cells.spread(rest))
    return about, np.where(flat, cells.first(values), mean + rest)


def _triangle(columns: Sequence[Column], space: Space) -> Factor:
    """The triangle of given columns; a length that is rounding alone is none."""
    frame: list[Column] = []
    entries: list[list[Floats]] = []
    for column in columns:
        left, along = list(column), [np.zeros(1)] * len(frame)
        own = np.sqrt(space.dot(left, left))
        for _ in range(2):
            for i, before in enumerate(frame):
                multiple = space.dot(before, left)
                along[i] = along[i] + multiple
                left = [a - space.spread(multiple) * b for a, b in zip(left, before, strict=True)]
        length = np.sqrt(space.dot(left, left))
        length = np.where(length <= _COLLINEAR * own, 0.0, length)
        inverse = space.spread(divide(np.ones_like(length), length))
        frame.append([entry * inverse for entry in left])
        entries.append([*along, length])
    return factor_of(entries)


# --- x and e beside them ----------------------------------------------------------------------


def beside(rng: np.random.Generator, scenario: Scenario, drawn: Clusters, given: Given) -> Clusters:
    """Columns of the given predictors, then x where it is normal, and e.

    The lengths of (x, e) and their product are drawn; their directions are uniform, whatever
    the given ones.
    """
    exists = pivots(given.within)
    known = columns_of(given.within)
    a, b, r = drawn.within.a, drawn.within.b, drawn.within.r
    varies = [scenario.x_icc != 1.0] if scenario.x == "normal" else []
    *fresh_x, e = draw_columns(rng, drawn.sizes - 1, exists, [*varies, True], drawn.n_reps)
    if fresh_x:
        x = _unit(fresh_x[0])
        for _ in range(2):
            e = combined([1.0, -IN_CLUSTERS.dot(x, e)], [e, x])
        columns: list[Column] = [[a * entry for entry in x]]
    else:
        x = [np.ones_like(b)]  # along itself, the first of the given
        e, columns = [np.zeros_like(e[0]), *e[1:]], []
    e = combined([r, b], [_unit(e), x])
    means = (*given.means, *(drawn.means if fresh_x else drawn.means[1:]))
    return replace(drawn, means=means, within=factor_of([*known, *columns, e]))


def _unit(column: Column) -> Column:
    """A column of length 1, or 0 where it has none."""
    length = np.sqrt(IN_CLUSTERS.dot(column, column))
    inverse = divide(np.ones_like(length), length)
    return [entry * inverse for entry in column]
