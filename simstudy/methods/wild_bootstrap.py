"""Wild cluster bootstrap-t of the pooled slope."""

from __future__ import annotations

import numpy as np

from simstudy.entries import Chosen, Entry, Option, Predictors, Words, choice, register
from simstudy.estimates import Estimates, Outcome
from simstudy.methods import _assemble, _clustered, pooled
from simstudy.moments import Clusters
from simstudy.numerics import gram, wild

_SEED = 1  # of the one stream that a data set outside a study is tested with


def fit(
    moments: Clusters,
    *,
    weights: str,
    p: str,
    draws: int,
    words: Words | None = None,
    term: str = "slope",
) -> Estimates:
    """Test the slope of pooled least squares; there is no standard error and no df.

    The null is imposed on the residuals, and t has the CR1S standard error, as in Cameron,
    Gelbach & Miller (2008, REStat 90:414-427).

    Parameters
    ----------
    moments : Clusters
    weights : {"rademacher", "webb"}
        With Rademacher weights all 2^J samples are taken, each once, when that is not more
        than `draws`.
    p : {"symmetric", "equal_tailed"}
        Ties count in full, or half to either tail. A test at alpha has exact level under
        exchangeability if alpha (draws + 1) is whole.
    draws : int
        Bootstrap samples.
    words : callable, optional
        Random words by replication; without it, one fixed stream for every replication.
    term : {"slope"}
    """
    clusters = _assemble.with_means(moments, "wild bootstrap")
    total = gram.whole(clusters)
    outcome = _assemble.ols_outcome(total, clusters.n_obs - 2)
    outcome = _clustered.with_clusters(outcome, clusters.n_clusters)
    estimate, sums = total.b / total.a, wild.restricted(clusters, total)
    p_value = wild.p_value(sums, weights, p, draws, words or _fixed())
    none = _clustered.without_residuals(clusters) | np.isnan(p_value)
    outcome = _assemble.unless(outcome, none, Outcome.NO_STD_ERROR)
    blank = np.full_like(estimate, np.nan)
    kept = np.where(outcome <= Outcome.NO_STD_ERROR, estimate, np.nan)
    p_value = np.where(outcome == Outcome.OK, p_value, np.nan)
    return Estimates(kept, blank, blank, p_value, outcome)


def _fixed() -> Words:
    bits = np.random.SFC64(_SEED)
    return lambda count: bits.random_raw(count).reshape(count, 1)


_WEIGHTS = {
    "rademacher": "Rademacher weights (1 or $-1$ with probability 1/2 each)",
    "webb": "the six-point weights of Webb [@Webb2023]",
}
_TAILS = {
    "symmetric": "the share of bootstrap statistics at least as large in absolute value, ties "
    "with the observed one included",
    "equal_tailed": "twice the smaller of the shares of bootstrap statistics in the two tails, "
    "ties with the observed one counted half in either tail",
}


def _account(chosen: Chosen, predictors: Predictors) -> str:
    all_of_them = " (all $2^J$ samples, each once, where that is not more)"
    return (
        "The wild cluster bootstrap-$t$ test of the pooled least squares slope with the null "
        f"hypothesis imposed [@CameronGelbachMiller2008], with {_WEIGHTS[chosen['weights']]} and "
        f"{chosen['draws']} bootstrap samples"
        f"{all_of_them if chosen['weights'] == 'rademacher' else ''}. The statistic has the "
        "cluster-robust standard error CR1S. The $p$-value is "
        f"{_TAILS[chosen['p']]}; the method has no standard error and no interval."
    )


register(
    Entry(
        name="wild_bootstrap",
        title="Wild cluster bootstrap",
        summary="wild cluster bootstrap-t of the pooled slope, null imposed: a p-value alone",
        grain="clusters",
        fit=fit,
        describe=pooled.describe,
        options=(
            choice(
                "weights",
                "of the clusters",
                "weight type weighttype wild_weights boot_weights",
                said={"webb": "Webb weights"},
                rademacher="two_point 2_point signs",
                webb="webb6 six_point 6_point",
            ),
            choice(
                "p",
                "which tails; draws that tie with the data count in full, in equal_tailed by half",
                "p_value ptype p_val_type p_type tails tail",
                said={"equal_tailed": "equal-tailed"},
                symmetric="two_tailed two_sided abs",
                equal_tailed="asymmetric equaltail equal_tail",
            ),
            Option(
                "draws",
                (),
                lambda chosen: 399,
                "bootstrap samples",
                least=1,
                synonyms="b reps nboot n_boot bootstraps replications samples n_bootstrap "
                "iterations boot r",
            ),
        ),
        terms=("slope",),
        synonyms="wild bootstrap boottest wild_cluster_bootstrap wcr wcb fwildclusterboot "
        "cluster_bootstrap bootstrap_t cgm_bootstrap",
        variants={
            "weights: webb": "webb webb6 webb_6_point",
            "weights: rademacher": "rademacher",
        },
        draws=True,
        covariates=lambda chosen: False,
        tests_only=True,
        account=_account,
        robust=lambda chosen: True,
        n_parameters="2",
    )
)
