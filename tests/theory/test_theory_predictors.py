"""Theory where models have covariates, leave some out, or slopes vary.

30,000 replications of each kind of scenario, every measure within 4 MCSE of every answer that
is called exact; a trial with a baseline against rows drawn and fitted longhand.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers_simulation import Single, merge, rows_of, study
from scipy import special
from scipy.stats import norm
from scipy.stats import t as student

from simstudy.generators.scenario import Correlation, Covariate, GivenX, Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.measures.catalog import finish
from simstudy.measures.record import Cells
from simstudy.measures.totals import COLUMNS, of_block
from simstudy.runner.execute import execute
from simstudy.runner.plan import plan
from simstudy.runner.task import run_task
from simstudy.store.results_folder import ResultsFolder
from simstudy.summary.study import summarize_study
from simstudy.theory import balanced, quadrature
from simstudy.theory.answers import LAWS, MEASURES, answer
from simstudy.theory.covariates import in_place_of_x
from simstudy.theory.design_effect import design_effect
from simstudy.theory.omission import of_all, of_means, of_units

N = 16_000
POOLED = {"se": "classical", "df": "residual"}
REML = {"estimator": "reml", "df": "kenward_roger"}
MEANS = {"weights": "equal", "df": "residual"}
USUAL = {"pooled": POOLED, "dummy": POOLED, "random_intercept": REML, "cluster_means": MEANS}
ASKED = [
    {"pooled": {}},
    {"pooled": {"df": "wald"}},
    {"dummy": {}},
    {"dummy": {"df": "clusters"}},
    {"cluster_means": {}},
    *({"random_intercept": {"df": df}} for df in
      ("kenward_roger", "satterthwaite", "between_within", "residual")),
    {"random_intercept": {"estimator": "ml", "df": "satterthwaite"}},
]  # fmt: skip
BASE = {"n_clusters": 6, "cluster_size": 5, "icc": 0.3, "x_icc": 1.0, "slope": 0.5}
LISTED = {"n_clusters": None, "cluster_size": {"sizes": [2, 3, 4, 1]}}
BLOCKED = {"x": "binary_blocked", "x_icc": None, "cluster_size": 4}
TRIAL = {"x": "binary", "n_clusters": 8}


def z(icc, slope=0.8, **x):
    """A covariate of a study file, with correlations with x."""
    more = {"correlation": {"x": x.get("both", x)}} if x else {}
    return {"icc": icc, "slope": slope} | more


# scenario -> methods whose coverage must be known exactly: by their first letters with all
# covariates, and without z (o), and of the slope of z (z)
KINDS = {
    "cluster-level": ({"covariates": {"z": z(1, both=0.5)}}, "p r c po ro co pz rz cz"),
    "cluster-level, two": ({"n_clusters": 8, "covariates": {"z": z(1, both=0.5), "w": z(1)}},
                           "p r c po ro co pz rz cz"),
    "cluster-level x": ({"covariates": {"z": z(0.4, both=0.5)}}, "c po ro co cz dz"),
    "mixed": (
        {"x_icc": 0.5, "covariates": {"z": z(0.2, within=0.4, between=-0.5)}}, "d c do co dz cz"),
    "mixed, one slope": ({"x_icc": 0.5, "covariates": {"z": z(0.5, both=0.5)}}, "d c do co dz cz"),
    "mixed, three": (
        {"n_clusters": 7, "x_icc": 0.3, "covariates": {
            "z": z(0.5, both=0.5), "v": z(1, 0.3, both=-0.4),
            "w": z(0.3, 0.4, both=0.3) | {"correlation": {
                "x": 0.3, "z": {"within": -0.2, "between": 0.4}}}}},
        "d c do co dz cz"),
    "a unit's own": ({"x_icc": 0.0, "slope": 0, "covariates": {"z": z(0, both=0.6)}},
                     "p d c do co dz cz"),
    "a unit's own, independent": ({"x_icc": 0.0, "slope": 0, "covariates": {"z": z(0.6)}},
                                  "p d c po do co dz cz"),
    "no icc": (
        {"icc": 0, "x_icc": 0, "covariates": {"z": z(0.6), "w": z(0, both=0.5)}}, "p d c do co"),
    "random sizes": (
        {"cluster_size": {"uniform": [2, 6]}, "x_icc": 0.3, "slope": 0,
         "covariates": {"z": z(0.5, both=0.5), "w": {"type": "binary", "icc": 0}}}, "d"),
    "trial, baseline of clusters": (TRIAL | {"covariates": {"z": z(1), "w": z(1)}},
                                    "p r c po ro co pz rz cz"),
    "trial, baseline": (TRIAL | {"n_clusters": 7, "covariates": {"z": z(0.4)}}, "c po ro co dz cz"),
    "trial, strata": (
        TRIAL | {"slope": 0, "covariates": {"z": {"type": "binary", "icc": 1, "slope": 0.6}}},
        "p r c"),
    "trial, no icc": (TRIAL | {"n_clusters": 7, "icc": 0, "covariates": {"z": z(0)}},
                      "p c po ro co pz dz cz"),
    "trial, clusters of one": (
        TRIAL | {"n_clusters": 9, "cluster_size": 1, "covariates": {"z": z(0.5)}},
        "p c po co pz cz"),
    "blocked": (BLOCKED | {"covariates": {"z": z(0.4), "w": z(1)}}, "d do dz"),
    "blocked, listed": (LISTED | BLOCKED | {"cluster_size": {"sizes": [2, 3, 4, 1]},
                                            "covariates": {"z": z(0.4)}}, "d do dz"),
    "strata of both kinds": (
        {"x_icc": 0.3, "covariates": {"z": {"type": "binary", "icc": 1, "slope": 0.5},
                                      "w": {"type": "binary_blocked", "slope": 0.5}}}, "d"),
    "slopes": (BLOCKED | {"slope_sd": 0.7, "slope_correlation": 0.5, "covariates": {"z": z(0.4)}},
               "do"),
    "slopes of pairs": (
        BLOCKED | {"cluster_size": 2, "slope_sd": 0.7, "covariates": {"z": z(1)}}, "d do"),
    "slopes, contextual effect": (
        BLOCKED | {"slope_sd": 1.2, "contextual_effect": 0.5, "total_variance": 2.0}, "d"),
}  # fmt: skip


def simulate(design, asked, n=N, seed=20240417):
    """The study, and totals of each method about its own true value."""
    one = study({k: v for k, v in design.items() if v is not None}, asked, n, seed)
    (scenario,) = (design.scenario for design in one.designs)
    found = [[] for _ in one.methods]
    for task in plan(one, []):
        for blocks, method, estimates in zip(found, one.methods, run_task(task), strict=True):
            columns = {name: getattr(estimates, name) for name in COLUMNS}
            blocks.append(of_block(columns, method.truth(scenario), one.alpha))
    return one, scenario, [Single(merge(blocks)) for blocks in found]


def compared(design, asked, n=N):
    """(method, measure) -> z of what is exact, and (value, MCSE, answer) of what is not."""
    one, scenario, totals = simulate(design, asked, n)
    exact, limits = {}, {}
    for method, of in zip(one.methods, totals, strict=True):
        options, truth = dict(method.options), method.truth(scenario)
        for row in rows_of(finish(Cells(of.totals, one.alpha, truth))):
            alpha = None if math.isnan(row.alpha) else row.alpha
            theory = answer(scenario, method.name, options, row.measure, alpha, method.omit,
                            method.estimand)  # fmt: skip
            if theory is None or row.n_used == 0:
                continue
            spread = mcse_of(row, theory.value)
            if theory.kind == "exact":
                off = row.value - theory.value
                exact[method.canonical, row.measure] = 0.0 if abs(off) < 1e-12 else off / spread
            else:
                limits[method.canonical, row.measure] = row.value, spread, theory.value
    return exact, limits


def mcse_of(row, truth):
    """MCSE of a proportion at its true value; of other measures as estimated."""
    scale = row.alpha if row.measure == "type1_inflation" else 1.0
    if row.measure in ("rejection_rate", "coverage", "share_boundary", "type1_inflation"):
        rate = min(max(truth * scale, 0.0), 1.0)
        return math.sqrt(rate * (1.0 - rate) / row.n_used) / scale
    return row.mcse


def asked_of(covariates):
    """Every method with all covariates, without z, and for the slope of z."""
    if "z" not in covariates:
        return ASKED
    return [
        {name: options | more}
        for more in ({}, {"omit": ["z"]}, {"estimand": "z"})
        for one in ASKED
        for name, options in one.items()
    ]


def known(design, asked):
    """Of what is asked that of which anything is known exactly: the rest need not be simulated."""
    one = study({k: v for k, v in design.items() if v is not None}, asked, 1)
    (scenario,) = (design.scenario for design in one.designs)

    def is_known(method):
        found = [answer(scenario, method.name, dict(method.options), measure, alpha, method.omit,
                        method.estimand)
                 for measure in MEASURES for alpha in (None, *one.alpha)]  # fmt: skip
        return any(of is not None and of.kind == "exact" for of in found)

    return [entry for entry, method in zip(asked, one.methods, strict=True) if is_known(method)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_simulations_agree_with_every_exact_answer(kind):
    changes, required = KINDS[kind]
    design = BASE | changes
    exact, _ = compared(design, known(design, asked_of(design.get("covariates", {}))))
    worst = max(exact, key=lambda key: abs(exact[key]))
    print(f"{kind}: {len(exact)} answers, worst {worst} {exact[worst]:+.2f}")
    assert abs(exact[worst]) < 4, worst
    names = {"p": "pooled", "d": "dummy", "r": "random_intercept", "c": "cluster_means"}
    tails = {"": "", "o": "[omit=z]", "z": "[estimand=z]"}
    for token in required.split():
        measure = "rejection_rate" if design["slope"] == 0 else "coverage"
        assert (names[token[0]] + tails[token[1:]], measure) in exact


@pytest.mark.slow
@pytest.mark.parametrize("level", ["clusters", "units"])
def test_simulations_agree_for_predictors_from_a_file(tmp_path, level):
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(7), 4)
    columns = rng.standard_normal((2, 7))[:, school]
    if level == "units":
        columns = columns + rng.standard_normal((2, 28))
    file = tmp_path / "x.csv"
    lines = [f"{k},{a!r},{b!r}" for k, a, b in zip(school, *columns.tolist(), strict=True)]
    file.write_text("\n".join(["school,x,z", *lines]) + "\n")
    where = {"file": str(file), "column": "x", "cluster": "school"}
    design = {"icc": 0.3, "slope": 0, "x": where,
              "covariates": {"z": {"column": "z", "slope": 0.5}, "w": z(1)}}  # fmt: skip
    exact, limits = compared(design, ASKED)
    print(f"{level}: {len(exact)} answers, worst {max(exact.values(), key=abs):+.2f}")
    assert max(map(abs, exact.values())) < 4
    names = ("pooled", "random_intercept") if level == "clusters" else ()
    for name in (*names, "cluster_means"):
        assert (name, "rejection_rate") in exact
    assert (("pooled", "rejection_rate") in limits) == (level == "units")


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"x_icc": 0.4, "slope_sd": 0.4, "slope_correlation": 0.5, "slope": 0},
        {"x_icc": 1.0, "slope_sd": 0.3, "slope": 0, "covariates": {"w": z(0.3)}},
        {"x_icc": 0.5, "slope_sd": 0.5, "slope": 0, "total_variance": 2.0},
        {"x_icc": 0.5, "covariates": {"z": z(0.2, within=0.4, between=-0.5)}},
        {"x_icc": 0.5, "slope": 0, "covariates": {
            "z": z(0.2, within=0.4, between=-0.5), "w": z(0.8, both=0.3)}},
    ],
    ids=repr,
)  # fmt: skip
def test_asymptotic_answers_hold_for_many_clusters(changes):
    covariates = changes.get("covariates", {})
    asked = [{"pooled": {}}, {"dummy": {}}]
    asked += [{"pooled": {"omit": ["z"]}}] if "z" in covariates else []
    exact, limits = compared(BASE | {"n_clusters": 500} | changes, asked, 10_000)
    assert max(map(abs, exact.values())) < 4
    assert limits
    for key, (value, spread, limit) in limits.items():
        print(f"{key}: {(value - limit) / spread:+.2f} MCSE of {limit:.4f}")
        assert abs(value - limit) < 4 * spread + 0.004 * max(abs(limit), 0.05), key


@pytest.mark.slow
def test_the_case_where_a_covariate_hides_the_icc_of_x():
    """x_icc 0, but what z leaves of x is shared: size .099, by the design effect .097."""
    covariates = {"z": {"icc": 0.5, "slope": 0.8, "correlation": {"x": {"within": 0.6}}}}
    design = {"n_clusters": 10, "cluster_size": 10, "icc": 0.4, "x_icc": 0.0, "slope": 0}
    _, limits = compared(design | {"covariates": covariates}, [{"pooled": {}}], 100_000)
    value, spread, limit = limits["pooled", "rejection_rate"]
    print(f"size {value:.5f} ({spread:.5f}), by the design effect {limit:.5f}")
    assert abs(value - 0.099) < 4 * spread + 5e-4
    assert limit == pytest.approx(0.0970, abs=5e-4)


# A trial with a baseline, longhand


def trial(rng, j, n, icc, baseline, n_reps):
    """Rows of a cluster-randomised trial with a baseline: x, z and y, shape (n_reps, J n)."""
    x = np.tile(np.repeat([1.0, 0.0], [j // 2, j - j // 2])[:, None], (n_reps, 1, n))
    a, u = rng.standard_normal((2, n_reps, j, 1))
    z_ = math.sqrt(0.3) * a + math.sqrt(0.7) * rng.standard_normal((n_reps, j, n))
    noise = math.sqrt(icc) * u + math.sqrt(1 - icc) * rng.standard_normal((n_reps, j, n))
    return x, z_, baseline * z_ + noise


def slope_tests(columns, y, k, value, absorbed=0):
    """Least squares of every data set (rows): |t| of coefficient k against `value`, and itself."""
    design = np.stack(columns, axis=-1)
    across = design.transpose(0, 2, 1)
    inverse = np.linalg.inv(across @ design)
    coefficients = inverse @ (across @ y[..., None])
    rss = ((y[..., None] - design @ coefficients) ** 2).sum(axis=(1, 2))
    df = y.shape[1] - len(columns) - absorbed
    found = coefficients[:, k, 0]
    return abs(found - value) / np.sqrt(inverse[:, k, k] * rss / df), df, found


@pytest.mark.slow
@pytest.mark.parametrize("baseline", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("j", [10, 30])
def test_a_trial_with_a_baseline_against_rows(j, baseline):
    n, icc, n_rows = 6, 0.2, 6000
    drawn = trial(np.random.default_rng(j), j, n, icc, baseline, n_rows)
    x, z_, y = (array.reshape(n_rows, -1) for array in np.broadcast_arrays(*drawn))
    means = [array.mean(axis=2) for array in drawn]
    within = [(array - array.mean(axis=2, keepdims=True)).reshape(n_rows, -1) for array in drawn]
    one, ones = np.ones_like(y), np.ones_like(means[2])
    found = {
        "pooled": slope_tests([one, x, z_], y, 1, 0.0),
        "pooled[omit=z]": slope_tests([one, x], y, 1, 0.0),
        "cluster_means": slope_tests([ones, means[0], means[1]], means[2], 1, 0.0),
        # as with a dummy for each cluster, whose j coefficients deviations from means absorb
        "dummy[estimand=z]": slope_tests([within[1]], within[2], 0, baseline, absorbed=j),
    }
    asked = [{"pooled": {}}, {"pooled": {"omit": ["z"]}}, {"cluster_means": {}},
             {"dummy": {"estimand": "z"}}]  # fmt: skip
    design = {"n_clusters": j, "cluster_size": n, "icc": icc, "x_icc": 1, "slope": 0, "x": "binary",
              "covariates": {"z": z(0.3, baseline)}}  # fmt: skip
    study_, scenario, totals = simulate(design, asked)
    for (key, rows), method, of in zip(found.items(), study_.methods, totals, strict=True):
        t, df, estimates = rows
        rejected = (t > student.ppf(0.975, df)).mean()
        cells = Cells(of.totals, study_.alpha, method.truth(scenario))
        by_package = {row.measure: row.value for row in rows_of(finish(cells))}
        simulated = 1.0 - by_package["coverage"]
        spread = math.sqrt(simulated * (1 - simulated) * (1 / n_rows + 1 / N))
        off = (rejected - simulated) / spread
        sd = by_package["empirical_se"]
        of_sd = (estimates.std(ddof=1) / sd - 1) * math.sqrt(2 / (1 / n_rows + 1 / N))
        name, _, tail = key.partition("[")
        theory = answer(
            scenario, name, USUAL[name], "coverage", 0.05, ("z",) if "omit" in tail else (),
            "z" if "estimand" in tail else "slope",
        )  # fmt: skip
        by_theory = (rejected - 1 + theory.value) / math.sqrt(
            theory.value * (1 - theory.value) / n_rows
        )
        print(f"{j} {baseline} {key}: {off:+.2f} {of_sd:+.2f} {theory.kind} {by_theory:+.2f}")
        assert abs(off) < 4
        assert abs(of_sd) < 4
        if theory.kind == "exact":
            assert abs(by_theory) < 4
        assert (theory.kind == "exact") == (key != "pooled")


# Limits and identities


def scenario(j=10, n=10, icc=0.1, x_icc: float | None = 1.0, slope=0.0, **more) -> Scenario:
    size = n if isinstance(n, SizeRule) else SizeRule("fixed", (n,))
    return Scenario(j, size, icc, x_icc, slope, **more)


def covariate(name="z", icc=0.4, slope=0.5, type="normal", **r) -> Covariate:
    pairs = tuple(Correlation(other, *levels) for other, levels in r.items())
    return Covariate(name, icc, slope, type, pairs)


WITH = (covariate(x=(0.5, 0.3)), covariate("w", 1.0, 0.3, x=(None, 0.2)))
SHAPES = [
    scenario(), scenario(x_icc=0.0, icc=0.3), scenario(x_icc=0.5, slope=0.3), scenario(x="binary"),
    scenario(x="binary_blocked", x_icc=None, slope=0.2), scenario(n=SizeRule("poisson", (5.0,))),
    scenario(5, 4, 0.2, contextual_effect=0.4, x_icc=0.5),
]  # fmt: skip


def everything(s, omit=(), estimand="slope"):
    return {
        (name, measure): answer(s, name, options, measure, 0.05, omit, estimand)
        for name, options in USUAL.items()
        for measure in MEASURES
    }


@pytest.mark.parametrize("s", SHAPES, ids=repr)
def test_what_says_nothing_of_y_may_be_left_out(s):
    """Covariates without a slope, or slopes that vary by nothing: the answers there were."""
    if s.x == "normal":
        idle = tuple(replace(one, slope=0.0) for one in WITH)
    else:
        idle = (covariate(slope=0.0), covariate("w", slope=0.0, type="binary", icc=0.0))
    assert everything(replace(s, covariates=idle), ("z", "w")) == everything(s)
    assert everything(replace(s, slope_sd=0.0, slope_correlation=0.5)) == everything(s)


def test_an_independent_covariate_left_out_is_more_variance():
    s = scenario(8, 5, 0.2, 0.5, 0.3, total_variance=1.5, covariates=(covariate("z", 0.4, 0.8),))
    total = 1.5 + 0.64
    plain = replace(s, covariates=(), icc=(0.3 + 0.64 * 0.4) / total, total_variance=total)
    found, expected = everything(s, ("z",)), everything(plain)
    assert found.keys() == expected.keys()
    for key, one in expected.items():
        assert (found[key] is None) == (one is None)
        if one is not None:
            assert found[key] == (pytest.approx(one.value, rel=1e-12), one.kind)


def test_the_bias_of_omission_is_the_closed_form():
    gamma, r_w, r_b, z_icc, x_icc = 0.8, 0.4, -0.5, 0.2, 0.5
    s = scenario(x_icc=x_icc, covariates=(covariate("z", z_icc, gamma, x=(r_w, r_b)),))
    total = r_b * math.sqrt(x_icc * z_icc) + r_w * math.sqrt((1 - x_icc) * (1 - z_icc))
    found = everything(s, ("z",))
    assert found["pooled", "bias"] == (pytest.approx(gamma * total), "asymptotic")
    inner = gamma * r_w * math.sqrt((1 - z_icc) / (1 - x_icc))
    assert found["dummy", "bias"] == (pytest.approx(inner), "exact")
    assert found["random_intercept", "bias"] is None
    of_cluster = scenario(covariates=(covariate("z", z_icc, gamma, x=(None, r_b)),))
    found = everything(of_cluster, ("z",))
    for name in ("pooled", "random_intercept", "cluster_means"):
        truth = gamma * r_b * math.sqrt(z_icc)
        assert found[name, "bias"] == (pytest.approx(truth), "exact")


def test_one_law_seen_from_three_sides():
    """Where one slope holds at both levels, the three views of what is left out are one."""
    s = scenario(x_icc=0.4, covariates=(covariate("z", 0.4, 0.8, x=(0.5, 0.5)),))
    whole, units, means = (of(s, ("z",)) for of in (of_all, of_units, of_means))
    assert whole.linear
    assert units.drift == pytest.approx(whole.drift)
    assert means.drift == pytest.approx(whole.drift)
    assert units.scenario.sigma2 == pytest.approx(whole.scenario.sigma2)
    assert means.scenario.tau2 == pytest.approx(whole.scenario.tau2)


@pytest.mark.parametrize("name", ["z", "w"])
def test_a_covariate_in_the_place_of_x_and_back(name):
    s = scenario(8, 5, x_icc=0.6, slope=0.2, covariates=WITH)
    there = in_place_of_x(s, name)
    for key, one in everything(in_place_of_x(there, name)).items():
        expected = everything(s)[key]
        assert one == (expected and (pytest.approx(expected.value, abs=1e-12), expected.kind))
    assert there.slope == s.slope_of(name)
    assert everything(s, estimand=name) == everything(there)


def test_covariates_of_clusters_are_nothing_to_dummies():
    s = scenario(6, 4, 0.2, 0.5, 0.3)
    given = GivenX(np.full(6, 4), np.repeat(np.arange(6.0), 4), "")
    for one in (covariate("w", 1.0), covariate("w", 1.0, type="binary"),
                Covariate("w", None, 0.5, "file", given=given)):  # fmt: skip
        for omit in ((), ("w",)):
            for measure in MEASURES:
                found = answer(replace(s, covariates=(one,)), "dummy", POOLED, measure, 0.05, omit)
                assert found == answer(s, "dummy", POOLED, measure, 0.05)


@pytest.mark.parametrize("p", [1, 2, 4])
def test_the_pooled_test_of_p_predictors_by_imhof(p):
    j, n, icc = 9, 6, 0.2
    left = balanced.cluster_level(j, n, icc, p)
    limit = student.ppf(0.975, j * n - 1 - p)
    lam, k = 1 + (n - 1) * icc, limit**2 / (j * n - 1 - p)
    weights = np.array([k, k * (1 - icc) / lam])
    by_imhof = float(quadrature.exceeds(weights, np.array([j - 1 - p, j * n - j])))
    assert balanced.naive(left, limit) == pytest.approx(by_imhof, abs=1e-13)
    others = tuple(covariate(f"z{k}", 1.0) for k in range(p - 1))
    s = scenario(j, n, icc, covariates=others)
    assert everything(s)["pooled", "rejection_rate"].value == pytest.approx(by_imhof, abs=1e-13)
    assert everything(s)["cluster_means", "rejection_rate"].value == pytest.approx(0.05, abs=1e-14)
    share = special.fdtr(j - 1 - p, j * (n - 1), (1 - icc) / lam)
    assert everything(s)["random_intercept", "share_boundary"].value == pytest.approx(share)


def test_a_part_of_a_noncentrality_is_its_mean_over_a_beta():
    t, df, squared, part, lost = 2.3, 8, 3.0, 5, 2
    found = quadrature.two_sided(t, df, quadrature.noncentrality(squared, part, lost))
    at, weight = special.roots_jacobi(60, lost / 2 - 1, part / 2 - 1)
    each = [quadrature.two_sided(t, df, quadrature.noncentrality(squared * (1 + a) / 2))
            for a in at]  # fmt: skip
    assert float(found) == pytest.approx(np.array(each) @ weight / weight.sum(), abs=1e-12)
    none = quadrature.two_sided(t, df, quadrature.noncentrality(1e-9, part, lost))
    assert none == pytest.approx(2 * student.sf(t, df), rel=1e-6)


def test_the_design_effect_is_of_what_covariates_leave_of_x():
    s = scenario(10, 10, 0.4, 0.0, covariates=(covariate("z", 0.5, 0.8, x=(0.6, None)),))
    along = 0.6 * math.sqrt(0.5)  # of x on z; x has variance 1, as has z
    left = along**2 * 0.5 / (1 - along**2)
    assert design_effect(s) == pytest.approx(1 + 9 * 0.4 * left, rel=1e-12)
    assert design_effect(replace(s, covariates=())) == 1.0
    independent = scenario(10, 10, 0.4, 0.3, covariates=(covariate(),))
    assert design_effect(independent) == design_effect(replace(independent, covariates=()))


def test_the_design_effect_of_a_file_given_a_file():
    rng = np.random.default_rng(4)
    sizes = np.full(5, 4)
    a, b = rng.standard_normal((2, 20)) + np.repeat(rng.standard_normal((2, 5)), 4, axis=1)
    x, z_ = (GivenX(sizes, values, "") for values in (a, a + b))
    s = scenario(5, 4, 0.3, None, x="file", given=x,
                 covariates=(Covariate("z", None, 0.5, "file", given=z_),))  # fmt: skip
    left = a - np.polyval(np.polyfit(a + b, a, 1), a + b)
    sums = left.reshape(5, 4).sum(axis=1)
    assert design_effect(s) == pytest.approx(1 + 0.3 * ((sums**2).sum() / (left**2).sum() - 1))


@pytest.mark.parametrize("x_icc", [0.0, 0.4, 1.0])
def test_the_design_effect_of_slopes_that_vary_by_moments(x_icc):
    """The variance of a cluster's part of the score by Isserlis's theorem, longhand."""
    n, icc, sd = 6, 0.2, 0.5
    s = scenario(10, n, icc, x_icc, slope_sd=sd)
    cov = x_icc * np.ones((n, n)) + (1 - x_icc) * np.eye(n)
    v = icc * np.ones((n, n)) + (1 - icc) * np.eye(n)
    fourth = sum(cov[i, i] * cov[k, k] + 2 * cov[i, k] ** 2 for i in range(n) for k in range(n))
    score = (cov * v).sum() + sd**2 * fourth
    assert design_effect(s) == pytest.approx(score / (n * (1 + sd**2)))
    size = 2 * norm.sf(1.959963984540054 / math.sqrt(design_effect(s)))
    assert everything(s)["pooled", "rejection_rate"] == (pytest.approx(size), "asymptotic")


# What has no answer

CORRELATED = (covariate(x=(0.5, 0.3)),)
BINARY = (covariate("z", 1.0, type="binary"),)


@pytest.mark.parametrize(
    ("s", "name", "omit", "measure"),
    [
        (scenario(covariates=CORRELATED), "random_intercept", (), "rejection_rate"),
        (scenario(covariates=CORRELATED), "random_intercept", (), "share_boundary"),
        (scenario(x_icc=0.5, covariates=CORRELATED), "pooled", ("z",), "rejection_rate"),
        (scenario(x_icc=0.5, covariates=CORRELATED), "random_intercept", ("z",), "bias"),
        (scenario(covariates=BINARY), "pooled", ("z",), "rejection_rate"),
        (scenario(covariates=BINARY), "cluster_means", ("z",), "coverage"),
        (scenario(covariates=CORRELATED, slope=0.2), "pooled", (), "rejection_rate"),
        (scenario(x="binary_blocked", x_icc=None, slope_sd=0.3), "pooled", (), "rejection_rate"),
        (scenario(n=5, x="binary_blocked", x_icc=None, slope_sd=0.3), "dummy", (), "coverage"),
        (scenario(x_icc=0.5, slope_sd=0.3), "random_intercept", (), "rejection_rate"),
        (scenario(slope_sd=0.3), "random_intercept", (), "share_boundary"),
        (scenario(slope_sd=0.3), "cluster_means", (), "coverage"),
        (scenario(x_icc=0.5, slope_sd=0.3, covariates=CORRELATED), "pooled", (), "coverage"),
        (scenario(x="binary", slope_sd=0.3), "pooled", (), "rejection_rate"),
        (scenario(x="binary", covariates=BINARY), "random_intercept", (), "share_boundary"),
        (scenario(3, covariates=(covariate("z", 1.0), covariate("w", 1.0))), "pooled", (),
         "rejection_rate"),
        (scenario(3, covariates=(covariate(),)), "cluster_means", (), "rejection_rate"),
        (scenario(3, covariates=(covariate("z", 1.0),)), "random_intercept", (), "coverage"),
        (scenario(4, covariates=(covariate("z", 1.0),)), "pooled", (), "relative_error_model_se"),
        (scenario(x_icc=0.5, covariates=(covariate(icc=None, type="binary_blocked"),)),
         "cluster_means", (), "rejection_rate"),
    ],
    ids=repr,
)  # fmt: skip
def test_no_answer_is_better_than_a_wrong_one(s, name, omit, measure):
    assert answer(s, name, USUAL[name], measure, 0.05, omit) is None


def test_robust_errors_with_covariates_have_no_answer():
    s = scenario(x="binary", covariates=(covariate(),))
    assert answer(s, "pooled", POOLED | {"se": "CR2"}, "rejection_rate", 0.05) is None
    assert answer(s, "pooled", POOLED | {"se": "CR2"}, "rejection_rate", 0.05, ("z",)) is not None


def test_slopes_of_covariates_need_one_slope_of_x():
    s = scenario(x_icc=0.5, covariates=(covariate(),))
    for changes in ({"contextual_effect": 0.3}, {"slope_sd": 0.3}):
        found = everything(replace(s, **changes), estimand="z")
        assert all(one is None for one in found.values())


def test_types_and_fields_that_are_not_known_are_silent():
    s = scenario(x_icc=0.5, covariates=(covariate(type="lognormal"),))
    assert all(one is None for one in everything(s).values())
    assert all(name in USUAL for name in LAWS)


@pytest.mark.slow
def test_a_summary_asks_about_the_model_of_each_method(tmp_path):
    design = BASE | {"slope": 0, "covariates": {"z": z(1, 0.5, both=0.5)}}
    asked = [{"pooled": {}}, {"pooled": {"omit": ["z"]}}, {"cluster_means": {"estimand": "z"}}]
    one = study(design, asked, 2000)
    execute(one, ResultsFolder(tmp_path), 1)
    frame = summarize_study(one, ResultsFolder(tmp_path)).to_pandas()
    rows = frame[frame.measure == "bias"].set_index("method")
    assert rows.theory["pooled"] == 0.0
    assert rows.theory["pooled[omit=z]"] == pytest.approx(0.25)
    assert rows.theory["cluster_means[estimand=z]"] == 0.0
    assert rows.z.abs().max() < 4
