"""The lecture's options for clustered data, compared.

Separate regressions, one line for all (collapsed), a dummy for every cluster, or one
variance for the clusters: what each answers and how many parameters it spends.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import NamedTuple

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.analysis.lost import lost
from simstudy.moments import Floats, Ints
from simstudy.numerics import gram
from simstudy.numerics.elimination import coefficients_of, slopes
from simstudy.registry import Method

DOZEN = 12


class Lines(NamedTuple):
    """A regression a cluster, the first of its slopes; arrays of shape (J,), NaN for no number."""

    intercept: Floats
    slope: Floats
    std_error: Floats
    r_squared: Floats
    residual_sd: Floats


def separate(data: DataSet) -> Lines:
    """One regression a cluster; what does not vary there is not in it."""
    moments, units = data.scaled.moments, data.units
    shape = len(data.labels), 1
    within = moments.within.map(lambda values: np.broadcast_to(values, shape)[:, 0])
    a, b, r, ky = within.a, within.b, within.r, units[-1]
    *means, intercept = data.scaled.means
    with np.errstate(all="ignore"):
        spread = reduce(np.hypot, within.column(-1))
        size = n_parameters(data)
        free = np.where(data.sizes > size, data.sizes - size, np.nan)
        tested = np.isfinite(a * spread) & (a > 0)
        slope = np.where(tested, b / a, np.nan)
        for of, mean in zip((*slopes(coefficients_of(within))[:-1], slope), means, strict=True):
            intercept = intercept - of * mean
        sd = np.where(tested, r / np.sqrt(free), np.nan)
        r_squared = np.where(np.isfinite(sd), 1.0 - (r / spread) ** 2, np.nan)
        columns = intercept, slope, sd / a, r_squared, sd
        powers = ky, ky - units[0], ky - units[0], 0, ky
        told = [np.ldexp(values, power) for values, power in zip(columns, powers, strict=True)]
    return Lines(*(np.where(np.isfinite(values), values, np.nan) for values in told))


def n_parameters(data: DataSet) -> Ints:
    """Coefficients of a line in each cluster, shape (J,): of one predictor always two."""
    rows = data.scaled.moments.within.rows[:-1]
    varying = sum((row[0] > 0).astype(np.int64) for row in rows) if len(rows) > 1 else 1
    return np.broadcast_to(1 + np.asarray(varying), (len(data.labels), 1))[:, 0]


def n_spent(data: DataSet, method: Method) -> str:
    """How many parameters a method spends."""
    data = data.at(method.level).without(method.omit)
    p, inner = len(data.names), gram.within(data.scaled.moments)
    n_within = sum(int(row[0][0] > 0) for row in inner.rows[:-1]) if p > 1 else 1
    n_columns = p - len(lost(data, method.entry))
    return method.entry.n_parameters.format(
        line=1 + n_columns,
        dummies=len(data.labels) + n_columns,
        both=1 + p + n_within,
        variances=2 if dict(method.options).get("correlated") == "false" else 3,
    )


def separate_total(data: DataSet, lines: Lines) -> tuple[float | None, float | None]:
    """Residual SD and residual sum of squares over all separate regressions."""
    free = data.sizes - n_parameters(data)
    rss = float((np.square(lines.residual_sd) * free).sum())
    return ((rss / int(free.sum())) ** 0.5, rss) if math.isfinite(rss) else (None, None)


def mean_residuals(data: DataSet) -> list[float]:
    """Mean residual of each cluster about the one line for all."""
    moments = data.scaled.moments
    of_columns = slopes(coefficients_of(gram.whole(moments)))
    *about, residual = (mean - grand for mean, grand in
                        zip(moments.means, gram.grand_means(moments), strict=True))  # fmt: skip
    for slope, mean in zip(of_columns, about, strict=True):
        residual = residual - slope * mean
    told = np.ldexp(np.broadcast_to(residual, (len(data.labels), 1))[:, 0], data.units[-1])
    return [float(value) for value in told]


def r_squared(rss: float | None, data: DataSet) -> float | None:
    """1 - RSS / total sum of squares of y."""
    total = float(((data.y - data.y.mean()) ** 2).sum())
    return None if rss is None or total == 0 else 1.0 - rss / total
