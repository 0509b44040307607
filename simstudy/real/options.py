"""Room 5: the lecture's options for clustered data, compared. Imports data, fit's numbers.

Separate regressions, one line for all (collapsed), a dummy for every cluster, or one
variance for the clusters: what each answers and how many parameters it spends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.moments import Clusters, Factor
from simstudy.numerics import gram
from simstudy.real.data import DataSet

DOZEN = 12


class Line(NamedTuple):
    """A regression line; None where it does not exist."""

    name: str
    n_obs: int
    intercept: float | None
    slope: float | None
    std_error: float | None
    r_squared: float | None
    residual_sd: float | None


def separate(data: DataSet) -> list[Line]:
    """One regression a cluster."""
    moments = data.moments(about_origin=False)
    lines = []
    for j, label in enumerate(data.labels):
        n = int(data.sizes[j])
        inner = Factor(*(float(np.broadcast_to(v, (len(data.labels), 1))[j, 0])
                         for v in moments.within))  # fmt: skip
        lines.append(_line(str(label), n, inner, moments, j))
    return lines


def _line(name: str, n: int, inner: Factor, moments: Clusters, j: int) -> Line:
    if inner.a == 0:
        return Line(name, n, None, None, None, None, None)
    slope = inner.b / inner.a
    intercept = moments.mean_y[j, 0] - slope * moments.mean_x[j, 0]
    sd = inner.r / (n - 2) ** 0.5 if n > 2 else None
    spread = float(np.hypot(inner.b, inner.r))
    r_squared = 1.0 - (inner.r / spread) ** 2 if spread > 0 and n > 2 else None
    std_error = None if sd is None else sd / inner.a
    return Line(name, n, intercept, slope, std_error, r_squared, sd)


def separate_total(lines: list[Line]) -> tuple[float | None, float | None]:
    """Residual SD over all separate regressions, and R-squared is left to each."""
    fitted = [line for line in lines if line.residual_sd is not None]
    free = sum(line.n_obs - 2 for line in fitted)
    if not fitted or len(fitted) < len(lines):
        return None, None
    rss = sum((line.residual_sd or 0.0) ** 2 * (line.n_obs - 2) for line in fitted)
    return (rss / free) ** 0.5, rss


def mean_residuals(data: DataSet) -> list[float]:
    """Mean residual of each cluster about the one line for all."""
    moments = data.moments(about_origin=True)
    mean_x, mean_y = gram.grand_means(moments)
    total = gram.add(gram.within(moments), gram.between(moments))
    slope = gram.divide(total.b, total.a)
    residual = (moments.mean_y - mean_y) - slope * (moments.mean_x - mean_x)
    return [float(value) for value in np.broadcast_to(residual, (len(data.labels), 1))[:, 0]]


def r_squared(rss: float | None, data: DataSet) -> float | None:
    """1 - RSS / total sum of squares of y."""
    total = float(((data.y - data.y.mean()) ** 2).sum())
    return None if rss is None or total == 0 else 1.0 - rss / total


def dummy_intercepts(data: DataSet, slope: float) -> list[float]:
    """Intercept of each cluster in the dummy regression."""
    moments = data.moments(about_origin=False)
    values = moments.mean_y - slope * moments.mean_x
    return [float(value) for value in np.broadcast_to(values, (len(data.labels), 1))[:, 0]]
