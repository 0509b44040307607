"""Which answer goes with which scenario: simulations, limits, and what has no answer.

20,000 replications of each kind of scenario, every measure within 4 MCSE of every answer
that is called exact; an error of 15 % of a rate of .05, or of 2 points of SE bias, fails.
"""

from __future__ import annotations

import csv
import math
from dataclasses import make_dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from helpers_simulation import rows_of, simulate, study

from simstudy.generators.scenario import GivenX, Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.measures.catalog import MEASURES, finish
from simstudy.measures.record import Cells
from simstudy.numerics.tails import critical_value, two_sided
from simstudy.registry import configure, methods
from simstudy.theory.answers import LAWS, answer

pytestmark = pytest.mark.slow

N = 20_000
POOLED = {"se": "classical", "df": "residual"}
REML = {"estimator": "reml", "df": "kenward_roger"}
MEANS = {"weights": "equal", "df": "residual"}
ROBUST = [se for se in methods()["pooled"].options[0].values if se.startswith("CR")]
SIMPLE = [
    "pooled",
    {"pooled": {"df": "wald"}},
    "dummy",
    {"dummy": {"df": "wald"}},
    *({"pooled": {"se": se}} for se in ROBUST),
    *({"cluster_means": {"weights": w}} for w in ("equal", "size") if "cluster_means" in methods()),
]
MIXED = [
    "random_intercept",
    *({"random_intercept": {"df": df}} for df in
      ("wald", "residual", "between_within", "satterthwaite")),
    *({"random_intercept": {"estimator": "ml", "df": df}} for df in
      ("wald", "residual", "between_within", "satterthwaite")),
]  # fmt: skip
BASE = {"n_clusters": 6, "cluster_size": 5, "icc": 0.1, "x_icc": 1.0, "slope": 0}
BLOCKED = {"x": "binary_blocked", "x_icc": None}
LISTED = {"n_clusters": None, "cluster_size": {"sizes": [2, 3, 4, 6, 9, 16]}}
# scenario -> methods and measures that must have an exact answer (among others)
KINDS = {
    "normal, cluster level": ({}, "prb"),
    "three clusters": ({"n_clusters": 3, "cluster_size": 4, "icc": 0.3}, "pr"),
    "three pairs": ({"n_clusters": 3, "cluster_size": 2, "icc": 0.1}, "prb"),
    "two clusters": ({"n_clusters": 2, "icc": 0.05}, "p"),
    "normal, cluster level, slope": ({"slope": 0.4}, "prb"),
    "normal, mixed": ({"x_icc": 0.4, "icc": 0.3}, "pd"),
    "normal, mixed, two clusters": ({"x_icc": 0.6, "icc": 0.3, "n_clusters": 2}, "pd"),
    "normal, mixed, slope": ({"x_icc": 0.4, "slope": 0.3, "total_variance": 2.0}, "d"),
    "normal, a unit's own": ({"x_icc": 0.0, "icc": 0.5}, "pd"),
    "normal, a unit's own, listed sizes": (LISTED | {"x_icc": 0.0, "icc": 0.4}, "pd"),
    "normal, a unit's own, random sizes": (
        {"cluster_size": {"poisson": 4}, "x_icc": 0.0, "icc": 0.4}, "pd"),
    "normal, mixed, random sizes": ({"cluster_size": {"uniform": [2, 9]}, "x_icc": 0.5}, "d"),
    "normal, listed sizes": (LISTED | {"x_icc": 0.5, "slope": 0.2}, "d"),
    "no icc, any sizes": ({"cluster_size": {"uniform": [1, 9]}, "icc": 0.0, "x_icc": 0.5}, "pd"),
    "no icc, slope": ({"icc": 0.0, "slope": 0.3}, "prb"),
    "clusters of one unit": ({"cluster_size": 1, "n_clusters": 12, "icc": 0.3}, "p"),
    "binary, cluster level": ({"x": "binary"}, "prb"),
    "binary, odd number of clusters": ({"x": "binary", "n_clusters": 5, "icc": 0.2}, "prb"),
    "binary, one treated": ({"x": "binary", "n_clusters": 3, "icc": 0.2}, "pr"),
    "binary, cluster level, slope": ({"x": "binary", "slope": 0.8}, "prb"),
    "binary, shuffled over unequal sizes": (LISTED | {"x": "binary", "icc": 0.2}, "p"),
    "binary, a unit's own": ({"x": "binary", "x_icc": 0.0, "icc": 0.3}, "d"),
    "binary, a unit's own, pairs": (
        {"x": "binary", "x_icc": 0.0, "n_clusters": 3, "cluster_size": 2}, "d"),
    "blocked": (BLOCKED | {"cluster_size": 4, "icc": 0.3}, "pd"),
    "blocked, odd": (BLOCKED | {"cluster_size": 3, "icc": 0.3}, "pd"),
    "blocked, odd, two clusters": (BLOCKED | {"cluster_size": 5, "icc": .3, "n_clusters": 2}, "pd"),
    "blocked, listed": (LISTED | BLOCKED | {"icc": 0.3}, "pd"),
    "blocked, slope": (BLOCKED | {"cluster_size": 4, "icc": 0.3, "slope": 0.5}, "d"),
    "blocked, contextual effect": (
        BLOCKED | {"cluster_size": 4, "icc": 0.3, "contextual_effect": 3.0}, "pd"),
    "contextual effect": ({"x_icc": 0.5, "contextual_effect": 0.7}, "d"),
}  # fmt: skip


def design_of(changes):
    return {k: v for k, v in (BASE | changes).items() if v is not None}


def compare(design, required):
    """Simulate, and compare every measure that has an exact answer; returns how many."""
    balanced = isinstance(design.get("cluster_size"), int)  # others have only a bias to compare
    every = [*SIMPLE, *(MIXED if "r" in required else MIXED[:balanced])]
    one = study(design, every)
    s, count = one.designs[0].scenario, 0
    for method, totals in zip(one.methods, simulate(design, every, N), strict=True):
        options, answered = dict(method.options), set()
        for row in rows_of(finish(Cells(totals.totals, one.alpha, s.slope))):
            alpha = None if math.isnan(row.alpha) else row.alpha
            theory = answer(s, method.name, options, row.measure, alpha)
            if theory is None or theory.kind != "exact" or row.n_used == 0:
                continue  # CR2 of one treated cluster has no standard error in any replication
            answered.add(row.measure)
            spread = mcse_of(row, theory.value)
            assert abs(row.value - theory.value) < 4 * spread + 1e-12, (method.canonical, row)
            count += 1
        plain = options["df"] != "wald" and options.get("se", "classical") == "classical"
        if method.name[0] in required and plain:
            assert {"coverage", "rejection_rate"} <= answered
        if method.name[0] == "r" and "b" in required:
            assert "share_boundary" in answered
    return count


def mcse_of(row, truth):
    """MCSE of a proportion at its true value; of other measures as estimated."""
    scale = row.alpha if row.measure == "type1_inflation" else 1.0
    if row.measure in ("rejection_rate", "coverage", "share_boundary", "type1_inflation"):
        return math.sqrt(truth * scale * (1.0 - truth * scale) / N) / scale
    return row.mcse


@pytest.mark.parametrize("kind", KINDS)
def test_simulations_agree_with_every_exact_answer(kind):
    changes, required = KINDS[kind]
    assert compare(design_of(changes), required) >= 3


def given(sizes, x):
    return GivenX(np.asarray(sizes), np.asarray(x, float), "")


@pytest.mark.parametrize("level", ["cluster", "mixed"])
@pytest.mark.parametrize("sizes", [[4, 4, 4, 4, 4], [3, 8, 5, 2, 12]])
def test_simulations_agree_for_a_predictor_from_a_file(tmp_path: Path, level, sizes):
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.standard_normal(len(sizes))[school]
    if level == "mixed":
        x = x + rng.standard_normal(school.size)
    file = tmp_path / "x.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("school", "x"), *zip(school, x, strict=True)])
    where = {"file": str(file), "column": "x", "cluster": "school"}
    for slope in (0.0, 0.3):
        required = ("p" if slope == 0 else "") + ("d" if level == "mixed" else "")
        assert compare({"icc": 0.3, "slope": slope, "x": where}, required) >= 3


@pytest.mark.parametrize(("x_icc", "slope", "effect"), [(1.0, 0.5, 0.0), (0.4, 0.3, 0.4)])
def test_power_of_the_cluster_means_test_by_drawing_the_means(x_icc, slope, effect):
    """The regression of cluster means drawn from their own distribution, longhand."""
    j, n, icc, n_reps = 7, 5, 0.2, 200_000
    rng = np.random.default_rng(12)
    x = math.sqrt(x_icc + (1 - x_icc) / n) * rng.standard_normal((j, n_reps))
    y = (slope + effect) * x + math.sqrt(icc + (1 - icc) / n) * rng.standard_normal((j, n_reps))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    estimate = (x * y).sum(axis=0) / (x * x).sum(axis=0)
    rest = ((y - estimate * x) ** 2).sum(axis=0) / (j - 2)
    std_error = np.sqrt(rest / (x * x).sum(axis=0))
    s = scenario(j, n, icc, x_icc, slope, contextual_effect=effect)
    limit = float(critical_value(j - 2, 0.05))
    for measure, events in [
        ("rejection_rate", np.abs(estimate) > limit * std_error),
        ("coverage", np.abs(estimate - slope) <= limit * std_error),
    ]:
        for weights in ("equal", "size"):
            truth = answer(
                s, "cluster_means", {"weights": weights, "df": "residual"}, measure, 0.05
            )
            assert truth.kind == "exact"
            spread = math.sqrt(truth.value * (1 - truth.value) / n_reps)
            assert abs(events.mean() - truth.value) < 4 * spread
    assert answer(s, "cluster_means", MEANS, "bias", None) == (effect, "exact")


# Limits


def scenario(j=10, n=10, icc=0.1, x_icc: float | None = 1.0, slope=0.0, **more) -> Scenario:
    size = SizeRule("fixed", (n,))
    if isinstance(n, list):
        size = SizeRule("listed", tuple(n))
    elif isinstance(n, SizeRule):
        size = n
    return Scenario(j, size, icc, x_icc, slope, **more)


def rate(s, method="pooled", options=None, measure="rejection_rate", alpha=0.05):
    return answer(s, method, options or POOLED, measure, alpha)


SHAPES = [
    scenario(), scenario(x_icc=0.0), scenario(x_icc=0.5), scenario(4, [2, 3, 4, 9]),
    scenario(4, [2, 3, 4, 9], x_icc=0.5), scenario(x="binary"), scenario(x="binary", x_icc=0.0),
    scenario(4, [2, 3, 4, 9], x="binary"), scenario(x="binary_blocked", x_icc=None),
    scenario(n=SizeRule("poisson", (5.0,)), x_icc=0.5), scenario(2, 30), scenario(2, 2, x_icc=0.3),
    scenario(3, [2, 2, 3], x_icc=None, x="file", given=given([2, 2, 3], [0, 1, 2, 3, 4, 4, 4])),
]  # fmt: skip


@pytest.mark.parametrize("s", SHAPES, ids=repr)
@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.1, 0.5])
def test_without_an_icc_the_pooled_test_is_exact(s, alpha):
    s = replace(s, icc=0.0)
    assert rate(s, alpha=alpha).value == pytest.approx(alpha, abs=1e-12)
    assert rate(s, alpha=alpha).kind == "exact"
    assert rate(s, measure="coverage", alpha=alpha).value == pytest.approx(1 - alpha, abs=1e-12)
    bias = rate(s, measure="relative_error_model_se", alpha=None)
    has_no_variance = s.x == "normal" and s.n_clusters == 2 and s.x_icc == 1
    assert bias is None if has_no_variance else bias == (0.0, "exact")


@pytest.mark.parametrize("s", SHAPES, ids=repr)
@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_measures_of_one_event_agree(s, alpha):
    for method in LAWS:
        options = {"pooled": POOLED, "dummy": POOLED, "random_intercept": REML}.get(method, MEANS)
        size = rate(s, method, options, alpha=alpha)
        if size is None:
            continue
        assert rate(s, method, options, "coverage", alpha).value == 1.0 - size.value
        assert rate(s, method, options, "type1_inflation", alpha).value == size.value / alpha
        moved = replace(s, slope=0.7)
        assert rate(moved, method, options, "coverage", alpha) == rate(
            s, method, options, "coverage", alpha
        )
        assert rate(moved, method, options, "type1_inflation", alpha) is None
        power = rate(moved, method, options, alpha=alpha)
        assert power is None or power.value > size.value
        scaled = replace(moved, slope=7.0, total_variance=100.0, intercept=5.0)
        again = rate(scaled, method, options, alpha=alpha)
        assert power == again or again.value == pytest.approx(power.value, rel=1e-10)


def test_power_at_a_tiny_slope_is_size():
    for method, options in [("pooled", POOLED), ("random_intercept", REML)]:
        for x in ("normal", "binary"):
            size = rate(scenario(x=x), method, options).value
            power = rate(scenario(x=x, slope=1e-5), method, options).value
            assert power == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("x_icc", [0.3, 1.0])
def test_asymptotic_answers_are_approached(x_icc):
    """The exact answers' distance to them falls as 1 / J."""
    for measure, alpha in [("rejection_rate", 0.05), ("relative_error_model_se", None)]:
        exact_ = [rate(scenario(j, 10, 0.2, x_icc), measure=measure, alpha=alpha).value
                  for j in (50, 500, 5000)]  # fmt: skip
        limit = limit_of(scenario(50, 10, 0.2, x_icc), measure)
        off = [abs(value - limit) for value in exact_]
        assert off[0] / off[1] == pytest.approx(10.0, rel=0.1)
        assert off[1] / off[2] == pytest.approx(10.0, rel=0.1)


def limit_of(s, measure):
    """The asymptotic answer of sizes that are drawn, all but surely, as they are here."""
    (n,) = s.size.values
    found = rate(replace(s, size=SizeRule("uniform", (n, n))), measure=measure, alpha=0.05)
    assert found.kind == "asymptotic"
    return found.value


def test_a_million_clusters_and_a_billion_units():
    s = scenario(1_000_000, 1_000, 0.01, 0.5)
    limit = limit_of(s, "rejection_rate")
    assert rate(s).value == pytest.approx(limit, rel=1e-4)
    assert rate(replace(s, x_icc=1.0)).kind == "exact"
    assert rate(s, "dummy").value == pytest.approx(0.05, abs=1e-12)
    assert rate(replace(s, x_icc=1.0), "random_intercept", REML).value == pytest.approx(0.05)


def test_a_t_test_with_j_minus_1_df_is_exact_too():
    options = {"se": "classical", "df": "clusters"}
    truth = float(two_sided(np.array([critical_value(9, 0.05)]), 98)[0])
    assert rate(scenario(x_icc=0.0), "pooled", options) == (pytest.approx(truth), "exact")
    truth = float(two_sided(np.array([critical_value(9, 0.05)]), 89)[0])
    assert rate(scenario(x_icc=0.5), "dummy", options) == (pytest.approx(truth), "exact")


def test_random_intercept_tends_to_cluster_means_as_the_boundary_goes():
    s = scenario(8, 50, 0.99)
    assert answer(s, "random_intercept", REML, "share_boundary", None).value < 1e-9
    assert rate(s, "random_intercept", REML).value == pytest.approx(0.05, abs=1e-9)
    wald = {"estimator": "reml", "df": "wald"}
    tail = float(two_sided(np.array([1.959963984540054]), 6.0)[0])
    assert rate(s, "random_intercept", wald).value == pytest.approx(tail, abs=1e-9)


# What has no answer


@pytest.mark.parametrize(
    ("s", "method", "options", "measure"),
    [
        (scenario(x_icc=0.5, contextual_effect=0.2), "pooled", POOLED, "rejection_rate"),
        (scenario(x_icc=0.5, contextual_effect=0.2), "pooled", POOLED, "bias"),
        (scenario(x_icc=0.5, contextual_effect=0.2), "random_intercept", REML, "bias"),
        (scenario(n=5, x="binary_blocked", x_icc=None, contextual_effect=0.2), "pooled", POOLED,
         "bias"),
        (scenario(x_icc=0.5), "random_intercept", REML, "rejection_rate"),
        (scenario(5, [2, 3, 4, 5, 6]), "random_intercept", REML, "share_boundary"),
        (scenario(5, [2, 3, 4, 5, 6]), "cluster_means", MEANS, "rejection_rate"),
        (scenario(5, [2, 3, 4, 5, 6]), "pooled", POOLED | {"se": "CR2"}, "rejection_rate"),
        (scenario(2), "random_intercept", REML, "rejection_rate"),
        (scenario(2), "cluster_means", MEANS, "rejection_rate"),
        (scenario(2), "pooled", POOLED, "bias"),
        (scenario(3), "pooled", POOLED, "relative_error_model_se"),
        (scenario(3), "cluster_means", MEANS, "relative_error_model_se"),
        (scenario(2, 2, x_icc=0.5), "dummy", POOLED, "relative_error_model_se"),
        (scenario(), "dummy", POOLED, "rejection_rate"),
        (scenario(n=1, x_icc=0.5), "dummy", POOLED, "rejection_rate"),
        (scenario(2, 1), "pooled", POOLED, "rejection_rate"),
        (scenario(x="binary_blocked", x_icc=None), "cluster_means", MEANS, "rejection_rate"),
        (scenario(x="binary_blocked", x_icc=None, slope=0.2), "pooled", POOLED, "rejection_rate"),
        (scenario(n=SizeRule("uniform", (2, 5)), x="binary_blocked", x_icc=None), "pooled", POOLED,
         "rejection_rate"),
        (scenario(x_icc=0.5, slope=0.2), "pooled", POOLED, "rejection_rate"),
        (scenario(), "pooled", POOLED, "share_boundary"),
        (scenario(), "pooled", POOLED, "empirical_se"),
        (scenario(), "pooled", POOLED | {"unheard": "of"}, "rejection_rate"),
        (scenario(), "pooled", POOLED | {"df": "unheard of"}, "bias"),
        (scenario(), "pooled", POOLED | {"df": "satterthwaite"}, "rejection_rate"),
        (scenario(x_icc=0.5), "dummy", POOLED | {"se": "CR2"}, "coverage"),
        (scenario(), "random_intercept", {"estimator": "ml", "df": "kenward_roger"},
         "rejection_rate"),
        (scenario(), "trimmed", {}, "bias"),
        (scenario(slope=0.1), "pooled", POOLED, "type1_inflation"),
    ],
    ids=repr,
)  # fmt: skip
def test_no_answer_is_better_than_a_wrong_one(s, method, options, measure):
    assert answer(s, method, options, measure, 0.05) is None


def test_a_level_is_needed_for_what_has_one():
    assert answer(scenario(), "pooled", POOLED, "rejection_rate", None) is None


def test_data_that_are_not_the_models_have_no_answer():
    """A field that theory has not been told of silences it, unless it is at its default."""
    extra = make_dataclass("Extra", [("errors", str, "normal")], bases=(Scenario,), frozen=True)
    plain = scenario()
    values = {name: getattr(plain, name) for name in Scenario.__dataclass_fields__}
    assert rate(extra(**values)) == rate(plain)
    assert rate(extra(**values, errors="skewed")) is None
    assert rate(replace(plain, x="lognormal")) is None


def test_every_settled_method_is_understood():
    """Options as the registry settles them are those that the laws were written for."""
    for name in LAWS:
        if name in methods():
            for option, value in configure(name).options:
                assert value in LAWS[name].options[option]
            assert len(configure(name).options) == len(LAWS[name].options)


def test_asymptotic_answers_where_nothing_exact_is_known():
    for s in (
        scenario(30, SizeRule("gamma", (20.0, 0.5)), 0.1, 0.7),
        scenario(30, SizeRule("poisson", (20.0,)), 0.1, 1.0, x="binary"),
        scenario(40, list(range(5, 45)), 0.1, 0.5),
        scenario(30, 20, 0.1, 0.0, x="binary"),
    ):
        for measure in MEASURES:
            found = rate(s, measure=measure)
            known = ("rejection_rate", "coverage", "type1_inflation", "relative_error_model_se")
            if measure in known:
                assert found.kind == "asymptotic"
            elif measure == "bias":
                assert found == (0.0, "exact")
            else:
                assert found is None
