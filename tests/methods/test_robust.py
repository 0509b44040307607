"""Cluster-robust and Moulton errors: R and exact answers, longhand matrices, limits, levels."""

from __future__ import annotations

import csv

import helpers_numerics as h
import numpy as np
import pytest
from helpers_simulation import simulate, study
from scipy import stats

import simstudy
from simstudy.errors import UserError
from simstudy.estimates import Outcome
from simstudy.numerics import gram, robust
from simstudy.runner.task import Task, run_task

KINDS = ("CR0", "CR1", "CR1S", "CR2", "CR3")
TERMS = {"intercept": "(Intercept)", "x": "x"}
EXACT = 1e-12  # worst seen 5e-14 (two clusters whose scores nearly cancel)


def fitted(name, method, **options):
    return h.fit(h.REFERENCE / f"{name}.csv", method, **options)


# --- R and 320-bit answers


@pytest.mark.parametrize("se", KINDS)
@pytest.mark.parametrize("name", h.NAMES)
def test_pooled(name, se):
    block = h.answers(name)["pooled_robust"][se]
    check(fitted(name, "pooled", se=se), block, ("intercept", "x"))


@pytest.mark.parametrize("se", KINDS)
@pytest.mark.parametrize("name", h.NAMES)
def test_dummy(name, se):
    block = h.answers(name)["dummy"]
    found = fitted(name, "dummy", se=se)
    if block is None:
        assert found["message"] == "x is constant within clusters"
        return
    check(found, block["robust"][se], ("x",))


def check(found, block, terms):
    assert found["status"] == "ok"
    for key in terms:
        got = h.term(found, TERMS[key])
        h.assert_close(got["std_error"], block["se"][key], EXACT)
        if "df" not in block:
            continue
        df = block["df"] if np.isscalar(block["df"]) else block["df"][key]
        h.assert_close(got["df"], df, EXACT)
        # worst seen 9e-14; a tail magnifies the error of t by t^2
        h.assert_close(got["p_value"], block["p"][key], 1e-11, 1e-300)


def test_satterthwaite_df_of_every_kind():
    """The df formula holds for any f(B): clubSandwich 0.5.8."""
    with (h.REFERENCE / "satterthwaite_other.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 56
    for row in rows:
        found = fitted(row["data"], row["method"], se=row["se"], df="satterthwaite")
        h.assert_close(h.term(found, TERMS[row["term"]])["df"], float(row["df"]), 1e-11, what=row)


# --- longhand, with the matrices that the package never forms


def longhand(sizes, x, y, kind, contrast, demean=False):
    """Variance and df of a contrast by n x n matrices and eigenvalues."""
    index = h.labels(sizes)
    if demean:
        mean = np.array([(index == j) / sizes[j] for j in range(len(sizes))])[index]
        x, y = x - mean @ x, y - mean @ y
        design = x[:, None]
    else:
        design = np.column_stack([np.ones_like(x), x])
    bread = np.linalg.inv(design.T @ design)
    hat = design @ bread @ design.T
    rest = np.eye(len(x)) - hat
    rows, variance = [], 0.0
    for j in range(len(sizes)):
        here = index == j
        value, vector = np.linalg.eigh(rest[np.ix_(here, here)])
        power = {"CR0": 0.0, "CR2": -0.5, "CR3": -1.0}[kind]
        adjust = vector @ np.diag(value**power) @ vector.T
        a = adjust @ design[here] @ bread @ contrast
        variance += (a @ (rest @ y)[here]) ** 2
        rows.append(rest[:, here] @ a)
    product = np.array(rows) @ np.array(rows).T
    return variance, np.trace(product) ** 2 / (product**2).sum()


@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
@pytest.mark.parametrize("seed", range(8))
def test_longhand(kind, seed):
    rng = np.random.default_rng(seed)
    sizes = [4, 2, 7, 3, 5, 1] if seed % 2 else rng.integers(2, 6, 4).tolist()
    x, y = (v[:, 0] for v in h.units(rng, sizes, 0.5, 0.3, 1))
    frame = h.frame(h.labels(sizes), x + 2.0, y)
    pooled = h.fit(frame, "pooled", se=kind, df="satterthwaite")
    for name, contrast in (("(Intercept)", [1, 0]), ("x", [0, 1])):
        variance, df = longhand(sizes, x + 2.0, y, kind, np.array(contrast))
        h.assert_close(h.term(pooled, name)["std_error"], variance**0.5, 1e-11)
        h.assert_close(h.term(pooled, name)["df"], df, 1e-10)
    if 1 in sizes and kind != "CR0":
        return  # a single unit is fitted by its dummy: I - H is singular longhand
    variance, df = longhand(sizes, x, y, kind, np.ones(1), demean=True)
    dummy = h.term(h.fit(frame, "dummy", se=kind, df="satterthwaite"))
    h.assert_close(dummy["std_error"], variance**0.5, 1e-11)
    h.assert_close(dummy["df"], df, 1e-10)


def test_turning_the_axes_is_a_rotation():
    """Back and forth; the trace of every leverage and the length of every score stay."""
    moments = h.drawn("clusters", [2, 5, 3, 4, 1], 7)
    scores = robust.of_line(moments, gram.add(gram.within(moments), gram.between(moments)))
    angle = np.linspace(0.0, 3.0, 7)
    c, s = np.cos(angle), np.sin(angle)
    turned = robust._turned(scores, (s, c))
    h.assert_close(_trace(turned.b), _trace(scores.b), 1e-14)
    h.assert_close(np.hypot(*turned.t), np.hypot(*scores.t), 1e-13)
    back = robust._turned(turned, (-s, c))
    pairs = [(back.t, scores.t), *zip(back.b, scores.b, strict=True)]
    for found, there in ((f, t) for pair in pairs for f, t in zip(*pair, strict=True)):
        h.assert_close(found, np.broadcast_to(there, found.shape), 0.0, 1e-13)


def _trace(triangle):
    return sum(row[0] for row in triangle)


# --- special designs


@pytest.mark.parametrize(("j", "n"), [(4, 3), (6, 5), (10, 20)])
def test_cr2_of_balanced_arms_is_the_t_test_of_cluster_means(j, n):
    rng = np.random.default_rng(j)
    arm = np.arange(j) % 2
    y = rng.standard_normal((j, n)) + rng.standard_normal((j, 1))
    got = h.term(h.fit(h.frame(np.repeat(np.arange(j), n), np.repeat(arm, n), y.ravel()),
                       "pooled", se="CR2"))  # fmt: skip
    means = y.mean(axis=1)
    expected = stats.ttest_ind(means[arm == 1], means[arm == 0])
    h.assert_close(got["statistic"], expected.statistic, 1e-12)
    h.assert_close(got["df"], j - 2, 1e-12)
    h.assert_close(got["p_value"], expected.pvalue, 1e-12)


def test_single_units_give_hc0_hc2_hc3():
    """Clusters of one unit: White's and MacKinnon & White's errors."""
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 12))
    design = np.column_stack([np.ones(12), x])
    bread = np.linalg.inv(design.T @ design)
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    residual = y - design @ (bread @ design.T @ y)
    for kind, power in (("CR0", 0.0), ("CR2", 1.0), ("CR3", 2.0)):
        meat = (design.T * (residual**2 / (1 - leverage) ** power)) @ design
        expected = np.sqrt(np.diag(bread @ meat @ bread))
        found = h.fit(h.frame(np.arange(12), x, y), "pooled", se=kind)
        for k, name in enumerate(("(Intercept)", "x")):
            h.assert_close(h.term(found, name)["std_error"], expected[k], 1e-12)
    assert h.fit(h.frame(np.arange(12), x, y), "dummy", se="CR0")["status"] == "not_estimable"


def test_single_units_count_in_j_and_add_nothing_to_dummy():
    """As clubSandwich; programs that drop them first have a smaller J."""
    rng = np.random.default_rng(6)
    index, x, y = h.labels([5, 4, 6]), *rng.standard_normal((2, 15))
    more = h.frame(np.append(index, [7, 8]), np.append(x, [1.0, 2.0]), np.append(y, [5.0, 1.0]))
    few = h.term(h.fit(h.frame(index, x, y), "dummy", se="CR0"))
    many = h.term(h.fit(more, "dummy", se="CR0"))
    h.assert_close(many["std_error"], few["std_error"], 1e-13)
    assert (few["df"], many["df"]) == (2, 4)
    cr1 = h.term(h.fit(more, "dummy", se="CR1"))
    h.assert_close(cr1["std_error"], few["std_error"] * np.sqrt(5 / 4), 1e-13)


def test_random_sizes_have_their_own_factor():
    """CR1S of replications with different N."""
    scenario = study(
        {
            "n_clusters": 6,
            "cluster_size": {"uniform": [2, 9]},
            "icc": 0.1,
            "x_icc": 0.3,
            "slope": 0,
        },
        [{"pooled": {"se": "CR0"}}, {"pooled": {"se": "CR1S"}}],
    )
    (design,) = scenario.designs
    plain, stata = run_task(Task(1, (design,), 1, 50, scenario.methods))
    ratio = (stata.std_error / plain.std_error) ** 2 / (6 / 5)
    n_obs = 1 + ratio / (ratio - 1)  # (N - 1) / (N - 2)
    h.assert_close(n_obs, np.round(n_obs), 1e-9)
    assert np.unique(np.round(n_obs)).size > 10


# --- degenerate data


def treated(sizes, arms, seed=0):
    rng = np.random.default_rng(seed)
    index = h.labels(sizes)
    y = rng.standard_normal(index.size) + rng.standard_normal(len(sizes))[index]
    return h.frame(index, np.asarray(arms, dtype=float)[index], y)


@pytest.mark.parametrize("se", KINDS)
def test_one_treated_cluster(se):
    """Without it there is no slope: det(I - B) = 0. clubSandwich's pseudo-inverse is not copied."""
    found = h.fit(treated([4, 5, 6, 3], [0, 0, 1, 0]), "pooled", se=se)
    exists = se in ("CR0", "CR1", "CR1S")
    assert found["status"] == ("ok" if exists else "no_std_error")
    assert h.term(found)["estimate"] is not None
    assert (h.term(found)["std_error"] is not None) == exists


@pytest.mark.parametrize("se", KINDS)
@pytest.mark.parametrize("sizes", [[4, 4], [3, 7]])
def test_two_clusters_and_a_cluster_level_x(se, sizes):
    """Both scores are exactly 0, computed 1e-16: not t = 1e15."""
    found = h.fit(treated(sizes, [0.1, 0.7]), "pooled", se=se)
    assert found["status"] == "no_std_error"
    for term in ("x", "(Intercept)"):
        assert h.term(found, term)["std_error"] is None
        assert h.term(found, term)["p_value"] is None
        assert h.term(found, term)["estimate"] is not None


@pytest.mark.parametrize("method", ["pooled", "dummy"])
@pytest.mark.parametrize("se", [*KINDS, "moulton"])
def test_one_cluster(method, se):
    if (method, se) == ("dummy", "moulton"):
        return
    rng = np.random.default_rng(1)
    found = h.fit(h.frame([1] * 9, *rng.standard_normal((2, 9))), method, se=se)
    assert found["status"] == "not_estimable"
    assert found["message"] == "a cluster-robust test needs two clusters or more"
    assert h.term(found)["estimate"] is None


def test_dummy_with_x_in_one_cluster_alone():
    """B = 1 there, and its score is 0."""
    rng = np.random.default_rng(2)
    x = np.zeros(12)
    x[:4] = rng.standard_normal(4)
    frame = h.frame(h.labels([4, 4, 4]), x, rng.standard_normal(12))
    for se in KINDS:
        assert h.fit(frame, "dummy", se=se)["status"] == "no_std_error"


def test_a_control_cluster_without_a_like_has_no_error_of_its_mean():
    """The intercept is then that cluster's mean, which fits exactly; the slope has an error."""
    found = h.fit(treated([4, 5, 6], [0, 1, 1]), "pooled", se="CR1")
    assert found["status"] == "ok"
    assert "varies by cluster '0' alone" in found["message"]
    assert h.term(found, "(Intercept)")["std_error"] is None
    assert h.term(found, "x")["std_error"] > 0


def test_pooled_moments_are_refused():
    pooled = gram.pool(h.drawn("clusters", [4] * 5, 3))
    for name in ("pooled", "dummy"):
        with pytest.raises(ValueError, match="the CR2 standard error needs cluster means"):
            h.method(name, se="CR2").fit(pooled)


def test_a_pinned_grain_that_holds_no_clusters_is_refused():
    scenario = {"n_clusters": 6, "cluster_size": 3, "icc": 0.1, "x_icc": 0.3, "slope": 0}
    study(scenario, ["pooled", {"pooled": {"se": "moulton"}}], grain="pooled")
    message = r"pooled\[se=CR2\] needs clusters, finer than pooled"
    with pytest.raises(UserError, match=message):
        study(scenario, ["pooled", {"pooled": {"se": "CR2"}}], grain="pooled")


def test_printed_and_json_name_the_error_and_its_df():
    text = str(simstudy.fit(h.REFERENCE / "unbal6.csv", h.FORMULA, [{"pooled": {"se": "CR2"}}]))
    assert "ordinary least squares on all units, CR2 SE, df satterthwaite" in text
    assert "x             1.7903     0.1881 2.54   9.520   0.0047" in text
    found = fitted("unbal6", "dummy", se="CR1")
    assert (found["se"], found["df"], found["label"]) == ("CR1", "clusters", "dummy[se=CR1]")


# --- Moulton


def moulton_longhand(index, x, y):
    """Angrist & Pischke's (2009) equation 8.2.5 by loops over pairs of units."""
    n_obs, j = len(x), index.max() + 1
    sizes = np.bincount(index)
    design = np.column_stack([np.ones(n_obs), x])
    bread = np.linalg.inv(design.T @ design)
    residual = y - design @ (bread @ design.T @ y)
    centred, pairs, product = x - x.mean(), 0, 0.0
    for i in range(n_obs):
        for k in range(n_obs):
            if i != k and index[i] == index[k]:
                pairs += 1
                product += centred[i] * centred[k]
    rho_x = product / pairs / np.mean(centred**2)
    means = np.array([residual[index == g].mean() for g in range(j)])
    msb = (sizes * means**2).sum() / (j - 1)
    msw = ((residual - means[index]) ** 2).sum() / (n_obs - j)
    n0 = (n_obs - (sizes**2).sum() / n_obs) / (j - 1)
    rho_e = (msb - msw) / (msb + (n0 - 1) * msw)
    factor = 1 + (sizes.var() / sizes.mean() + sizes.mean() - 1) * rho_x * rho_e
    classical = residual @ residual / (n_obs - 2) * bread
    same = (index[:, None] == index).astype(float)
    kloek = bread @ design.T @ ((1 - rho_e) * np.eye(n_obs) + rho_e * same) @ design @ bread
    return classical[1, 1] * factor, residual @ residual / (n_obs - 2) * np.diag(kloek)


@pytest.mark.parametrize("sizes", [[4, 4, 4, 4, 4], [1, 8, 3, 2, 5, 1, 9]])
@pytest.mark.parametrize("x_icc", [0.0, 0.4, 1.0])
def test_moulton_longhand(sizes, x_icc):
    """Also Kloek's (1981) sandwich of equicorrelated errors, which holds for the intercept too."""
    index = h.labels(sizes)
    x, y = (v[:, 0] for v in h.units(np.random.default_rng(4), sizes, x_icc, 0.3, 1))
    by_pairs, kloek = moulton_longhand(index, x + 1.5, y)
    found = h.fit(h.frame(index, x + 1.5, y), "pooled", se="moulton")
    h.assert_close(kloek[1], by_pairs, 1e-11)
    for k, name in enumerate(("(Intercept)", "x")):
        got = h.term(found, name)
        h.assert_close(got["std_error"], kloek[k] ** 0.5, 1e-11)
        assert got["df"] == index.size - 2


def test_moulton_of_single_units_is_classical():
    rng = np.random.default_rng(8)
    frame = h.frame(np.arange(9), *rng.standard_normal((2, 9)))
    classical, found = h.fit(frame, "pooled"), h.fit(frame, "pooled", se="moulton")
    for one, two in zip(classical["terms"], found["terms"], strict=True):
        h.assert_close(two["std_error"], one["std_error"], 1e-14)


def test_moulton_factor_that_is_not_positive():
    """Residuals that sum to 0 in each cluster: rho_e = -1 / (n - 1), and x is cluster-level."""
    x = np.repeat([0.0, 1.0, 2.0, 5.0], 2)
    y = np.tile([1.0, -1.0], 4) + 0.3 * x
    found = h.fit(h.frame(np.repeat(np.arange(4), 2), x, y), "pooled", se="moulton")
    assert found["status"] == "no_std_error"
    h.assert_close(h.term(found)["estimate"], 0.3, 1e-12)


def test_moulton_is_right_on_average():
    """Mean square of the SE against the variance of the slope, where ignoring clusters is 2.9."""
    scenario = {"n_clusters": 60, "cluster_size": 20, "icc": 0.1, "x": "binary", "x_icc": 1}
    totals = simulate(scenario | {"slope": 0}, [{"pooled": {"se": "moulton"}}, "pooled"], 20_000)
    true = (1 + 19 * 0.1) / (60 * 20 / 4)
    # the ANOVA estimate from residuals that lost a slope is biased by 2 / J of the ICC
    assert totals[0].variance == pytest.approx(true, rel=0.03)
    assert totals[1].variance == pytest.approx(true / 2.9, rel=0.03)


# --- levels


def test_cr2_is_unbiased_where_units_are_independent():
    """E(se^2 Sxx) = 1 given x, by construction; CR0 is too small, CR3 too large."""
    options = {"x_icc": 0.5, "icc": 0.0, "slope": 0.0}
    moments = h.joined([h.drawn("clusters", [3, 8, 2, 12, 5, 5], 1000, seed=s, **options)
                        for s in range(20)])  # fmt: skip
    total = gram.add(gram.within(moments), gram.between(moments))
    scaled = {}
    for se in ("CR0", "CR2", "CR3"):
        found = h.method("pooled", se=se).fit(moments)
        assert np.all(found.outcome == Outcome.OK)
        scaled[se] = (found.std_error * total.a) ** 2
    error = scaled["CR2"].std() / np.sqrt(20_000)
    assert error < 0.01
    assert abs(scaled["CR2"].mean() - 1.0) < 3.5 * error
    assert scaled["CR0"].mean() < 0.8
    assert scaled["CR3"].mean() > 1.2


# Cameron, Gelbach & Miller (2008), Table 2, 1,000 replications: |t| > 1.96
PUBLISHED = {10: (0.479, 0.084, 0.132, 0.084), 30: (0.472, 0.052, 0.069, 0.057)}


@pytest.mark.parametrize("j", PUBLISHED)
def test_published_levels(j):
    scenario = {"n_clusters": j, "cluster_size": 30, "icc": 0.5, "x_icc": 0.5, "slope": 0}
    methods = [{"pooled": {"se": se, "df": "wald"}}
               for se in ("classical", "moulton", "CR1S", "CR3")]  # fmt: skip
    totals = simulate(scenario, methods, 8192)
    for found, printed in zip(totals, PUBLISHED[j], strict=True):
        rate = found.rejected[0] / found.n_used
        mcse = np.sqrt(printed * (1 - printed) * (1 / 1000 + 1 / 8192))
        assert abs(rate - printed) < 3.5 * mcse, (rate, printed)
