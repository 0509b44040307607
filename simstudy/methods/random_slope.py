"""The model with a random intercept and a random slope of x, by REML or ML."""

from __future__ import annotations

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, choice, register
from simstudy.estimates import RANK, SLOPE_COVARIANCE, SLOPE_VARIANCE, Estimates, Outcome
from simstudy.methods import _assemble, _mixed
from simstudy.moments import Clusters
from simstudy.numerics import random_slope
from simstudy.numerics.columns import selected
from simstudy.numerics.random_slope import RandomSlope
from simstudy.numerics.shared import shared
from simstudy.numerics.slope_estimable import Reason

_OUTCOMES = np.array([Outcome.OK if reason is Reason.NONE else Outcome[reason.name]
                      for reason in Reason], dtype=np.int8)  # fmt: skip


def fit(
    moments: Clusters, *, estimator: str, df: str, correlated: str, term: str = "slope"
) -> Estimates:
    """Fit y = b0 + b x + u_j + v_j x + e, (u_j, v_j) normal, by restricted or full ML.

    Parameters
    ----------
    moments : Clusters
        The slope of their `x` varies; the last predictor is tested.
    estimator : {"reml", "ml"}
    df : {"wald", "satterthwaite", "kenward_roger"}
        Reference distribution; kenward_roger also adjusts the standard error.
    correlated : {"true", "false"}
        Whether intercepts and slopes covary.
    term : {"slope", "intercept"}

    Notes
    -----
    A singular covariance matrix is a valid fit, `boundary`. Extras of a fit are
    `slope_variance`, `slope_covariance` and the `rank` of that matrix.
    """
    clusters = _assemble.with_means(moments, "random slope")
    found = _optimum(clusters, estimator, correlated)
    tested = _names(clusters).index(clusters.names[-2]) + 1 if term == "slope" else 0
    effect = found.coefficient(tested, df)
    outcome = _OUTCOMES[found.reason]
    outcome = _assemble.unless(outcome, ~found.settled, Outcome.NOT_CONVERGED)
    outcome = _assemble.unless(outcome, found.boundary, Outcome.BOUNDARY)
    covariance = found.covariance
    rank = np.where(found.rank < 0, np.nan, found.rank)
    extras = {SLOPE_VARIANCE: covariance.slope, SLOPE_COVARIANCE: covariance.cross, RANK: rank}
    std_error = np.sqrt(effect.variance)
    return _assemble.estimates(
        effect.estimate, std_error, effect.df, outcome, covariance.tau2, found.sigma2, extras
    )


def _names(clusters: Clusters) -> tuple[str, ...]:
    """Predictors, the one whose slope varies first."""
    others = (name for name in clusters.names[:-1] if name != clusters.main)
    return (clusters.main, *others)


@shared
def _optimum(clusters: Clusters, estimator: str, correlated: str) -> RandomSlope:
    ordered = selected(clusters, (*_names(clusters), clusters.names[-1]))
    assert isinstance(ordered, Clusters)
    root = np.sqrt(ordered.weights)
    rows = ((root, *(root * mean for mean in ordered.means)), *ordered.within.rows)
    return random_slope.fit(
        rows, reml=estimator == "reml", correlated=correlated == "true", origins=ordered.point
    )


def describe(
    moments: Clusters, *, estimator: str, df: str, correlated: str
) -> dict[str, float | None]:
    """Residual SD and lme4's criterion of one data set."""
    found = _optimum(moments, estimator, correlated)
    return {"sigma": np.sqrt(found.sigma2).item(), "r_squared": None,
            "criterion": found.criterion.item()}  # fmt: skip


def _account(chosen: Chosen, predictors: Predictors) -> str:
    covary = "that may covary" if chosen["correlated"] == "true" else "that are independent"
    return (
        f"A linear mixed model of $y$ on {predictors.names} with a random intercept and a random "
        f"slope of $x$ for every cluster, {covary} [@LairdWare1982]. "
        + _mixed.account(
            chosen,
            predictors.columns,
            limits="their covariance matrix at least positive semidefinite",
            zero="both variances are estimated as zero",
        )
    )


register(
    Entry(
        name="random_slope",
        title="Random slope",
        summary="random intercept and slope of x for every cluster, y ~ x + (1 + x | cluster)",
        grain="clusters",
        fit=fit,
        describe=describe,
        options=(
            *_mixed.options("residual", "between_within"),
            choice(
                "correlated",
                "whether intercepts and slopes covary",
                "correlation cor corr covariance",
                said={"false": "uncorrelated", "true": "correlated"},
                true="yes unstructured full",
                false="no diagonal zero independent uncorrelated",
            ),
        ),
        synonyms="random_slopes random_coefficients random_coefficient maximal rirs "
        "random_intercept_and_slope varying_slopes growth_model random_slope_model",
        variants={"correlated: false": "zero_correlation uncorrelated_slopes double_bar"},
        refuse=_mixed.refuse,
        extras=(SLOPE_VARIANCE, SLOPE_COVARIANCE, RANK),
        estimands=lambda chosen: ("slope", "intercept", "sigma2"),
        account=_account,
        n_parameters="{line} + {variances} variances",
    )
)
