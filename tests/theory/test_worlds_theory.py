"""Answers for data that misbehave, against quadrature, published numbers and simulation."""

import math

import numpy as np
import pytest
from helpers_simulation import simulate, study
from scipy import integrate, optimize, stats

from simstudy.estimands import ESTIMANDS
from simstudy.generators.source import Source
from simstudy.generators.streams import ROWS

pytestmark = pytest.mark.slow


def scenario_of(fields):
    return study(fields, ["pooled"]).designs[0].scenario


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
