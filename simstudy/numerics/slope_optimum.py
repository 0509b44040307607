"""The optimum of a random-slope model: every rank on its own manifold, the lowest criterion.

With Gamma = sum U - sum Q Q' - nu sum s s' (the gradient in G; without Q Q' under ML) rank 0 is a
local optimum iff Gamma is positive semidefinite, and rank 1, G = k k', iff n'Gamma n >= 0, n
orthogonal to k. No tolerance decides a rank. Searches in the interior end in the interior or run
into the edge; those which end near the edge are continued on it, and let go again where
n'Gamma n < 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.numerics import slope_newton, slope_starts, slope_sums
from simstudy.numerics.slope_lines import Lines
from simstudy.numerics.slope_newton import Face, Found
from simstudy.numerics.slope_sums import Root, Slope

_FEW = 20  # clusters from which a search of REML that ends well inside is in no doubt
_WIDE = 30  # from which the two nearly collinear starts are enough for the others
_MANY = 60  # the same of ML, which has second optima more often
_NEAR = 1e-2  # smaller over larger eigenvalue of G, below which the edge is looked at
_FLAT = 1e-3  # the same, at which searches of the interior stop for that where clusters are many
_AWAY = 0.05  # of the other root: no search of an axis starts nearer to 0, where the slope is 0
_FIRST_STEP = 0.05  # of an eigenvalue from 0 where its parabola has no bottom
_AT_ONCE = 15_000  # clusters of replications searched together: their arrays stay in the cache
INTERIOR: Face = (0, 1, 2)
EDGE: Face = (0, 1)
AXES: Face = (0, 2)


class Optimum(NamedTuple):
    """The best optimum of every replication; arrays of shape (R,)."""

    root: Root
    rank: Ints  # of G
    value: Floats  # the criterion, x_1 in its unit
    settled: Bools  # the search came to an end


def optimum(data: Lines, *, reml: bool, correlated: bool) -> Optimum:
    """Minimize the criterion over all positive semidefinite or all diagonal G."""
    step = max(1, _AT_ONCE // data.n_clusters)
    pieces = []
    for first in range(0, max(data.n_reps, 1), step):
        part = data.take(np.arange(first, min(first + step, data.n_reps)))
        pieces.append(_of_piece(part, reml, correlated))
    return Optimum(
        _joined([piece.root for piece in pieces]),
        np.concatenate([piece.rank for piece in pieces]),
        np.concatenate([piece.value for piece in pieces]),
        np.concatenate([piece.settled for piece in pieces]),
    )


def _of_piece(data: Lines, reml: bool, correlated: bool) -> Optimum:
    none = slope_starts.zero(data)
    at = slope_sums.fit(data, none)
    sums, flat = slope_sums.sums(data, at), slope_sums.slope(data, at, reml)
    always = np.ones(data.n_reps, dtype=bool)
    least = Found(none, slope_sums.criterion(data, at, reml), always)
    wide = data.n_clusters < (_WIDE if reml else _MANY)
    if correlated:
        g = slope_starts.unbiased(data, at, sums, (0, 1, 2))
        starts = slope_starts.correlated((g[0], g[1], g[2]), wide)
    else:
        level, rise = slope_starts.unbiased(data, at, sums, (0, 2))
        starts = slope_starts.diagonal(level, rise, wide)
    interior = INTERIOR if correlated else AXES
    inside = _searched(data, starts, interior, reml)
    rank = np.zeros(data.n_reps, dtype=np.int64)
    choice = _Choice(least, rank, _rises(flat, correlated), 1e-12 + 1e-14 * np.abs(least.value))
    for face in (EDGE,) if correlated else ((0,), (2,)):
        found, valid, index = _on_face(data, inside, face, reml)
        choice = choice.against(found, 1, valid)
        free = _let_go(data, found, index[~valid[index]], interior, face, reml)
        inside = _where(free.value < inside.value, free, inside)
    choice = choice.against(inside, 2, always)
    return Optimum(choice.best.root, choice.rank, choice.best.value, choice.best.settled)


class _Choice(NamedTuple):
    """The lowest criterion so far; of those that differ by rounding alone the lower rank."""

    best: Found
    rank: Ints
    valid: Bools
    rounding: Floats

    def against(self, found: Found, rank: int, valid: Bools) -> _Choice:
        """Compare with an optimum of a rank that is not lower."""
        better = valid & (~self.valid | (found.value < self.best.value - self.rounding))
        return self._replace(
            best=_where(better, found, self.best),
            rank=np.where(better, rank, self.rank),
            valid=self.valid | valid,
        )


def _where(condition: Bools, first: Found, other: Found) -> Found:
    roots = [np.where(condition, a, b) for a, b in zip(first.root, other.root, strict=True)]
    return Found(
        (roots[0], roots[1], roots[2]),
        np.where(condition, first.value, other.value),
        np.where(condition, first.settled, other.settled),
    )


def _searched(data: Lines, starts: list[Root], face: Face, reml: bool) -> Found:
    """The lowest of searches from several starts.

    Where clusters are many, a search that ends well inside has found the only optimum; the other
    starts are for those which run into the edge.
    """
    everyone = np.arange(data.n_reps)
    few = data.n_clusters < (_FEW if reml else _MANY)
    flat = 0.0 if few else _FLAT
    found = slope_newton.minimize(data, everyone, starts[0], face, reml, flat)
    index, others = everyone, starts[1:]
    if not few:
        index = np.flatnonzero(_near_edge(found.root))
    if not index.size or not others:
        return found
    start = _joined([_taken(start, index) for start in others])
    many = slope_newton.minimize(data, np.tile(index, len(others)), start, face, reml, flat)
    for k in range(len(others)):
        piece = slice(k * index.size, (k + 1) * index.size)
        root = many.root[0][piece], many.root[1][piece], many.root[2][piece]
        rival = _filled(found, index, Found(root, many.value[piece], many.settled[piece]))
        better = (rival.value < found.value) | np.isnan(found.value)
        found = _where(better, rival, found)
    return found


def _near_edge(root: Root) -> Bools:
    high, low, _ = slope_starts.eigen(slope_starts.covariance(root))
    return low < _NEAR * high


def _joined(roots: list[Root]) -> Root:
    arrays = [np.concatenate([root[k] for root in roots]) for k in range(3)]
    return arrays[0], arrays[1], arrays[2]


def _rises(slope: Slope, correlated: bool) -> Bools:
    """Whether the criterion rises from G = 0 in every direction."""
    g0, g1, g2 = slope.first[0], 0.5 * slope.first[1], slope.first[2]
    signs = (g0 >= 0) & (g2 >= 0)
    return signs & (g0 * g2 >= g1 * g1) if correlated else signs


def _on_face(data: Lines, inside: Found, face: Face, reml: bool) -> tuple[Found, Bools, Ints]:
    """Rank 1 from where the interior searches ended: optima, whether of the whole cone, where.

    Searches that ended well inside have a gradient of 0 there; the edge is not near them.
    """
    index, none = np.flatnonzero(_near_edge(inside.root)), slope_starts.zero(data)[0]
    level, rise = np.abs(inside.root[0]), np.abs(inside.root[2])
    if face == EDGE:
        high, _, angle = slope_starts.eigen(slope_starts.covariance(inside.root))
        length = np.sqrt(high)
        start = (length * np.cos(angle), length * np.sin(angle), none)
    elif face == (0,):
        start = (np.maximum(level, _AWAY * rise), none, none)
    else:
        start = (none, none, np.maximum(rise, _AWAY * level))
    found = slope_newton.minimize(data, index, _taken(start, index), face, reml)
    first, _ = _across(data.take(index), found.root, face, reml)
    valid = np.zeros(data.n_reps, dtype=bool)
    valid[index] = found.settled & (first >= 0)
    return _filled(inside, index, found), valid, index


def _let_go(data: Lines, edge: Found, index: Ints, interior: Face, face: Face, reml: bool) -> Found:
    """Search the interior from points of the edge that are no optimum; elsewhere infinite."""
    part, k = data.take(index), _taken(edge.root, index)
    first, second = _across(part, k, face, reml)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((second > 0) & (first < 0), -first / second, _FIRST_STEP)
    n = _normal(k, face)
    if face == EDGE:
        level = np.sqrt(k[0] * k[0] + t * n[0] * n[0])
        below = (k[0] * k[1] + t * n[0] * n[1]) / level
        start = (level, below, np.sqrt(t * (k[0] * k[0] + k[1] * k[1])) / level)
    else:
        start = (k[0] + n[0] * np.sqrt(t), k[1], k[2] + n[1] * np.sqrt(t))
    found = slope_newton.minimize(part, np.arange(index.size), start, interior, reml)
    nowhere = edge._replace(value=np.full(data.n_reps, np.inf))
    return _filled(nowhere, index, found)


def _across(data: Lines, root: Root, face: Face, reml: bool) -> tuple[Floats, Floats]:
    """First and second derivative of the criterion along nn', n orthogonal to the face."""
    slope = slope_sums.slope(data, slope_sums.fit(data, root), reml)
    n0, n1 = _normal(root, face)
    direction = [n0 * n0, n0 * n1, n1 * n1]
    image = [slope_sums.inner(row, direction) for row in slope.second]
    return slope_sums.inner(slope.first, direction), slope_sums.inner(image, direction)


def _normal(root: Root, face: Face) -> tuple[Floats, Floats]:
    """Unit vector orthogonal to k, G = kk'."""
    if face != EDGE:
        one = np.full_like(root[0], face == (0,), dtype=float)
        return 1.0 - one, one
    length = np.maximum(np.hypot(root[0], root[1]), np.finfo(float).tiny)
    return -root[1] / length, root[0] / length


def _taken(root: Root, index: Ints) -> Root:
    return root[0][index], root[1][index], root[2][index]


def _filled(whole: Found, index: Ints, part: Found) -> Found:
    """The same with other results for some replications."""

    def fill(values: Array, others: Array) -> Array:
        values = values.copy()
        values[index] = others
        return values

    roots = [fill(values, others) for values, others in zip(whole.root, part.root, strict=True)]
    root = roots[0], roots[1], roots[2]
    return Found(root, fill(whole.value, part.value), fill(whole.settled, part.settled))
