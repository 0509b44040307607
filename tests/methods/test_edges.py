"""Degenerate data: a status and a reason, never a silent NaN (docs/statistics.md, section 8)."""

import json

import helpers_numerics as h
import numpy as np
import pytest
from helpers_cells import cells

import simstudy
from simstudy.estimates import STATUSES, Outcome
from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.methods import _assemble
from simstudy.numerics import gram

pytestmark = pytest.mark.slow

NO_DF = "no residual degrees of freedom"
NO_X = "x does not vary"
NO_X_WITHIN = "x is constant within clusters"
PERFECT = "residual variance is zero"
INSEPARABLE = "too few units or clusters to tell the cluster variance from the residual variance"

DFS = ("wald", "residual", "between_within", "satterthwaite", "kenward_roger")
RANDOM = [("reml", df) for df in DFS] + [("ml", df) for df in DFS[:-1]]
MIXED = pytest.mark.parametrize(("estimator", "df"), RANDOM)
SIMPLE = pytest.mark.parametrize("df", ["residual", "wald"])


def data(sizes, x, y=None, seed=0):
    """Clusters of these sizes; y is noise with cluster effects unless given."""
    index = h.labels(sizes)
    rng = np.random.default_rng(seed)
    if y is None:
        y = rng.standard_normal(len(index)) + rng.standard_normal(len(sizes))[index]
    return h.frame(index, np.asarray(x, dtype=float), np.asarray(y, dtype=float))


def varying(sizes, seed=1):
    return np.random.default_rng(seed).standard_normal(sum(sizes))


def by_cluster(sizes, values):
    return np.repeat(np.asarray(values, dtype=float), sizes)


def random(frame, estimator="reml", df="kenward_roger"):
    return h.fit(frame, "random_intercept", estimator=estimator, df=df)


def assert_refused(found, message):
    """Not estimable: the reason, and no number at all."""
    assert (found["status"], found["message"]) == ("not_estimable", message)
    for entry in found["terms"]:
        assert [v for k, v in entry.items() if k != "term"] == [None] * 7
    for key in ("sigma", "r_squared", "tau2", "sigma2", "icc", "criterion"):
        assert found[key] is None


def assert_used(found, status="ok"):
    assert (found["status"], found["message"]) == (status, None)
    for entry in found["terms"]:
        # below .0044 df the limits of a 95 % interval leave the range of doubles
        unbounded = ("ci_low", "ci_high") if (entry["df"] or 1.0) < 0.0044 else ()
        numbers = [v for k, v in entry.items() if k not in ("term", "df", *unbounded)]
        assert None not in numbers, entry
        assert np.isfinite(numbers).all(), entry
        assert entry["std_error"] > 0
        assert 0 <= entry["p_value"] <= 1
        assert entry["df"] is None or entry["df"] > 0


# --- one cluster


@SIMPLE
def test_one_cluster_pooled_and_dummy_are_simple_regression(df):
    frame = data([8], varying([8]))
    pooled, dummy = h.fit(frame, "pooled", df=df), h.fit(frame, "dummy", df=df)
    assert_used(pooled)
    assert_used(dummy)
    expected = np.polyfit(frame["x"], frame["y"], 1)[0]
    for found in (pooled, dummy):
        h.assert_close(h.term(found)["estimate"], expected, 1e-10)
    assert h.term(pooled)["df"] == h.term(dummy)["df"] == (6.0 if df == "residual" else None)
    # one dummy is the intercept: the same fit to rounding
    h.assert_close(h.term(dummy)["std_error"], h.term(pooled)["std_error"], 1e-12)


@MIXED
def test_one_cluster_has_no_cluster_variance(estimator, df):
    assert_refused(random(data([8], varying([8])), estimator, df), INSEPARABLE)


# --- x without variation


@SIMPLE
@pytest.mark.parametrize("method", ["pooled", "dummy"])
def test_constant_x(method, df):
    for value in (0.0, 0.5, -3e7):
        assert_refused(h.fit(data([3, 4, 5], [value] * 12), method, df=df), NO_X)


@MIXED
def test_constant_x_random_intercept(estimator, df):
    for value in (0.0, 0.5, -3e7):
        assert_refused(random(data([3, 4, 5], [value] * 12), estimator, df), NO_X)


@pytest.mark.parametrize("method", ["pooled", "dummy", "random_intercept"])
def test_constant_x_whose_mean_is_rounded(method):
    """The mean of twelve 0.1 is not 0.1; the intercept must not be fitted to the difference."""
    assert_refused(h.fit(data([3, 4, 5], [0.1] * 12), method), NO_X)


@SIMPLE
def test_x_constant_within_clusters_dummy(df):
    """Decided on the doubles themselves: 0.1 and 0.7 have means that round."""
    sizes = [3, 7, 6, 4]
    frame = data(sizes, by_cluster(sizes, [0.1, 0.7, 0.3, 0.9]))
    assert_refused(h.fit(frame, "dummy", df=df), NO_X_WITHIN)
    assert_used(h.fit(frame, "pooled", df=df))


@MIXED
def test_x_constant_within_clusters_random_intercept(estimator, df):
    sizes = [3, 7, 6, 4]
    frame = data(sizes, by_cluster(sizes, [0.1, 0.7, 0.3, 0.9]))
    found = random(frame, estimator, df)
    assert_used(found, found["status"])
    assert found["status"] in ("ok", "boundary")
    if df == "between_within":
        assert h.term(found)["df"] == 2


def test_pooled_keeps_n_minus_2_for_cluster_level_x():
    """The mistake under study stays in."""
    sizes = [5, 5, 5, 5]
    found = h.fit(data(sizes, by_cluster(sizes, [0, 1, 0, 1])), "pooled")
    assert h.term(found)["df"] == 18


# --- no residual degrees of freedom


@SIMPLE
def test_two_units_pooled(df):
    assert_refused(h.fit(data([1, 1], [0, 1]), "pooled", df=df), NO_DF)
    assert_refused(h.fit(data([2], [0, 1]), "pooled", df=df), NO_DF)


@SIMPLE
def test_one_unit(df):
    assert_refused(h.fit(data([1], [2.0]), "pooled", df=df), NO_X)


def test_three_units_pooled_has_one_df():
    found = h.fit(data([1, 1, 1], [0, 1, 3]), "pooled")
    assert_used(found)
    assert h.term(found)["df"] == 1


@SIMPLE
@pytest.mark.parametrize("sizes", [[2], [1, 2], [1, 1, 2]], ids=str)
def test_no_df_dummy(sizes, df):
    """N - J - 1 = 0."""
    frame = data(sizes, varying(sizes))
    assert_refused(h.fit(frame, "dummy", df=df), NO_DF)


def test_one_df_dummy():
    for sizes in ([3], [2, 2], [1, 3], [1, 1, 2, 2]):
        found = h.fit(data(sizes, varying(sizes)), "dummy")
        assert_used(found)
        assert h.term(found)["df"] == 1


@SIMPLE
def test_all_clusters_single_dummy(df):
    """Wxx = 0 because there is nothing within."""
    assert_refused(h.fit(data([1] * 6, varying([1] * 6)), "dummy", df=df), NO_X_WITHIN)


# --- perfect fit


@SIMPLE
@pytest.mark.parametrize("method", ["pooled", "dummy"])
def test_perfect_line(method, df):
    x = varying([4, 5, 3])
    frame = data([4, 5, 3], x, 1.7 * x - 0.3)
    assert_refused(h.fit(frame, method, df=df), PERFECT)


@SIMPLE
@pytest.mark.parametrize("method", ["pooled", "dummy"])
def test_constant_y(method, df):
    frame = data([4, 5, 3], varying([4, 5, 3]), [0.5] * 12)
    assert_refused(h.fit(frame, method, df=df), PERFECT)


@pytest.mark.parametrize("method", ["pooled", "dummy", "random_intercept"])
def test_constant_y_whose_mean_is_rounded(method):
    frame = data([4, 5, 3], varying([4, 5, 3]), [0.1] * 12)
    assert_refused(h.fit(frame, method), PERFECT)


@MIXED
@pytest.mark.parametrize("y", ["line", "constant", "parallel lines", "cluster constant"])
def test_perfect_fit_random_intercept(y, estimator, df):
    """Also where only the residual variance is zero and the cluster variance is not."""
    sizes = [4, 5, 3, 6]
    x, level = varying(sizes), by_cluster(sizes, [0.3, 2.0, -1.0, 0.1])
    values = {
        "line": 1.7 * x - 0.3,
        "constant": np.full(18, 0.1),
        "parallel lines": 0.4 * x + level,
        "cluster constant": level,
    }[y]
    assert_refused(random(data(sizes, x, values), estimator, df), PERFECT)


def test_parallel_lines_are_perfect_for_the_dummy_model_only():
    sizes = [4, 5, 3]
    x = varying(sizes)
    frame = data(sizes, x, 0.4 * x + by_cluster(sizes, [0.3, 2.0, -1.0]))
    assert_refused(h.fit(frame, "dummy"), PERFECT)
    assert_used(h.fit(frame, "pooled"))


def test_nearly_perfect_is_not_perfect():
    """Residual SD 1e-9 of the total: nine digits lost, but still an answer."""
    rng = np.random.default_rng(5)
    sizes = [4, 5, 3]
    x = varying(sizes)
    for method in ("pooled", "dummy", "random_intercept"):
        frame = data(sizes, x, x + 1e-9 * rng.standard_normal(12))
        found = h.fit(frame, method)
        assert_used(found, found["status"])
        h.assert_close(h.term(found)["estimate"], 1.0, 1e-8)


# --- random intercept: what is not separable


@MIXED
def test_all_clusters_of_one_unit(estimator, df):
    """The REML criterion is flat in tau2 / sigma2."""
    frame = data([1] * 8, varying([1] * 8))
    assert_refused(random(frame, estimator, df), INSEPARABLE)
    assert_used(h.fit(frame, "pooled"))


@MIXED
def test_two_clusters_with_cluster_level_x(estimator, df):
    """No degree of freedom between; ML would say boundary."""
    for sizes in ([6, 6], [3, 8]):
        frame = data(sizes, by_cluster(sizes, [0, 1]))
        assert_refused(random(frame, estimator, df), INSEPARABLE)


@MIXED
@pytest.mark.parametrize("sizes", [[1, 2], [2, 1], [1, 1, 1], [3]], ids=str)
def test_three_units(sizes, estimator, df):
    assert_refused(random(data(sizes, varying(sizes)), estimator, df), INSEPARABLE)


@MIXED
def test_sizes_1_1_2(estimator, df):
    """N - J - 1 = 0: in 29 % of such sets the criterion falls to psi = infinity."""
    for seed in range(2):
        assert_refused(random(data([1, 1, 2], varying([4]), seed=seed), estimator, df), INSEPARABLE)


@MIXED
def test_sizes_1_1_2_with_cluster_level_x_are_separable(estimator, df):
    """Wxx = 0: one df within and one between, the least there is."""
    found = random(data([1, 1, 2], [0, 1, 0.5, 0.5]), estimator, df)
    assert found["status"] in ("ok", "boundary")
    assert_used(found, found["status"])


@MIXED
def test_the_least_with_mixed_x(estimator, df):
    """J = 2, N = 4: one df within, one between."""
    found = random(data([2, 2], [0.0, 1.0, 0.5, 2.5]), estimator, df)
    assert found["status"] in ("ok", "boundary")
    assert_used(found, found["status"])


# --- two clusters, mixed x


@pytest.mark.parametrize("df", ["kenward_roger", "satterthwaite"])
def test_two_clusters_with_mixed_x_are_fine_even_below_one_df(df):
    sizes, seen = [4, 3], []
    for seed in range(30):
        x = varying(sizes, 1000 + seed) + by_cluster(sizes, [0, 4])
        found = random(data(sizes, x, seed=seed), df=df)
        assert_used(found, found["status"])
        seen.append(h.term(found)["df"])
    assert min(seen) < 1


def nearly_constant_x():
    """Two clusters, x constant in them but for the last digits; 1 - rho is below eps."""
    low = [0.3, 0.30000000000727595, 0.3]
    high = [1.100000000007276, 1.0999999999854482, 1.100000000007276]
    return data([3, 3], low + high, [6.0, 4.0, 2.0, 0.0, 4.0, 8.0])


@MIXED
def test_a_df_lost_to_rounding_is_never_a_silent_nan(estimator, df):
    """An estimate whose standard error or df does not exist: no_std_error, or a whole test."""
    found = random(nearly_constant_x(), estimator, df)
    if found["status"] in ("ok", "boundary"):
        assert_used(found, found["status"])
    else:
        assert found["status"] == "no_std_error"
        assert h.term(found)["std_error"] is None


# --- the boundary


def boundary_data(sizes, x, seed=0):
    """Cluster means closer together than chance: tau2 = 0 is the optimum."""
    index = h.labels(sizes)
    noise = np.random.default_rng(seed).standard_normal(len(index))
    means = np.bincount(index, noise) / np.asarray(sizes)
    return data(sizes, x, noise - 0.9 * means[index])


@pytest.mark.parametrize("estimator", ["reml", "ml"])
@pytest.mark.parametrize("level", ["mixed", "cluster"])
def test_satterthwaite_at_the_boundary(estimator, level):
    """N - 2 (REML), N (ML), both terms, and tau2 is 0.0 exactly."""
    sizes = [3, 6, 2, 5]
    x = varying(sizes) if level == "mixed" else by_cluster(sizes, [0, 1, 1, 0])
    found = random(boundary_data(sizes, x), estimator, "satterthwaite")
    assert_used(found, "boundary")
    assert found["tau2"] == 0.0
    assert found["icc"] == 0.0
    assert {entry["df"] for entry in found["terms"]} == {16.0 - 2 * (estimator == "reml")}


@MIXED
def test_at_the_boundary_the_fit_is_pooled(estimator, df):
    sizes = [3, 6, 2, 5]
    frame = boundary_data(sizes, varying(sizes))
    found, pooled = random(frame, estimator, df), h.fit(frame, "pooled")
    assert found["status"] == "boundary"
    shrink = 1.0 if estimator == "reml" else (14 / 16) ** 0.5
    for key in ("x", "(Intercept)"):
        a, b = h.term(found, key), h.term(pooled, key)
        h.assert_close(a["estimate"], b["estimate"], 1e-10, 1e-12)
        if df != "kenward_roger":
            h.assert_close(a["std_error"], shrink * b["std_error"], 1e-12)


def test_kenward_roger_at_the_boundary_keeps_its_formula():
    """Not N - 2, and an adjusted standard error, both as pbkrtest."""
    sizes = [3, 6, 2, 5]
    frame = boundary_data(sizes, varying(sizes))
    found, plain = random(frame), random(frame, df="wald")
    assert found["status"] == plain["status"] == "boundary"
    assert h.term(found)["df"] < 14
    assert h.term(found)["std_error"] > h.term(plain)["std_error"]


def test_kenward_roger_at_the_boundary_may_leave_j_minus_2():
    """Unbalanced cluster-level x: above and below J - 2 both occur."""
    seen = []
    for seed in range(40):
        sizes = np.random.default_rng(seed).integers(1, 9, 4)
        x = by_cluster(sizes, [0, 1, 0, 1])
        found = random(boundary_data(sizes, x, seed))
        assert_used(found, found["status"])
        if found["status"] == "boundary":
            seen.append(h.term(found)["df"])
    assert min(seen) < 2 < 3 < max(seen)


def test_kenward_roger_6_06_of_four_clusters():
    """At the boundary the df depends on sizes and x alone; pbkrtest gives 6.06314066238509."""
    sizes = [8, 1, 6, 2]
    x = np.resize([0, 1], 4)[h.labels(sizes)]
    found = random(boundary_data(sizes, x))
    assert found["status"] == "boundary"
    h.assert_close(h.term(found)["df"], 6.06314066238509, 1e-12)


@pytest.mark.parametrize("estimator", ["reml", "ml"])
def test_boundary_is_decided_exactly_on_drawn_batches(estimator):
    """Status boundary, tau2 == 0.0 and icc 0 are one and the same, whatever the sizes."""
    method = h.method("random_intercept", estimator=estimator, df="wald")
    for sizes in ([4] * 5, [2, 7, 3, 3, 5]):
        found = method.fit(h.drawn("clusters", sizes, 1000, icc=0.1))
        boundary = found.outcome == Outcome.BOUNDARY
        assert 100 < boundary.sum() < 900
        assert np.array_equal(found.tau2 == 0.0, boundary)
        assert np.all(found.tau2[~boundary] > 0)


@MIXED
def test_only_kenward_roger_adjusts_the_standard_error(estimator, df):
    sizes = [3, 6, 2, 5, 4]
    frame = data(sizes, varying(sizes), seed=4)
    found, wald = random(frame, estimator, df), random(frame, estimator, "wald")
    assert found["status"] == "ok"
    for key in ("x", "(Intercept)"):
        ours, plain = h.term(found, key)["std_error"], h.term(wald, key)["std_error"]
        assert ours > plain if df == "kenward_roger" else ours == plain


# --- columns


def test_variance_components_are_null_for_pooled_and_dummy():
    sizes = [3, 6, 2, 5]
    frame, moments = data(sizes, varying(sizes)), h.drawn("clusters", sizes, 5)
    for method in ("pooled", "dummy"):
        found = h.fit(frame, method)
        assert [found[key] for key in ("tau2", "sigma2", "icc", "criterion")] == [None] * 4
        drawn = h.method(method).fit(moments)
        assert drawn.tau2 is None
        assert drawn.sigma2 is None


@pytest.mark.parametrize("method", ["pooled", "dummy", "random_intercept"])
def test_wald_df_is_infinite_and_null_in_json(method):
    sizes = [3, 6, 2, 5]
    drawn = h.method(method, df="wald").fit(h.drawn("clusters", sizes, 5))
    assert drawn.df.dtype == np.float64
    assert np.all(np.isposinf(drawn.df))
    found = h.fit(data(sizes, varying(sizes)), method, df="wald")
    assert h.term(found)["df"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("method", h.legal_methods(), ids=lambda m: m.canonical)
def test_df_is_a_column_of_doubles(method):
    found = method.fit(h.drawn("clusters", [3, 6, 2, 5], 5))
    assert found.df.dtype == np.float64
    assert found.df.shape == (5,)


HARD = {
    "one unit": data([1], [2.0]),
    "two units": data([1, 1], [0, 1]),
    "one cluster": data([4], varying([4])),
    "constant x": data([3, 3], [1] * 6),
    "constant y": data([3, 3], varying([3, 3]), [1] * 6),
    "both constant": data([3, 3], [1] * 6, [1] * 6),
    "single units": data([1] * 5, varying([5])),
    "cluster level, two": data([3, 3], [0, 0, 0, 1, 1, 1]),
    "nearly constant": nearly_constant_x(),
    "tiny": data([3, 4, 5], 1e-200 * varying([12]), 1e-200 * varying([12], 3)),
    "huge": data([3, 4, 5], 1e150 * varying([12]), 1e150 * varying([12], 3)),
    "x huge, y tiny": data([3, 4, 5], 1e120 * varying([12]), 1e-120 * varying([12], 3)),
}


@pytest.mark.parametrize("name", HARD)
def test_json_is_strict_and_complete_whatever_the_data(name):
    """No NaN or infinity reaches the JSON, and ok always comes with a whole test."""
    fits = simstudy.fit(HARD[name], h.FORMULA, methods=h.legal_methods()).as_dict()
    json.dumps(fits, allow_nan=False)
    for found in fits["fits"]:
        assert found["status"] in STATUSES
        if found["status"] == "ok" and found["method"] == "wild_bootstrap":
            assert 0 <= h.term(found)["p_value"] <= 1
        elif found["status"] in ("ok", "boundary"):
            assert_used(found, found["status"])
        elif found["status"] == "not_estimable":
            assert_refused(found, found["message"])


# --- what has no standard error


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_a_standard_error_that_is_not_finite_and_positive_is_never_ok(bad):
    """The estimate is kept, everything else is blank; the neighbour is untouched."""
    outcome = np.array([Outcome.OK, Outcome.BOUNDARY, Outcome.OK], dtype=np.int8)
    found = _assemble.estimates(np.full(3, 0.5), np.array([bad, bad, 0.2]), 9.0, outcome)
    assert list(found.outcome) == [Outcome.NO_STD_ERROR, Outcome.NO_STD_ERROR, Outcome.OK]
    assert np.all(found.estimate == 0.5)
    for values in (found.std_error, found.df, found.p_value):
        assert np.isnan(values[:2]).all()
        assert np.isfinite(values[2])


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1e-16])
def test_a_df_that_does_not_exist_is_never_ok(bad):
    """No p-value can come from it."""
    outcome = np.zeros(2, dtype=np.int8)
    df = np.array([bad, 9.0])
    found = _assemble.estimates(np.full(2, 0.5), np.full(2, 0.2), df, outcome)
    assert list(found.outcome) == [Outcome.NO_STD_ERROR, Outcome.OK]
    assert found.estimate[0] == 0.5
    assert np.isnan([found.std_error[0], found.df[0], found.p_value[0]]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_estimate_that_is_not_finite_is_never_ok(bad):
    outcome = np.zeros(2, dtype=np.int8)
    found = _assemble.estimates(np.array([bad, 0.5]), np.full(2, 0.2), 9.0, outcome)
    assert list(found.outcome) == [Outcome.NON_FINITE, Outcome.OK]
    assert list(found.status) == [STATUSES.index("not_estimable"), 0]
    assert np.isnan([found.estimate[0], found.std_error[0], found.df[0], found.p_value[0]]).all()
    assert Outcome.NON_FINITE.reason == "the fit is not finite"


def test_every_outcome_has_a_status_and_all_but_the_good_ones_a_reason():
    expected = {0: "ok", 1: "boundary", 2: "no_std_error", 9: "failed"}
    for outcome in Outcome:
        assert outcome.status == expected.get(int(outcome), "not_estimable")
        assert (outcome.reason is None) == (outcome <= 1)


# --- drawn batches: a rule for every replication


def random_sizes(low, high, j, *, x, x_icc, seed, n_reps=400):
    """Clusters whose sizes are drawn anew in every replication."""
    rule = SizeRule("uniform", (float(low), float(high)))
    scenario = Scenario(j, rule, 0.3, x_icc, 0.0, x=x)
    return h.replications(scenario, seed, "clusters", n_reps)


BATCHES = {
    "binary units, 2 x 2": h.drawn("clusters", [2, 2], 400, x="binary", x_icc=0.0),
    "binary units, 3 x 2": h.drawn("clusters", [2, 2, 2], 400, x="binary", x_icc=0.0),
    "binary units, 1 2 2": h.drawn("clusters", [1, 2, 2], 400, x="binary", x_icc=0.0),
    "binary clusters, 2 x 5": h.drawn("clusters", [5, 5], 50, x="binary", x_icc=1.0),
    "binary clusters, 3 7 2": h.drawn("clusters", [3, 7, 2], 50, x="binary", x_icc=1.0),
    "normal, 1 1 1 1": h.drawn("clusters", [1, 1, 1, 1], 50),
    "normal, 1 1 2": h.drawn("clusters", [1, 1, 2], 1000, icc=0.3),
    "cluster level, 1 1 2": h.drawn("clusters", [1, 1, 2], 50, x_icc=1.0),
    "cluster level, 2 x 4": h.drawn("clusters", [4, 4], 50, x_icc=1.0),
    "random sizes 1-2": random_sizes(1, 2, 3, x="normal", x_icc=0.5, seed=1),
    "random sizes 1-3, binary": random_sizes(1, 3, 2, x="binary", x_icc=0.0, seed=2),
}


def variation(moments):
    """N, J, and whether x varies at all and within clusters; shape (R,) each."""
    n_reps = moments.mean_y.shape[1]
    shape = (moments.n_clusters, n_reps)
    within = (np.broadcast_to(moments.within.a, shape) > 0).any(axis=0)
    means = np.broadcast_to(moments.mean_x, shape)
    return moments.n_obs, moments.n_clusters, within | (np.ptp(means, axis=0) > 0), within


def expected_outcome(method, moments):
    """Section 8, by counting."""
    n_obs, j, varies, within = variation(moments)
    if method == "pooled":
        rules = [(~varies, Outcome.X_CONSTANT), (n_obs - 2 <= 0, Outcome.NO_RESIDUAL_DF)]
    elif method == "dummy":
        rules = [
            (~varies, Outcome.X_CONSTANT),
            (~within, Outcome.X_CONSTANT_WITHIN),
            (n_obs - j - 1 <= 0, Outcome.NO_RESIDUAL_DF),
        ]
    else:
        separable = (n_obs - j - within >= 1) & (j - 1 - ~within >= 1)
        rules = [
            (~varies, Outcome.X_CONSTANT),
            (n_obs == 2, Outcome.NO_RESIDUAL_VARIANCE),  # a line through two points
            (~separable, Outcome.VARIANCES_NOT_SEPARABLE),
        ]
    conditions = [np.broadcast_to(condition, varies.shape) for condition, _ in rules]
    return np.select(conditions, [outcome for _, outcome in rules], Outcome.OK)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("method", ["pooled", "dummy", "random_intercept"])
def test_outcome_of_every_replication_of_a_batch(method, batch):
    moments = BATCHES[batch]
    found = h.method(method).fit(moments).outcome
    expected = expected_outcome(method, moments)
    normal = np.where(found == Outcome.BOUNDARY, Outcome.OK, found)
    assert np.array_equal(normal, expected)


def test_the_batches_cover_the_rules():
    seen = {
        int(outcome)
        for moments in BATCHES.values()
        for method in ("pooled", "dummy", "random_intercept")
        for outcome in expected_outcome(method, moments)
    }
    assert seen == {
        Outcome.OK,
        Outcome.NO_RESIDUAL_DF,
        Outcome.X_CONSTANT,
        Outcome.X_CONSTANT_WITHIN,
        Outcome.VARIANCES_NOT_SEPARABLE,
        Outcome.NO_RESIDUAL_VARIANCE,
    }


@pytest.mark.parametrize("method", h.legal_methods(), ids=lambda m: m.canonical)
@cells("batch", BATCHES)
def test_a_degenerate_batch_warns_of_nothing(method, batch):
    """A study meets these replications outside any errstate; warnings are errors here."""
    found = method.fit(BATCHES[batch])
    used = found.outcome <= 1
    assert np.isfinite(found.estimate[used]).all()
    assert method.entry.tests_only or np.all(found.std_error[used] > 0)
    assert np.all((found.p_value[used] >= 0) & (found.p_value[used] <= 1))
    assert np.isnan(found.p_value[~used]).all()


def test_a_degenerate_neighbour_changes_nothing():
    """Replications that cannot be fitted leave the others of their batch alone."""
    moments = BATCHES["binary units, 3 x 2"]
    for name in ("pooled", "dummy", "random_intercept"):
        method = h.method(name)
        whole = method.fit(moments)
        good = np.flatnonzero(whole.outcome <= 1)
        assert 0 < good.size < whole.outcome.size
        part = method.fit(h.take(moments, good))
        for key in ("estimate", "std_error", "df", "p_value"):
            # sums over clusters may be ordered by the length of the batch
            h.assert_close(getattr(part, key), getattr(whole, key)[good], 1e-12, 1e-14)


def test_perfect_fits_of_a_batch_are_seen_one_by_one():
    moments = h.drawn("clusters", [3, 4, 5], 6)
    zero = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    flat = h.affine(moments)
    perfect = type(flat)(
        flat.sizes,
        (flat.mean_x, np.where(zero > 0, flat.mean_y, 2.0 * flat.mean_x)),
        type(flat.within).of_line(
            flat.within.a,
            np.where(zero > 0, flat.within.b, 2.0 * flat.within.a),
            np.where(zero > 0, flat.within.r, 0.0),
        ),
    )
    for name in ("pooled", "dummy", "random_intercept"):
        outcome = h.method(name).fit(perfect).outcome
        assert np.array_equal(outcome == Outcome.NO_RESIDUAL_VARIANCE, zero == 0)


def test_pooled_moments_know_the_same_rules():
    """The pooled holding of degenerate balanced data has the outcomes of the clustered one."""
    for sizes, options in (([2, 2], {}), ([4, 4], {"x_icc": 1.0}), ([3] * 4, {"x_icc": 1.0})):
        clusters = h.drawn("clusters", sizes, 60, **options)
        pooled = gram.pool(clusters)
        for name in ("pooled", "dummy", "random_intercept"):
            method = h.method(name)
            assert np.array_equal(method.fit(clusters).outcome, method.fit(pooled).outcome)
