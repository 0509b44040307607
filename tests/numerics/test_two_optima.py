"""A data set whose REML criterion has two minima: the better one, where lme4 stops at the other.

The numbers of lme4 1.1.31 (R 4.2.2, default optimiser and start) are in docs/two-optima.md.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest
from helpers_generators import design, source
from helpers_places import TESTS

import simstudy
from simstudy.analysis.grammar import parse
from simstudy.analysis.model import model
from simstudy.generators.streams import CLUSTERS, chunk_length
from simstudy.numerics import likelihood, screen, weighted
from simstudy.numerics.batches import cut, join
from simstudy.numerics.gram import within

pytestmark = pytest.mark.slow

HERE = TESTS
DATA, FAULTS = HERE / "data" / "two_optima.csv", HERE / "data" / "faults"
FORMULA = "y ~ x + (1 | cluster)"
# what lme4 returns, and what it returns when it is started at the right place (theta 6)
LME4 = {"theta": 0.43070153547785906, "criterion": 50.08821935801051, "slope": -0.7534499}
BEST = {"theta": 5.7397532501935, "criterion": 49.63427590845817, "slope": 1.46521341520700,
        "sigma": 0.51509012118522}  # fmt: skip


def profile_criterion(frame, theta):
    moments = model(frame, parse(FORMULA)).moments
    psi = np.array([theta**2])
    at = weighted.profile(moments, within(moments), psi)
    return likelihood.criterion(moments, at, psi, True, 2)[0]


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
    moments = model(frame, parse(FORMULA)).moments
    at = weighted.profile(moments, within(moments), np.array([LME4["theta"] ** 2]))
    assert at.slope[0] == pytest.approx(LME4["slope"], rel=1e-7)
    assert fitted(frame).terms[1]["estimate"] > 1.4


# right values: dense profiles of the criterion, and lme4 from the right start
@pytest.mark.parametrize(
    ("file", "estimator", "right"),
    [
        ("opt_F_ml", "ml", {"criterion": 774.3114, "tau2": 0.28574, "slope": 0.05887,
                            "se": 0.13467}),
        ("opt_I_reml", "reml", {"criterion": 141.5655, "slope": -0.02322, "se": 0.12951,
                                "df": 50.14}),
        ("opt_D_reml", "reml", {"criterion": 177.6285, "se": 0.15427, "df": 27.6}),
        ("opt_K_reml", "reml", {"criterion": 56.4016, "tau2": 0.848}),
        ("lme4_17_twopairs_ml_false_zero", "ml", {"criterion": 85.0878, "tau2": 0.564,
                                                  "slope": -0.22347}),
    ],
)  # fmt: skip
def test_few_clusters_unlike_the_rest(file, estimator, right):
    method = {"random_intercept": {"estimator": estimator}}
    (one,) = simstudy.fit(FAULTS / f"{file}.csv", "y ~ x + (1 | g)", [method]).fits
    slope = one.terms[1]
    found = one.numbers | {"slope": slope["estimate"], "se": slope["std_error"], "df": slope["df"]}
    assert one.status == "ok"
    for name, value in right.items():
        half = 0.5 * 10.0 ** -len(repr(value).split(".")[1])
        assert found[name] == pytest.approx(value, rel=5e-5, abs=1.01 * half), name


def test_a_study_of_such_clusters_has_the_rate_of_the_true_optimum(tmp_path):
    """.107 on another thousand data sets; the search that missed a fifth of them said .158."""
    fields = {"n_clusters": 41, "cluster_size": {"sizes": [200] + [2] * 40}, "icc": 0.2,
              "x_icc": 1, "slope": 0}  # fmt: skip
    study = {"name": "dominated", "seed": 1, "replications": 1000, "scenarios": fields,
             "methods": [{"random_intercept": {"estimator": "ml"}}]}  # fmt: skip
    rows = simstudy.run(study, results=tmp_path, report=False, warn=print).estimates.to_table()
    rejected, boundary = true_optima(design(**fields), 1000)
    # the grid of the profile is not refined: a p-value may lie on the other side of .05
    assert abs(np.mean(rows["p_value"].to_numpy() < 0.05) - rejected) <= 0.001
    assert np.mean(rows["status"].to_numpy() == "boundary") == boundary
    assert abs(rejected - 0.107) < 4 * (2 * 0.107 * 0.893 / 1000) ** 0.5


def true_optima(of, n_reps):
    """Share of |z| > 1.96 and of tau2 = 0 at the least of the ML criterion on 1,500 points."""
    data = source(of)
    chunks = -(-n_reps // chunk_length(of.scenario, CLUSTERS))
    moments = cut(join([data.moments(CLUSTERS, k) for k in range(chunks)]), 0, n_reps)
    inner = within(moments)
    best, at_best, z = np.full(n_reps, np.inf), np.zeros(n_reps), np.zeros(n_reps)
    for value in [0.0, *np.geomspace(1e-5, 1e4, 1499)]:
        psi = np.full(n_reps, value)
        at = weighted.profile(moments, inner, psi)
        criterion = likelihood.criterion(moments, at, psi, False, 2)
        better = criterion < best
        error = np.sqrt(at.rss / moments.n_obs / at.d)
        best, at_best = np.where(better, criterion, best), np.where(better, psi, at_best)
        z = np.where(better, at.slope / error, z)
    return np.mean(np.abs(z) > 1.959963984540054), np.mean(at_best == 0)


def counting():
    spec = importlib.util.spec_from_file_location(
        "two_optima", HERE.parent / "benchmarks" / "two_optima.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "sizes",
    ["1x200+40x2", "1x50+24x1", "1x60+14x3", "20x2+1x20+1x1", "26x1+2x2", "15x1+2x10",
     "lognormal:20", "uniform1-3:13", "1x1000+11x2"],
)  # fmt: skip
def test_no_optimum_is_overlooked(sizes):
    """Against a profile of 1,500 points: up to a tenth of these were missed by 4 or 7 points."""
    missed, fitted = counting().count(sizes, 300)
    assert sum(missed.values()) == 0
    assert min(fitted.values()) > 150


def test_what_is_mildly_unbalanced_is_not_looked_at_again():
    rng = np.random.default_rng(1)
    module = counting()
    for sizes in (rng.integers(5, 36, (30, 200)), np.repeat([[10], [30]], 15, axis=0)):
        data = module.draw(rng, sizes, 0.0, 0.5, 200)
        calls = []

        def score(index, psi, data=data, calls=calls):
            calls.append(index.size)
            return np.broadcast_to(-psi, index.shape)

        screen.brackets(data.weights, data.n_reps, data.n_obs / data.n_clusters, score)
        assert calls == [200] * 4


def test_a_fit_does_not_depend_on_its_batch():
    """Nor does a found optimum move by a bit where more points are looked at."""
    module = counting()
    rng = np.random.default_rng(3)
    data = module.draw(rng, module.sizes_of("lognormal:20")(rng, 300), 0.1, 0.5, 300)
    method = simstudy.registry.configure("random_intercept")
    whole = method.fit(data)
    parts = [method.fit(cut(data, k, k + 100)) for k in (0, 100, 200)]
    for name in ("estimate", "std_error", "df", "tau2"):
        assert np.concatenate([getattr(p, name) for p in parts]).tolist() == (
            getattr(whole, name).tolist()
        )
