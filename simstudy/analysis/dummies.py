"""The coefficients of the cluster dummies, as R's ``lm`` gives them.

The first cluster, in sorted order, is the reference.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.estimates import Estimates
from simstudy.moments import Floats
from simstudy.numerics import gram
from simstudy.numerics.tails import critical_value, two_sided

Term = dict[str, Any]


def cluster_terms(data: DataSet, slope: Estimates) -> list[Term]:
    """The intercept of the first cluster, and of each other one its distance from that.

    Parameters
    ----------
    data : DataSet
    slope : Estimates
        The slope with its classical standard error and df.

    Returns
    -------
    list of dict
        As the terms of a fit; empty where there is no slope with a standard error.
    """
    moments, (x0, y0) = data.moments, data.origin
    inner = gram.within(moments)
    n_clusters = len(data.labels)
    mean_x, mean_y, sizes = (
        np.broadcast_to(values, (n_clusters, 1))[:, 0]
        for values in (moments.mean_x, moments.mean_y, moments.sizes)
    )
    a, b = float(inner.a[0]), float(slope.estimate[0])
    sigma = float(slope.std_error[0]) * a
    if not (math.isfinite(b) and math.isfinite(sigma)):
        return []
    from_first = mean_x - mean_x[0]
    estimate = (mean_y - mean_y[0]) - b * from_first
    spread = np.sqrt(1.0 / sizes + 1.0 / sizes[0] + (from_first / a) ** 2)
    x_first, y_first = x0 + mean_x[0], y0 + mean_y[0]
    estimate[0] = y_first - b * x_first
    spread[0] = math.sqrt(1.0 / sizes[0] + (x_first / a) ** 2)
    cluster = data.formula.cluster
    names = ["(Intercept)", *(f"C({cluster})[T.{label}]" for label in data.labels[1:])]
    return terms_of(names, estimate, sigma * spread, float(slope.df[0]))


def terms_of(
    names: list[str],
    estimate: Floats,
    std_error: Floats,
    df: float,
    p_value: Floats | None = None,
    null_value: float = 0.0,
) -> list[Term]:
    """Coefficients with their tests and 95 % intervals; None where a number does not exist."""
    with np.errstate(all="ignore"):
        statistic = (estimate - null_value) / std_error
        half = float(critical_value(np.array(df), 0.05)) * std_error
    columns = {
        "estimate": estimate,
        "std_error": std_error,
        "statistic": statistic,
        "df": np.full(estimate.size, df),
        "p_value": two_sided(statistic, df) if p_value is None else p_value,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
    }
    return [
        {"term": name}
        | {k: float(v[i]) if math.isfinite(v[i]) else None for k, v in columns.items()}
        for i, name in enumerate(names)
    ]
