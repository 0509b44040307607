"""Estimating equations against geepack, N x N matrices written out, and an exact size."""

import csv
import math

import helpers_numerics as h
import numpy as np
import pytest
from helpers_simulation import simulate
from scipy import stats

from simstudy.errors import UserError
from simstudy.estimates import Outcome
from simstudy.moments import Clusters
from simstudy.numerics import exchangeable, gram
from simstudy.registry import configure

# geepack stopped at 1e-12 here; measured 2e-13 at worst
CONVERGED = 1e-10
SES = pytest.mark.parametrize("se", ["robust", "model"])
TERMS = (("x", "x"), ("intercept", "(Intercept)"))


def gee(**options):
    return configure("gee", options)


@pytest.mark.parametrize("name", h.NAMES)
def test_reference(name):
    found, block = h.fit(h.REFERENCE / f"{name}.csv", "gee"), h.answers(name)["gee_exchangeable"]
    assert found["status"] == "ok"
    h.assert_close(found["sigma"] ** 2, block["phi"], CONVERGED)
    for key, term in TERMS:
        got = h.term(found, term)
        h.assert_close(got["estimate"], block["coef"][key], CONVERGED)
        h.assert_close(got["std_error"], block["se_robust"][key], CONVERGED)
        assert got["df"] is None
        z = abs(block["coef"][key] / block["se_robust"][key])
        h.assert_close(got["p_value"], 2 * stats.norm.sf(z), 1e-7, 1e-300)  # far in the tail
    cluster, x, y = h.columns(name)
    number = {label: k for k, label in enumerate(dict.fromkeys(cluster))}
    index = np.array([number[label] for label in cluster])
    order = np.argsort(index, kind="stable")
    moments = h.clusters_of(np.bincount(index), x[order, None], y[order, None])
    alpha = exchangeable.solve(moments, gram.within(moments)).alpha
    h.assert_close(alpha, block["alpha"], CONVERGED)


# --- small unbalanced data sets, geepack


def rows(file):
    with (h.REFERENCE / file).open(newline="") as stream:
        return list(csv.DictReader(stream))


DATA: dict = {}
for row in rows("small_unbalanced_data.csv"):
    DATA.setdefault(row["id"], []).append((row["g"], float(row["x"]), float(row["y"])))
SMALL = [
    {key: value if key == "id" else float(value) for key, value in row.items()}
    for row in rows("small_unbalanced_gee.csv")
]
STOPPED = 1e-10  # geepack stopped at 1e-13 here; measured 5e-13 at worst


def is_correlation(row):
    return -1 / (row["largest"] - 1) + 1e-9 < row["alpha"] < 1 - 1e-9


def test_the_small_sets_cover_what_they_should():
    fine = [row for row in SMALL if row["error"] == 0 and is_correlation(row)]
    assert len(SMALL) == 60
    assert 30 <= len(fine) <= 50
    assert any(row["error"] == 1 for row in SMALL)


@pytest.mark.parametrize("row", SMALL, ids=lambda row: row["id"])
def test_small_sets(row):
    """Where geepack stops at a correlation we agree; where it does not, we say so."""
    frame = h.frame(*zip(*DATA[row["id"]], strict=True))
    robust, model = (h.fit(frame, "gee", se=se) for se in ("robust", "model"))
    if row["error"] == 1 or not is_correlation(row):
        assert robust["status"] == model["status"] == "not_estimable"
        assert robust["message"] in (
            "the iteration did not converge",
            "the working correlation matrix is not positive definite",
        )
        return
    assert robust["status"] == model["status"] == "ok"
    h.assert_close(robust["sigma"] ** 2, row["phi"], STOPPED)
    for suffix, term in (("", "x"), ("0", "(Intercept)")):
        for fit, key in ((robust, "se"), (model, "model")):
            got, std_error = h.term(fit, term), row[key + suffix]
            h.assert_close(got["estimate"], row["b" + suffix], 0.0, STOPPED * row["model" + suffix])
            h.assert_close(got["std_error"], std_error, STOPPED, STOPPED * row["model" + suffix])


# --- N x N matrices, longhand


def dense(sizes, x, y, steps=400):
    """alpha, phi, coefficients, model-based and robust covariance by plain iteration."""
    index = h.labels(sizes)
    same = (index[:, None] == index[None, :]).astype(float)
    pair = same - np.eye(len(y))
    design, alpha = np.column_stack([np.ones(len(y)), x]), 0.0
    for _ in range(steps):
        inverse = np.linalg.inv(np.eye(len(y)) + alpha * pair)
        bread = np.linalg.inv(design.T @ inverse @ design)
        beta = bread @ design.T @ inverse @ y
        e = y - design @ beta
        phi = e @ e / len(y)
        alpha = (e @ pair @ e) / (phi * pair.sum())
    weights = inverse @ design
    meat = weights.T @ (np.outer(e, e) * same) @ weights
    return alpha, phi, beta, phi * bread, bread @ meat @ bread


@SES
@pytest.mark.parametrize("sizes", [[2, 7, 1, 5], [4, 4, 4, 4], [1, 3, 9, 2, 2]], ids=str)
def test_longhand(sizes, se):
    x, y = h.units(np.random.default_rng(3), sizes, 0.4, 0.4, 12)
    moments = h.clusters_of(sizes, x, y)
    solved = exchangeable.solve(moments, gram.within(moments))
    fits = [gee(se=se).fit(moments, term=term) for term in ("intercept", "slope")]
    used = np.flatnonzero(fits[0].outcome == Outcome.OK)
    assert used.size >= 8
    for rep in used:
        alpha, phi, beta, model, robust = dense(sizes, x[:, rep], y[:, rep])
        h.assert_close(solved.alpha[rep], alpha, 1e-10, 1e-11)
        h.assert_close(solved.phi[rep], phi, 1e-10)
        cov = robust if se == "robust" else model
        for k, found in enumerate(fits):
            h.assert_close(found.estimate[rep], beta[k], 1e-9, 1e-10)
            h.assert_close(found.std_error[rep], cov[k, k] ** 0.5, 1e-9)


def test_fixed_point_to_its_tolerance():
    """One more step of the plain iteration moves alpha by 1e-13 at most."""
    for sizes in ([2, 7, 1, 5, 3, 9, 4, 1], [6] * 9):
        moments = h.drawn("clusters", sizes, 500)
        inner = gram.within(moments)
        found = exchangeable.solve(moments, inner)
        assert found.converged.mean() > 0.9
        good = np.flatnonzero(found.converged)
        again, _ = exchangeable._stepper(moments, inner)(good, found.alpha[good])
        assert np.abs(again - found.alpha[good]).max() < 2e-13


def test_equal_clusters_take_a_shorter_way_to_the_same_place():
    """Sizes held for each replication are not known to be equal, so all clusters are summed."""
    short = h.drawn("clusters", [5] * 8, 200)
    shape = short.mean_y.shape
    long = Clusters(np.broadcast_to(short.sizes, shape).copy(), short.means, short.within)
    assert short.balanced
    assert not long.balanced
    for se in ("robust", "model"):
        one, other = gee(se=se).fit(short), gee(se=se).fit(long)
        h.assert_close(one.estimate, other.estimate, 1e-11, 1e-12)
        h.assert_close(one.std_error, other.std_error, 1e-11)


def test_equal_clusters_and_cluster_level_x_leave_the_least_squares_slope():
    moments = h.drawn("clusters", [5] * 8, 100, x_icc=1.0)
    h.assert_close(gee().fit(moments).estimate, configure("pooled").fit(moments).estimate, 1e-12)


# --- what is degenerate


def test_no_convergence_is_said(monkeypatch):
    usual = gee().fit(h.drawn("clusters", [2, 7, 3, 5, 3], 50))
    assert (usual.outcome == Outcome.OK).mean() > 0.8
    monkeypatch.setattr(exchangeable, "_STEPS", 2)
    found = gee().fit(h.drawn("clusters", [2, 7, 3, 5, 3], 50))  # one fit of the same moments
    stopped = found.outcome == Outcome.NOT_CONVERGED
    assert stopped[usual.outcome == Outcome.OK].all()
    assert np.isnan(found.estimate[stopped]).all()


def test_a_cycle_does_not_converge():
    """Near the edge of the correlations alpha may jump between two values for ever."""
    moments = h.drawn("clusters", [2, 7, 1, 5, 3, 9, 4, 1], 4000, icc=0.25, x_icc=0.4, seed=3)
    stopped = np.flatnonzero(gee().fit(moments).outcome == Outcome.NOT_CONVERGED)
    assert 1 <= stopped.size <= 20
    for rep in stopped:
        one = h.take(moments, np.array([rep]))
        step, alpha = exchangeable._stepper(one, gram.within(one)), np.zeros(1)
        seen = []
        for _ in range(500):
            alpha = step(np.arange(1), alpha)[0]
            seen.append(alpha[0])
        assert abs(seen[-1] - seen[-2]) > 1e-13


@pytest.mark.parametrize(
    ("sizes", "x_icc", "outcome"),
    [
        ([1] * 6, 0.0, Outcome.VARIANCES_NOT_SEPARABLE),  # no two units share a cluster
        ([5, 5], 1.0, Outcome.NOT_POSITIVE_DEFINITE),  # all residual sums are 0
    ],
)
def test_degenerate_designs(sizes, x_icc, outcome):
    found = gee().fit(h.drawn("clusters", sizes, 20, x_icc=x_icc))
    assert set(found.outcome) == {outcome}


def test_degenerate_data():
    index, noise = h.labels([3, 2, 4]), np.random.default_rng(0).standard_normal(9)
    for x, y, reason in (
        (np.full(9, 2.0), noise, "x does not vary"),
        (noise, 0.3 - 2.0 * noise, "residual variance is zero"),
    ):
        found = h.fit(h.frame(index, x, y), "gee")
        assert (found["status"], found["message"]) == ("not_estimable", reason)


def test_one_cluster_has_no_robust_error():
    """Its scores are 0 at the solution: an estimate without a standard error."""
    x, y = h.units(np.random.default_rng(1), [8], 0.0, 0.0, 5)
    moments = h.clusters_of([8], x, y)
    found = gee().fit(moments)
    assert set(found.outcome) <= {Outcome.NO_STD_ERROR, Outcome.NOT_POSITIVE_DEFINITE}


def test_options_and_names():
    moments = h.drawn("clusters", [5] * 8, 10)
    assert set(gee(df="clusters").fit(moments).df) == {7}
    assert set(gee().fit(moments).df) == {np.inf}
    with pytest.raises(UserError, match="'gee'"):
        configure("geeglm")


# --- an exact size


@pytest.mark.parametrize(("j", "n", "icc"), [(10, 5, 0.2), (20, 10, 0.1)])
def test_robust_z_of_a_balanced_treatment_rejects_as_often_as_it_must(j, n, icc):
    """Equal arms of equal clusters: robust variance = (J - 2) / J times that of the means.

    So z^2 = t^2 J / (J - 2) with t Student on J - 2, whatever the ICC.
    """
    design = {"n_clusters": j, "cluster_size": n, "icc": icc, "x": "binary", "x_icc": 1.0}
    n_reps = 50_000
    z, t = simulate(design | {"slope": 0}, ["gee", {"gee": {"df": "clusters"}}], n_reps)
    shrunk = math.sqrt((j - 2) / j)
    for totals, critical in ((z, stats.norm.isf(0.025)), (t, stats.t.isf(0.025, j - 1))):
        truth = 2 * stats.t.sf(critical * shrunk, j - 2)
        assert totals.n_used == n_reps
        mcse = math.sqrt(truth * (1 - truth) / n_reps)
        assert abs(totals.rejected[0] / n_reps - truth) < 4 * mcse
