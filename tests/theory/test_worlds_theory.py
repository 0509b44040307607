"""Answers for data that misbehave, against quadrature, published numbers and simulation."""

import math

import numpy as np
import pytest
from helpers_simulation import simulate, study
from scipy import integrate, optimize, stats

from simstudy.estimands import ESTIMANDS
from simstudy.generators.source import Source
from simstudy.generators.streams import ROWS
from simstudy.theory.answers import answer

pytestmark = pytest.mark.slow

RESIDUAL = {"weights": "equal", "df": "residual"}
WELCH = {"weights": "equal", "df": "welch"}
CR2 = {"se": "CR2", "df": "satterthwaite"}
TESTS = {"welch": ("cluster_means", WELCH), "pooled t": ("cluster_means", RESIDUAL),
         "CR2": ("pooled", CR2)}  # fmt: skip
APART = {"x": "binary", "x_icc": 1, "cluster_size": 4, "icc": 0.3, "slope": 0,
         "cluster_variance": {"arms": 4}, "error_variance": {"arms": 4}}  # fmt: skip
THREE_AND_NINE = APART | {"n_clusters": 12, "treated": 0.25}
FIVE_AND_FIVE = APART | {"n_clusters": 10}


def scenario_of(fields):
    return study(fields, ["pooled"]).designs[0].scenario


def told(fields, test, measure="rejection_rate", alpha=0.05):
    return answer(scenario_of(fields), *TESTS[test], measure, alpha)


# --- arms whose variances differ


@pytest.mark.parametrize(
    ("fields", "rates"),
    [(THREE_AND_NINE, (0.0714, 0.1611, 0.0643)), (FIVE_AND_FIVE, (0.0493, 0.0585, 0.0585))],
    ids=["3 and 9", "5 and 5"],
)
def test_sizes_where_the_variance_of_one_arm_is_four_times_that_of_the_other(fields, rates):
    for test, rate in zip(TESTS, rates, strict=True):
        found = told(fields, test)
        assert found.kind == "exact" and found.value == pytest.approx(rate, abs=5e-5)


def quad_rejection(test, numbers, variances, shift, alpha):
    """P(reject) by adaptive quadrature over the beta variable, of the noncentral F."""
    (m1, m0), (v1, v0) = numbers, variances
    of_slope, free = v1 / m1 + v0 / m0, m1 + m0 - 2

    def of_share(b):
        parts = np.array([v1 * b / (m1 * (m1 - 1)), v0 * (1 - b) / (m0 * (m0 - 1))])
        dfs = np.array([m1 - 1, m0 - 1])
        squared, df = parts.sum(), parts.sum() ** 2 / (parts**2 / dfs).sum()
        if test == "pooled t":
            squared, df = (v1 * b + v0 * (1 - b)) / free * (1 / m1 + 1 / m0), free
        if test == "CR2":
            each = 1 / np.array([m1 * (m1 - 1), m0 * (m0 - 1)])
            df = (each * dfs).sum() ** 2 / (each**2 * dfs).sum()
        critical = stats.t.isf(alpha / 2, df) ** 2
        square, noncentral = critical * squared * free / of_slope, shift**2 / of_slope
        central = stats.f.sf(square, 1, free)  # where scipy's noncentral one is 1 off
        tail = stats.ncf.sf(square, 1, free, noncentral) if shift else central
        return tail * stats.beta.pdf(b, (m1 - 1) / 2, (m0 - 1) / 2)

    return integrate.quad(of_share, 0, 1, epsabs=1e-11)[0]


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("ratio", [0.2, 9])
def test_power_and_size_by_adaptive_quadrature(test, ratio):
    fields = {"x": "binary", "x_icc": 1, "cluster_size": 5, "n_clusters": 11, "treated": 0.4,
              "icc": 0.2, "slope": 0.7, "total_variance": 2.0,
              "error_variance": {"arms": ratio}}  # fmt: skip
    control = 1 / (0.6 + 0.4 * ratio)
    variances = [0.4 + 1.6 / 5 * control * k for k in (ratio, 1)]
    for measure, shift in (("rejection_rate", 0.7), ("coverage", 0.0)):
        rate = quad_rejection(test, (4, 7), variances, shift, 0.1)
        expected = rate if measure == "rejection_rate" else 1 - rate
        assert told(fields, test, measure, 0.1).value == pytest.approx(expected, abs=1e-7)


def test_errors_of_the_standard_error_and_where_nothing_is_known():
    """The pooled variance of the means is off; Welch's and CR2's are unbiased."""
    variances, numbers = np.array([4.0, 1.0]), np.array([3.0, 9.0])
    pooled = (variances * (numbers - 1)).sum() / 10 * (1 / numbers).sum()
    expected = 100 * (math.sqrt(pooled / (variances / numbers).sum()) - 1)
    measure = "relative_error_model_se"
    assert told(THREE_AND_NINE, "pooled t", measure, None).value == pytest.approx(expected)
    for test in ("welch", "CR2"):
        assert told(THREE_AND_NINE, test, measure, None).value == pytest.approx(0, abs=1e-12)
    for change in (
        {"cluster_size": {"uniform": [3, 5]}}, {"error_variance": {"clusters": 0.5}},
        {"slope_sd": 0.2}, {"treated": 0.01}, {"covariates": {"z": {"icc": 0.2}}},
        {"cluster_effects": "uniform"}, {"missing": {"units": 0.1}},
    ):  # fmt: skip
        assert told(THREE_AND_NINE | change, "pooled t") is None, change
    assert answer(scenario_of(THREE_AND_NINE), "dummy", CR2, "rejection_rate", 0.05) is None


def test_welch_where_the_variances_are_equal_is_below_its_level():
    plain = {"x": "binary", "x_icc": 1, "cluster_size": 4, "icc": 0.3, "slope": 0}
    for j, arms, size in ((7, (3, 4), 0.0405), (15, (7, 8), 0.0475)):
        rate = quad_rejection("welch", arms, (1, 1), 0, 0.05)
        assert told(plain | {"n_clusters": j}, "welch").value == pytest.approx(rate, abs=1e-7)
        assert rate == pytest.approx(size, abs=5e-5)


def test_the_three_tests_of_drawn_arms_have_these_sizes():
    methods = [{name: options} for name, options in TESTS.values()]
    for totals, test in zip(simulate(THREE_AND_NINE, methods, 20_000), TESTS, strict=True):
        rate = told(THREE_AND_NINE, test).value
        error = totals.rejected[0] / 20_000 - rate
        assert abs(error) < 4 * math.sqrt(rate * (1 - rate) / 20_000)


# --- endogeneity: the limits of many clusters

MANY = {"n_clusters": 800, "cluster_size": 5, "icc": 0.4, "slope": 0.3, "total_variance": 2.0}


def assert_bias(totals, bias, room=0.0):
    """The mean error is the bias, to 4 Monte Carlo errors and what is left at so many clusters."""
    error = math.sqrt(totals.variance / totals.n_used)
    assert error < 0.004
    assert abs(totals.error - bias) < 4 * error + room


def limit_of_random_intercept(rho, tau2, sigma2, x_icc, n):
    k = rho * math.sqrt(tau2 * x_icc)

    def gap(b):
        msw = sigma2 + b * b * (1 - x_icc)
        w = msw / (n * (tau2 - 2 * b * k + b * b * x_icc) + msw)
        return w * n * k / ((n - 1) * (1 - x_icc) + w * (n * x_icc + 1 - x_icc)) - b

    return optimize.brentq(gap, 0, k / x_icc)


@pytest.mark.parametrize("x_icc", [0.2, 0.6])
def test_endogeneity(x_icc):
    rho, tau2, sigma2 = 0.5, 0.8, 1.2
    fields = MANY | {"x_icc": x_icc, "endogeneity": rho}
    pooled, dummy, mixed = simulate(fields, ["pooled", "dummy", "random_intercept"], 400)
    assert_bias(pooled, rho * math.sqrt(tau2 * x_icc))
    assert_bias(dummy, 0)
    assert_bias(mixed, limit_of_random_intercept(rho, tau2, sigma2, x_icc, 5), 5e-4)


def test_endogeneity_of_a_treatment_of_clusters():
    fields = MANY | {"x": "binary", "x_icc": 1, "endogeneity": 0.3}
    (pooled,) = simulate(fields, ["pooled"], 400)
    assert_bias(pooled, 2 * 0.3 * math.sqrt(0.8))


# --- slopes that go with sizes


def test_mean_slopes_of_units_and_of_clusters():
    """By pooled units, by deviations within clusters, and by cluster means."""
    sizes = np.arange(2, 11)
    mean, sd = sizes.mean(), sizes.std()
    fields = MANY | {"cluster_size": {"uniform": [2, 10]}, "x_icc": 0.3, "slope_sd": 0.5,
                     "informative_slope": 0.6}  # fmt: skip
    scenario = scenario_of(fields)
    of_units = 0.3 + 0.5 * 0.6 * sd / mean
    assert ESTIMANDS["slope_units"].value(scenario) == pytest.approx(of_units, rel=1e-12)
    assert ESTIMANDS["slope_clusters"].value(scenario) == 0.3
    pooled, dummy = simulate(fields, ["pooled", "dummy"], 400)
    assert_bias(pooled, of_units - 0.3, 1e-3)
    assert_bias(dummy, 0.5 * 0.6 * sd / (mean - 1), 1e-3)
    level = fields | {"x_icc": 1, "cluster_size": {"poisson": 4}}
    pooled, means = simulate(level, ["pooled", "cluster_means"], 800)
    mean = 4 / -math.expm1(-4)
    sd = math.sqrt(mean * 5 - mean**2)
    assert_bias(pooled, 0.5 * 0.6 * sd / mean, 2e-3)
    assert_bias(means, 0)


# --- errors in the order of the units


def test_autocorrelated_errors():
    """The variance of a cluster's mean error, and the correlations at every lag."""
    r, n, icc = 0.6, 6, 0.3
    fields = {"n_clusters": 50, "cluster_size": n, "icc": icc, "x_icc": 0.5, "slope": 0,
              "autocorrelation": r}  # fmt: skip
    source = Source(scenario_of(fields), 5, 0)
    y = np.concatenate([source.moments(ROWS, k).y.reshape(n, -1) for k in range(20)], axis=1)
    share = ((1 + r) / (1 - r) - 2 * r * (1 - r**n) / (n * (1 - r) ** 2)) / n
    squares = y.mean(axis=0) ** 2
    z = (squares.mean() - icc - (1 - icc) * share) / (squares.std() / squares.size**0.5)
    assert abs(z) < 4 and squares.std() / squares.size**0.5 < 0.0075 * squares.mean()
    for lag in range(n):
        products = (y[lag:] * y[: n - lag]).mean(axis=0)
        z = products.mean() - icc - (1 - icc) * r**lag
        assert abs(z) < 4 * products.std() / products.size**0.5


# --- treatment by group, with methods that know of clusters alone


def naive_rate(critical, free, top, parts):
    """P(top X_1 > critical^2 sum / free), sum of value chi2(df): Craig's integral of Imhof's."""

    def integrand(angle):
        weights = [(critical**2 * value / (free * top), df) for value, df in parts]
        return math.prod((1 + w / math.cos(angle) ** 2) ** (-df / 2) for w, df in weights)

    return 2 / math.pi * integrate.quad(integrand, 0, math.pi / 2)[0]


def test_a_treatment_of_groups_that_two_methods_do_not_know():
    g, m, n, icc, r3 = 8, 3, 5, 0.25, 0.1
    j, total = g * m, g * m * n
    group = 1 + (n - 1) * icc + n * (m - 1) * r3
    cluster = group - n * m * r3
    levels = [(group, g - 2), (cluster, g * (m - 1))]
    of_units = naive_rate(
        stats.t.isf(0.025, total - 2), total - 2, group, [*levels, (1 - icc, total - j)]
    )
    of_means = naive_rate(stats.t.isf(0.025, j - 2), j - 2, group, levels)
    assert (of_units, of_means) == pytest.approx((0.264, 0.114), abs=5e-4)
    fields = {"n_clusters": j, "cluster_size": n, "icc": icc, "x": "binary", "x_icc": 1, "slope": 0,
              "third_level": {"clusters": m, "icc": r3, "x_icc": 1}}  # fmt: skip
    for totals, rate in zip(simulate(fields, ["pooled", "cluster_means"], 20_000),
                            (of_units, of_means), strict=True):  # fmt: skip
        error = totals.rejected[0] / 20_000 - rate
        assert abs(error) < 4 * math.sqrt(rate * (1 - rate) / 20_000)
