"""Room 2: a dummy for every cluster (the within estimator). Imports gram, assemble."""

from __future__ import annotations

import numpy as np

from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble
from simstudy.methods._assemble import ZERO, Origin
from simstudy.moments import Moments
from simstudy.numerics import gram
from simstudy.registry import Entry, Option, register


def fit(
    moments: Moments, *, se: str, df: str, term: str = "slope", origin: Origin = ZERO
) -> Estimates:
    """Regress y on x and J cluster dummies, absorbed (Frisch-Waugh-Lovell).

    Parameters
    ----------
    moments : Pooled or Clusters
    se : {"classical"}
    df : {"residual", "wald"}
        t with N - J - 1 degrees of freedom, or z.
    term : {"slope"}
    origin : (x, y)
        Of no consequence: there is no intercept.
    """
    inner = gram.within(moments)
    free = moments.n_obs - moments.n_clusters - 1
    total = gram.add(inner, gram.between(moments))
    outcome = _assemble.ols_outcome(inner.a, inner.r, _assemble.spread(total), free)
    within_only = (outcome == Outcome.X_CONSTANT) & (total.a > 0)
    outcome = np.where(within_only, Outcome.X_CONSTANT_WITHIN, outcome).astype(np.int8)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = inner.b / inner.a
        std_error = inner.r / np.sqrt(np.maximum(free, 0)) / inner.a
    return _assemble.estimates(slope, std_error, np.inf if df == "wald" else free, outcome)


def describe(moments: Moments, **_: str) -> dict[str, float | None]:
    """Residual SD and R-squared (dummies included) of one data set."""
    inner = gram.within(moments)
    total = gram.add(inner, gram.between(moments))
    return _assemble.regression(total, inner.r, moments.n_obs - moments.n_clusters - 1)


register(
    Entry(
        name="dummy",
        summary="least squares with a dummy for every cluster (within estimator)",
        grain="pooled",
        fit=fit,
        describe=describe,
        options=(
            Option("se", ("classical",), lambda chosen: "classical", "standard error"),
            Option("df", ("residual", "wald"), lambda chosen: "residual", "N - J - 1, or z"),
        ),
        terms=("slope",),
        synonyms=("within", "fixed_effects", "fixed", "fe", "lsdv", "plm", "areg"),
    )
)
