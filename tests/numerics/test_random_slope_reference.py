"""Random slopes against lme4, pbkrtest and lmerTest.

`tests/reference_multi` are six data sets of several kinds, `tests/reference/slopes_*.csv` a
hundred random ones with one to five predictors, a third of them and more with a singular fit, by
(1 + x | g) and (x || g). R's optimiser leaves theta about 1e-7 from the optimum; df are also taken
at R's own theta, where only the numerical derivatives of lmerTest differ.
"""

from __future__ import annotations

import functools
import json

import helpers_slopes as h
import numpy as np
import pandas as pd
import pytest
from helpers_places import TESTS

from simstudy.numerics import random_slope, slope_df

MULTI = TESTS / "reference_multi"
DATA = pd.read_csv(TESTS / "reference" / "slopes_data.csv")
ANSWERS = pd.read_csv(TESTS / "reference" / "slopes_answers.csv")
ABOVE, SAME = 1e-8, 1e-6  # of R's criterion: never so far above; nearer than that is one optimum
OPTIMISER = 2e-6  # R's distance from the optimum, in what follows theta
KENWARD_ROGER, SATTERTHWAITE, SINGULAR = 1e-5, 1e-5, 1e-4
NUMBERS = list(ANSWERS.id.unique())
slow = pytest.mark.slow


class Answer:
    """What R says of one fit, whatever file it comes from."""

    def __init__(self, criterion, theta, sigma2, terms, singular):
        self.criterion, self.sigma2, self.singular = criterion, sigma2, singular
        self.root = np.array([[theta[0], 0.0], [theta[1], theta[2]]])
        self.terms = terms  # estimate, se, kse, kdf, sat; a row a coefficient, NaN under ML


def check(rows, answer, *, reml, correlated):
    """Everything at our optimum, and df at R's; whether the optimum is R's."""
    fit = random_slope.fit(rows, reml=reml, correlated=correlated)
    assert fit.settled[0]
    assert fit.criterion[0] <= answer.criterion + ABOVE
    same = abs(fit.criterion[0] - answer.criterion) <= SAME
    if same:
        assert fit.boundary[0] == answer.singular
        assert fit.sigma2[0] == pytest.approx(answer.sigma2, rel=OPTIMISER)
        g = answer.root @ answer.root.T * answer.sigma2
        scale = OPTIMISER * max(g[0, 0], g[1, 1], answer.sigma2)
        found = np.array(fit.covariance)[:, 0]
        np.testing.assert_allclose(found, [g[0, 0], g[1, 1], g[0, 1]], atol=scale)
        compare(fit, answer, OPTIMISER, reml)
    compare(at_theta(fit, answer), answer, 1e-7, reml)
    return same


def compare(fit, answer, tolerance, reml):
    """Compare estimates, errors and df of every coefficient."""
    for k, (estimate, se, kse, kdf, sat) in enumerate(answer.terms):
        wald = fit.coefficient(k, "wald")
        assert wald.estimate[0] == pytest.approx(estimate, abs=tolerance * se)
        assert np.sqrt(wald.variance[0]) == pytest.approx(se, rel=tolerance)
        if reml:
            adjusted = fit.coefficient(k, "kenward_roger")
            far = SINGULAR if answer.singular else KENWARD_ROGER
            assert np.sqrt(adjusted.variance[0]) == pytest.approx(kse, rel=far)
            assert adjusted.df[0] == pytest.approx(kdf, rel=far)
            far = SINGULAR if answer.singular else SATTERTHWAITE
            assert fit.coefficient(k, "satterthwaite").df[0] == pytest.approx(sat, rel=far)


def at_theta(fit, answer):
    """The same model at R's theta, in the coordinates of the fit."""
    unit, origin = fit.frame.unit[0], fit.frame.origins[0][0]
    known = (
        np.where(np.abs(answer.root) < 1e-5, 0.0, answer.root) if answer.singular else answer.root
    )
    rank = int(np.linalg.matrix_rank(known, tol=1e-5)) if answer.singular else 2
    root = np.array([[1.0, origin], [0.0, unit]]) @ known
    length = np.hypot(*root[0])
    if not fit.fitted.correlated:
        entries = root[0, 0], 0.0, root[1, 1]
    elif rank < 2:
        left, sizes, _ = np.linalg.svd(root)
        entries = (*(left[:, 0] * sizes[0]), 0.0)
    else:  # lower triangular again
        entries = length, root[0] @ root[1] / length, np.linalg.det(root) / length
    arrays = tuple(np.array([value]) for value in entries)
    fitted = slope_df.Fitted(fit.fitted.data, arrays, np.array([rank]), fit.fitted.reml,
                             fit.fitted.correlated)  # fmt: skip
    sigma2 = fitted.at.rss / fitted.data.nu(fitted.reml)
    assert sigma2[0] == pytest.approx(answer.sigma2, rel=1e-7)
    return random_slope.RandomSlope(
        fit.reason, fit.collinear, fit.settled, fitted.rank, fit.covariance, sigma2, fit.criterion,
        fit.index, fitted, fit.frame,
    )  # fmt: skip


@functools.cache
def multi(name):
    answers = json.loads((MULTI / f"{name}.json").read_text())
    (predictor,) = answers["random_slope"]
    names = list(np.atleast_1d(answers["predictors"]))
    names = [predictor, *(other for other in names if other != predictor)]
    data = pd.read_csv(MULTI / f"{name}.csv")
    g = pd.factorize(data.cluster)[0]
    rows = h.rows_of([(g, data[names].to_numpy(dtype=float), data.y.to_numpy())])
    return rows, names, answers["random_slope"][predictor]


@pytest.mark.parametrize("estimator", ["reml", "ml"])
@pytest.mark.parametrize(
    "name", ["sleepstudy_slope", "crt_ancova", "small_three", "singular_slope", "hsb82_three"]
)
def test_several_predictors(name, estimator):
    rows, names, answers = multi(name)
    answer = answers[estimator]
    terms = [_terms(answer, term) for term in ("(Intercept)", *names)]
    known = Answer(
        answer["criterion"], answer["theta"], answer["sigma2"], terms, answer["singular"]
    )
    assert check(rows, known, reml=estimator == "reml", correlated=True)


def _terms(answer, term):
    def entry(kind):
        rows = answer.get(kind, {"terms": []})["terms"]
        return next((row for row in rows if row["term"] == term), {})

    wald, kr = entry("wald"), entry("kenward_roger")
    nothing = float("nan")
    return (wald["estimate"], wald["std_error"], kr.get("std_error", nothing),
            kr.get("df", nothing), entry("satterthwaite").get("df", nothing))  # fmt: skip


@functools.cache
def hundred(number):
    data = DATA[DATA.id == number].dropna(axis=1)
    x = data.drop(columns=["id", "g", "y"]).to_numpy(dtype=float)
    return h.rows_of([(data.g.to_numpy(), x, data.y.to_numpy())])


@slow
@pytest.mark.parametrize("number", NUMBERS)
def test_random_sets(number):
    """Two of the four models of each set, fifty of each."""
    known = ANSWERS[ANSWERS.id == number]
    for (kind, estimator), terms in known.groupby(["kind", "estimator"]):
        if ((kind == "full") + (estimator == "reml") + number) % 2:
            continue
        row = terms.iloc[0]
        table = terms.sort_values("term")[["estimate", "se", "kse", "kdf", "sat"]].to_numpy()
        theta = (row.theta1, row.theta2, row.theta3)
        answer = Answer(row.criterion, theta, row.sigma2, table, bool(row.singular))
        check(hundred(number), answer, reml=estimator == "reml", correlated=kind == "full")


def test_the_random_sets_are_hard_enough():
    """A third singular; lmer's own start and optimiser stop above the optimum of several."""
    fits = ANSWERS[ANSWERS.term == 0]
    assert len(fits) == 400
    assert (fits[fits.estimator == "reml"].groupby("kind").singular.mean() > 1 / 3).all()
    assert (fits.plain > 1e-3).sum() >= 5
    assert set(ANSWERS.groupby("id").term.max()) == {1, 2, 3, 4, 5}
