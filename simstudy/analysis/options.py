"""The lecture's options for clustered data, compared.

Separate regressions, one line for all (collapsed), a dummy for every cluster, or one
variance for the clusters: what each answers and how many parameters it spends.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.moments import Floats
from simstudy.numerics import gram
from simstudy.numerics.elimination import divide

DOZEN = 12


class Lines(NamedTuple):
    """A regression line a cluster; arrays of shape (J,), NaN where a number does not exist."""

    intercept: Floats
    slope: Floats
    std_error: Floats
    r_squared: Floats
    residual_sd: Floats


def separate(data: DataSet) -> Lines:
    """One regression a cluster."""
    moments, (kx, ky) = data.scaled.moments, data.units
    shape = len(data.labels), 1
    a, b, r = (
        np.broadcast_to(values, shape)[:, 0]
        for values in (moments.within.a, moments.within.b, moments.within.r)
    )
    mean_x, mean_y = data.scaled.means
    with np.errstate(all="ignore"):
        spread, free = np.hypot(b, r), np.where(data.sizes > 2, data.sizes - 2, np.nan)
        slope = np.where(np.isfinite(a * spread), b / a, np.nan)
        sd = np.where(np.isfinite(slope), r / np.sqrt(free), np.nan)
        r_squared = np.where(np.isfinite(sd), 1.0 - (r / spread) ** 2, np.nan)
        columns = mean_y - slope * mean_x, slope, sd / a, r_squared, sd
        powers = ky, ky - kx, ky - kx, 0, ky
        told = [np.ldexp(values, power) for values, power in zip(columns, powers, strict=True)]
    return Lines(*(np.where(np.isfinite(values), values, np.nan) for values in told))


def separate_total(data: DataSet, lines: Lines) -> tuple[float | None, float | None]:
    """Residual SD and residual sum of squares over all separate regressions."""
    free = data.sizes - 2
    rss = float((np.square(lines.residual_sd) * free).sum())
    return ((rss / int(free.sum())) ** 0.5, rss) if math.isfinite(rss) else (None, None)


def mean_residuals(data: DataSet) -> list[float]:
    """Mean residual of each cluster about the one line for all."""
    moments = data.scaled.moments
    mean_x, mean_y = gram.grand_means(moments)
    total = gram.whole(moments)
    slope = divide(total.b, total.a)
    residual = (moments.mean_y - mean_y) - slope * (moments.mean_x - mean_x)
    told = np.ldexp(np.broadcast_to(residual, (len(data.labels), 1))[:, 0], data.units[1])
    return [float(value) for value in told]


def r_squared(rss: float | None, data: DataSet) -> float | None:
    """1 - RSS / total sum of squares of y."""
    total = float(((data.y - data.y.mean()) ** 2).sum())
    return None if rss is None or total == 0 else 1.0 - rss / total
