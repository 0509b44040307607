"""The pre-test estimator: a row of one of its two models, chosen as written down here."""

import math

import exact
import helpers_numerics as h
import numpy as np
import pytest
from dense import Dense
from helpers_simulation import simulate
from scipy import stats

from simstudy.errors import UserError
from simstudy.estimates import Outcome
from simstudy.moments import Pooled
from simstudy.numerics import anova, gram
from simstudy.registry import configure

RULES = ("likelihood_ratio", "design_effect")
EVERY_RULE = pytest.mark.parametrize("by", RULES)
CRITICAL = stats.chi2.isf(0.10, 1)  # the 50:50 mixture of chi2(0) and chi2(1) at .05
COLUMNS = ("estimate", "std_error", "df", "p_value", "outcome")


def pretest(by="likelihood_ratio"):
    return configure("pretest", {"by": by})


def took(found, other):
    """Where all numbers of a row are those of the other method's row."""
    pairs = [(getattr(found, c), getattr(other, c)) for c in COLUMNS]
    return np.all([(a == b) | (np.isnan(a) & np.isnan(b)) for a, b in pairs], axis=0)


@EVERY_RULE
@pytest.mark.parametrize("sizes", [[5] * 8, [2, 7, 1, 5, 9, 3]], ids=str)
def test_every_row_is_that_of_one_model(sizes, by):
    moments = h.drawn("clusters", sizes, 500, icc=0.2)
    for term in ("slope", "intercept"):
        found = pretest(by).fit(moments, term=term)
        pooled, mixed = (
            configure(m).fit(moments, term=term) for m in ("pooled", "random_intercept")
        )
        from_pooled, from_mixed = took(found, pooled), took(found, mixed)
        assert np.all(from_pooled != from_mixed)
        assert 30 < from_mixed.sum() < 470
        assert np.array_equal(np.isnan(found.tau2), from_pooled)
        assert np.array_equal(np.isnan(found.sigma2), from_pooled)
        assert np.array_equal(found.tau2[from_mixed], mixed.tau2[from_mixed])


@pytest.mark.parametrize("sizes", [[4] * 5, [3, 6, 2, 5, 4]], ids=str)
def test_likelihood_ratio_longhand(sizes):
    """Dense REML criteria at tau2 = 0 and at the best of a fine search."""
    x, y = h.units(np.random.default_rng(8), sizes, 0.4, 0.35, 25)
    found = pretest().fit(h.clusters_of(sizes, x, y))
    chose = ~np.isnan(found.tau2)
    expected = []
    for rep in range(25):
        dense = Dense(sizes, x[:, rep], y[:, rep])
        ratio = dense.criterion(0.0, True) - dense.best(True)[1]
        assert abs(ratio - CRITICAL) > 1e-6  # so that the choice is not one of rounding
        expected.append(ratio > CRITICAL)
    assert np.array_equal(chose, expected)
    assert 3 < chose.sum() < 22


@pytest.mark.parametrize("sizes", [[4] * 5, [3, 6, 2, 5, 4]], ids=str)
def test_design_effect_longhand(sizes):
    """One-way analysis of variance of y from the units."""
    x, y = h.units(np.random.default_rng(9), sizes, 0.4, 0.3, 25)
    found = pretest("design_effect").fit(h.clusters_of(sizes, x, y))
    groups = np.split(y, np.cumsum(sizes)[:-1])
    n_obs, j = sum(sizes), len(sizes)
    msb = sum(len(g) * (g.mean(0) - y.mean(0)) ** 2 for g in groups) / (j - 1)
    msw = sum(((g - g.mean(0)) ** 2).sum(0) for g in groups) / (n_obs - j)
    n0 = (n_obs - sum(n * n for n in sizes) / n_obs) / (j - 1)
    effect = 1 + (n_obs / j - 1) * (msb - msw) / (msb + (n0 - 1) * msw)
    assert np.array_equal(~np.isnan(found.tau2), effect > 2)
    assert 3 < (effect > 2).sum() < 22


@pytest.mark.parametrize("name", h.NAMES)
def test_icc_of_y(name):
    cluster, x, y = h.columns(name)
    number = {label: k for k, label in enumerate(dict.fromkeys(cluster))}
    index = np.array([number[label] for label in cluster])
    order = np.argsort(index, kind="stable")
    moments = h.clusters_of(np.bincount(index), x[order, None], y[order, None])
    expected = h.answers(name)["meta"]["icc_anova"]
    h.assert_close(anova.icc_of_y(moments), expected, 1e-10)
    if moments.balanced:
        pooled = gram.pool(moments)
        assert isinstance(pooled, Pooled)
        h.assert_close(anova.icc_of_y(pooled), expected, 1e-10)


def test_fit_says_which_model_it_took():
    strong = h.fit(h.REFERENCE / "sleepstudy.csv", "pretest")
    mixed = h.fit(h.REFERENCE / "sleepstudy.csv", "random_intercept")
    for key in ("terms", "tau2", "sigma2", "criterion", "sigma"):
        assert strong[key] == mixed[key]
    weak = h.fit(h.REFERENCE / "dyestuff2.csv", "pretest")
    pooled = h.fit(h.REFERENCE / "dyestuff2.csv", "pooled")
    for key in ("terms", "tau2", "sigma2", "criterion", "sigma", "r_squared"):
        assert weak[key] == pooled[key]


@EVERY_RULE
def test_status_is_that_of_the_choice(by):
    """Two clusters and a cluster-level x: the variances cannot be told apart."""
    found = pretest(by).fit(h.drawn("pooled", [20, 20], 200, x_icc=1.0, icc=0.4))
    if by == "likelihood_ratio":  # the test itself does not exist
        assert set(found.outcome) == {Outcome.VARIANCES_NOT_SEPARABLE}
    else:
        assert set(found.outcome) == {Outcome.OK, Outcome.VARIANCES_NOT_SEPARABLE}


def test_clusters_of_one_have_no_design_effect():
    found = pretest("design_effect").fit(h.drawn("clusters", [1] * 8, 20))
    assert set(found.outcome) == {Outcome.OK}
    assert np.isnan(found.tau2).all()


def test_names():
    with pytest.raises(UserError, match="is not an option"):
        configure("pretest", {"by": "wald"})
    with pytest.raises(UserError, match="by: likelihood_ratio"):
        configure("lrt")


# --- exact sizes


@pytest.mark.parametrize("point", [(6, 5, 0.05), (10, 10, 0.1), (10, 20, 0.02)])
def test_share_and_size_of_the_likelihood_ratio_pretest(point):
    """Balanced cluster-level x: the likelihood ratio is a function of MSB / MSW alone."""
    j, n, icc = point
    n_reps = 50_000
    least = exact.ratio_of_likelihood_ratio(j, n, CRITICAL)
    share = stats.f.sf(least * (1 - icc) / (1 + (n - 1) * icc), j - 2, j * n - j)
    critical, naive = (stats.f.isf(0.05, 1, df) for df in (j - 2, j * n - 2))
    size = exact.switching_size(j, n, icc, least, critical, naive)
    design = {"n_clusters": j, "cluster_size": n, "icc": icc, "x_icc": 1.0, "slope": 0}
    (totals,) = simulate(design, ["pretest"], n_reps)
    assert totals.n_used == n_reps
    mcse = math.sqrt(size * (1 - size) / n_reps)
    assert abs(totals.rejected[0] / n_reps - size) < 4 * mcse
    moments = h.drawn("pooled", [n] * j, n_reps, icc=icc, x_icc=1.0, seed=4)
    chosen = float(np.mean(~np.isnan(pretest().fit(moments).tau2)))
    assert abs(chosen - share) < 4 * math.sqrt(share * (1 - share) / n_reps)
