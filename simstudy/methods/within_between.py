"""A within and a between slope (Mundlak 1978)."""

from __future__ import annotations

import numpy as np

from simstudy.entries import X_ALONE, Chosen, Entry, Predictors, choice, register
from simstudy.estimands import VARIANCES
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble, _mixed
from simstudy.moments import Array, Factor, Floats, Ints, Moments
from simstudy.numerics import gram, information
from simstudy.numerics.information import Contrast
from simstudy.numerics.shared import shared


def fit(
    moments: Moments, *, effect: str, estimator: str, df: str, term: str = "slope"
) -> Estimates:
    """Fit y = b0 + bw (x - xbar_j) + bb xbar_j + u_j + e (Mundlak 1978, Econometrica 46:69-85).

    The deviations of x sum to zero in every cluster, so the information on bw stands apart:
    bw is the dummy estimator, the rest is generalised least squares of the cluster means,
    and the variances come from what both leave.

    Parameters
    ----------
    moments : Pooled or Clusters
    effect : {"within", "between", "contextual"}
        bw, bb, or bb - bw.
    estimator : {"reml", "ml"}
    df : {"wald", "residual", "between_within", "satterthwaite", "kenward_roger"}
        Reference distribution; kenward_roger also adjusts the standard error.
    term : {"slope", "intercept"}
        The effect, or the value of the line through the cluster means at x = 0.
    """
    # nlme counts the contextual effect, a slope on the cluster means, between clusters
    inside = term == "slope" and effect == "within"
    bw = np.asarray(_free(moments)[0 if inside else 1], dtype=float)
    inner, fitted = gram.within(moments), _optimum(moments, estimator)
    if term == "slope":
        line = _effect(effect, inner, fitted)
    else:
        line = _mixed.intercept(moments, fitted, term)
    return _mixed.estimates(fitted, _outcome(moments, inner), line, df, bw)


@shared
def _optimum(moments: Moments, estimator: str) -> _mixed.Fitted:
    """Fit to what the within slope has left."""
    left = gram.within(moments)
    none = np.zeros_like(left.r)
    rows = (*(tuple(none for _ in row) for row in left.rows[:-1]), (left.r,))
    return _mixed.optimum(moments, Factor(rows), estimator, _n_fixed(moments))


def _n_fixed(moments: Moments) -> int:
    """Intercept, a slope of every predictor's means, and one within where it varies there."""
    return moments.n_fixed + _n_within(moments)


def _n_within(moments: Moments) -> int:
    """Predictors that vary within clusters in any replication: it is the design that says."""
    rows = gram.within(moments).rows[:-1]
    return 1 if len(rows) == 1 else sum(bool((row[0] > 0).any()) for row in rows)


def _free(moments: Moments) -> tuple[Ints | int, int]:
    """Degrees of freedom left within and between clusters."""
    n_within = _n_within(moments)
    return moments.n_obs - moments.n_clusters - n_within, moments.n_clusters - moments.n_fixed


def _effect(effect: str, inner: Factor, fitted: _mixed.Fitted) -> tuple[Floats, Contrast]:
    within, between = inner.b / inner.a, fitted.sums.at.slope
    of_within = information.within_slope(inner)
    if effect == "within":
        return within, of_within
    of_between = information.of_slope(fitted.sums)
    if effect == "between":
        return between, of_between
    return between - within, information.independent(of_between, of_within)


def _outcome(moments: Moments, inner: Factor) -> Array:
    """Say which replications are estimable: x varies both ways, and df are left both ways."""
    outer = gram.between(moments)
    total = gram.whole(moments)
    least = np.minimum(*_free(moments))
    return _assemble.outcome_of(
        total,
        (Outcome.X_CONSTANT_WITHIN, inner.a == 0),
        (Outcome.X_CONSTANT_BETWEEN, _assemble.between_scale(total, outer) == 0),
        (Outcome.VARIANCES_NOT_SEPARABLE, least < 1),
        (Outcome.NO_RESIDUAL_VARIANCE, _assemble.is_perfect(inner.r, total)),
    )


def describe(moments: Moments, *, effect: str, estimator: str, df: str) -> dict[str, float | None]:
    """Residual SD and lme4's criterion of one data set."""
    inner = gram.within(moments)
    fitted = _optimum(moments, estimator)
    more = float(sum(2.0 * np.log(row[0].item()) for row in inner.rows[:-1] if row[0] > 0))
    return _mixed.described(moments, fitted, _n_fixed(moments), more)


_ESTIMANDS = {"within": "slope", "between": "between_slope", "contextual": "contextual_effect"}
_EFFECTS = {
    "within": "the within-cluster slope, on $x_{ij}-\\bar x_j$",
    "between": "the between-cluster slope, on $\\bar x_j$",
    "contextual": "the contextual effect, which is the between-cluster minus the within-cluster "
    "slope",
}


def _account(chosen: Chosen, predictors: Predictors) -> str:
    inside = chosen["effect"] == "within"
    free = f"$N-J-{predictors.within}$" if inside else f"$J-{predictors.columns}$"
    effect = _EFFECTS[chosen["effect"]]
    columns = "the deviation of $x$ from its cluster mean and on the cluster mean"
    if predictors.several:
        columns = (
            f"the cluster means of {predictors.names} and, of those that vary within clusters, on "
            "the deviations from these means"
        )
    if predictors.tested != X_ALONE.tested:
        effect = f"the within-cluster slope of {predictors.tested}"
    return (
        f"A linear mixed model of $y$ on {columns}, with a random intercept for every cluster "
        f"[@Mundlak1978]. Its estimate is {effect}. "
        + _mixed.account(chosen, predictors.split, free)
    )


register(
    Entry(
        name="within_between",
        title="Within-between",
        summary="random intercept with a within and a between slope (Mundlak)",
        grain="pooled",
        fit=fit,
        describe=describe,
        options=(
            choice(
                "effect",
                "slope on x about its cluster means, on the means, or between minus within",
                "which term slope coefficient component",
                said={
                    "within": "within effect",
                    "between": "between effect",
                    "contextual": "contextual effect",
                },
                always=True,
                within="level_1 level1",
                between="level_2 level2",
                contextual="context difference compositional gamma",
            ),
            *_mixed.OPTIONS,
        ),
        synonyms="mundlak hybrid wb rewb cre xthybrid within_between_model "
        "correlated_random_effects cwc group_mean_centering panelr",
        variants={"effect: contextual": "contextual contextual_effect"},
        refuse=_mixed.refuse,
        estimands=lambda chosen: (_ESTIMANDS[chosen["effect"]], "intercept", *VARIANCES),
        account=_account,
        n_parameters="{both} + 1 variance",
    )
)
