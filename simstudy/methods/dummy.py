"""A dummy for every cluster (the within estimator)."""

from __future__ import annotations

import numpy as np

from simstudy.entries import Chosen, Entry, Predictors, register
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble, _clustered
from simstudy.moments import Array, Factor, Ints, Moments
from simstudy.numerics import gram, robust


def fit(moments: Moments, *, se: str, df: str, term: str = "slope") -> Estimates:
    """Regress y on x and J cluster dummies, absorbed (Frisch-Waugh-Lovell).

    Parameters
    ----------
    moments : Pooled or Clusters
        The cluster-robust errors need Clusters.
    se : {"classical", "CR0", "CR1", "CR1S", "CR2", "CR3"}
        Standard error: of independent units, or cluster-robust. CR1S counts the dummies
        (N - J - 1, as lm with dummies and areg); CR2 and CR3 are those of the absorbed form.
    df : {"residual", "wald", "clusters", "satterthwaite"}
        t with N - J - 1, infinite, J - 1 or Bell-McCaffrey's degrees of freedom; by default
        residual for classical, clusters for CR0, CR1 and CR1S, else satterthwaite.
    term : {"slope"}
    """
    inner = gram.within(moments)
    free = _free(moments)
    total = gram.whole(moments)
    outcome = _assemble.ols_outcome(total, free, inner.a, inner.r, Outcome.X_CONSTANT_WITHIN)
    error = _error(moments, inner, se, total, outcome)
    reference = _clustered.reference(df, free, moments.n_clusters, error.df)
    return _assemble.estimates(inner.b / inner.a, error.unit / inner.a, reference, error.outcome)


def _free(moments: Moments) -> Ints | int:
    """Residual degrees of freedom: what is constant within clusters is absorbed."""
    alone = moments.n_fixed == 2  # then whether x varies is asked elsewhere
    columns = 1 if alone else _assemble.varying(gram.within(moments))
    return moments.n_obs - moments.n_clusters - columns


def _error(
    moments: Moments, inner: Factor, se: str, total: Factor, outcome: Array
) -> _clustered.Error:
    if se in _clustered.ROBUST:
        clusters = _assemble.with_means(moments, f"{se} standard error")
        scores = robust.of_within(clusters.within, inner)
        columns = moments.n_obs - _free(moments)
        alone = (clusters.within.a > 0).sum(axis=0) == 1  # its score is that of all: 0
        return _clustered.sandwich(scores, se, moments, columns, total, outcome, alone)
    sigma = inner.r / np.sqrt(np.maximum(_free(moments), 0))
    return _clustered.Error(sigma, np.full_like(sigma, np.nan), outcome)


def describe(moments: Moments, **_: object) -> dict[str, float | None]:
    """Residual SD and R-squared (dummies included) of one data set."""
    inner = gram.within(moments)
    total = gram.whole(moments)
    return _assemble.regression(total, inner.r, _free(moments))


def _account(chosen: Chosen, predictors: Predictors) -> str:
    return (
        f"Ordinary least squares regression of $y$ on {predictors.names} and a dummy variable for "
        "every cluster (the within, or fixed-effects, estimator) [@Wooldridge2010]. "
        + _clustered.account(chosen, f"J-{predictors.within}")
    )


register(
    Entry(
        name="dummy",
        title="Cluster dummies",
        summary="least squares with a dummy for every cluster (within estimator)",
        grain=_clustered.grain,
        fit=fit,
        describe=describe,
        options=_clustered.options(),
        terms=("slope",),
        synonyms="within fixed_effects fixed fe lsdv plm areg feols fixest no_pooling "
        "within_estimator dummies dummy_variables fixed_intercept cluster_dummies felm reghdfe "
        "fixed_effect absorb",
        variants={"se: CR1S": "xtreg_fe_robust fixed_effects_robust lsdv_robust"},
        refuse=_clustered.refuse,
        caution=_clustered.caution,
        account=_account,
        robust=_clustered.is_robust,
        own_intercepts=True,
        lesson="dummy for every cluster",
        n_parameters="{dummies}",
    )
)
