"""The random-intercept model by REML or ML."""

from __future__ import annotations

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, register
from simstudy.estimands import VARIANCES
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble, _mixed
from simstudy.moments import Array, Factor, Floats, Ints, Moments
from simstudy.numerics import gram, information
from simstudy.numerics.shared import shared


def fit(moments: Moments, *, estimator: str, df: str, term: str = "slope") -> Estimates:
    """Fit y = b0 + b x + u_j + e by restricted or full maximum likelihood.

    Parameters
    ----------
    moments : Pooled or Clusters
    estimator : {"reml", "ml"}
    df : {"wald", "residual", "between_within", "satterthwaite", "kenward_roger"}
        Reference distribution; kenward_roger also adjusts the standard error.
    term : {"slope", "intercept"}
    """
    inner, fitted = gram.within(moments), _optimum(moments, estimator)
    if term == "slope":
        effect = fitted.sums.at.slope, information.of_slope(fitted.sums)
    else:
        effect = _mixed.intercept(moments, fitted, term)
    bw = _between_within(moments, inner, term)
    return _mixed.estimates(fitted, _outcome(moments, inner), effect, df, bw)


@shared
def _optimum(moments: Moments, estimator: str) -> _mixed.Fitted:
    return _mixed.optimum(moments, gram.within(moments), estimator, moments.n_fixed)


def _outcome(moments: Moments, inner: Factor) -> Array:
    """Say which replications are estimable: both variances need a degree of freedom."""
    total = gram.whole(moments)
    return _assemble.outcome_of(
        total,
        (Outcome.NO_RESIDUAL_VARIANCE, _assemble.is_perfect(total.r, total)),
        (Outcome.VARIANCES_NOT_SEPARABLE, (_free(moments, True) < 1) | (_free(moments, False) < 1)),
        (Outcome.NO_RESIDUAL_VARIANCE, _assemble.is_perfect(inner.r, total)),
    )


def _free(moments: Moments, within: bool) -> Ints:
    """Degrees of freedom left within or between clusters, by the columns that vary there."""
    varying = _assemble.varying(gram.within(moments))
    if within:
        return np.asarray(moments.n_obs - moments.n_clusters - varying)
    return np.asarray(moments.n_clusters - moments.n_fixed + varying)


def _between_within(moments: Moments, inner: Factor, term: str) -> Floats:
    """Between-within df: decided by the design alone (nlme)."""
    varies = (inner.a > 0) | (term == "intercept")
    free = np.where(varies, _free(moments, True), _free(moments, False))
    return free.astype(float)


def describe(moments: Moments, *, estimator: str, df: str) -> dict[str, float | None]:
    """Residual SD and lme4's criterion of one data set."""
    return _mixed.described(moments, _optimum(moments, estimator), moments.n_fixed)


def _account(chosen: Chosen, predictors: Predictors) -> str:
    free = (
        f"$N-J-{predictors.within}$ if {predictors.tested} varies within clusters and else "
        f"$J-{predictors.between}$"
    )
    return (
        f"A linear mixed model of $y$ on {predictors.names} with a random intercept for every "
        f"cluster [@LairdWare1982]. {_mixed.account(chosen, predictors.columns, free)}"
    )


register(
    Entry(
        name="random_intercept",
        title="Random intercept",
        summary="random intercept for every cluster, y ~ x + (1 | cluster)",
        grain="pooled",
        fit=fit,
        describe=describe,
        options=_mixed.OPTIONS,
        synonyms="lmer mixed mlm hlm multilevel mixedlm random lme lmm lme4 nlme mixed_model "
        "mixed_effects linear_mixed_model multilevel_model random_effects random_effect re "
        "partial_pooling proc_mixed xtmixed hierarchical hierarchical_linear_model "
        "variance_components lmertest random_intercepts random_effects_model "
        "mixed_linear_model",
        variants={
            "df: kenward_roger": "kr kenward_roger kenwardroger pbkrtest",
            "df: satterthwaite": "satterthwaite",
            "df: between_within": "between_within",
            "df: wald": "wald z_test",
            "estimator: reml": "reml",
            "estimator: ml": "ml mle maximum_likelihood",
        },
        refuse=_mixed.refuse,
        estimands=lambda chosen: ("slope", "intercept", *VARIANCES),
        account=_account,
        lesson="multilevel (random intercept)",
        n_parameters="{line} + 1 variance",
    )
)
