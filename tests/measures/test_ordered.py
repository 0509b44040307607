"""Measures that need all rows: median bias and mean absolute error, when they are asked for."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from helpers_cli import call
from scipy.stats import binom, norm

import simstudy
from simstudy.measures.built_in.rows import mean_absolute_error, median_bias


def of_errors(measure, error):
    """Value and MCSE of estimates about 0."""
    rows = {name: np.full(error.size, np.nan) for name in ("std_error", "df")}
    rows |= {"estimate": error, "status": np.zeros(error.size, np.int8)}
    return measure(rows, 0.0)[:2]


ON_REQUEST = ("median_bias", "mean_absolute_error")
ERROR = np.array([0.12, -0.05, 0.31, 0.22, 0.02, 0.47, 0.18, -0.11, 0.26, 0.09]) - 0.15


def test_median_bias_by_hand():
    value, mcse = of_errors(median_bias, ERROR)
    assert value == pytest.approx(0.15 - 0.15)  # between .12 and .18
    # c = 5 - sqrt(10), rounded: the second smallest and the second largest
    z = norm.isf(binom.cdf(1, 10, 0.5))
    assert mcse == pytest.approx((0.31 - -0.05) / (2 * z), rel=1e-12)
    assert mcse == pytest.approx(0.0782826, abs=5e-7)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 16, 17, 99, 1000, 4097])
def test_median_bias_of_any_number_of_rows(n):
    """The formula as R's statpsych writes it (Price & Bonett 2001)."""
    error = np.random.default_rng(n).standard_t(3, n)
    y = np.sort(error)
    a = max(1, round(n / 2 - math.sqrt(n)))
    se = (y[n - a] - y[a - 1]) / (2 * norm.isf(binom.cdf(a - 1, n, 0.5)))
    assert of_errors(median_bias, error) == pytest.approx((np.median(error), se), rel=1e-10)


def test_mean_absolute_error_by_hand():
    value, mcse = of_errors(mean_absolute_error, ERROR)
    assert value == pytest.approx(np.abs(ERROR).mean(), rel=1e-14)
    assert mcse == pytest.approx(np.abs(ERROR).std(ddof=1) / math.sqrt(10), rel=1e-12)


@pytest.mark.parametrize("function", [median_bias, mean_absolute_error])
def test_of_few_rows_there_is_no_error(function):
    assert all(math.isnan(one) for one in of_errors(function, np.empty(0)))
    value, mcse = of_errors(function, np.array([-2.0]))
    assert abs(value) == 2.0 and math.isnan(mcse)


@pytest.mark.parametrize("draw", ["standard_normal", "standard_t", "lognormal"])
@pytest.mark.parametrize("function", [median_bias, mean_absolute_error])
def test_monte_carlo_errors_are_the_spread_of_the_values(function, draw):
    generator = np.random.Generator(np.random.Philox(5))
    shape = 2000, 400
    x = generator.standard_t(5, shape) if draw == "standard_t" else (
        generator.lognormal(0, 0.7, shape) if draw == "lognormal" else
        generator.standard_normal(shape))  # fmt: skip
    values, errors = np.array([of_errors(function, row) for row in x]).T
    # the ratio's own Monte Carlo SE is 1 / sqrt(2 * 2000) = .016
    assert errors.mean() / values.std(ddof=1) == pytest.approx(1.0, abs=0.065)


def test_they_are_made_when_asked_for_alone(tmp_path):
    study = {
        "name": "s", "seed": 3, "replications": 300, "methods": ["pooled", "dummy"],
        "scenarios": {"n_clusters": 8, "cluster_size": 4, "icc": [0, 0.2], "x_icc": [0, 1],
                      "slope": 0.3},
    }  # fmt: skip
    results = simstudy.run(study, results=tmp_path, report=False)
    assert not set(ON_REQUEST) & set(results.summary.measure)
    found = results.summary_table(measures=ON_REQUEST).to_pandas()
    rows = results.estimates.to_table().to_pandas()
    rows = rows[rows.status == "ok"]
    key = ["scenario", "method"]
    for measure, function in zip(ON_REQUEST, (median_bias, mean_absolute_error), strict=True):
        mine = found[found.measure == measure].set_index(key)
        assert len(mine) == 8
        for group, part in rows.groupby(key):
            right = of_errors(function, part.estimate.to_numpy() - 0.3)
            assert (mine.value[group], mine.mcse[group]) == pytest.approx(right, rel=1e-14)
            assert (mine.n_used[group], mine.n_not_used[group]) == (300, 0)
        lost = mine[mine.n_used == 0]  # dummy with a cluster-level x
        assert len(lost) == 2 and lost.value.isna().all() and (lost.n_not_used == 300).all()
    asked = ["--measure", "median_bias", "--format", "json"]
    printed = json.loads(call("summarize", tmp_path / "s", *asked).out)
    assert {row["measure"] for row in printed} == {"median_bias"} and len(printed) == 8
    assert "Median bias" in call("summarize", tmp_path / "s", "--measure", "median_bias").out
    plain = json.loads(call("summarize", tmp_path / "s", "--format", "json").out)
    assert not set(ON_REQUEST) & {row["measure"] for row in plain}


def test_of_anybodys_estimates(tmp_path):
    generator = np.random.Generator(np.random.Philox(7))
    frame = pd.DataFrame({
        "arm": np.repeat(["a", "b"], 60), "method": ["A", "B"] * 60,
        "b": generator.standard_normal(120), "se": 1.0, "truth": np.repeat([0.5, 0.0], 60),
    })  # fmt: skip
    frame.loc[[3, 4], "b"] = np.nan
    given = {"estimate": "b", "std_error": "se", "true": "truth", "by": "arm"}
    found = simstudy.summarize(frame, **given, measure=list(ON_REQUEST))
    assert set(found.measure) == set(ON_REQUEST)
    frame.to_csv(tmp_path / "e.csv", index=False)
    ran = call("summarize", tmp_path / "e.csv", "--estimate", "b", "--std-error", "se", "--true",
               "truth", "--by", "arm", "--measure", *ON_REQUEST, "--format", "json")  # fmt: skip
    right = json.loads(found.to_json(orient="records", double_precision=15))
    assert [row["measure"] for row in json.loads(ran.out)] == [row["measure"] for row in right]
    for name in ("value", "mcse", "n_used"):
        mine = [row[name] for row in json.loads(ran.out)]
        assert mine == pytest.approx([row[name] for row in right], rel=1e-13)
    for measure, function in zip(ON_REQUEST, (median_bias, mean_absolute_error), strict=True):
        for (arm, method), rows in frame.groupby(["arm", "method"]):
            (mine,) = found[
                (found.arm == arm) & (found.method == method) & (found.measure == measure)
            ].itertuples()
            error = (rows.b - rows.truth).dropna().to_numpy()
            assert (mine.value, mine.mcse) == pytest.approx(of_errors(function, error), rel=1e-14)
            assert mine.n_used == error.size
    assert not set(ON_REQUEST) & set(simstudy.summarize(frame, **given).measure)
    with pytest.raises(simstudy.UserError, match="did you mean 'median_bias'"):
        simstudy.summarize(frame, **given, measure=["medianbias"])
