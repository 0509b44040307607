"""Least squares on the cluster means (the between estimator)."""

from __future__ import annotations

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, choice, register
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble, _clustered
from simstudy.moments import Array, Clusters, Factor, Floats, Moments, Numbers, Pooled
from simstudy.numerics import gram, welch
from simstudy.numerics.elimination import coefficients_of, swept


def fit(moments: Moments, *, weights: str, df: str, term: str = "slope") -> Estimates:
    """Regress the cluster means of y on those of x.

    Parameters
    ----------
    moments : Pooled or Clusters
    weights : {"equal", "size"}
        Every cluster counts once, or as many times as it has units.
    df : {"residual", "wald", "welch"}
        t with J - 2 degrees of freedom, or z; or, for an x of two values that is constant within
        clusters, Welch's t test of the two arms of clusters, whose variances may differ.
    term : {"slope", "intercept"}
    """
    of, outer = _between(moments, weights), gram.between(moments)
    total = gram.whole(moments)
    free = moments.n_clusters - moments.n_fixed
    scale = _assemble.between_scale(total, outer)
    outcome = _assemble.ols_outcome(total, free, scale, of.r, Outcome.X_CONSTANT_BETWEEN)
    outcome = _assemble.unless(
        outcome, _assemble.collinear_between(total, outer), Outcome.COLLINEAR
    )
    if df == "welch":
        return _by_arms(_assemble.with_means(moments, "Welch test"), outcome, term)
    centre = None
    if term != "slope":
        clusters = _assemble.with_means(moments, term)
        weight = _weight(clusters, weights)
        centre = (weight.sum(axis=0), _assemble.means(clusters, term, weight))
    estimate, std_error = _line(of, free, centre)
    return _assemble.estimates(estimate, std_error, np.inf if df == "wald" else free, outcome)


def _by_arms(clusters: Clusters, outcome: Array, term: str) -> Estimates:
    """The line through the means of two arms, each with a variance of its own."""
    arms = welch.arms_of(clusters.mean_x, clusters.mean_y)
    constant = np.all(clusters.within.a == 0, axis=0)
    outcome = _assemble.unless(outcome, ~(arms.two_valued & constant), Outcome.X_NOT_TWO_VALUED)
    distance, level = arms.x[1] - arms.x[0], 0.0
    weights = np.stack([-1.0 / distance, 1.0 / distance])
    if term == "intercept":
        x, level = clusters.point[-2] + arms.x, clusters.point[-1]
        weights = np.stack([x[1] / distance, -x[0] / distance])
    value, std_error, free = welch.contrast(arms, weights)
    return _assemble.estimates(level + value, std_error, free, outcome)


def _line(
    of: Factor, free: Numbers, centre: tuple[Numbers, tuple[Floats, ...]] | None = None
) -> tuple[Floats, Floats]:
    """Least squares: the slope, or given a centre the intercept, with its standard error.

    Parameters
    ----------
    of : Factor, shape (R,)
        Weighted cross-products about the means.
    free : residual degrees of freedom
    centre : (sum of the weights, means of every column)
    """
    slope, sigma = of.b / of.a, of.r / np.sqrt(np.maximum(free, 0))
    if centre is None:
        return slope, sigma * (1.0 / of.a)
    weight, means = centre
    *of_x, (level,) = swept([[mean] for mean in means], coefficients_of(of))
    variance = 1.0 / weight
    for (mean,), row in zip(of_x, of.rows, strict=False):
        variance = variance + (mean / row[0]) ** 2
    return level, sigma * np.sqrt(variance)


def _weight(clusters: Clusters, weights: str) -> Floats:
    return clusters.weights if weights == "size" else np.ones_like(clusters.weights)


def _between(moments: Moments, weights: str) -> Factor:
    """Cross-products of the means, weighted; in equal clusters the weights cancel."""
    if weights == "size" or isinstance(moments, Pooled):
        return gram.between(moments)
    return gram.of_means(moments, _weight(moments, weights))


def describe(moments: Moments, *, weights: str, df: str) -> dict[str, float | None]:
    """Residual SD and R-squared of the regression of the means of one data set."""
    of = _between(moments, weights)
    return _assemble.regression(of, of.r, moments.n_clusters - moments.n_fixed)


_WEIGHTS = {
    "equal": "in which every cluster counts once",
    "size": "in which every cluster is weighted by its number of units",
}


def _account(chosen: Chosen, predictors: Predictors) -> str:
    line = (
        f"Least squares regression of the cluster means of $y$ on those of {predictors.names} (the "
        f"between estimator), {_WEIGHTS[chosen['weights']]} [@DonnerKlar2000]."
    )
    if chosen["df"] == "welch":
        return (
            f"{line} The variances of the means in the two arms may differ: the statistic is "
            "Welch's, referred to Student's $t$ distribution with the Welch-Satterthwaite degrees "
            "of freedom [@Welch1938; @Satterthwaite1946]."
        )
    return f"{line} The standard error is that of this regression. " + _clustered.referred(
        chosen["df"], f"$J-{predictors.columns}$"
    )


def _refuse(chosen: Chosen) -> str | None:
    if chosen["df"] == "welch" and chosen["weights"] != "equal":
        return "welch compares means in which every cluster counts once (weights: equal)"
    return None


register(
    Entry(
        name="cluster_means",
        title="Cluster means",
        summary="least squares on the cluster means (between estimator)",
        grain=lambda chosen: "clusters" if chosen["df"] == "welch" else "pooled",
        fit=fit,
        describe=describe,
        options=(
            choice(
                "weights",
                "weight of a cluster",
                "weight weighted weighting w",
                said={"size": "weighted by size"},
                equal="unweighted none uniform",
                size="unequal n cluster_size n_j proportional weighted",
            ),
            choice(
                "df",
                "J - 2, z, or Welch's for an x of two values (their variances may differ)",
                "ddf dof test distribution variances",
                said={"wald": "z test", "welch": "Welch"},
                residual="t j_2 student equal_variances var_equal equal_var",
                wald="z normal infinite inf",
                welch="unequal_variances unequal_variance satterthwaite welch_satterthwaite "
                "behrens_fisher heteroscedastic heteroskedastic unequal_var",
            ),
        ),
        refuse=_refuse,
        covariates=lambda chosen: chosen["df"] != "welch",
        synonyms="between between_effects be aggregated means cluster_level aggregate cluster_mean "
        "group_means between_estimator t_test_on_means cluster_level_analysis "
        "cluster_summaries two_stage",
        variants={
            "weights: size": "weighted_means",
            "weights: equal": "donald_lang",
            "df: welch": "welch welch_test welch_t_test unequal_variances",
        },
        estimands=lambda chosen: ("slope", "intercept", "between_slope"),
        account=_account,
        of_means=True,
        n_parameters="{line}",
    )
)
