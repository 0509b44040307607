"""Room 2: the random-intercept model by REML or ML. Imports numerics and assemble."""

from __future__ import annotations

import numpy as np

from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble
from simstudy.methods._assemble import ZERO, Origin
from simstudy.moments import Array, Factor, Floats, Moments
from simstudy.numerics import gram, information, likelihood, reml, weighted
from simstudy.registry import Chosen, Entry, Option, register

_DF = ("wald", "residual", "between_within", "satterthwaite", "kenward_roger")


def fit(
    moments: Moments, *, estimator: str, df: str, term: str = "slope", origin: Origin = ZERO
) -> Estimates:
    """Fit y = b0 + b x + u_j + e by restricted or full maximum likelihood.

    Parameters
    ----------
    moments : Pooled or Clusters
    estimator : {"reml", "ml"}
    df : {"wald", "residual", "between_within", "satterthwaite", "kenward_roger"}
        Reference distribution; kenward_roger also adjusts the standard error.
    term : {"slope", "intercept"}
    origin : (x, y)
        Point about which the means in `moments` are; the intercept is that of the data.
    """
    with np.errstate(all="ignore"):  # what is degenerate has an outcome that says so
        return _fit(moments, estimator == "reml", df, term, origin)


def _fit(moments: Moments, restricted: bool, df: str, term: str, origin: Origin) -> Estimates:
    free: Floats | float
    inner = gram.within(moments)
    outcome = _outcome(moments, inner)
    psi, boundary = reml.variance_ratio(moments, inner, reml=restricted)
    outcome = np.where((outcome == Outcome.OK) & boundary, Outcome.BOUNDARY, outcome)
    sums = weighted.evaluate(moments, inner, psi)
    at = sums.at
    sigma2 = at.rss / likelihood.residual_df(moments.n_obs, restricted)
    if term == "slope":
        estimate, of = at.slope, information.contrast(sums, 0.0, 1.0)
    else:
        _assemble.with_means(moments, term)
        mean_x = origin[0] + at.mean_x
        estimate = origin[1] + at.level - at.slope * mean_x
        of = information.contrast(sums, 1.0, -mean_x)
    std_error = np.sqrt(sigma2 * of.variance)
    if df == "kenward_roger":
        free, inflation = information.kenward_roger(sums, of, moments.n_obs)
        std_error = std_error * np.sqrt(inflation)
    elif df == "satterthwaite":
        free = information.satterthwaite(sums, of, moments.n_obs, boundary, reml=restricted)
    else:
        free = _simple_df(moments, inner, df, term)
    outcome = outcome.astype(np.int8)
    return _assemble.estimates(estimate, std_error, free, outcome, sigma2 * psi, sigma2)


def _outcome(moments: Moments, inner: Factor) -> Array:
    """Say which replications are estimable: both variances need a degree of freedom."""
    outer = gram.between(moments)
    total = gram.add(inner, outer)
    varies = inner.a > 0
    free_within = moments.n_obs - moments.n_clusters - varies
    free_between = moments.n_clusters - 1 - ~varies
    conditions = [
        ~np.isfinite(_assemble.spread(total) * total.a),
        total.a == 0,
        total.r <= _assemble.PERFECT * _assemble.spread(total),
        (free_within < 1) | (free_between < 1),
        inner.r <= _assemble.PERFECT * _assemble.spread(total),
    ]
    reasons = [
        Outcome.NON_FINITE,
        Outcome.X_CONSTANT,
        Outcome.NO_RESIDUAL_VARIANCE,
        Outcome.VARIANCES_NOT_SEPARABLE,
        Outcome.NO_RESIDUAL_VARIANCE,
    ]
    return np.select(conditions, reasons, Outcome.OK)


def _simple_df(moments: Moments, inner: Factor, df: str, term: str) -> Floats | float:
    """Df that the design alone decides: z, N - 2, or between-within (SAS, nlme)."""
    if df == "wald":
        return np.inf
    if df == "residual":
        return np.asarray(moments.n_obs - 2, dtype=float)
    varies = inner.a > 0
    if term == "intercept":
        return np.asarray(moments.n_clusters - 1.0 - ~varies)
    j, n_obs = moments.n_clusters, moments.n_obs
    return np.where(varies, n_obs - j - 1.0, j - 2.0)


def describe(moments: Moments, *, estimator: str, df: str) -> dict[str, float | None]:
    """Residual SD and lme4's criterion of one data set."""
    restricted = estimator == "reml"
    inner = gram.within(moments)
    psi, _ = reml.variance_ratio(moments, inner, reml=restricted)
    at = weighted.evaluate(moments, inner, psi).at
    value = likelihood.criterion(moments, at, psi, restricted)
    sigma = np.sqrt(at.rss / likelihood.residual_df(moments.n_obs, restricted))
    return {"sigma": sigma.item(), "r_squared": None, "criterion": value.item()}


def _refuse(chosen: Chosen) -> str | None:
    if chosen["estimator"] == "ml" and chosen["df"] == "kenward_roger":
        return "kenward_roger needs estimator: reml (it is defined for REML only)"
    return None


def _default_df(chosen: Chosen) -> str:
    return "wald" if chosen["estimator"] == "ml" else "kenward_roger"


register(
    Entry(
        name="random_intercept",
        summary="random intercept for every cluster, y ~ x + (1 | cluster)",
        grain="pooled",
        fit=fit,
        describe=describe,
        options=(
            Option("estimator", ("reml", "ml"), lambda chosen: "reml", "likelihood"),
            Option("df", _DF, _default_df, "reference distribution (kenward_roger adjusts the SE)"),
        ),
        synonyms=("lmer", "mixed", "mlm", "hlm", "multilevel", "mixedlm", "reml", "random", "lme"),
        refuse=_refuse,
    )
)
