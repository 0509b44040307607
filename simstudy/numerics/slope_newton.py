"""Newton's method for the random-slope criterion on one face.

L, the root of G = L L', is lower triangular and its entries (L_00, L_10, L_11) are free of any
bound: theta_1 = 0, where lme4 may stop, is a point like any other. A face is the tuple of the
entries that may differ from 0: (0, 1, 2) has rank 2, (0, 1) rank 1; with a diagonal G (0, 2), (0,)
and (2,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics import slope_sums
from simstudy.numerics.slope_lines import Lines
from simstudy.numerics.slope_sums import Root, Slope, Table

Face = tuple[int, ...]

_STEPS = 100
_TOLERANCE = 1e-8  # of a Newton step, relative: the error after it is of the order of its square
_NEAR_ZERO = 0.01  # roots below this are small in the units of `Lines`
_PIVOT = 1e-10  # of the Hessian's diagonal: a smaller pivot is not positive
_LIFT, _LIFTS = 1e-5, 10  # least rise of the diagonal, over its size; four times that, ...


class Local(NamedTuple):
    """The criterion about a point of a face; arrays of shape (R,)."""

    value: Floats
    gradient: list[Floats]
    hessian: Table


class Found(NamedTuple):
    """Where searches ended."""

    root: Root
    value: Floats  # the criterion
    settled: Bools  # the last step was small


def chain(slope: Slope, root: Root, face: Face) -> tuple[list[Floats], Table]:
    """Gradient and Hessian in the free entries of L, from those in G."""
    jacobian = tangents(root)
    pairs = {(0, 0): slope.first[0], (0, 1): 0.5 * slope.first[1], (1, 1): slope.first[2],
             (2, 2): slope.first[2]}  # fmt: skip
    gradient = [slope_sums.inner(slope.first, jacobian[a]) for a in face]
    hessian = []
    for a in face:
        image = [slope_sums.inner(row, jacobian[a]) for row in slope.second]
        row = []
        for b in face:
            value = slope_sums.inner(image, jacobian[b])
            bend = pairs.get((min(a, b), max(a, b)))
            row.append(value if bend is None else value + 2.0 * bend)
        hessian.append(row)
    return gradient, hessian


def tangents(root: Root) -> Table:
    """Derivatives of G along (E_0, E_1, E_2) in the entries of L."""
    l00, l10, l11 = root
    zero = np.zeros_like(l00)
    return [[2.0 * l00, l10, zero], [zero, l00, 2.0 * l10], [zero, zero, 2.0 * l11]]


def minimize(
    data: Lines, index: Ints, start: Root, face: Face, reml: bool, edge: float = 0.0
) -> Found:
    """Minimize the criterion on a face, from one start each.

    A trust region keeps steps where the criterion is like its parabola. A search is frozen
    once its own step is small: its path depends on its replication and start alone.

    Parameters
    ----------
    index : array of int, shape (S,)
        Replication of every search, in any order, repeated or not.
    start : three arrays, shape (S,)
        Entries that are not free are 0.
    edge : float
        Stop where the smaller eigenvalue of G is below this share of the larger one: the rest of
        the way to the edge, or back from it, is shorter on the edge itself.
    """
    x = np.array(start)
    best, settled = np.full(index.size, np.nan), np.zeros(index.size, dtype=bool)
    active = np.arange(index.size)
    part = data.take(index)
    here, local = x.copy(), _local(part, x, face, reml)
    radius = 0.5 + 0.5 * np.sqrt((x * x).sum(axis=0))
    for _ in range(_STEPS):
        if not active.size:
            break
        step, newton = _step(local, radius)
        length = np.sqrt(sum(s * s for s in step))
        scale = np.sqrt((here * here).sum(axis=0)) + _NEAR_ZERO
        small = length <= _TOLERANCE * scale
        done = small & newton
        trial = here.copy()
        for k, s in zip(face, step, strict=True):
            trial[k] += s
        stop = small | ~np.isfinite(local.value) | (_flatness(here) < edge)
        if stop.any():
            ended = active[stop]
            x[:, ended] = np.where(done[stop], trial[:, stop], here[:, stop])
            best[ended], settled[ended] = local.value[stop], done[stop]
            going = np.flatnonzero(~stop)
            active, radius, length = active[going], radius[going], length[going]
            here, trial = here.take(going, axis=1), trial.take(going, axis=1)
            local, step = _pick(local, going), [s[going] for s in step]
            part = part.take(going)
            if not active.size:
                break
        new = _local(part, trial, face, reml)
        here, local, radius = _judged(here, trial, local, new, step, length, radius)
    x[:, active], best[active] = here, local.value
    return Found((x[0], x[1], x[2]), best, settled)


def _flatness(x: Floats) -> Floats:
    """Smaller over larger eigenvalue of G, or nearly, where it is small."""
    size = (x * x).sum(axis=0)
    return np.asarray((x[0] * x[2] / np.maximum(size, np.finfo(float).tiny)) ** 2)


def _local(data: Lines, x: Floats, face: Face, reml: bool) -> Local:
    root = (x[0], x[1], x[2])
    at = slope_sums.fit(data, root)
    value = slope_sums.criterion(data, at, reml)
    return Local(value, *chain(slope_sums.slope(data, at, reml), root, face))


def _judged(
    here: Floats,
    trial: Floats,
    local: Local,
    new: Local,
    step: list[Floats],
    length: Floats,
    radius: Floats,
) -> tuple[Floats, Local, Floats]:
    """Go where the criterion falls, but for rounding; widen or narrow the region."""
    image = [slope_sums.inner(row, step) for row in local.hessian]
    promised = -slope_sums.inner(local.gradient, step) - 0.5 * slope_sums.inner(image, step)
    kept = local.value - new.value
    noise = 1e-13 * (1.0 + np.abs(local.value))
    accept = kept >= -noise
    good = (kept >= 0.75 * promised) | (promised <= noise)
    poor = ~(kept >= 0.25 * promised) & (promised > noise) | ~accept
    radius = np.where(poor, 0.3 * length, np.where(good, np.maximum(radius, 2.5 * length), radius))
    mixed = Local(
        np.where(accept, new.value, local.value),
        [np.where(accept, a, b) for a, b in zip(new.gradient, local.gradient, strict=True)],
        [[np.where(accept, a, b) for a, b in zip(*rows, strict=True)]
         for rows in zip(new.hessian, local.hessian, strict=True)],
    )  # fmt: skip
    return np.where(accept, trial, here), mixed, radius


def _pick(local: Local, index: Ints) -> Local:
    return Local(
        local.value[index],
        [g[index] for g in local.gradient],
        [[h[index] for h in row] for row in local.hessian],
    )


def _step(local: Local, radius: Floats) -> tuple[list[Floats], Bools]:
    """Newton's step, no longer than the radius; whether it is Newton's own.

    Where the Hessian is not positive definite its diagonal is raised until it is, by little more
    than it must be, so that the step is long where the criterion bends down.
    """
    hessian, gradient = local.hessian, local.gradient
    many = range(len(gradient))
    size = np.asarray(sum(np.abs(hessian[k][k]) for k in many))
    definite = _definite(hessian, size, 0.0)
    if definite.all():
        step = [-s for s in solve(hessian, gradient)]
    else:
        lift = _lift(hessian, size, np.flatnonzero(~definite))
        raised = [[hessian[k][m] + lift * (k == m) for m in many] for k in many]
        step = [-s for s in solve(raised, gradient)]
    length = np.sqrt(sum(s * s for s in step))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(length > radius, radius / length, 1.0)
    return [share * s for s in step], definite & (share == 1.0)


def _lift(hessian: Table, size: Floats, index: Ints) -> Floats:
    """By how much to raise the diagonal of replications `index`; 0 elsewhere."""
    part, scale = [[value[index] for value in row] for row in hessian], size[index]
    rise = _LIFT * scale
    for _ in range(_LIFTS):
        rise = np.where(_definite(part, scale, rise), rise, 4.0 * rise)
    lift = np.zeros_like(size)
    lift[index] = 2.0 * rise
    return lift


def _definite(hessian: Table, size: Floats, lift: Floats | float) -> Bools:
    """Whether the pivots are positive with the diagonal raised."""
    many = range(len(hessian))
    raised = [[hessian[k][m] + lift * (k == m) for m in many] for k in many]
    _, pivots = factor(raised)
    return np.logical_and.reduce([pivot > _PIVOT * size for pivot in pivots])


def factor(matrix: Table) -> tuple[Table, list[Floats]]:
    """L and D of a symmetric matrix LDL', L of unit diagonal; NaN beyond a pivot of 0."""
    n = len(matrix)
    lower: Table = [[] for _ in range(n)]
    pivots: list[Floats] = []
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for k in range(n):
            for m in range(k):
                value = matrix[k][m]
                for i in range(m):
                    value = value - lower[k][i] * lower[m][i] * pivots[i]
                lower[k].append(value / pivots[m])
            pivot = matrix[k][k]
            for i in range(k):
                pivot = pivot - lower[k][i] * lower[k][i] * pivots[i]
            pivots.append(pivot)
    return lower, pivots


def solve(matrix: Table, right: list[Floats]) -> list[Floats]:
    """Solve a symmetric system for one right-hand side."""
    lower, pivots = factor(matrix)
    n = len(pivots)
    values = list(right)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for k in range(n):
            for m in range(k):
                values[k] = values[k] - lower[k][m] * values[m]
        values = [value / pivot for value, pivot in zip(values, pivots, strict=True)]
        for k in reversed(range(n)):
            for m in range(k + 1, n):
                values[k] = values[k] - lower[m][k] * values[m]
    return values
