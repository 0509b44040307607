"""Where searches for the optimum of a random-slope model begin.

The first start is the quadratic unbiased estimate at G = 0 (MIVQUE(0), Rao 1971): it needs no
search itself and is near the optimum in data that say much. The criterion of data that say little
may have a second optimum, mostly with a correlation of the other sign, so two starts of either
sign are nearly collinear. Wide starts are more, of other shapes and sizes. They miss
an optimum that sixty random starts find in one or two of 2,000 sets of 4 clusters, and none was
seen to be missed from 8 clusters up.
"""

from __future__ import annotations

import numpy as np

from simstudy.moments import Floats
from simstudy.numerics import slope_sums
from simstudy.numerics.slope_lines import Lines
from simstudy.numerics.slope_newton import solve
from simstudy.numerics.slope_sums import Point, Root, Sums, Trio

Shape = tuple[float, float, float]

_SMALLEST = 0.02  # larger eigenvalue of G at the start, at least
_SHARE = 0.1  # of it: the smaller eigenvalue, and each variance, at least
_CORRELATION = 0.9
# G as (00, 01, 11), in the units of `Lines`, where within clusters x_1 has a variance of about 1
_SHAPES: list[Shape] = [
    (9.0, 8.5, 9.0), (9.0, -8.5, 9.0), (1.0, 0.9, 1.0), (1.0, -0.9, 1.0), (1.0, 0.0, 0.02),
    (0.02, 0.0, 1.0),
]  # fmt: skip
_DIAGONAL: list[Shape] = [
    (9.0, 0.0, 9.0), (1.0, 0.0, 1.0), (1.0, 0.0, 0.02), (0.02, 0.0, 1.0)
]  # fmt: skip
_SIZES = (9.0, 0.05)  # times the first start


def zero(data: Lines) -> Root:
    """G = 0."""
    none = np.zeros(data.n_reps)
    return none, none, none


def unbiased(data: Lines, at: Point, sums: Sums, directions: tuple[int, ...]) -> list[Floats]:
    """MIVQUE(0) of G along some directions, over an estimate of sigma2 that is above 0.

    Parameters
    ----------
    at, sums : Point, Sums
        At G = 0.
    """
    nu = data.nu(True)
    traces = [u - slope_sums.trace(p) for u, p in zip(sums.u, sums.p, strict=True)]
    matrix = [
        [
            sums.uu[a][b] - 2.0 * sums.uq[a][b] + slope_sums.product(sums.p[a], sums.p[b])
            - traces[a] * traces[b] / nu
            for b in directions
        ]
        for a in directions
    ]  # fmt: skip
    right = [at.rss * (sums.r[a] - traces[a] / nu) for a in directions]
    values = solve(matrix, right)
    explained = slope_sums.inner([traces[a] for a in directions], values)
    sigma2 = np.maximum((at.rss - explained) / nu, within_variance(data))
    return [np.nan_to_num(value / sigma2, nan=0.0, posinf=0.0, neginf=0.0) for value in values]


def within_variance(data: Lines) -> Floats:
    """Residual variance about a line for every cluster, shape (R,)."""
    last = data.others[-1][-1]
    lines = data.n_clusters + (data.inner > 0).sum(axis=0)
    return last * last / np.maximum(data.n_obs - lines - data.n_fixed + 2.0, 1.0)


def correlated(g: Trio, wide: bool) -> list[Root]:
    """Starts inside the cone, from a first estimate of G that may lie outside."""
    high, low, angle = eigen(g)
    high = np.maximum(high, _SMALLEST)
    least = _SHARE * high
    level, rise = np.maximum(g[0], least), np.maximum(g[2], least)
    cross = _CORRELATION * np.sqrt(level * rise)
    starts = [_turned(high, np.maximum(low, least), angle)]
    starts += [_root(level, sign * cross, rise) for sign in (1.0, -1.0)]
    if wide:
        starts += [_root(size * level, 0.0 * cross, size * rise) for size in _SIZES]
        starts += _fixed(_SHAPES, level)
    return starts


def diagonal(level: Floats, rise: Floats, wide: bool) -> list[Root]:
    """Starts of a G without covariance."""
    least = _SHARE * np.maximum(np.maximum(level, rise), _SMALLEST)
    level, rise = np.maximum(level, least), np.maximum(rise, least)
    sizes = (1.0, *_SIZES) if wide else (1.0,)
    starts = [_root(size * level, 0.0 * level, size * rise) for size in sizes]
    shapes = _DIAGONAL if wide else _DIAGONAL[:1]
    return starts + _fixed(shapes, level)


def _fixed(shapes: list[Shape], like: Floats) -> list[Root]:
    return [_root(*(np.full_like(like, value) for value in shape)) for shape in shapes]


def covariance(root: Root) -> Trio:
    """G of its lower triangular root."""
    l00, l10, l11 = root
    return l00 * l00, l00 * l10, l10 * l10 + l11 * l11


def eigen(g: Trio) -> Trio:
    """Larger and smaller eigenvalue of a symmetric 2 x 2, and the angle of the larger's vector."""
    middle, half = 0.5 * (g[0] + g[2]), 0.5 * (g[0] - g[2])
    radius = np.hypot(half, g[1])
    return middle + radius, middle - radius, 0.5 * np.arctan2(g[1], half)


def _turned(high: Floats, low: Floats, angle: Floats) -> Root:
    c, s = np.cos(angle), np.sin(angle)
    return _root(high * c * c + low * s * s, (high - low) * c * s, high * s * s + low * c * c)


def _root(level: Floats, cross: Floats, rise: Floats) -> Root:
    """Lower triangular root of a positive definite G."""
    first = np.sqrt(level)
    below = cross / first
    return first, below, np.sqrt(rise - below * below)
