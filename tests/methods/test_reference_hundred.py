"""A hundred unbalanced data sets whose clusters are very unlike each other, against R's packages.

Of a third of them the criterion of REML or of ML has two optima, which is where a
search can stop at the worse one. R's script and its answers are in tests/reference.
"""

from __future__ import annotations

import functools
import math

import helpers_numerics as h
import numpy as np
import pandas as pd
import pytest

import simstudy

pytestmark = pytest.mark.slow

DATA = pd.read_csv(h.REFERENCE / "hundred_data.csv")
ANSWERS = pd.read_csv(h.REFERENCE / "hundred_answers.csv").set_index("id")
KINDS = ("CR0", "CR1", "CR1S", "CR2", "CR3")
# Least squares agrees to rounding; df of a nearly singular I - B lose some digits.
ROUNDING, ROUNDING_DF = 1e-11, 1e-9
# R's optimiser leaves theta about 1e-7 from the optimum, where the criterion is flat to second
# order; what depends on theta follows it.
CRITERION, OPTIMISER = 1e-8, 2e-6


@functools.cache
def fits(number: int, method: str, **options):
    data = DATA[DATA.id == number]
    (found,) = simstudy.fit(data, "y ~ x + (1 | g)", [{method: options}]).as_dict()["fits"]
    return found


def close(got, expected, relative, what):
    if math.isnan(expected):
        assert got is None, what
    else:
        assert got == pytest.approx(expected, rel=relative), what


def robust(number: int, method: str, prefix: str, kinds):
    answer = ANSWERS.loc[number]
    for kind in kinds:
        error, df = answer[f"{prefix}{kind}_se"], answer[f"{prefix}{kind}_df"]
        found = fits(number, method, se=kind, df="satterthwaite")
        if error < 1e-15:  # zero but for R's rounding: one cluster alone has more than a unit
            assert found["status"] == "no_std_error"
            continue
        close(found["terms"][-1]["std_error"], error, ROUNDING, (kind, "SE"))
        close(found["terms"][-1]["df"], df, ROUNDING_DF, (kind, "df"))


@pytest.mark.parametrize("number", ANSWERS.index)
def test_least_squares(number):
    answer = ANSWERS.loc[number]
    for method, prefix in (("pooled", "ols"), ("dummy", "dummy")):
        found = fits(number, method)["terms"][-1]
        error = answer[f"{prefix}_se"]
        close(found["std_error"], error, ROUNDING, prefix)
        if not math.isnan(error):
            assert found["estimate"] == pytest.approx(answer[f"{prefix}_b"], abs=ROUNDING * error)
    robust(number, "pooled", "", KINDS)
    robust(number, "dummy", "dummy_", [kind for kind in KINDS if kind != "CR1S"])


def optimum(found, answer, prefix):
    """Never a worse criterion than R's best; the fit at that optimum."""
    assert abs(found["criterion"] - answer[f"{prefix}criterion"]) < CRITERION
    theta, error = answer[f"{prefix}theta"], answer[f"{prefix}se"]
    assert math.sqrt(found["tau2"] / found["sigma2"]) == pytest.approx(
        theta, rel=OPTIMISER, abs=1e-6
    )
    assert found["sigma"] == pytest.approx(answer[f"{prefix}sigma"], rel=OPTIMISER)
    slope = found["terms"][-1]["estimate"]
    assert slope == pytest.approx(answer[f"{prefix}b"], abs=OPTIMISER * error)


@pytest.mark.parametrize("number", ANSWERS.index)
def test_random_intercept(number):
    answer = ANSWERS.loc[number]
    for df, error, ddf in (("kenward_roger", "kse", "kdf"), ("satterthwaite", "se", "sat")):
        found = fits(number, "random_intercept", df=df)
        optimum(found, answer, "")
        close(found["terms"][-1]["std_error"], answer[error], OPTIMISER, error)
        close(found["terms"][-1]["df"], answer[ddf], OPTIMISER, ddf)
    found = fits(number, "random_intercept", estimator="ml", df="wald")
    optimum(found, answer, "ml_")
    close(found["terms"][-1]["std_error"], answer["ml_se"], OPTIMISER, "ML")


def test_there_are_sets_with_two_optima():
    """Else the test above would not see a search that misses the better one."""
    assert np.sum(ANSWERS.optima > 1) >= 10
    assert np.sum(ANSWERS.ml_optima > 1) >= 25
