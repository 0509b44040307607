"""A data set whose REML criterion has two minima: the better one, where lme4 stops at the other.

The numbers of lme4 1.1.31 (R 4.2.2, default optimiser and start) are in docs/two-optima.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simstudy
from simstudy.numerics import likelihood, weighted
from simstudy.numerics.gram import within
from simstudy.real.data import read
from simstudy.real.formula import parse

DATA = Path(__file__).parent / "data" / "two_optima.csv"
FORMULA = "y ~ x + (1 | cluster)"
# what lme4 returns, and what it returns when it is started at the right place (theta 6)
LME4 = {"theta": 0.43070153547785906, "criterion": 50.08821935801051, "slope": -0.7534499}
BEST = {"theta": 5.7397532501935, "criterion": 49.63427590845817, "slope": 1.46521341520700,
        "sigma": 0.51509012118522}  # fmt: skip


def profile_criterion(frame, theta):
    moments = read(frame, parse(FORMULA)).moments()
    psi = np.array([theta**2])
    at = weighted.profile(moments, within(moments), psi)
    return likelihood.criterion(moments, at, psi, True)[0]


def fitted(frame):
    (one,) = simstudy.fit(frame, FORMULA, [{"random_intercept": {"df": "wald"}}]).fits
    return one


def test_balanced_data_give_the_better_optimum():
    one = fitted(pd.read_csv(DATA))
    assert one.numbers["criterion"] == pytest.approx(BEST["criterion"], rel=1e-12)
    # 1e-7: lme4's optimiser stops when the criterion no longer moves
    theta = (one.numbers["tau2"] / one.numbers["sigma2"]) ** 0.5
    assert theta == pytest.approx(BEST["theta"], rel=1e-7)
    assert one.terms[1]["estimate"] == pytest.approx(BEST["slope"], rel=1e-7)
    assert one.numbers["sigma"] == pytest.approx(BEST["sigma"], rel=1e-7)


def test_the_other_optimum_is_real_and_worse():
    frame = pd.read_csv(DATA)
    theta = LME4["theta"]
    here = profile_criterion(frame, theta)
    assert here == pytest.approx(LME4["criterion"], rel=1e-9)
    assert here < min(profile_criterion(frame, theta * f) for f in (0.9, 0.98, 1.02, 1.1))
    assert here - fitted(frame).numbers["criterion"] > 0.45


@pytest.mark.parametrize(
    ("dropped", "stuck", "best"),
    [(1, 47.07591, 46.49518), (3, 48.02567, 43.91867), (8, 48.13442, 47.80432)],
)
def test_unbalanced_data_give_the_better_optimum(dropped, stuck, best):
    """Without one unit; `stuck` and `best` are lme4's from its own start and from theta 6."""
    frame = pd.read_csv(DATA).drop(index=dropped - 1)
    found = fitted(frame).numbers["criterion"]
    assert found == pytest.approx(best, abs=1e-5)
    assert found < stuck - 0.3


def test_both_signs_of_the_slope_are_at_stake():
    frame = pd.read_csv(DATA)
    moments = read(frame, parse(FORMULA)).moments()
    at = weighted.profile(moments, within(moments), np.array([LME4["theta"] ** 2]))
    assert at.slope[0] == pytest.approx(LME4["slope"], rel=1e-7)
    assert fitted(frame).terms[1]["estimate"] > 1.4
