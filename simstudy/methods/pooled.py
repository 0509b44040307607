"""Ordinary least squares on all units."""

from __future__ import annotations

from functools import reduce

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, register
from simstudy.estimates import Estimates
from simstudy.methods import _assemble, _clustered
from simstudy.moments import Array, Factor, Floats, Moments
from simstudy.numerics import gram, robust
from simstudy.numerics.elimination import coefficients_of, swept


def fit(moments: Moments, *, se: str, df: str, term: str = "slope") -> Estimates:
    """Regress y on x over all N units.

    Parameters
    ----------
    moments : Pooled or Clusters
        The cluster-robust errors and the intercept need Clusters.
    se : {"classical", "CR0", "CR1", "CR1S", "CR2", "CR3", "moulton"}
        Standard error: of independent units; cluster-robust; or classical times the root
        of 1 + {V(n_j) / nbar + nbar - 1} rho_x rho_e (Moulton 1986, J. Econometrics
        32:385-397; the "Moulton" of Cameron, Gelbach & Miller 2008, Table 2), rho_x the mean
        product of two units of a cluster over the variance of x, as it is in the data, rho_e
        the analysis-of-variance estimate from the residuals. A factor that is not positive
        leaves no standard error.
    df : {"residual", "wald", "clusters", "satterthwaite"}
        t with N - 2, infinite, J - 1 or Bell-McCaffrey's degrees of freedom; by default
        residual for classical and moulton, clusters for CR0, CR1 and CR1S, else satterthwaite.
    term : {"slope", "intercept"}
    """
    total = gram.whole(moments)
    free = moments.n_obs - moments.n_fixed
    outcome = _assemble.ols_outcome(total, free)
    estimate, length, contrast = total.b / total.a, 1.0 / total.a, None
    if term == "intercept":
        estimate, length, contrast = _intercept(moments, total, _assemble.means(moments, term))
    error = _error(moments, total, se, contrast, outcome)
    reference = _clustered.reference(df, free, moments.n_clusters, error.df)
    return _assemble.estimates(estimate, error.unit * length, reference, error.outcome)


def _intercept(
    moments: Moments, total: Factor, centre: tuple[Floats, ...]
) -> tuple[Floats, Floats, list[Floats]]:
    """Value of the line at 0; length and unit vector of its contrast."""
    along = coefficients_of(total)
    left = swept([[np.asarray(mean)] for mean in centre], along)
    axes = [1.0 / np.sqrt(moments.n_obs)]
    axes += [-mean / row[0] for (mean,), row in zip(left[:-1], total.rows, strict=False)]
    length = reduce(np.hypot, axes)
    return left[-1][0], length, [axis / length for axis in axes]


def _error(
    moments: Moments, total: Factor, se: str, contrast: list[Floats] | None, outcome: Array
) -> _clustered.Error:
    if se in _clustered.ROBUST:
        clusters = _assemble.with_means(moments, f"{se} standard error")
        scores = robust.of_line(clusters, total)
        zero = _clustered.without_residuals(moments)
        return _clustered.sandwich(
            scores, se, moments, moments.n_fixed, total, outcome, zero, contrast
        )
    sigma = total.r / np.sqrt(np.maximum(moments.n_obs - moments.n_fixed, 0))
    if se == "moulton":
        return _clustered.moulton(sigma, moments, total, contrast, outcome)
    return _clustered.Error(sigma, np.full_like(sigma, np.nan), outcome)


def describe(moments: Moments, **_: object) -> dict[str, float | None]:
    """Residual SD and R-squared of one data set."""
    total = gram.whole(moments)
    return _assemble.regression(total, total.r, moments.n_obs - moments.n_fixed)


def _account(chosen: Chosen, predictors: Predictors) -> str:
    return (
        f"Ordinary least squares regression of $y$ on {predictors.names} over all $N$ units, as if "
        "they were not clustered [@Kish1965; @Moulton1986]. "
        + _clustered.account(chosen, predictors.columns)
    )


register(
    Entry(
        name="pooled",
        title="Pooled",
        plain_title="Pooled OLS",
        summary="ordinary least squares on all units",
        grain=_clustered.grain,
        fit=fit,
        describe=describe,
        options=_clustered.options("moulton"),
        synonyms="ols lm linear regression reg regress naive ignore complete_pooling "
        "linear_regression linear_model least_squares",
        variants={
            "se: CR0": "cr0",
            "se: CR1": "cr1",
            "se: CR1S": "cr1s cluster_robust clustered sandwich huber_white robust crve cgm vce "
            "vce_cluster vce(cluster) lm_robust liang_zeger crse robust_se cluster_robust_se "
            "clustered_se cluster_se",
            "se: CR2": "cr2 clubsandwich bell_mccaffrey brl bias_reduced",
            "se: CR3": "cr3 cluster_jackknife jackknife",
            "se: moulton": "moulton moulton_factor deff design_effect kish",
        },
        refuse=_clustered.refuse,
        estimands=lambda chosen: ("slope", "intercept"),
        account=_account,
        caution=_clustered.caution,
        robust=_clustered.is_robust,
        lesson="collapsed (one line)",
        n_parameters="{line}",
    )
)
