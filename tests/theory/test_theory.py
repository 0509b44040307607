"""Theory against published digits, longhand integrals and the package's own simulations.

Printed digits: the 5 (or 2) of the tables. Longhand integrals (`exact`) are good to about
1e-9; two formulas of our own for the same number agree to 1e-13. Simulations: 20,000
replications, within 4 MCSE of every answer that is called exact.
"""

from __future__ import annotations

import csv
import itertools
import math
from dataclasses import replace

import exact
import mpmath
import numpy as np
import pytest
from helpers_places import TESTS
from scipy import special

from simstudy.generators.scenario import Scenario
from simstudy.generators.sizes import SizeRule
from simstudy.numerics.tails import critical_value
from simstudy.theory import balanced, quadrature, unequal
from simstudy.theory.answers import answer
from simstudy.theory.design_effect import design_effect, size
from simstudy.theory.predictors import FixedX, allocations
from simstudy.theory.robust import Arms

PUBLISHED = TESTS / "reference" / "published"
CLASSICAL = {"se": "classical", "df": "residual"}
KENWARD_ROGER = {"estimator": "reml", "df": "kenward_roger"}
EQUAL = {"weights": "equal", "df": "residual"}


def rows_of(name):
    with (PUBLISHED / name).open(newline="") as stream:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]


def scenario(j=10, n=10, icc=0.1, x_icc=1.0, slope=0.0, **more) -> Scenario:
    size = SizeRule("listed", tuple(n)) if isinstance(n, list) else SizeRule("fixed", (n,))
    return Scenario(j, size, icc, x_icc, slope, **more)


def critical(df, alpha=0.05):
    return float(critical_value(df, alpha))


def rate(s, method="pooled", options=None, measure="rejection_rate", alpha=0.05):
    return answer(s, method, options or CLASSICAL, measure, alpha)


# Quadrature


def imhof(weights, dfs):
    """P(X_0 > sum weights X) to 25 digits, over the angle of Craig's formula."""
    with mpmath.workdps(25):

        def integrand(angle):
            square = mpmath.cos(angle) ** 2
            return mpmath.fprod(
                (1 + mpmath.mpf(w) / square) ** (-mpmath.mpf(d) / 2)
                for w, d in zip(weights, dfs, strict=True)
            )

        half = mpmath.pi / 2
        edges = [0, *(half - mpmath.mpf(10) ** -k for k in (0, 0.5, 1, 1.5, 2, 3, 4, 5)), half]
        return float(mpmath.quad(integrand, edges) / half)


@pytest.mark.parametrize(
    ("weights", "dfs"),
    [
        ([0.5], [1]), ([1e-3, 1e-6], [2, 100]), ([1e-5, 1e-9], [28, 10**6]), ([4e-6], [10**6]),
        ([10, 0.3], [1, 1]), ([1e-8], [1]), ([0.2, 0.01, 0.003], [1, 8, 90]), ([3.0], [30]),
    ],
)  # fmt: skip
def test_imhofs_probability_to_machine_precision(weights, dfs):
    found = quadrature.exceeds(np.array(weights, float), np.array(dfs, float))
    assert found == pytest.approx(imhof(weights, dfs), abs=1e-14)


def test_a_single_weight_is_an_f_probability():
    for df in (1, 2, 7, 100):
        for w in (1e-3, 0.2, 5.0):
            truth = special.fdtrc(1, df, w * df)
            assert quadrature.exceeds(np.array([w]), np.array([df])) == pytest.approx(
                truth, abs=1e-14
            )


def noncentral_tail(t, df, shift):
    """P(|T| > t), longhand: the normal numerator given the chi denominator."""
    with mpmath.workdps(20):
        half = mpmath.mpf(df) / 2
        scale = 2 * half**half / mpmath.gamma(half)

        def integrand(s):
            density = scale * s ** (df - 1) * mpmath.exp(-half * s * s)
            return density * (mpmath.ncdf(shift - t * s) + mpmath.ncdf(-shift - t * s))

        edges = [0, 0.1, 0.3, 0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5, 2, 3, 5, 10]
        return float(mpmath.quad(integrand, edges))


@pytest.mark.parametrize(
    ("t", "df", "shift"),
    [(12.706, 1, 1.0), (12.706, 1, 8.0), (2.3, 8, 3.0), (1.98, 98, 0.01), (1.96, 500, 6.0)],
)
def test_noncentral_t_to_machine_precision(t, df, shift):
    found = quadrature.two_sided(t, df, quadrature.noncentrality(shift**2))
    assert found == pytest.approx(noncentral_tail(t, df, shift), abs=1e-13)


def test_noncentrality_that_is_drawn_is_the_mean_over_its_draws():
    t, df, scale, free = 2.3, 8, 0.7, 5
    nodes, weights = special.roots_genlaguerre(60, free / 2 - 1)
    each = [
        float(quadrature.two_sided(t, df, quadrature.noncentrality(2 * x * scale))) for x in nodes
    ]
    mean = float((weights * each).sum() / weights.sum())
    drawn = quadrature.noncentrality(scale, free)
    assert quadrature.two_sided(t, df, drawn) == pytest.approx(mean, abs=1e-12)


def test_a_z_test_has_its_own_noncentral_tail():
    found = quadrature.two_sided(1.96, math.inf, quadrature.noncentrality(4.0))
    assert found == pytest.approx(special.ndtr(0.04) + special.ndtr(-3.96), abs=1e-14)


def test_a_noncentrality_out_of_reach_is_none():
    assert quadrature.noncentrality(1e12) is None
    assert rate(scenario(slope=1e6)) is None


@pytest.mark.parametrize(("df1", "df2"), [(1, 1), (1, 10**9), (2, 90), (8, 90), (10**6, 10**9)])
@pytest.mark.parametrize("split", [None, 0.8])
def test_nodes_of_a_ratio_of_chi_squares(df1, df2, split):
    at, weight = quadrature.odds_nodes(df1, df2, None if split is None else split * df1 / df2)
    share = at / (1.0 + at)
    assert (share * weight).sum() == pytest.approx(df1 / (df1 + df2), rel=1e-12)
    if split:
        below = weight[at < split * df1 / df2].sum()
        assert below == pytest.approx(special.fdtr(df1, df2, split), abs=1e-12)


# Printed digits


@pytest.mark.parametrize("row", rows_of("exact_naive_size.csv"), ids=str)
def test_published_sizes_of_the_naive_t(row):
    s = scenario(int(row["n_clusters"]), int(row["cluster_size"]), row["icc"])
    assert rate(s).value == pytest.approx(row["size"], abs=5.1e-6)
    assert rate(replace(s, x="binary")) == rate(s)


@pytest.mark.parametrize("row", rows_of("barcikowski1981.csv"), ids=str)
def test_barcikowskis_table_of_two_clusters(row):
    n, icc = int(row["cluster_size"]), row["icc"]
    found = rate(scenario(2, n, icc)).value
    assert found == pytest.approx(row["printed"], abs=0.0051)
    f = special.fdtri(1, 2 * n - 2, 0.95) * (1 - icc) / (1 + (n - 1) * icc)
    assert found == pytest.approx(special.fdtrc(1, 2 * n - 2, f), abs=1e-9)


@pytest.mark.parametrize(
    ("point", "printed"),
    [((10, 10, 0.2), 0.03087), ((30, 20, 0.1), 0.03924), ((4, 50, 0.4), 0.02166)],
)
def test_printed_sizes_of_blocked_treatment(point, printed):
    s = scenario(*point, x_icc=None, x="binary_blocked")
    assert rate(s).value == pytest.approx(printed, abs=5.1e-6)
    assert rate(s).value == pytest.approx(exact.blocked_size(*point), abs=1e-9)


@pytest.mark.parametrize(
    ("point", "share", "size"),
    [
        ((6, 5, 0.05), 0.45789, 0.01155),
        ((10, 10, 0.1), 0.12822, 0.04138),
        ((30, 20, 0.02), 0.13509, 0.046418),
    ],
)
def test_printed_answers_of_reml_with_kenward_roger(point, share, size):
    s = scenario(*point)
    at_zero = answer(s, "random_intercept", KENWARD_ROGER, "share_boundary", None)
    assert at_zero.value == pytest.approx(share, abs=5.1e-6)
    found = rate(s, "random_intercept", KENWARD_ROGER).value
    assert found == pytest.approx(size, abs=5.1e-6)
    assert found == pytest.approx(exact.kenward_roger_size(*point), abs=1e-9)


@pytest.mark.parametrize(
    ("j", "printed"), [(2, 0.276), (4, 0.258), (10, 0.248)],
)  # fmt: skip
def test_printed_sizes_fall_to_the_limit(j, printed):
    s = scenario(j, 10, 0.2)
    assert rate(s).value == pytest.approx(printed, abs=5.1e-4)
    assert size(design_effect(s), 0.05) == pytest.approx(0.2415, abs=5.1e-5)


def test_printed_size_of_unequal_clusters_with_a_given_x():
    sizes, x = np.array([3, 8, 20, 5, 12, 30]), np.array([0, 1, 0, 1, 0, 1])
    fixed = FixedX(sizes, x - (sizes * x).sum() / sizes.sum(), 0.0)
    found = float(unequal.size(fixed, 0.1, critical(sizes.sum() - 2)))
    assert found == pytest.approx(0.24944, abs=5.1e-6)
    assert found == pytest.approx(exact.naive_size_fixed_x(sizes, x, 0.1), abs=1e-9)


def test_the_printed_case_where_the_asymptotic_answer_is_measurably_off():
    s = scenario(30, 20, 0.1, x_icc=0.5)
    assert rate(s).kind == "exact"
    assert rate(s).value == pytest.approx(0.1571, abs=1e-4)
    assert size(design_effect(s), 0.05) == pytest.approx(0.1605, abs=5.1e-5)


def hedges(n_clusters: int, cluster_size: int, icc: float) -> tuple[float, float]:
    """Factor and df that correct the pooled t for a known ICC, cluster-level x.

    Hedges (2007, J. Educ. Behav. Stat. 32:151-179): refer c t to Student's t with h df.
    """
    n, n_obs = cluster_size, n_clusters * cluster_size
    expected = (n_obs - 2) - 2 * (n - 1) * icc
    c = math.sqrt(expected / ((n_obs - 2) * (1.0 + (n - 1) * icc)))
    spread = (n_obs - 2) * (1.0 - icc) ** 2 + n * (n_obs - 2 * n) * icc**2
    spread += 2 * (n_obs - 2 * n) * icc * (1.0 - icc)
    return c, expected**2 / spread


@pytest.mark.parametrize(
    ("point", "printed"),
    [((4, 2, 0.2), 0.0493), ((4, 2, 0.4), 0.0466), ((4, 100, 0.8), 0.0323)],
)
def test_printed_sizes_of_hedges_correction(point, printed):
    factor, df = hedges(*point)
    found = balanced.naive(balanced.cluster_level(*point), critical(df) / factor)
    assert found == pytest.approx(printed, abs=5.1e-5)


@pytest.mark.parametrize(("j", "icc"), [(4, 0.1), (6, 0.2), (10, 0.3), (20, 0.8)])
@pytest.mark.parametrize("n", [2, 10, 50, 100])
def test_hedges_correction_holds_where_it_is_said_to(j, n, icc):
    factor, df = hedges(j, n, icc)
    found = balanced.naive(balanced.cluster_level(j, n, icc), critical(df) / factor)
    assert found == pytest.approx(0.05, abs=4.1e-4)


# Two roads to one number


@pytest.mark.parametrize("point", [(3, 2, 0.3), (4, 10, 0.2), (3, 50, 0.9999), (100, 20, 0.05)])
@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2])
def test_the_naive_size_by_conditioning_and_by_imhof(point, alpha):
    limit = critical(point[0] * point[1] - 2, alpha)
    by_share = float(balanced.between_share_size(*point, np.array(1.0), limit))
    assert balanced.naive(balanced.cluster_level(*point), limit) == pytest.approx(
        by_share, abs=1e-13
    )
    assert by_share == pytest.approx(exact.naive_size(*point, alpha=alpha), abs=1e-9)
    almost = balanced.mixed_naive_size(*point, 1.0 - 1e-13, limit)
    assert almost == pytest.approx(by_share, abs=1e-10)


@pytest.mark.parametrize("point", [(2, 2, 0.3), (4, 10, 0.2), (30, 20, 0.9)])
def test_a_units_own_x_gives_alpha_as_a_mean_over_shares(point):
    limit = critical(point[0] * point[1] - 2)
    assert balanced.mixed_naive_size(*point, 0.0, limit) == pytest.approx(0.05, abs=1e-13)
    assert balanced.mixed_se_bias(*point, 0.0) == pytest.approx(0.0, abs=1e-10)


def test_unequal_formulas_reduce_to_the_balanced_ones():
    """A mixed x over equal clusters, by eigenvalues and by the closed form of the plane."""
    rng = np.random.default_rng(5)
    mean = rng.standard_normal(6)
    fixed = FixedX(np.full(6, 7), mean - mean.mean(), 3.0)
    share = fixed.between / fixed.total
    by_plane = float(balanced.between_share_size(6, 7, 0.3, share, 2.0))
    assert float(unequal.size(fixed, 0.3, 2.0)) == pytest.approx(by_plane, abs=1e-13)
    whole = FixedX(fixed.sizes, fixed.mean, 0.0)
    assert unequal.se_bias(whole, 0.3) == pytest.approx(balanced.mixed_se_bias(6, 7, 0.3, 1.0))
    assert unequal.se_bias(whole, 0.3) == pytest.approx(exact.naive_se_bias(6, 7, 0.3))


def test_allocations_are_all_of_them_with_their_probabilities():
    sizes = [3, 8, 3, 5, 8, 3, 9]
    s = scenario(7, sizes, 0.2, x="binary")
    _, share = allocations(s, 10_000)
    assert share.sum() == pytest.approx(1.0, abs=1e-14)
    limit = critical(sum(sizes) - 2)
    every = []
    for chosen in itertools.combinations(range(7), 3):
        x = np.isin(np.arange(7), chosen).astype(float)
        n = np.array(sizes)
        every.append(unequal.size(FixedX(n, x - (n * x).sum() / n.sum(), 0.0), 0.2, limit))
    assert share.size < len(every)
    assert rate(s).value == pytest.approx(np.mean(every), abs=1e-13)
    assert rate(s).kind == "exact"


def test_shuffled_treatment_of_many_clusters_is_left_to_the_asymptotic_answer():
    s = scenario(40, list(range(5, 45)), 0.2, x="binary")
    assert allocations(s, 12_000) is None
    assert rate(s) == (size(design_effect(s), 0.05), "asymptotic")


# Cluster-robust errors, by their definition


def by_definition(j, n, y, se):
    """Slope variance and Bell-McCaffrey df with n_j x n_j matrices, arms j // 2 and the rest."""
    cluster = np.repeat(np.arange(j), n)
    x = np.column_stack([np.ones(j * n), cluster < j // 2])
    bread = np.linalg.inv(x.T @ x)
    hat = x @ bread @ x.T
    rest = np.eye(j * n) - hat
    residual = rest @ y
    scale = {"CR1": j / (j - 1), "CR1S": j / (j - 1) * (j * n - 1) / (j * n - 2)}.get(se, 1.0)
    power = {"CR2": -0.5, "CR3": -1.0}.get(se, 0.0)
    forms = []
    for c in range(j):
        mine = cluster == c
        values, vectors = np.linalg.eigh(rest[np.ix_(mine, mine)])
        adjust = vectors @ np.diag(values**power) @ vectors.T
        forms.append(rest[:, mine] @ adjust @ x[mine] @ bread[:, 1])
    forms = np.sqrt(scale) * np.array(forms)
    variance = sum((form @ y) ** 2 for form in forms)
    assert variance == pytest.approx(
        sum((f @ residual) ** 2 for f in forms), rel=1e-9
    )  # y enters by its residuals alone
    gram = forms @ forms.T
    return variance, np.trace(gram) ** 2 / (gram**2).sum(), np.trace(gram) / bread[1, 1]


@pytest.mark.parametrize("se", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
@pytest.mark.parametrize("j", [4, 5, 8])
def test_arms_are_the_cluster_robust_variances_by_definition(j, se):
    n, rng = 3, np.random.default_rng(8)
    y = rng.standard_normal(j * n)
    variance, df, bias = by_definition(j, n, y, se)
    arms = Arms(j, j * n, se)
    means = y.reshape(j, n).mean(axis=1)
    parts = [((g - g.mean()) ** 2).sum() for g in (means[: j // 2], means[j // 2 :])]
    assert (arms.each * parts).sum() == pytest.approx(variance, rel=1e-9)
    assert arms.satterthwaite == pytest.approx(df, rel=1e-9)
    assert arms.se_bias == pytest.approx(100 * (math.sqrt(bias) - 1), abs=1e-7)


def test_cr2_with_equal_arms_is_the_test_of_cluster_means():
    options = {"se": "CR2", "df": "satterthwaite"}
    for alpha in (0.01, 0.05, 0.2):
        found = rate(scenario(8, 5, 0.3, x="binary"), "pooled", options, alpha=alpha)
        assert found.value == pytest.approx(alpha, abs=1e-13)
        assert found.kind == "exact"
        shifted = scenario(8, 5, 0.3, x="binary", slope=0.7)
        power = rate(shifted, "pooled", options, alpha=alpha).value
        assert power == pytest.approx(rate(shifted, "cluster_means", EQUAL, alpha=alpha).value)


def test_cluster_robust_errors_that_do_not_exist_have_no_answer():
    for se in ("CR2", "CR3"):
        options = {"se": se, "df": "satterthwaite"}
        assert rate(scenario(3, 5, 0.3, x="binary"), "pooled", options) is None
    assert rate(scenario(2, 5, 0.3, x="binary"), "pooled", {"se": "CR0", "df": "clusters"}) is None
    assert rate(scenario(3, 5, 0.3, x="binary"), "pooled", {"se": "CR0", "df": "clusters"})
    assert rate(scenario(8, 5, 0.3), "pooled", {"se": "CR2", "df": "satterthwaite"}) is None
    assert rate(scenario(8, 5, 0.3), "pooled", {"se": "moulton", "df": "residual"}) is None


def test_size_of_unequal_arms_by_drawing_their_sums():
    """CR1 with J - 1 df and 3 against 4 clusters, from cluster means with unit variance."""
    rng, n_reps = np.random.default_rng(11), 400_000
    means = rng.standard_normal((7, n_reps))
    treated, control = means[:3], means[3:]
    difference = treated.mean(axis=0) - control.mean(axis=0)
    variance = 7 / 6 * (treated.var(axis=0) / 3 + control.var(axis=0) / 4)
    found = (difference**2 / variance > critical(6) ** 2).mean()
    options = {"se": "CR1", "df": "clusters"}
    truth = rate(scenario(7, 4, 0.3, x="binary"), "pooled", options).value
    assert abs(found - truth) < 4 * math.sqrt(truth * (1 - truth) / n_reps)
