"""The lecture's options for clustered data, compared.

Separate regressions, one line for all (collapsed), a dummy for every cluster, or one
variance for the clusters: what each answers and how many parameters it spends.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.numerics import gram
from simstudy.numerics.elimination import divide

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
    measured, (kx, ky) = data.scaled, data.units
    moments, (x0, y0) = measured.moments, measured.origin
    inner, lines = moments.within, []
    for j, label in enumerate(data.labels):
        n = int(data.sizes[j])
        a, b, r = (
            float(np.broadcast_to(v, (len(data.labels), 1))[j, 0])
            for v in (inner.a, inner.b, inner.r)
        )
        at = x0 + float(moments.mean_x[j, 0]), y0 + float(moments.mean_y[j, 0])
        line = _line(str(label), n, (a, b, r), at)
        powers = {"intercept": ky, "slope": ky - kx, "std_error": ky - kx, "residual_sd": ky}
        told = {name: _told(getattr(line, name), power) for name, power in powers.items()}
        lines.append(Line(**line._asdict() | told))
    return lines


def _told(value: float | None, power: int) -> float | None:
    """In the data's units; None where no double can hold it."""
    told = None if value is None else float(np.ldexp(value, power))
    return told if told is not None and math.isfinite(told) else None


def _line(name: str, n: int, factor: tuple[float, float, float], at: tuple[float, float]) -> Line:
    """A least-squares line from one cluster's factor (a, b, r) and means."""
    a, b, r = factor
    if a == 0 or not math.isfinite(a * math.hypot(b, r)):
        return Line(name, n, None, None, None, None, None)
    slope = b / a
    sd = r / (n - 2) ** 0.5 if n > 2 else None
    spread = math.hypot(b, r)
    r_squared = 1.0 - (r / spread) ** 2 if spread > 0 and n > 2 else None
    std_error = None if sd is None else sd / a
    return Line(name, n, at[1] - slope * at[0], slope, std_error, r_squared, sd)


def separate_total(lines: list[Line]) -> tuple[float | None, float | None]:
    """Residual SD and residual sum of squares over all separate regressions."""
    fitted = [line for line in lines if line.residual_sd is not None]
    free = sum(line.n_obs - 2 for line in fitted)
    if not fitted or len(fitted) < len(lines):
        return None, None
    parts = [(line.residual_sd or 0.0, line.n_obs - 2) for line in fitted]
    rss = sum(sd * sd * df for sd, df in parts)
    return ((rss / free) ** 0.5, rss) if math.isfinite(rss) else (None, None)


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
