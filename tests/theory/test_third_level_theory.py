"""Three levels: known numbers, other ways to the same probability, and simulations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers_simulation import rows_of, simulate, study

from simstudy.generators.scenario import Scenario
from simstudy.measures.catalog import finish
from simstudy.measures.record import Cells
from simstudy.numerics.tails import critical_value
from simstudy.registry import configure, methods
from simstudy.theory.answers import MEASURES, OF_PARTS, answer
from simstudy.theory.design_effect import design_effect
from simstudy.theory.quadrature import exceeds, noncentrality
from simstudy.theory.strata import Stratum, naive, of_groups, strata

BASE = {"n_clusters": 24, "cluster_size": 5, "icc": 0.25, "x": "binary", "x_icc": 1, "slope": 0}
POOLED = {"se": "classical", "df": "residual"}
CR2 = {"se": "CR2", "df": "satterthwaite"}
MEANS = {"weights": "equal", "df": "residual"}
MIXED = {"estimator": "reml", "df": "kenward_roger"}


def scenario(third=1, clusters=3, r3=0.1, **changes) -> Scenario:
    """`third` is the share of x between groups, r3 that of y."""
    groups = {"clusters": clusters, "icc": r3, "x_icc": third}
    fields = {k: v for k, v in (BASE | {"third_level": groups} | changes).items() if v is not None}
    return study(fields, ["pooled"]).designs[0].scenario


def rate(s, method="pooled", options=POOLED, level=2, measure="rejection_rate", alpha=0.05):
    found = answer(s, method, options, measure, alpha, level=level)
    assert found is not None and found.kind == "exact"
    return found.value


def test_known_numbers():
    """Eight groups of three clusters of five: what ignoring one or two levels does."""
    s = scenario()
    assert rate(s) == pytest.approx(0.264, abs=5e-4)
    assert rate(s, "cluster_means", MEANS) == pytest.approx(0.114, abs=5e-4)
    assert rate(s, "pooled", CR2) == pytest.approx(rate(s, "cluster_means", MEANS), abs=1e-12)
    for alpha in (0.01, 0.05):
        exact = rate(s, "cluster_means", MEANS, level=3, alpha=alpha)
        assert exact == pytest.approx(alpha, abs=1e-12)
        assert rate(s, "pooled", CR2, level=3, alpha=alpha) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_three_strata_by_imhof(alpha):
    known = strata(scenario())
    left = (*known.between, *known.within)
    free = sum(stratum.df for stratum in left)
    c = float(critical_value(free, alpha))
    weights = np.array([c * c / free * stratum.variance / known.true for stratum in left])
    by_imhof = exceeds(weights, np.array([stratum.df for stratum in left]))
    assert naive(known.true, left, c) == pytest.approx(float(by_imhof), rel=1e-9)


def test_power_by_drawing_the_strata():
    rng, n = np.random.default_rng(3), 400_000
    true, left = 2.0, [Stratum(2.0, 5), Stratum(0.7, 14), Stratum(0.5, 60)]
    total = sum(one.variance * rng.chisquare(one.df, n) for one in left)
    square = true * (rng.standard_normal(n) + 1.5) ** 2
    rejected = float((square * 79 > 4.0 * total).mean())
    found = naive(true, left, 2.0, noncentrality(1.5**2))
    assert abs(found - rejected) < 4 * math.sqrt(rejected * (1 - rejected) / n)


def test_without_an_effect_of_groups_there_are_two_levels():
    for third in (0, 1):
        s = scenario(third, clusters=4, r3=0.0, slope=0.4)
        plain = replace(s, parts=())
        for method, options in (("pooled", POOLED), ("pooled", CR2), ("cluster_means", MEANS)):
            for measure in ("rejection_rate", "coverage", "bias", "relative_error_model_se"):
                two = answer(plain, method, options, measure, 0.05)
                three = answer(s, method, options, measure, 0.05)
                assert three.value == pytest.approx(two.value, rel=1e-10, abs=1e-12)
        for options in (MIXED, {"estimator": "ml", "df": "wald"}):
            for measure in ("rejection_rate", "coverage", "share_boundary", "bias"):
                two = answer(plain, "random_intercept", options, measure, 0.05)
                three = answer(s, "random_intercept", options, measure, 0.05)
                assert three.value == pytest.approx(two.value, rel=1e-7)


def test_groups_seen_as_clusters_have_their_variance():
    s = scenario(clusters=4, n_clusters=40)
    seen = of_groups(s)
    assert (seen.n_clusters, seen.equal_size, seen.parts) == (10, 20, ())
    of_mean = seen.tau2 + seen.sigma2 / 20
    assert of_mean == pytest.approx(0.1 + 0.15 / 4 + 0.75 / 20, rel=1e-12)


# --- silence ----------------------------------------------------------------------------------

UNKNOWN = {
    "sizes that differ": {"n_clusters": 4, "cluster_size": {"sizes": [3, 4, 5, 6]}, "clusters": 2},
    "random sizes": {"cluster_size": {"poisson": 5}},
    "a covariate": {"covariates": {"z": {"icc": 0.2}}},
    "slopes that vary": {"slope_sd": 0.2},
    "x of both levels": {"x": "normal", "x_icc": 0.5, "third": 0.2},
    "x of clusters and groups": {"x": "normal", "third": 0.5},
    "x of units": {"x_icc": 0, "third": 0},
    "halved clusters": {"x": "binary_blocked", "x_icc": None, "third": 0},
    "errors with tails": {"errors": {"t": 5}},
    "fewer treated": {"treated": 0.25},
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_no_answer_is_better_than_a_wrong_one(kind):
    s = scenario(**UNKNOWN[kind])
    asked = [(name, level) for name in methods() for level in (2, 3)]
    for name, level in asked:
        options = {key: str(value) for key, value in configure(name).options}
        for measure in MEASURES:
            assert answer(s, name, options, measure, 0.05, level=level) is None


def test_laws_are_of_all_parts_or_of_none():
    """A law of two levels is never asked where there is a third, and the other way round."""
    with_groups = scenario()
    plain = replace(with_groups, parts=())
    for name in methods():
        options = {key: str(value) for key, value in configure(name).options}
        for measure in MEASURES:
            if name not in ("pooled", "cluster_means", "random_intercept"):
                assert answer(with_groups, name, options, measure, 0.05) is None
            assert answer(plain, name, options, measure, 0.05, level=3) is None
    assert all(tuple(sorted(parts)) == parts for parts in OF_PARTS)


# --- design effect ----------------------------------------------------------------------------


@pytest.mark.parametrize("third", [0, 1])
def test_design_effect_of_treated_groups_or_clusters(third):
    """x'Vx over x'x, of the very x that is given."""
    m, n, g = 4, 3, 6
    s = scenario(third, m, n_clusters=g * m, cluster_size=n)
    treated = np.arange(g * m) // m < g // 2 if third else np.arange(g * m) % m < m // 2
    x = np.repeat(treated, n) - treated.mean()
    cluster = np.repeat(np.arange(g * m), n)
    same = cluster[:, None] == cluster
    both = cluster[:, None] // m == cluster // m
    v = 0.75 * np.eye(x.size) + 0.15 * same + 0.1 * both
    assert design_effect(s) == pytest.approx(x @ v @ x / (x @ x), rel=1e-12)


def test_design_effect_of_a_normal_x():
    sizes = np.array([2, 3, 4, 6, 9, 16])
    listed = {"n_clusters": 6, "cluster_size": {"sizes": sizes.tolist()}}
    s = scenario(0.2, 2, x="normal", x_icc=0.5, **listed)
    n, squares, groups = sizes.sum(), (sizes**2).sum(), (np.array([5, 10, 25]) ** 2).sum()
    expected = 1 + (squares / n - 1) * 0.25 * 0.5 + (groups - squares) / n * 0.1 * 0.2
    assert design_effect(s) == pytest.approx(expected, rel=1e-12)
    equal = scenario(0.2, 3, x="normal", x_icc=0.5)
    assert design_effect(equal) == pytest.approx(1 + 4 * 0.25 * 0.5 + 10 * 0.1 * 0.2, rel=1e-12)
    drawn = scenario(0.2, 3, x="normal", x_icc=0.5, cluster_size={"uniform": [3, 7]})
    assert design_effect(drawn) == pytest.approx(1 + (27 / 5 - 1) * 0.125 + 10 * 0.02, rel=1e-12)
    halved = scenario(0, 3, x="binary_blocked", x_icc=None, cluster_size=4)
    assert design_effect(halved) == pytest.approx(0.75, rel=1e-12)


# --- simulations ------------------------------------------------------------------------------

N = 12_000
KINDS = {
    "groups": {},
    "groups, power": {"slope": 0.6, "cluster_size": 4},
    "groups, normal x": {"x": "normal", "slope": 0.3},
    "clusters": {"third": 0, "clusters": 4},
    "clusters, odd groups": {"third": 0, "slope": 0.4},
}
ASKED = [
    {name: options | level}
    for name, options in (
        ("pooled", {}), ("pooled", {"se": "CR1"}), ("cluster_means", {}), ("random_intercept", {}),
        ("random_intercept", {"estimator": "ml", "df": "satterthwaite"}),
    )
    for level in ({}, {"level": 3})
] + [{"pooled": {"df": "clusters", "level": 3}}, {"pooled": {"se": "CR2", "level": 3}}]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_simulations_agree_with_every_exact_answer(kind):
    changes = dict(KINDS[kind])
    third = {"x_icc": changes.pop("third", 1), "clusters": changes.pop("clusters", 3), "icc": 0.1}
    fields = BASE | {"third_level": third} | changes
    one, count = study(fields, ASKED), 0
    s = one.designs[0].scenario
    for method, totals in zip(one.methods, simulate(fields, ASKED, N), strict=True):
        options = dict(method.options)
        for row in rows_of(finish(Cells(totals.totals, one.alpha, s.slope))):
            alpha = None if math.isnan(row.alpha) else row.alpha
            theory = answer(s, method.name, options, row.measure, alpha, level=method.level)
            if theory is None or row.n_used == 0:
                continue
            spread = row.mcse
            if row.measure in ("rejection_rate", "coverage", "share_boundary"):
                spread = math.sqrt(theory.value * (1.0 - theory.value) / N)
            assert abs(row.value - theory.value) < 4 * spread + 1e-12, (method.canonical, row)
            count += 1
    assert count >= (30 if third["x_icc"] else 18)
