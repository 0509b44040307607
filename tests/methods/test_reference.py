"""Ten data sets against 320-bit arithmetic, sixty small ones against R's packages."""

import csv
import functools

import helpers_numerics as h
import numpy as np
import pytest
from scipy import stats

pytestmark = pytest.mark.slow

# The exact answers are reachable to 1e-13 in doubles; 1e-10 leaves room for other platforms.
EXACT = 1e-10
# Below the smallest normal double a p-value loses digits, then is 0.
UNDERFLOW = 1e-300
TERMS = {"intercept": "(Intercept)", "x": "x"}


@functools.cache
def fitted(name, method, **options):
    return h.fit(h.REFERENCE / f"{name}.csv", method, **options)


def check_terms(found, block, p="p", df=None, terms=("intercept", "x")):
    for key in terms:
        got = h.term(found, TERMS[key])
        h.assert_close(got["estimate"], block["coef"][key], EXACT, what=key)
        h.assert_close(got["std_error"], block["se"][key], EXACT, what=key)
        h.assert_close(got["statistic"], block["t"][key], EXACT, what=key)
        h.assert_close(got["p_value"], block[p][key], EXACT, UNDERFLOW, what=key)
        if df is None:
            assert got["df"] is None
        else:
            h.assert_close(got["df"], df if np.isscalar(df) else df[key], EXACT, what=key)


def check_components(found, exact):
    assert found["status"] == ("boundary" if exact["boundary"] else "ok")
    for key in ("tau2", "sigma2", "icc", "criterion"):
        h.assert_close(found[key], exact[key], EXACT, what=key)
    h.assert_close(found["sigma"], exact["sigma2"] ** 0.5, EXACT)
    assert (found["tau2"] == 0.0) == exact["boundary"]  # exactly 0, not nearly


def test_there_are_ten_data_sets_of_the_stated_size():
    assert len(h.NAMES) == 10
    for name in h.NAMES:
        cluster, _, _ = h.columns(name)
        meta = h.answers(name)["meta"]
        assert (len(cluster), len(set(cluster))) == (meta["N"], meta["J"])


@pytest.mark.parametrize("name", h.NAMES)
def test_pooled(name):
    found, exact = fitted(name, "pooled"), h.answers(name)["pooled"]
    assert found["status"] == "ok"
    check_terms(found, exact, df=exact["df"])
    h.assert_close(found["sigma"], exact["sigma"], EXACT)
    h.assert_close(found["r_squared"], exact["r2"], EXACT)


@pytest.mark.parametrize("name", h.NAMES)
def test_dummy(name):
    found, exact = fitted(name, "dummy"), h.answers(name)["dummy"]
    if exact is None:
        assert found["status"] == "not_estimable"
        assert found["message"] == "x is constant within clusters"
        assert h.term(found)["estimate"] is None
        return
    assert found["status"] == "ok"
    assert [entry["term"] for entry in found["terms"]] == ["x"]
    check_terms(found, exact, df=exact["df"], terms=("x",))
    h.assert_close(found["sigma"], exact["sigma"], EXACT)
    h.assert_close(found["r_squared"], exact["r2"], EXACT)


@pytest.mark.parametrize("name", h.NAMES)
def test_reml_wald(name):
    found, exact = fitted(name, "random_intercept", df="wald"), h.answers(name)["ri_reml"]
    check_components(found, exact)
    check_terms(found, exact, p="p_wald_z")


@pytest.mark.parametrize("name", h.NAMES)
def test_reml_satterthwaite(name):
    exact = h.answers(name)["ri_reml"]
    found = fitted(name, "random_intercept", df="satterthwaite")
    check_components(found, exact)
    block = exact | {"p": exact["satterthwaite"]["p"]}
    check_terms(found, block, df=exact["satterthwaite"]["df"])


@pytest.mark.parametrize("name", h.NAMES)
def test_reml_kenward_roger(name):
    exact = h.answers(name)["ri_reml"]
    found = fitted(name, "random_intercept", df="kenward_roger")
    check_components(found, exact)
    check_terms(found, exact | exact["kr"], df=exact["kr"]["df"])


@pytest.mark.parametrize("name", h.NAMES)
def test_ml_wald(name):
    exact = h.answers(name)["ri_ml"]
    found = fitted(name, "random_intercept", estimator="ml", df="wald")
    check_components(found, exact)
    check_terms(found, exact, p="p_wald_z")


@pytest.mark.parametrize(
    ("name", "slope", "intercept"),
    [
        ("unbal6", 76.94220, 3.90540),
        ("singletons", 100.22223, 16.90643),
        ("treat_level2", 9.87951, 10.37310),
    ],
)
def test_ml_satterthwaite(name, slope, intercept):
    """lmerTest 3.1.3, whose summary(lmer(REML=FALSE)) was kept to five decimals only."""
    found = fitted(name, "random_intercept", estimator="ml", df="satterthwaite")
    for key, expected in (("(Intercept)", intercept), ("x", slope)):
        assert h.term(found, key)["df"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", h.NAMES)
def test_confidence_limits_have_the_p_value_of_the_test(name):
    """At a limit of the 95 % interval the same t has p = .05, by scipy.stats' own tail.

    Not by its quantile, which is good to 1e-9 only before scipy 1.17.
    """
    got = h.term(fitted(name, "random_intercept", df="kenward_roger"))
    for limit in (got["ci_low"], got["ci_high"]):
        t = abs(limit - got["estimate"]) / got["std_error"]
        # 1e-11: the limit is a difference of numbers up to some thousand standard errors
        assert 2 * stats.t.sf(t, got["df"]) == pytest.approx(0.05, rel=1e-11)


# --- sixty small unbalanced data sets, R's packages

# R's optimiser, told to go as far as it can, leaves theta about 1e-7 from the optimum (a
# criterion is flat to second order), and everything that depends on theta with it.
OPTIMISER = 5e-7
# lmerTest differentiates numerically besides.
FINITE_DIFFERENCES = 1e-6
# R never reports theta = 0 exactly; its df (N - 2) says that these fits are at the boundary.
AT_BOUNDARY = 1e-6


def _small_answers():
    with (h.REFERENCE / "small_unbalanced_answers.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@functools.cache
def _small_data():
    with (h.REFERENCE / "small_unbalanced_data.csv").open(newline="") as stream:
        rows = [
            (row["id"], row["g"], float(row["x"]), float(row["y"]))
            for row in csv.DictReader(stream)
        ]
    found = {}
    for key, *row in rows:
        found.setdefault(key, []).append(row)
    return {key: h.frame(*zip(*group, strict=True)) for key, group in found.items()}


SMALL = _small_answers()


def small(row, df):
    return h.fit(_small_data()[row["id"]], "random_intercept", df=df)


def number(row, key):
    return float(row[key])


def by_id(row):
    return f"{row['id']}-{row['lev']}-J{row['J']}"


def test_the_small_sets_cover_what_they_should():
    boundary = [row for row in SMALL if number(row, "theta") < AT_BOUNDARY]
    assert len(SMALL) == 60
    assert len(boundary) >= 15
    assert {row["J"] for row in SMALL} == {"2", "3", "4", "6"}
    assert any(number(row, "kdf") < 1 for row in SMALL)


@pytest.mark.parametrize("row", SMALL, ids=by_id)
def test_small_sets_components(row):
    found = small(row, "wald")
    boundary = number(row, "theta") < AT_BOUNDARY
    assert found["status"] == ("boundary" if boundary else "ok")
    theta = (found["tau2"] / found["sigma2"]) ** 0.5
    h.assert_close(theta, number(row, "theta"), OPTIMISER, AT_BOUNDARY)
    h.assert_close(found["sigma"], number(row, "sigma"), OPTIMISER)
    got = h.term(found)
    # The slope may be near 0, so its error is measured in standard errors.
    h.assert_close(got["estimate"], number(row, "b"), 0.0, OPTIMISER * number(row, "se"))
    h.assert_close(got["std_error"], number(row, "se"), OPTIMISER)


@pytest.mark.parametrize("row", SMALL, ids=by_id)
def test_small_sets_kenward_roger(row):
    got = h.term(small(row, "kenward_roger"))
    h.assert_close(got["std_error"], number(row, "kse"), OPTIMISER)
    h.assert_close(got["df"], number(row, "kdf"), OPTIMISER)
    h.assert_close(got["p_value"], number(row, "p"), OPTIMISER)


@pytest.mark.parametrize("row", SMALL, ids=by_id)
def test_small_sets_satterthwaite(row):
    got = h.term(small(row, "satterthwaite"))
    if number(row, "theta") < AT_BOUNDARY:
        assert got["df"] == number(row, "N") - 2
    h.assert_close(got["df"], number(row, "sat"), FINITE_DIFFERENCES)


# --- far from the origin

METHODS = (
    ("pooled", {}),
    ("dummy", {}),
    ("random_intercept", {"df": "kenward_roger"}),
    ("random_intercept", {"df": "satterthwaite"}),
    ("random_intercept", {"estimator": "ml", "df": "satterthwaite"}),
)
SHIFTED = [name for name in h.NAMES if not name.startswith("hsb82")]


@pytest.mark.parametrize("offset", [1e6, 1e7, 1e8, 1e9])
@pytest.mark.parametrize("name", SHIFTED)
def test_offset_costs_no_more_than_storing_it(name, offset):
    """Adding an offset rounds each value by eps |mean| / 2; nothing else may be lost."""
    cluster, x, y = h.columns(name)
    moved = h.frame(cluster, x + offset, y + offset)
    noise = h.EPS * offset * (1 / x.std() + 1 / y.std())
    for method, options in METHODS:
        if method == "dummy" and h.answers(name)["dummy"] is None:
            continue
        near, far = fitted(name, method, **options), h.fit(moved, method, **options)
        assert far["status"] == near["status"]
        _compare_shifted(near, far, 5 * noise)  # 5: rounding of N units adds up like sqrt(N) / N
        if far["terms"][0]["term"] == "(Intercept)":
            _check_intercept(far, near, offset, 5 * noise)


def _compare_shifted(near, far, tolerance):
    a, b = h.term(near), h.term(far)
    h.assert_close(b["estimate"], a["estimate"], 0.0, tolerance * a["std_error"])
    h.assert_close(b["std_error"], a["std_error"], tolerance)
    h.assert_close(b["df"], a["df"], tolerance)
    h.assert_close(b["p_value"], a["p_value"], tolerance * (1 + a["statistic"] ** 2))
    h.assert_close(far["sigma"], near["sigma"], tolerance)
    if near["tau2"] is not None:
        total = near["tau2"] + near["sigma2"]
        h.assert_close(far["tau2"], near["tau2"], 0.0, tolerance * total)


def _check_intercept(far, near, offset, tolerance):
    """The line itself has not moved: its value at x = 0 of the old scale is the same."""
    intercept, slope = h.term(far, "(Intercept)"), h.term(far)["estimate"]
    old = h.term(near, "(Intercept)")["estimate"]
    expected = old + offset - slope * offset
    h.assert_close(intercept["estimate"], expected, tolerance, tolerance * intercept["std_error"])


@pytest.mark.parametrize("name", SHIFTED)
def test_offset_of_whole_numbers_costs_nothing(name):
    """Whole numbers near 1e12 are stored exactly, so every digit of the answer must survive."""
    cluster, x, y = h.columns(name)
    x, y = np.round(x * 1e4), np.round(y * 1e4)
    near_data, far_data = h.frame(cluster, x, y), h.frame(cluster, x + 1e12, y - 1e12)
    for method, options in METHODS:
        near, far = h.fit(near_data, method, **options), h.fit(far_data, method, **options)
        if near["status"] == "not_estimable":
            continue
        # a few hundred roundings; without centring at the mean nothing would be left at 1e12
        _compare_shifted(near, far, 1e-12)
