"""Generalised estimating equations, exchangeable."""

from __future__ import annotations

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, choice, register
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble, _clustered
from simstudy.moments import Array, Clusters
from simstudy.numerics import exchangeable, gram, weighted
from simstudy.numerics.exchangeable import Working
from simstudy.numerics.shared import shared


def fit(moments: Clusters, *, se: str, df: str, term: str = "slope") -> Estimates:
    """Solve the estimating equations of y = b0 + b x with exchangeable correlation.

    The moment estimators of correlation and scale are geepack's, iterated until another
    step would move the correlation by less than 1e-13 (geepack's default: 1e-4). Where a
    step leaves the positive definite correlations the replication is not estimable.

    Parameters
    ----------
    moments : Clusters
    se : {"robust", "model"}
        Sandwich, or as if the working correlation were right.
    df : {"wald", "clusters"}
        z, or t with J - 1 degrees of freedom.
    term : {"slope", "intercept"}
    """
    working = _solution(moments)
    estimate, weights = working.at.slope, weighted.of_slope(working.at)
    if term == "intercept":
        estimate, weights = _assemble.at_zero(working.at, moments)
    std_error = model = np.sqrt(exchangeable.model_variance(working, weights))
    if se == "robust":
        std_error = np.sqrt(exchangeable.robust_variance(moments, working, weights))
        std_error = np.where(std_error > _assemble.PERFECT * model, std_error, np.nan)
    free = np.inf if df == "wald" else float(moments.n_clusters - 1)
    return _assemble.estimates(estimate, std_error, free, _outcome(moments, working))


@shared
def _solution(moments: Clusters) -> Working:
    return exchangeable.solve(moments, gram.within(moments))


def _outcome(moments: Clusters, working: Working) -> Array:
    total = gram.whole(moments)
    return _assemble.outcome_of(
        total,
        (Outcome.NO_RESIDUAL_VARIANCE, _assemble.is_perfect(total.r, total)),
        (Outcome.VARIANCES_NOT_SEPARABLE, moments.n_obs <= moments.n_clusters),
        (Outcome.NOT_POSITIVE_DEFINITE, ~working.definite),
        (Outcome.NOT_CONVERGED, ~working.converged),
    )


def describe(moments: Clusters, *, se: str, df: str) -> dict[str, float | None]:
    """Root of the scale phi of one data set."""
    working = _solution(moments)
    return {"sigma": np.sqrt(working.phi).item(), "r_squared": None, "criterion": None}


_ERRORS = {
    "robust": "the robust (sandwich) one without a small-sample correction",
    "model": "the one that supposes the working correlation to be right",
}


def _account(chosen: Chosen, predictors: Predictors) -> str:
    return (
        f"Generalized estimating equations for $y$ on {predictors.names} with identity link and "
        "exchangeable working correlation [@LiangZeger1986]; correlation and scale are the moment "
        f"estimators of geepack [@Halekoh2006]. The standard error is {_ERRORS[chosen['se']]}. "
        + _clustered.referred(chosen["df"])
    )


register(
    Entry(
        name="gee",
        title="GEE",
        summary="generalised estimating equations, exchangeable correlation",
        grain="clusters",
        fit=fit,
        describe=describe,
        options=(
            choice(
                "se",
                "standard error",
                "vcov vce std_err std_error cov_type type",
                said={"model": "model-based SE"},
                robust="sandwich san_se empirical huber_white cluster_robust",
                model="naive model_based conventional nonrobust",
            ),
            choice(
                "df",
                "z, or J - 1",
                "ddf dof test distribution",
                said={"clusters": "J-1 df"},
                wald="z normal infinite inf",
                clusters="t j_1 cluster",
            ),
        ),
        synonyms="geeglm geepack geese xtgee genmod exchangeable gee_exchangeable "
        "generalized_estimating_equations generalised_estimating_equations marginal "
        "marginal_model population_averaged gee1",
        variants={"se: robust": "gee_robust", "se: model": "gee_model gee_naive"},
        estimands=lambda chosen: ("slope", "intercept"),
        account=_account,
        caution=lambda chosen, n_clusters: _clustered.few(
            n_clusters,
            f"the {chosen['se']} standard error",
            "random_intercept or pooled: {se: CR2}",
        ),
        robust=lambda chosen: chosen["se"] == "robust",
        n_parameters="{line} + 1 correlation",
    )
)
