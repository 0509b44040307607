"""Variance components of y by one-way analysis of variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simstudy.moments import Floats, Moments, Pooled
from simstudy.numerics import gram


def icc_of_y(moments: Moments) -> Floats:
    """Intraclass correlation of y, whatever x; see `icc_of_residuals`."""
    return icc_of_residuals(moments, ())


def icc_of_residuals(moments: Moments, slopes: Sequence[Floats]) -> Floats:
    """Intraclass correlation of what a line leaves of y (Donner & Koval 1980, Biometrics 36:19-25).

    Returns
    -------
    array, shape (R,)
        (MSB - MSW) / (MSB + (n0 - 1) MSW), n0 = (N - sum n_j^2 / N) / (J - 1); may be
        negative, NaN where a mean square has no degree of freedom.
    """
    j, n_obs = moments.n_clusters, moments.n_obs
    if isinstance(moments, Pooled):
        size: Floats | float = float(moments.cluster_size)
    else:
        size = (n_obs - (moments.weights**2).sum(axis=0) / n_obs) / max(j - 1, 1)
    outer, inner = gram.between(moments), gram.within(moments)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = outer.rss(slopes) / np.float64(j - 1)
        within = inner.rss(slopes) / np.float64(n_obs - j)
        return np.asarray((between - within) / (between + (size - 1.0) * within))


def design_effect_of_y(moments: Moments) -> Floats:
    """1 + (mean size - 1) ICC of y (Kish 1965), shape (R,); 1 where every size is 1."""
    excess = np.asarray(moments.n_obs / moments.n_clusters - 1.0)
    return np.where(excess == 0, 1.0, 1.0 + excess * icc_of_y(moments))
