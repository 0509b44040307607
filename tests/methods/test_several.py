"""Models of several predictors against R's packages, and invariances that any of them has.

`reference_multi` are known data sets; `several_*.csv` a hundred random ones with one to five
predictors (tests/reference/make_several.R).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import helpers_numerics as h
import numpy as np
import pandas as pd
import pytest

from simstudy.estimates import Outcome
from simstudy.moments import Clusters, Units
from simstudy.numerics import columns, gram
from simstudy.numerics.reduce import reduce
from simstudy.registry import configure

pytestmark = pytest.mark.slow

MULTI = h.REFERENCE.parent / "reference_multi"
SETS = sorted(file.stem for file in MULTI.glob("*.json"))
DATA = pd.read_csv(h.REFERENCE / "several_data.csv")
ANSWERS = pd.read_csv(h.REFERENCE / "several_answers.csv")
ROBUST = ("CR0", "CR1", "CR1S", "CR2", "CR3")
# Least squares agrees to rounding, df of nearly singular I - B a little less; what rests on
# theta as closely as R's optimiser finds it, which is flat to second order in the criterion.
ROUNDING, ROUNDING_DF, OPTIMISER, CRITERION = 1e-11, 1e-9, 2e-6, 1e-8


def moments_of(frame: pd.DataFrame, predictors: list[str], cluster: str) -> Clusters:
    """Moments about the means, the intercepts' origin 0 put back by `fits`."""
    frame = frame.sort_values(cluster, kind="stable")
    sizes = frame.groupby(cluster, sort=True).size().to_numpy().reshape(-1, 1)
    values = [frame[name].to_numpy(dtype=float) for name in (*predictors, "y")]
    values = [v - v.mean() for v in values]
    if np.all(sizes == sizes[0]):
        values = [v.reshape(sizes.size, -1).T[:, :, None] for v in values]
    return reduce(Units(sizes, tuple(values), (*predictors, "y")))


@cache
def known(name: str):
    told = json.loads((MULTI / f"{name}.json").read_text(encoding="utf-8"))
    frame = pd.read_csv(MULTI / f"{name}.csv", dtype={"cluster": str})
    predictors = told["predictors"]
    predictors = [predictors] if isinstance(predictors, str) else predictors
    means = {column: frame[column].mean() for column in (*predictors, "y")}
    return moments_of(frame, predictors, "cluster"), means, told


@cache
def drawn(number: int):
    frame = DATA[DATA.id == number].dropna(axis=1)
    predictors = [name for name in frame if name.startswith("x")]
    means = {column: frame[column].mean() for column in (*predictors, "y")}
    answers = ANSWERS[ANSWERS.id == number]
    return moments_of(frame, predictors, "g"), means, answers


def fitted(moments, means, term, method, **options):
    """Estimate, standard error and df of a term."""
    entry = configure(method, options)
    if term == "(Intercept)":
        origin = tuple(means[name] for name in moments.names)
        found = entry.fit(replace(moments, origin=origin), term="intercept")
    else:
        found = entry.fit(columns.with_last(moments, term))
    return found.estimate[0], found.std_error[0], found.df[0], Outcome(found.outcome[0])


def check(found, estimate, std_error, df, tolerance, df_tolerance=None):
    assert found[0] == pytest.approx(estimate, rel=tolerance, abs=tolerance)
    if std_error < 1e-14:  # zero but for R's rounding
        assert np.isnan(found[1])
        return
    assert found[1] == pytest.approx(std_error, rel=tolerance)
    if df is not None and not np.isnan(df):
        assert found[2] == pytest.approx(df, rel=df_tolerance or tolerance)


@pytest.mark.parametrize("name", SETS)
def test_least_squares_of_known_sets(name):
    moments, means, told = known(name)
    methods = [("pooled", "pooled", {}), ("dummy", "dummy", {})]
    for se in ROBUST:
        df = "clusters" if se in ("CR1", "CR1S") else "satterthwaite"
        methods.append((se, "pooled", {"se": se, "df": df}))
    for se in ("CR0", "CR2"):
        methods.append((f"dummy_{se}", "dummy", {"se": se, "df": "satterthwaite"}))
    for key, method, options in methods:
        for row in told[key]["terms"]:
            found = fitted(moments, means, row["term"], method, **options)
            check(found, row["estimate"], row["std_error"], row["df"], ROUNDING, ROUNDING_DF)


@pytest.mark.parametrize("estimator", ["reml", "ml"])
@pytest.mark.parametrize("name", SETS)
def test_random_intercept_of_known_sets(name, estimator):
    moments, means, told = known(name)
    told = told["random_intercept"][estimator]
    entry = configure("random_intercept", {"estimator": estimator, "df": "wald"})
    criterion = entry.describe(moments)["criterion"]
    assert criterion == pytest.approx(told["criterion"], abs=CRITERION)
    for df in ("wald", *(("satterthwaite", "kenward_roger") if estimator == "reml" else ())):
        for row in told[df]["terms"] if isinstance(told[df], dict) else told[df]:
            found = fitted(
                moments, means, row["term"], "random_intercept", estimator=estimator, df=df
            )
            free = row.get("df")
            check(found, row["estimate"], row["std_error"], free, OPTIMISER)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 101))
def test_random_sets(number):
    moments, means, answers = drawn(number)
    told = {model: rows.set_index("term") for model, rows in answers.groupby("model")}
    options = {
        "pooled": ("pooled", {}, ROUNDING),
        "dummy": ("dummy", {}, ROUNDING),
        "dummy_CR0": ("dummy", {"se": "CR0", "df": "satterthwaite"}, ROUNDING),
        "dummy_CR2": ("dummy", {"se": "CR2", "df": "satterthwaite"}, ROUNDING),
        "satterthwaite": ("random_intercept", {"df": "satterthwaite"}, OPTIMISER),
        "kenward_roger": ("random_intercept", {"df": "kenward_roger"}, OPTIMISER),
        "ml": ("random_intercept", {"estimator": "ml", "df": "wald"}, OPTIMISER),
        "gee": ("gee", {"se": "robust", "df": "wald"}, OPTIMISER),
        **{
            se: ("pooled", {"se": se, "df": "satterthwaite"}, ROUNDING)
            for se in ("CR0", "CR1S", "CR2", "CR3")
        },
    }
    for k, model in enumerate(sorted(told.keys() - {"criterion", "theta"})):
        method, chosen, tolerance = options[model]
        rows = list(told[model].iterrows())
        # two coefficients of each model; of a hundred sets, every one of every model
        for term, row in (rows[at] for at in {(number + k) % len(rows), len(rows) - 1}):
            found = fitted(moments, means, term, method, **chosen)
            if found[3] is Outcome.NOT_POSITIVE_DEFINITE:
                assert (method, number) == ("gee", 44)  # geepack ends outside the correlations
                continue
            df_tolerance = ROUNDING_DF if tolerance == ROUNDING else OPTIMISER
            check(found, row.estimate, row.se, row.df, tolerance, df_tolerance)
    for estimator in ("reml", "ml"):
        entry = configure("random_intercept", {"estimator": estimator, "df": "wald"})
        ours = entry.describe(moments)["criterion"]
        assert ours <= told["criterion"].estimate[estimator] + CRITERION


# --- invariances, of any number of covariates

EVERY = [
    ("pooled", {}),
    *(("pooled", {"se": se}) for se in (*ROBUST, "moulton")),
    ("dummy", {}),
    ("dummy", {"se": "CR2"}),
    ("cluster_means", {}),
    ("cluster_means", {"weights": "size"}),
    ("random_intercept", {}),
    ("random_intercept", {"df": "satterthwaite"}),
    ("random_intercept", {"df": "between_within"}),
    ("random_intercept", {"estimator": "ml"}),
    ("within_between", {}),
    ("within_between", {"effect": "contextual"}),
    ("gee", {}),
    ("pretest", {}),
    ("random_slope", {}),
    ("random_slope", {"df": "satterthwaite", "correlated": False}),
]
METHODS = pytest.mark.parametrize(
    ("method", "options"), EVERY, ids=[" ".join([m, *map(str, o.values())]) for m, o in EVERY]
)
COUNTS = pytest.mark.parametrize("p", [1, 3])
N_REPS = 4


def units(p: int, *, equal: bool, level: bool = False):
    """Units of `N_REPS` replications with p covariates; with `level` half of them of clusters."""
    rng = np.random.default_rng([p, equal, level])
    sizes = np.full(14, 5) if equal else rng.integers(2, 9, 14)
    index = np.repeat(np.arange(14), sizes)
    shape, means = (index.size, N_REPS), (14, N_REPS)
    common = rng.standard_normal(shape)
    values = []
    for k in range(p + 1):
        within = 0.0 if level and k % 2 else 0.5 * (common + rng.standard_normal(shape))
        values.append(rng.standard_normal(means)[index] + within)
    slopes = rng.standard_normal(p + 1)
    y = sum(b * x for b, x in zip(slopes, values, strict=True))
    y = y + 0.6 * rng.standard_normal(means)[index] + rng.standard_normal(shape)
    names = (*(f"z{k}" for k in range(p)), "x", "y")
    return sizes, dict(zip(names, (*values, y), strict=True))


def held(sizes, values: dict[str, np.ndarray]) -> Clusters:
    """Moments about the grand means of units given as (N, R) arrays."""
    columns_of = [v - v.mean(axis=0) for v in values.values()]
    n_reps = columns_of[0].shape[1]
    if np.all(sizes == sizes[0]):
        cube = (sizes.size, int(sizes[0]), n_reps)
        columns_of = [v.reshape(cube).transpose(1, 0, 2).copy() for v in columns_of]
        return reduce(Units(sizes.reshape(-1, 1), tuple(columns_of), tuple(values)))
    parts = [
        reduce(Units(sizes.reshape(-1, 1), tuple(v[:, r] for v in columns_of), tuple(values)))
        for r in range(n_reps)
    ]
    return h.joined(parts)


def both(p):
    """Sizes and units of equal and of unequal clusters."""
    return [units(p, equal=equal) for equal in (True, False)]


def same(got, expected, tolerance=1e-9, estimate=1.0, shift=0.0, skip=()):
    for field in {"estimate", "std_error", "df", "p_value"} - set(skip):
        factor = abs(estimate) if field == "std_error" else estimate if field == "estimate" else 1.0
        wanted = factor * getattr(expected, field) + (shift if field == "estimate" else 0.0)
        np.testing.assert_allclose(getattr(got, field), wanted, tolerance, tolerance)
    assert np.array_equal(got.outcome, expected.outcome)
    assert np.isfinite(expected.estimate).mean() > 0.6


@METHODS
@COUNTS
def test_covariates_in_any_order(method, options, p):
    entry = configure(method, options)
    for sizes, values in both(p):
        plain = entry.fit(held(sizes, values))
        *covariates, x, y = values
        turned = {name: values[name] for name in (*reversed(covariates), x, y)}
        moments = held(sizes, turned)
        same(entry.fit(moments), plain)
        same(entry.fit(columns.with_last(moments, "x")), plain)


@METHODS
@COUNTS
def test_scale_and_shift_of_every_column(method, options, p):
    entry = configure(method, options)
    for sizes, values in both(p):
        plain = entry.fit(held(sizes, values))
        for name in values:
            other = held(sizes, values | {name: 7.0 - 3.0 * values[name]})
            if name == "x" and options.get("correlated") is False:
                continue  # such a model depends on where x is 0
            factor = {"x": -1.0 / 3.0, "y": -3.0}.get(name, 1.0)
            same(entry.fit(other), plain, estimate=factor)


@METHODS
@COUNTS
def test_a_line_in_a_covariate_changes_nothing(method, options, p):
    if method == "pretest":
        return  # its look at the data is at y alone
    entry = configure(method, options)
    for sizes, values in both(p):
        plain = entry.fit(held(sizes, values))
        same(entry.fit(held(sizes, values | {"y": values["y"] + 2.0 * values["z0"]})), plain)


@METHODS
@COUNTS
def test_a_batch_is_its_replications(method, options, p):
    entry = configure(method, options)
    for sizes, values in both(p):
        whole = entry.fit(held(sizes, values))
        for r in (0, N_REPS - 1):
            alone = entry.fit(held(sizes, {k: v[:, r : r + 1] for k, v in values.items()}))
            same(alone, whole.cut(r, r + 1), 1e-11)


@METHODS
@COUNTS
def test_equal_clusters_pooled_or_not(method, options, p):
    entry = configure(method, options)
    if method in ("gee", "random_slope") or options.get("se") in ROBUST:
        return  # these read clusters
    moments = held(*units(p, equal=True))
    same(entry.fit(gram.pool(moments)), entry.fit(moments))


@METHODS
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_column_is_not_estimable(method, options, value):
    for sizes, values in both(2):
        flat = held(sizes, values | {"z1": np.full_like(values["z1"], value)})
        assert set(configure(method, options).fit(flat).outcome) == {Outcome.COLLINEAR}
        left_out = columns.with_last(flat, "x", ("z1",))
        shorter = held(sizes, {k: v for k, v in values.items() if k != "z1"})
        same(configure(method, options).fit(left_out), configure(method, options).fit(shorter))


@METHODS
def test_a_combination_of_others_is_not_estimable(method, options):
    for sizes, values in both(2):
        twice = held(sizes, values | {"z1": 2.0 * values["z0"] + values["x"]})
        assert set(configure(method, options).fit(twice).outcome) == {Outcome.COLLINEAR}


# --- longhand


def design(values, r):
    *names, _ = values
    return np.column_stack([np.ones(len(values["y"])), *(values[name][:, r] for name in names)])


@pytest.mark.parametrize("p", [1, 3])
def test_means_by_least_squares(p):
    for sizes, values in both(p):
        index = np.repeat(np.arange(sizes.size), sizes)
        found = configure("cluster_means").fit(held(sizes, values))
        for r in range(N_REPS):
            data = np.column_stack([design(values, r), values["y"][:, r]])
            means = np.array([data[index == j].mean(axis=0) for j in range(sizes.size)])
            b, rss, *_ = np.linalg.lstsq(means[:, :-1], means[:, -1], rcond=None)
            free = sizes.size - p - 2
            variance = np.linalg.inv(means[:, :-1].T @ means[:, :-1])[-1, -1] * rss[0] / free
            check((found.estimate[r], found.std_error[r], found.df[r]),
                  b[-1], variance**0.5, free, 1e-10)  # fmt: skip


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("level", [False, True])
def test_within_between_is_a_random_intercept_on_more_columns(p, level):
    """Deviations and means, each a predictor: what Mundlak's model is."""
    for equal in (True, False):
        sizes, values = units(p, equal=equal, level=level)
        index = np.repeat(np.arange(sizes.size), sizes)
        counts = sizes[:, None]
        wide = {}
        for name in list(values)[:-1]:
            mean = np.add.reduceat(values[name], np.cumsum(sizes) - sizes) / counts
            rest = values[name] - mean[index]
            if np.abs(rest).max() > 1e-12:
                wide[f"within {name}"] = rest
            wide[f"between {name}"] = mean[index]
        many = held(sizes, wide | {"y": values["y"]})
        moments = held(sizes, values)
        if "within x" not in wide:
            found = configure("within_between").fit(moments)
            assert set(found.outcome) == {Outcome.X_CONSTANT_WITHIN}
            continue
        for effect in ("within", "between"):
            for options in ({}, {"df": "satterthwaite"}, {"estimator": "ml", "df": "wald"}):
                plain = configure("random_intercept", options)
                expected = plain.fit(columns.with_last(many, f"{effect} x"))
                found = configure("within_between", {"effect": effect, **options}).fit(moments)
                same(found, expected, 1e-7)


@pytest.mark.parametrize("p", [1, 3])
def test_moulton_by_its_formula(p):
    """x without the covariates in the place of x: rho_x of what they leave."""
    for sizes, values in both(p):
        index = np.repeat(np.arange(sizes.size), sizes)
        found = configure("pooled", {"se": "moulton"}).fit(held(sizes, values))
        for r in range(N_REPS):
            x, y = design(values, r), values["y"][:, r]
            left = x[:, -1] - x[:, :-1] @ np.linalg.lstsq(x[:, :-1], x[:, -1], rcond=None)[0]
            b = np.linalg.lstsq(x, y, rcond=None)[0]
            e = y - x @ b
            n, j = y.size, sizes.size
            sums = np.bincount(index, left)
            pairs = (sums**2).sum() / (left**2).sum() - 1.0
            means = np.bincount(index, e) / sizes
            between = (sizes * means**2).sum() / (j - 1)
            within = ((e - means[index]) ** 2).sum() / (n - j)
            size = (n - (sizes**2).sum() / n) / (j - 1)
            icc = (between - within) / (between + (size - 1.0) * within)
            classical = (e @ e) / (n - p - 2) / (left**2).sum()
            expected = (classical * (1.0 + icc * pairs)) ** 0.5
            assert found.std_error[r] == pytest.approx(expected, rel=1e-10)
