"""Where the score is looked at, so that no optimum is overlooked.

With rho = nu g1 / (RSS I02) the score is positive where rho > 1, and between two optima rho
rises from below 1 to above. With p_j = n_j psi / (1 + n_j psi) its slope in log psi is at most
p_max (1 + q) - 2 p_min near rho = 1, q = (J - 1) / (N - 2); so it rises below one psi alone, which
the sizes tell. All of it is made of terms in n_j psi / (1 + n_j psi), each of which takes some
units of log psi to pass from 0 to 1: half a unit is fine enough, and below 0.05 / n_max
nothing has begun to move. docs/two-optima.md counts what is missed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics import gram

Score = Callable[[NDArray[np.intp], Floats], Floats]

_NEAR_BOUNDARY = (0.95, 0.85)  # two points more where the log scale leaves a gap
_GRID_END = 1e-4
_FIRST = 0.05  # n_max psi at the first of the finer points
_STEP = 0.5  # from one of them to the next, in log psi
_AT_ONCE = 2048  # scores taken at once, so that arrays stay in the cache
_FEW = 12  # clusters up to which the grid itself is fine


class Looks(NamedTuple):
    """Points of w and the score there; arrays of shape (G, R), w from 1 down."""

    w: Floats
    signs: Floats


class Finer(NamedTuple):
    """Finer points, as the sizes want them; arrays of shape (1,) or (R,)."""

    first: Floats  # psi of the first
    points: Ints  # how many, each exp(_STEP) times the last
    everywhere: Bools  # also where the criterion falls from the boundary


class Brackets(NamedTuple):
    """Intervals of w in which the criterion falls and then rises; shape (K,) each."""

    which: NDArray[np.intp]  # replication
    low: Floats
    high: Floats
    start: Floats


def brackets(sizes: Floats, n_reps: int, mean_size: Floats, score: Score) -> tuple[Brackets, Bools]:
    """List the intervals of w = 1 / (1 + nbar psi) in which -2 log L has a minimum.

    Parameters
    ----------
    sizes : array, shape (J, 1) or (J, R)
        Units in each cluster.
    n_reps : int
        Number of replications R.
    mean_size : array, shape (1,) or (R,)
        nbar.
    score : callable
        (replications, psi) -> something of the sign of -d(-2 log L)/d psi.

    Returns
    -------
    Brackets
    boundary : array of bool, shape (R,)
        Whether the criterion rises from tau2 = 0.
    """
    grid = _grid(sizes.shape[0])
    everyone, signs = np.arange(n_reps), np.empty((grid.size, n_reps))
    for k, w in enumerate(grid):
        signs[k] = score(everyone, (1.0 / w - 1.0) / mean_size)
    coarse = Looks(np.broadcast_to(grid[:, None], signs.shape), signs)
    found, interval = _sign_changes(coarse)
    boundary = signs[0] <= 0
    finer = _finer(sizes, mean_size, grid)
    doubtful = np.flatnonzero((finer.points > 0) & (boundary | finer.everywhere))
    if doubtful.size:
        more = _look(finer, doubtful, np.broadcast_to(mean_size, n_reps), signs[0], score)
        found = _split(found, interval, coarse, doubtful, more)
    return found, boundary


def _look(
    finer: Finer, doubtful: NDArray[np.intp], mean_size: Floats, at_one: Floats, score: Score
) -> Looks:
    """Take the score at the finer points, shape (most points, doubtful); w = 1 fills up."""
    n_reps = mean_size.size
    first, count = (np.broadcast_to(v, n_reps)[doubtful] for v in (finer.first, finer.points))
    row, place = np.nonzero(np.arange(count.max())[:, None] < count)
    index, psi = doubtful[place], first[place] * np.exp(_STEP * row)
    w = np.ones((count.max(), doubtful.size))
    signs = np.broadcast_to(at_one[doubtful], w.shape).copy()
    w[row, place] = 1.0 / (1.0 + mean_size[index] * psi)
    for here in np.array_split(np.arange(index.size), -(-index.size // _AT_ONCE)):
        signs[row[here], place[here]] = score(index[here], psi[here])
    return Looks(w, signs)


def _grid(n_clusters: int) -> Floats:
    """Points of w, from 1 down, at which every replication is looked at.

    Up to twelve clusters x alone may make a second optimum, and balanced data have it too. From
    20 clusters up a few points that give Newton's method a good start are enough.
    """
    if n_clusters >= 20:
        return np.array([1.0, 0.3, 0.05, _GRID_END])
    if n_clusters > _FEW:
        return np.geomspace(1.0, _GRID_END, 7)
    fine = np.geomspace(1.0, _GRID_END, 32)
    return np.concatenate([fine[:1], _NEAR_BOUNDARY, fine[1:]])


def _finer(n: Floats, mean_size: Floats, grid: Floats) -> Finer:
    """Where rho may rise by the sizes, unless so much speaks of psi that it will not exceed 1.

    The limits are what docs/two-optima.md counts; near psi = 0 a cluster has the weight n_j^2,
    so that (sum n_j^2)^2 / sum n_j^4 clusters speak.
    """
    j, n_obs = n.shape[0], n.sum(axis=0)
    largest, ratio = n.max(axis=0), n.max(axis=0) / n.min(axis=0)
    free = n_obs - j
    q = (j - 1.0) / np.maximum(n_obs - 2.0, 1.0)
    square = n * n
    speaking = gram.dot(square) ** 2 / gram.dot(square, square)
    alike = (ratio <= 8.0) & (q <= 0.2)
    everywhere = (free < 20) | ~alike & (speaking < 8.0)
    enough = np.where(alike, min(9.0, 0.5 * j), 30.0)
    none = (speaking >= enough) & (alike | (free >= 50))
    end = grid[-1]
    if j <= _FEW:  # the grid itself is fine; but it begins at 0.05 / nbar
        end, none = grid[1], largest <= 6.0 * mean_size
    end = (1.0 / end - 1.0) / mean_size
    with np.errstate(divide="ignore"):
        rises = (ratio * (1.0 + q) - 2.0) / (largest * np.maximum(1.0 - q, 0.0))
    first = _FIRST / largest
    last = np.maximum(np.where(everywhere, end, np.minimum(rises, end)), first)
    steps = np.where(none, 0.0, np.ceil(np.log(last / first) / _STEP))
    return Finer(first, steps.astype(np.int64), everywhere)


def _sign_changes(looks: Looks) -> tuple[Brackets, NDArray[np.intp]]:
    """Brackets where the score turns from negative (smaller w) to positive, down to w = 0.

    Beside them the rows of `looks` at which they begin.
    """
    w, signs = looks
    end = np.zeros((1, signs.shape[1]))
    lower, below = np.vstack([w[1:], end]), np.vstack([signs[1:], end - 1.0])
    k, index = np.nonzero((signs > 0) & (below <= 0))
    high, low, above, under = w[k, index], lower[k, index], signs[k, index], below[k, index]
    share = above / (above - under)  # where a line in log w through both ends is zero
    start = np.where(low > 0, high * (low / high) ** share, 0.5 * high)
    return Brackets(index, low, high, start), k


def _split(
    found: Brackets,
    interval: NDArray[np.intp],
    coarse: Looks,
    doubtful: NDArray[np.intp],
    more: Looks,
) -> Brackets:
    """Put in what finer points show in intervals of the grid; a single change is not touched."""
    n_grid = coarse.w.shape[0]
    w, signs = (np.vstack([a[:, doubtful], b]) for a, b in zip(coarse, more, strict=True))
    order = np.argsort(-w, axis=0, kind="stable")
    fine, row = _sign_changes(Looks(*(np.take_along_axis(v, order, axis=0) for v in (w, signs))))
    place = np.cumsum(order < n_grid, axis=0)[row, fine.which] - 1
    fine = fine._replace(which=doubtful[fine.which])
    old, new = found.which * n_grid + interval, fine.which * n_grid + place
    keys, inverse, times = np.unique(new, return_inverse=True, return_counts=True)
    add = (times[inverse] > 1) | ~np.isin(new, old)
    keep = ~np.isin(old, keys[times > 1])
    return Brackets(*(np.concatenate([a[keep], b[add]]) for a, b in zip(found, fine, strict=True)))
