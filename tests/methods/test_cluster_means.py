"""Least squares on the cluster means against exact answers, numpy's lstsq and exact sizes."""

import math

import helpers_numerics as h
import helpers_simulation as simulation
import numpy as np
import pandas as pd
import pytest
from helpers_simulation import simulate
from scipy import stats

from simstudy.errors import UserError
from simstudy.estimates import Outcome
from simstudy.generators.source import Source
from simstudy.generators.streams import CLUSTERS
from simstudy.numerics import gram
from simstudy.registry import configure

EXACT = 1e-10  # measured 2e-13 at worst; room for other platforms, as in test_reference
WEIGHTS = pytest.mark.parametrize("weights", ["equal", "size"])
BLOCK = {"equal": "unweighted", "size": "weighted_n"}


@WEIGHTS
@pytest.mark.parametrize("name", h.NAMES)
def test_reference(name, weights):
    found = h.fit(h.REFERENCE / f"{name}.csv", "cluster_means", weights=weights)
    answers = h.answers(name)
    if answers["between"] is None:
        two = answers["meta"]["J"] == 2 and answers["meta"]["x_level"] == "mixed"
        reason = "no residual degrees of freedom" if two else "x does not vary between clusters"
        assert (found["status"], found["message"]) == ("not_estimable", reason)
        assert h.term(found)["estimate"] is None
        return
    block = answers["between"][BLOCK[weights]]
    assert found["status"] == "ok"
    for key, term in (("x", "x"), ("intercept", "(Intercept)")):
        got = h.term(found, term)
        h.assert_close(got["estimate"], block["coef"][key], EXACT)
        h.assert_close(got["std_error"], block["se"][key], EXACT)
        h.assert_close(got["statistic"], block["t"][key], EXACT)
        h.assert_close(got["p_value"], block["p"][key], EXACT)
        assert got["df"] == block["df"]
    h.assert_close(found["sigma"], block["sigma"], EXACT)
    h.assert_close(found["r_squared"], block["r2"], EXACT)


@WEIGHTS
@pytest.mark.parametrize("sizes", [[2, 7, 1, 5], [4, 4, 4], [1, 1, 9]], ids=str)
def test_longhand(sizes, weights):
    """Cluster means taken from the units, and a least-squares solver."""
    x, y = h.units(np.random.default_rng(5), sizes, 0.4, 0.3, 8)
    moments, index = h.clusters_of(sizes, x, y), h.labels(sizes)
    method = configure("cluster_means", {"weights": weights})
    fits = [method.fit(moments, term=term) for term in ("intercept", "slope")]
    root = np.sqrt(sizes) if weights == "size" else np.ones(len(sizes))
    for rep in range(8):
        means = [np.bincount(index, v[:, rep]) / np.bincount(index) for v in (x, y)]
        design = root[:, None] * np.column_stack([np.ones(len(sizes)), means[0]])
        beta, rss, _, _ = np.linalg.lstsq(design, root * means[1], rcond=None)
        cov = rss[0] / (len(sizes) - 2) * np.linalg.inv(design.T @ design)
        for k, found in enumerate(fits):
            h.assert_close(found.estimate[rep], beta[k], 1e-11, 1e-12)
            h.assert_close(found.std_error[rep], cov[k, k] ** 0.5, 1e-11)
            t = abs(beta[k]) / cov[k, k] ** 0.5
            h.assert_close(found.p_value[rep], 2 * stats.t.sf(t, len(sizes) - 2), 1e-9)


def test_equal_clusters_have_equal_weights():
    clusters = h.drawn("clusters", [5] * 8, 50)
    fits = [
        configure("cluster_means", {"weights": weights}).fit(moments)
        for weights in ("equal", "size")
        for moments in (clusters, gram.pool(clusters))
    ]
    for other in fits[1:]:
        h.assert_close(other.estimate, fits[0].estimate, 1e-12)
        h.assert_close(other.std_error, fits[0].std_error, 1e-12)


def test_weighted_by_size_is_the_pooled_slope_where_x_is_cluster_level():
    moments = h.drawn("clusters", [2, 7, 1, 5, 9, 3], 50, x_icc=1.0)
    means = configure("cluster_means", {"weights": "size"}).fit(moments)
    pooled = configure("pooled").fit(moments)
    h.assert_close(means.estimate, pooled.estimate, 1e-12)


def test_random_intercept_is_the_same_test_where_x_is_cluster_level_and_equal():
    """Inside, REML with Kenward-Roger is the t test of the means with J - 2 df."""
    moments = h.drawn("pooled", [6] * 7, 400, x_icc=1.0)
    mixed, means = (configure(m).fit(moments) for m in ("random_intercept", "cluster_means"))
    inside = mixed.outcome == Outcome.OK
    assert 200 < inside.sum() < 400
    h.assert_close(means.estimate, mixed.estimate, 1e-10)
    h.assert_close(means.std_error[inside], mixed.std_error[inside], 1e-10)
    h.assert_close(means.p_value[inside], mixed.p_value[inside], 1e-9)


# --- two arms whose variances differ


ARMS = {"n_clusters": 9, "cluster_size": {"uniform": [1, 6]}, "icc": 0.2, "slope": 0.4}
WELCH = {"cluster_means": {"df": "welch"}}


def welch(term="slope", **more):
    """Fits of drawn arms, and their cluster means of x and y, (J, R)."""
    scenario = simulation.study({**ARMS, "x": "binary", "x_icc": 1, **more}, [WELCH])
    moments = Source(scenario.designs[0].scenario, 3, 0).moments(CLUSTERS, 0)
    return configure("cluster_means", {"df": "welch"}).fit(moments, term=term), moments


def test_welch_is_that_of_scipy():
    found, moments = welch()
    x, y = np.broadcast_arrays(moments.mean_x, moments.mean_y)
    for rep in range(0, moments.n_reps, 4):
        high, low = (y[x[:, rep] == k, rep] for k in (1, 0))
        expected = stats.ttest_ind(high, low, equal_var=False)
        h.assert_close(found.estimate[rep], high.mean() - low.mean(), 1e-12, 1e-14)
        h.assert_close(found.estimate[rep] / found.std_error[rep], expected.statistic, 1e-12)
        h.assert_close(found.df[rep], expected.df, 1e-12)
        h.assert_close(found.p_value[rep], expected.pvalue, 1e-12)


def test_welch_of_any_two_values_and_the_intercept_on_the_line():
    """Values -2 and 5 far from 0; where one of them is 0, the intercept is that arm's mean."""
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(8), [1, 3, 2, 2, 4, 1, 2, 3])
    arm, y = np.isin(cluster, [0, 3, 6]), rng.standard_normal(18) + 1000.0
    means = (pd.Series(y).groupby(cluster).mean(), pd.Series(arm).groupby(cluster).first())
    high, low = means[0][means[1]], means[0][~means[1]]
    expected = stats.ttest_ind(high, low, equal_var=False)
    found = h.fit(h.frame(cluster, np.where(arm, 5.0, -2.0), y), "cluster_means", df="welch")
    h.assert_close(h.term(found)["statistic"], expected.statistic, 1e-10)
    h.assert_close(h.term(found)["df"], expected.df, 1e-10)
    h.assert_close(h.term(found)["estimate"], (high.mean() - low.mean()) / 7, 1e-10)
    variance = (5 / 7) ** 2 * low.var() / 5 + (2 / 7) ** 2 * high.var() / 3
    h.assert_close(h.term(found, "(Intercept)")["std_error"], variance**0.5, 1e-10)
    found = h.fit(h.frame(cluster, arm * 1.0, y), "cluster_means", df="welch")
    level = h.term(found, "(Intercept)")
    h.assert_close(level["estimate"], low.mean(), 1e-14)
    h.assert_close(level["std_error"], low.sem(), 1e-10)
    h.assert_close(level["df"], 4, 1e-10)


def test_welch_of_more_pairs_of_clusters_is_the_t_test_of_their_equal_arms():
    found, moments = welch(n_clusters=12, cluster_size=4)
    usual = configure("cluster_means").fit(moments)
    h.assert_close(found.std_error, usual.std_error, 1e-12)
    assert np.all((found.df > 5) & (found.df <= 10 + 1e-9))


@pytest.mark.parametrize(
    ("x", "status", "message"),
    [
        ([0, 0, 0, 1], "no_std_error", "the standard error does not exist"),
        ([0, 1, 2, 2], "not_estimable", "x is not one of two values in each cluster"),
        ([0, 0, 1, (1, 2)], "not_estimable", "x is not one of two values in each cluster"),
        ([2, 2, 2, 2], "not_estimable", "x does not vary"),
        ([(0, 1)] * 4, "not_estimable", "x does not vary between clusters"),
    ],
    ids=str,
)
def test_welch_without_two_arms_of_two_clusters(x, status, message):
    cluster, values = np.repeat(np.arange(4), 2), np.concatenate([np.broadcast_to(v, 2) for v in x])
    y = np.random.default_rng(2).standard_normal(8)
    found = h.fit(h.frame(cluster, values * 1.0, y), "cluster_means", df="welch")
    assert (found["status"], found["message"]) == (status, message)


def test_welch_is_refused_with_weights_and_with_covariates():
    with pytest.raises(UserError, match="every cluster counts once"):
        configure("cluster_means", {"df": "welch", "weights": "size"})
    more = {"x": "binary", "x_icc": 1, "covariates": {"z": {"icc": 0.2}}}
    with pytest.raises(UserError, match=r"takes no covariates; write 'cluster_means: \{df: welch, "
                       r"omit: \[z\]\}'"):  # fmt: skip
        simulation.study(ARMS | more, [WELCH])
    simulation.study(ARMS | more, [{"cluster_means": {"df": "welch", "omit": ["z"]}}])


# --- what is degenerate


@WEIGHTS
def test_degenerate_data(weights):
    sizes = [3, 2, 4]
    index = h.labels(sizes)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(9)
    cases = {
        "x does not vary": (np.full(9, 2.0), noise),
        "x does not vary between clusters": (noise - np.bincount(index, noise)[index]
                                             / np.array(sizes)[index] + 0.1, noise),
        "residual variance is zero": (noise, 0.3 - 2.0 * noise),
    }  # fmt: skip
    for reason, (x, y) in cases.items():
        found = h.fit(h.frame(index, x, y), "cluster_means", weights=weights)
        assert (found["status"], found["message"]) == ("not_estimable", reason)


def test_means_of_covariates_that_do_not_vary_or_are_collinear():
    """Halves of pairs have equal means; of triples they may be those of the strata."""
    strata = {"type": "binary", "icc": 1, "slope": 0.5}
    covariates = {"z": strata, "w": {"type": "binary_blocked", "slope": 0.5}}
    design = {"n_clusters": 6, "icc": 0.3, "x_icc": 0.3, "slope": 0.4, "covariates": covariates}
    (pairs,) = simulate(design | {"cluster_size": 2}, ["cluster_means"], 2000)
    assert pairs.n_used == 0
    (triples,) = simulate(design | {"cluster_size": 3}, ["cluster_means"], 20_000)
    share = 2 / math.comb(6, 3)
    lost = 1 - triples.n_used / 20_000
    assert abs(lost - share) < 4 * math.sqrt(share * (1 - share) / 20_000)
    covered = triples.covered[0] / triples.n_used
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / triples.n_used)


def test_two_clusters_leave_no_degree_of_freedom():
    found = configure("cluster_means").fit(h.drawn("pooled", [5, 5], 10))
    assert set(found.outcome) == {Outcome.NO_RESIDUAL_DF}


def test_options_and_names():
    wald = configure("cluster_means", {"df": "wald"}).fit(h.drawn("pooled", [5] * 4, 3))
    assert set(wald.df) == {np.inf}
    with pytest.raises(UserError, match="'cluster_means'"):
        configure("between")


# --- exact sizes


@pytest.mark.parametrize(
    ("point", "x_icc"), [((4, 10, 0.2), 1.0), ((6, 5, 0.05), 1.0), ((10, 20, 0.8), 0.5)]
)
def test_size_is_exactly_alpha(point, x_icc):
    """Equal normal clusters: the means are independent and normal whatever the ICC."""
    j, n, icc = point
    design = {"n_clusters": j, "cluster_size": n, "icc": icc, "x_icc": x_icc, "slope": 0}
    methods = ["cluster_means", {"cluster_means": {"df": "wald"}}]
    t, z = simulate(design, methods, 50_000)
    for totals, truth in ((t, 0.05), (z, 2 * stats.t.sf(stats.norm.isf(0.025), j - 2))):
        assert totals.n_used == 50_000
        error = totals.rejected[0] / 50_000 - truth
        assert abs(error) < 4 * math.sqrt(truth * (1 - truth) / 50_000)
