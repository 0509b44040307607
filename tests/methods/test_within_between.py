"""Mundlak's model against exact answers, R's packages, dense matrices and exact sizes."""

import csv
import math

import exact
import helpers_numerics as h
import numpy as np
import pytest
from dense import Dense
from helpers_simulation import simulate

from simstudy.errors import UserError
from simstudy.estimates import Outcome
from simstudy.moments import Factor
from simstudy.numerics import gram, reml
from simstudy.registry import configure

pytestmark = pytest.mark.slow

EXACT = 1e-10  # measured 2e-13 at worst, as in test_reference
OPTIMISER, FINITE_DIFFERENCES, AT_BOUNDARY = 5e-7, 1e-6, 1e-6  # R's, as in test_reference
EFFECTS = ("within", "between", "contextual")
EVERY_EFFECT = pytest.mark.parametrize("effect", EFFECTS)
CONTRAST = {
    "within": np.array([0.0, 1.0, 0.0]),
    "between": np.array([0.0, 0.0, 1.0]),
    "contextual": np.array([0.0, -1.0, 1.0]),
}
MIXED = [name for name in h.NAMES if h.answers(name)["mundlak_reml"]]


def wb(effect="within", **options):
    return configure("within_between", {"effect": effect, **options})


# --- ten data sets, exact


def test_there_is_something_to_compare():
    assert MIXED == ["singletons", "unbal6"]


def check(got, block, key, p, df):
    h.assert_close(got["estimate"], block["coef"][key], EXACT)
    h.assert_close(got["std_error"], block["se"][key], EXACT)
    h.assert_close(got["statistic"], block["t"][key], EXACT)
    h.assert_close(got["p_value"], p[key], EXACT)
    if df is None:
        assert got["df"] is None
    else:
        h.assert_close(got["df"], df[key], EXACT)


@EVERY_EFFECT
@pytest.mark.parametrize("df", ["wald", "satterthwaite", "kenward_roger"])
@pytest.mark.parametrize("name", MIXED)
def test_reference(name, df, effect):
    found = h.fit(h.REFERENCE / f"{name}.csv", "within_between", effect=effect, df=df)
    block = h.answers(name)["mundlak_reml"]
    assert found["status"] == ("boundary" if block["boundary"] else "ok")
    for key in ("tau2", "sigma2", "icc", "criterion"):
        h.assert_close(found[key], block[key], EXACT, what=key)
    p, free = block["p_wald_z"], None
    if df == "satterthwaite":
        p, free = block["satterthwaite"]["p"], block["satterthwaite"]["df"]
    elif df == "kenward_roger":
        p, free = block["kr"]["p"], block["kr"]["df"]
        block = block | block["kr"]
    check(h.term(found, "(Intercept)"), block, "intercept", p, free)
    if effect != "contextual":
        check(h.term(found), block, f"x_{effect}", p, free)
    else:
        difference = block["coef"]["x_between"] - block["coef"]["x_within"]
        h.assert_close(h.term(found)["estimate"], difference, EXACT)


@EVERY_EFFECT
@pytest.mark.parametrize("name", [name for name in h.NAMES if name not in MIXED])
def test_reference_sets_without_both_kinds_of_variation(name, effect):
    reasons = {
        "level1": "x does not vary between clusters",
        "level2": "x is constant within clusters",
        "mixed": "too few units or clusters to tell the cluster variance from the "
        "residual variance",
    }
    found = h.fit(h.REFERENCE / f"{name}.csv", "within_between", effect=effect)
    level = h.answers(name)["meta"]["x_level"]
    assert (found["status"], found["message"]) == ("not_estimable", reasons[level])


# --- small unbalanced data sets, R's packages


def rows(file):
    with (h.REFERENCE / file).open(newline="") as stream:
        return list(csv.DictReader(stream))


SMALL = rows("small_unbalanced_mundlak.csv")
DATA: dict = {}
for row in rows("small_unbalanced_data.csv"):
    DATA.setdefault(row["id"], []).append((row["g"], float(row["x"]), float(row["y"])))


def test_the_small_sets_cover_what_they_should():
    thetas = [float(row["theta"]) for row in SMALL if row["effect"] == "within"]
    assert len(SMALL) == 45
    assert 3 <= sum(theta < AT_BOUNDARY for theta in thetas) <= 12


@pytest.mark.parametrize("row", SMALL, ids=lambda row: f"{row['id']}-{row['effect']}")
def test_small_sets(row):
    """Kenward-Roger and Satterthwaite of all three contrasts, pbkrtest and lmerTest."""
    frame = h.frame(*zip(*DATA[row["id"]], strict=True))
    fits = {
        df: h.fit(frame, "within_between", effect=row["effect"], df=df)
        for df in ("wald", "satterthwaite", "kenward_roger")
    }
    want = {key: float(value) for key, value in row.items() if key not in ("id", "effect")}
    found = fits["wald"]
    boundary = want["theta"] < AT_BOUNDARY
    assert found["status"] == ("boundary" if boundary else "ok")
    theta = (found["tau2"] / found["sigma2"]) ** 0.5
    h.assert_close(theta, want["theta"], OPTIMISER, AT_BOUNDARY)
    h.assert_close(found["sigma"], want["sigma"], OPTIMISER)
    got = h.term(found)
    h.assert_close(got["estimate"], want["b"], 0.0, OPTIMISER * want["se"])
    h.assert_close(got["std_error"], want["se"], OPTIMISER)
    kr = h.term(fits["kenward_roger"])
    h.assert_close(kr["std_error"], want["kse"], OPTIMISER)
    h.assert_close(kr["df"], want["kdf"], OPTIMISER)
    h.assert_close(h.term(fits["satterthwaite"])["df"], want["sat"], FINITE_DIFFERENCES)


# --- N x N matrices, longhand

SETS = [([3, 2, 4], 0.5), ([1, 1, 5, 3], 0.7), ([4, 4, 4, 4, 4], 0.5), ([1, 8, 2, 2, 5, 1], 0.2)]
DENSE = pytest.mark.parametrize(
    ("number", "seed"), [(n, s) for n in range(len(SETS)) for s in range(3)]
)


def dense_set(number, seed):
    sizes, x_icc = SETS[number]
    x, y = (
        v[:, 0] for v in h.units(np.random.default_rng([number, seed, 7]), sizes, x_icc, 0.4, 1)
    )
    index = h.labels(sizes)
    means = (np.bincount(index, x) / np.bincount(index))[index]
    frame = h.frame(index, x, y + 0.4 * x)
    return frame, Dense(sizes, np.column_stack([x - means, means]), y + 0.4 * x)


@pytest.mark.parametrize("estimator", ["reml", "ml"])
@DENSE
def test_dense_criterion_and_satterthwaite(number, seed, estimator):
    frame, dense = dense_set(number, seed)
    restricted = estimator == "reml"
    for effect in EFFECTS:
        options = {"effect": effect, "estimator": estimator, "df": "satterthwaite"}
        found = h.fit(frame, "within_between", **options)
        psi = found["tau2"] / found["sigma2"]
        at_ours = dense.criterion(psi, restricted)
        h.assert_close(found["criterion"], at_ours, 1e-12)  # inverses of small matrices
        assert at_ours < dense.best(restricted)[1] + 1e-9  # a criterion of order 100
        v, phi, _ = dense.at(found["sigma2"], found["tau2"])
        contrast = CONTRAST[effect]
        got = h.term(found)
        h.assert_close(got["estimate"], contrast @ phi @ dense.x.T @ v @ dense.y, 1e-9, 1e-11)
        h.assert_close(got["std_error"], (contrast @ phi @ contrast) ** 0.5, 1e-10)
        if found["status"] == "boundary":
            assert got["df"] == dense.n_obs - (3 if restricted else 0)
            continue
        expected = dense.satterthwaite(found["sigma2"], found["tau2"], contrast, restricted)
        h.assert_close(got["df"], expected, 1e-8)  # an inverse of an inverse


@DENSE
def test_dense_kenward_roger(number, seed):
    frame, dense = dense_set(number, seed)
    for effect in EFFECTS:
        found = h.fit(frame, "within_between", effect=effect)
        got = h.term(found)
        args = found["sigma2"], found["tau2"]
        std_error, df = dense.kenward_roger(*args, CONTRAST[effect])
        h.assert_close(got["std_error"], std_error, 1e-9)
        h.assert_close(got["df"], df, 1e-7)  # df comes from rho - 1, a difference


# --- limits and closed forms


@EVERY_EFFECT
@pytest.mark.parametrize("estimator", ["reml", "ml"])
def test_balanced_closed_form_is_the_search(effect, estimator):
    """Unequal clusters take the search: its root for equal ones is min(1, MSW / MSB)."""
    moments = h.drawn("clusters", [4] * 7, 300, x_icc=0.5, icc=0.1)
    inner = gram.within(moments)
    zero = np.zeros_like(inner.r)
    rest = Factor.of_line(zero, zero, inner.r)
    restricted = estimator == "reml"
    n_fixed = 3
    w = reml._search(moments, rest, restricted, np.array([4.0]), n_fixed)
    outer = gram.between(moments)
    lost = 1 if restricted else 0
    msw, msb = inner.r**2 / (28 - 7 - lost), outer.r**2 / (7 - 2 * lost)
    h.assert_close(w, np.minimum(1.0, msw / msb), 1e-10)
    found = wb(effect, estimator=estimator, df="wald").fit(moments)
    h.assert_close(found.tau2 / found.sigma2, (1 / w - 1) / 4, 1e-10, 1e-13)
    inside = found.outcome == Outcome.OK
    h.assert_close(found.sigma2[inside], msw[inside], 1e-10)


def test_within_effect_is_the_dummy_estimator_and_between_that_of_equal_means():
    moments = h.drawn("clusters", [4] * 7, 200, x_icc=0.5)
    dummy, means = (configure(m).fit(moments) for m in ("dummy", "cluster_means"))
    within, between, contextual = (wb(effect).fit(moments) for effect in EFFECTS)
    h.assert_close(within.estimate, dummy.estimate, 1e-12)
    h.assert_close(between.estimate, means.estimate, 1e-12)
    h.assert_close(contextual.estimate, between.estimate - within.estimate, 1e-12)
    inside = within.outcome == Outcome.OK
    assert 100 < inside.sum() < 200
    for ours, theirs, df in ((within, dummy, 20), (between, means, 5)):
        h.assert_close(ours.df, df, 1e-10)  # balanced: exact at the boundary too
        h.assert_close(ours.std_error[inside], theirs.std_error[inside], 1e-10)


def test_within_effect_of_unequal_clusters_is_the_dummy_estimator():
    moments = h.drawn("clusters", [2, 7, 1, 5, 9, 3], 100, x_icc=0.5)
    h.assert_close(wb().fit(moments).estimate, configure("dummy").fit(moments).estimate, 1e-12)


def test_simple_df():
    moments = h.drawn("clusters", [2, 3, 9, 4, 1, 6], 20)
    for effect, free in (("within", 18), ("between", 4), ("contextual", 4)):
        bw = wb(effect, df="between_within")
        assert set(bw.fit(moments).df) == {free}
        assert set(bw.fit(moments, term="intercept").df) == {4}
        assert set(wb(effect, df="residual").fit(moments).df) == {22}
        assert set(wb(effect, df="wald").fit(moments).df) == {np.inf}


def test_kenward_roger_under_ml_is_refused():
    with pytest.raises(UserError, match="kenward_roger needs estimator: reml"):
        wb(estimator="ml", df="kenward_roger")
    with pytest.raises(UserError, match="'within_between'"):
        configure("mundlak")


@pytest.mark.parametrize(
    ("sizes", "x_icc", "outcome"),
    [
        ([5, 5], 0.5, Outcome.VARIANCES_NOT_SEPARABLE),
        ([1, 1, 2], 0.5, Outcome.VARIANCES_NOT_SEPARABLE),
        ([1, 1, 3], 0.5, None),
        ([3, 3, 4], 1.0, Outcome.X_CONSTANT_WITHIN),
    ],
)
def test_estimable_iff_both_variances_have_a_degree_of_freedom(sizes, x_icc, outcome):
    found = wb().fit(h.drawn("clusters", sizes, 20, x_icc=x_icc))
    used = found.outcome <= Outcome.BOUNDARY
    assert used.all() if outcome is None else set(found.outcome) == {outcome}


# --- exact sizes

N = 50_000


@pytest.mark.parametrize("point", [(6, 5, 0.05), (10, 10, 0.1)])
def test_between_effect_with_kenward_roger_boundary_included(point):
    j, n, icc = point
    design = {"n_clusters": j, "cluster_size": n, "icc": icc, "x_icc": 0.5, "slope": 0}
    (totals,) = simulate(design, [{"within_between": {"effect": "between"}}], N)
    share = exact.boundary_share(*point, slopes_within=1)
    size = exact.kenward_roger_size(*point, slopes_within=1)
    for count, truth in ((totals.by_status[1], share), (totals.rejected[0], size)):
        assert abs(count / N - truth) < 4 * math.sqrt(truth * (1 - truth) / N)


def test_each_effect_estimates_its_own():
    """Y = slope x + effect xbar_j: within slope, between slope + effect, contextual effect."""
    design = {"n_clusters": 12, "cluster_size": 6, "icc": 0.1, "x_icc": 0.5, "slope": 0.3}
    methods = [{"within_between": {"effect": effect}} for effect in EFFECTS]
    found = simulate(design | {"contextual_effect": 0.4}, methods, 20_000)
    for totals, truth in zip(found, (0.3, 0.7, 0.4), strict=True):
        mcse = math.sqrt(totals.powers[2, 0]) / totals.n_used
        assert abs(totals.error + 0.3 - truth) < 4 * mcse  # `error` is about the slope
        assert mcse < 0.005
