"""Room 2: ordinary least squares on all units, clusters ignored. Imports gram, assemble."""

from __future__ import annotations

import numpy as np

from simstudy.estimates import Estimates
from simstudy.methods import _assemble
from simstudy.methods._assemble import ZERO, Origin
from simstudy.moments import Moments
from simstudy.numerics import gram
from simstudy.registry import Entry, Option, register


def fit(
    moments: Moments, *, se: str, df: str, term: str = "slope", origin: Origin = ZERO
) -> Estimates:
    """Regress y on x over all N units; classical standard error.

    Parameters
    ----------
    moments : Pooled or Clusters
    se : {"classical"}
    df : {"residual", "wald"}
        t with N - 2 degrees of freedom, or z.
    term : {"slope", "intercept"}
    origin : (x, y)
        Point about which the means in `moments` are; the intercept is that of the data.
    """
    n_obs = moments.n_obs
    total = gram.add(gram.within(moments), gram.between(moments))
    free = n_obs - 2
    outcome = _assemble.ols_outcome(total.a, total.r, _assemble.spread(total), free)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = total.b / total.a
        sigma = total.r / np.sqrt(np.maximum(free, 0))
        if term == "slope":
            estimate, root = slope, 1.0 / total.a
        else:
            mean_x, mean_y = _assemble.means(moments, term, origin)
            estimate = mean_y - slope * mean_x
            root = np.sqrt(1.0 / n_obs + (mean_x / total.a) ** 2)
        std_error = sigma * root
    return _assemble.estimates(estimate, std_error, np.inf if df == "wald" else free, outcome)


def describe(moments: Moments, **_: str) -> dict[str, float | None]:
    """Residual SD and R-squared of one data set."""
    total = gram.add(gram.within(moments), gram.between(moments))
    return _assemble.regression(total, total.r, moments.n_obs - 2)


register(
    Entry(
        name="pooled",
        summary="ordinary least squares on all units, clusters ignored",
        grain="pooled",
        fit=fit,
        describe=describe,
        options=(
            Option("se", ("classical",), lambda chosen: "classical", "standard error"),
            Option("df", ("residual", "wald"), lambda chosen: "residual", "N - 2, or z"),
        ),
        synonyms=("ols", "lm", "linear", "regression", "naive", "ignore"),
    )
)
