"""A predictor that rests on one cluster alone.

With one treated cluster a cluster-robust variance knows nothing of that cluster's residuals,
which least squares sets to sum to zero: CR2 and CR3 do not exist, and the others are far too
small (MacKinnon & Webb 2017, J. Appl. Econom. 32:233-254).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.moments import Bools
from simstudy.registry import Method


def remark(data: DataSet, method: Method) -> str | None:
    """What is to be said of a method that rests on the clusters, if x does on one of them."""
    entry = method.entry
    if not entry.robust(dict(method.options)):
        return None
    label = alone(data, within=entry.own_intercepts)
    if label is None:
        return None
    return (
        f"{data.names[0]} varies by cluster '{label}' alone: no standard error and no "
        "test that is robust to clusters can be trusted (far too small, or not there)"
    )


def alone(data: DataSet, *, within: bool = False) -> Any | None:
    """Label of the one cluster without which x would be constant; None where there is none.

    Parameters
    ----------
    within : bool
        Of x about its cluster means.
    """
    ends = np.cumsum(data.sizes)
    starts = ends - data.sizes
    low, high = (f.reduceat(data.x, starts) for f in (np.minimum, np.maximum))
    varies = low < high
    if not varies.any() if within else low.min() == high.max():
        return None
    candidates = np.flatnonzero(varies) if varies.any() else _odd(low)
    if len(candidates) != 1 or len(data.sizes) < 2:
        return None
    others: Bools = np.arange(len(data.sizes)) != candidates[0]
    if not within and low[others].min() < high[others].max():
        return None
    return data.labels[int(candidates[0])]


def _odd(values: Any) -> Any:
    """Places of the values that occur once, where there is one other value."""
    levels, first, counts = np.unique(values, return_index=True, return_counts=True)
    return first[counts == 1] if levels.size == 2 and len(values) > 2 else first[:0]
