"""The coefficients of the cluster dummies, as R's ``lm`` gives them.

The first cluster, in sorted order, is the reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.estimates import Estimates
from simstudy.moments import Clusters, Floats
from simstudy.numerics import gram
from simstudy.numerics.columns import selected
from simstudy.numerics.tails import critical_value, two_sided

Term = dict[str, Any]


def cluster_terms(data: DataSet, slopes: Mapping[str, Estimates]) -> list[Term]:
    """The intercept of the first cluster, and of each other one its distance from that.

    Parameters
    ----------
    data : DataSet
    slopes : mapping
        Column that is not absorbed -> its estimates, with the classical standard error and df.

    Returns
    -------
    list of dict
        As the terms of a fit; empty where there is no slope with a standard error.
    """
    *others, last = slopes
    names = (last, *others)[::-1]
    moments = selected(data.moments, (*names, data.terms.outcome))
    assert isinstance(moments, Clusters)
    inner, n_clusters = gram.within(moments), len(data.labels)
    *means, mean_y, sizes = (
        np.broadcast_to(values, (n_clusters, 1))[:, 0] for values in (*moments.means, moments.sizes)
    )
    *origins, origin_y = moments.origin
    tested = slopes[names[-1]]
    sigma = float(tested.std_error[0]) * float(inner.a[0])
    b = [float(slopes[name].estimate[0]) for name in names]
    if not (all(map(math.isfinite, b)) and math.isfinite(sigma)):
        return []
    from_first = [mean - mean[0] for mean in means]
    for distance, mean, origin in zip(from_first, means, origins, strict=True):
        distance[0] = origin + mean[0]
    estimate = mean_y - mean_y[0]
    estimate[0] = origin_y + mean_y[0]
    variance = 1.0 / sizes + 1.0 / sizes[0]
    variance[0] = 1.0 / sizes[0]
    for slope, distance in zip(b, from_first, strict=True):
        estimate = estimate - slope * distance
    for k, row in enumerate(inner.rows[:-1]):
        along = from_first[k] / float(row[0][0])
        variance = variance + along**2
        for entry, m in zip(row[1:-1], range(k + 1, len(from_first)), strict=True):
            from_first[m] = from_first[m] - along * float(entry[0])
    terms = [f"C({data.random.cluster})[T.{label}]" for label in data.labels[1:]]
    error = sigma * np.sqrt(variance)
    return terms_of(["(Intercept)", *terms], estimate, error, float(tested.df[0]))


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
