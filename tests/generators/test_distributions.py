"""Each grain on its own has the distribution that theory says, refined or drawn first.

Fixed seeds; every z-score is against an exact answer. A limit of 4.5 lets all of them pass by
chance nine times in ten, and 130,000 replications resolve every variance, also that of a
chi-square of one degree of freedom, to 5 % or better (`check_moments` insists on it).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import helpers_generators as h
import numpy as np
import pytest
from scipy.special import chdtr, gammaincc, ndtr
from scipy.stats import binom, gamma, poisson

from simstudy.generators.streams import BLOCK, CLUSTERS, ROWS

pytestmark = pytest.mark.slow

REPS = 32 * BLOCK  # 131,072
TILT = {"slope": 0.7, "intercept": 3.0, "icc": 0.3}
CONTEXT = TILT | {"contextual_effect": -0.9}

BALANCED = {
    "J2 n1": CONTEXT | {"n_clusters": 2, "cluster_size": 1, "x_icc": 0.5},
    "J2 n2": CONTEXT | {"n_clusters": 2, "cluster_size": 2, "x_icc": 0.5},
    "J2 n3 x1": TILT | {"n_clusters": 2, "cluster_size": 3, "x_icc": 1},
    "J3 n2 x0": CONTEXT | {"n_clusters": 3, "cluster_size": 2, "x_icc": 0},
    "J3 n2 x.9": CONTEXT | {"n_clusters": 3, "cluster_size": 2, "x_icc": 0.9},
    "J3 n2 x1": TILT | {"n_clusters": 3, "cluster_size": 2, "x_icc": 1},
    "J3 n1": TILT | {"n_clusters": 3, "cluster_size": 1, "x_icc": 0.2},
    "J4 n5": CONTEXT | {"n_clusters": 4, "cluster_size": 5, "x_icc": 0.5},
    "J4 n5 x1": TILT | {"n_clusters": 4, "cluster_size": 5, "x_icc": 1, "total_variance": 4},
    "J3 n3 icc0": {"n_clusters": 3, "cluster_size": 3, "x_icc": 0.4, "icc": 0},
    "J3 n4 wide": CONTEXT | {"n_clusters": 3, "cluster_size": 4, "x_icc": 0.3, "total_variance": 9},
}
LISTED = {
    "1-2-3-7": CONTEXT | {"cluster_size": {"sizes": [1, 2, 3, 7]}, "x_icc": 0.5},
    "1-2-3-7 x0": CONTEXT | {"cluster_size": {"sizes": [1, 2, 3, 7]}, "x_icc": 0},
    "1-2-3-7 x1": TILT | {"cluster_size": {"sizes": [1, 2, 3, 7]}, "x_icc": 1},
    "2-4 wide": CONTEXT | {"cluster_size": {"sizes": [2, 4]}, "x_icc": 0.8, "total_variance": 9},
}


# --- pooled -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BALANCED, "J30 n20"])
def test_pooled_moments(name):
    """Two independent Wishart matrices: J(n - 1) and J - 1 degrees of freedom."""
    large = CONTEXT | {"n_clusters": 30, "cluster_size": 20, "x_icc": 0.5}
    one = h.design(**BALANCED.get(name, large))
    s, n = one.scenario, one.scenario.equal_size
    inner, outer = h.pooled_draws(h.source(one), REPS // BLOCK)
    laws = [
        (inner, s.n_clusters * (n - 1), h.sigma_within(s)),
        (outer, s.n_clusters - 1, n * h.sigma_mean(s, n)),
    ]
    mean, covariance = zip(*(h.wishart(df, sigma) for _, df, sigma in laws), strict=True)
    values = np.concatenate([h.cross(inner), h.cross(outer)])
    h.check_moments(values, np.concatenate(mean), h.blocks(covariance))
    for factor, df, sigma in laws:
        _check_factor(factor, df, sigma)


def _check_factor(factor, df: int, sigma: np.ndarray) -> None:
    """Bartlett: a^2 ~ chi2(df), b - slope a normal, r^2 ~ chi2(df - 1), given scales."""
    x = sigma[0, 0]
    slope = sigma[0, 1] / x if x > 0 else 0.0
    noise = sigma[1, 1] - slope * sigma[0, 1]
    varies = x > 0 and df > 0
    if varies:
        h.check_law(factor.a**2 / x, partial(chdtr, df))
        h.check_law((factor.b - slope * factor.a) / noise**0.5, ndtr)
    else:
        assert not np.any(factor.a) and not np.any(factor.b)
    if df - varies > 0:
        h.check_law(factor.r**2 / noise, partial(chdtr, df - varies))
    else:
        assert not np.any(factor.r)


# --- clusters ---------------------------------------------------------------------------------


# clusters by themselves: of the sizes and of the laws of x one of each
OF_CLUSTERS = ("J2 n1", "J3 n2 x0", "J3 n2 x.9", "J3 n2 x1", "J4 n5", "J3 n3 icc0", "J3 n4 wide",
               "1-2-3-7", "1-2-3-7 x1", "2-4 wide")  # fmt: skip


@pytest.mark.parametrize("name", OF_CLUSTERS)
def test_cluster_moments_and_laws(name):
    """Each cluster on its own and all pairs, refined (equal sizes) or drawn first (unequal)."""
    one = h.design(**(BALANCED | LISTED)[name])
    s = one.scenario
    drawn = h.cluster_draws(h.source(one, seed=2), REPS + REPS // 4)
    sizes = drawn.sizes[:, 0]
    values, mean, covariance = [], [], []
    for j, n in enumerate(sizes):
        inner, outer = h.sigma_within(s), h.sigma_mean(s, n)
        x, y = drawn.mean_x[j], drawn.mean_y[j] - s.intercept
        values += [x, y, *h.cross(drawn.within)[:, j], x * x, x * y, y * y]
        one_mean, within, about = [0.0, 0.0], h.wishart(n - 1, inner), h.wishart(1, outer)
        mean += [*one_mean, *within[0], *about[0]]
        covariance += [outer, within[1], about[1]]
    h.check_moments(np.array(values), mean, h.blocks(covariance))
    for j, n in enumerate(sizes):
        inner = drawn.within.map(lambda v, j=j: v[j])
        _check_factor(inner, n - 1, h.sigma_within(s))
        outer = h.sigma_mean(s, n)
        h.check_law(drawn.mean_x[j] / outer[0, 0] ** 0.5, ndtr)
        h.check_law((drawn.mean_y[j] - s.intercept) / outer[1, 1] ** 0.5, ndtr)


def test_refined_clusters_of_a_usual_design():
    """J = 30, n = 20: every number of every cluster is an independent draw of one law."""
    one = h.design(**CONTEXT, n_clusters=30, cluster_size=20, x_icc=0.5)
    drawn = h.cluster_draws(h.source(one), 4096)
    s, outer = one.scenario, h.sigma_mean(one.scenario, 20)
    _check_factor(drawn.within, 19, h.sigma_within(s))
    h.check_law(drawn.mean_x / outer[0, 0] ** 0.5, ndtr)
    h.check_law((drawn.mean_y - s.intercept) / outer[1, 1] ** 0.5, ndtr)


RULES = {
    "uniform": {"uniform": [1, 6]},
    "poisson": {"poisson": 3},
    "cv": {"mean": 5, "cv": 0.9},
}


@pytest.mark.parametrize("x_icc", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("rule", RULES)
def test_clusters_of_random_size(rule, x_icc):
    """Given its size, a cluster follows the law of that size."""
    one = h.design(**TILT, n_clusters=3, cluster_size=RULES[rule], x_icc=x_icc)
    s = one.scenario
    drawn = h.cluster_draws(h.source(one), REPS // 2)
    sizes, inner = drawn.sizes, drawn.within
    x = drawn.mean_x / np.sqrt(x_icc + (1 - x_icc) / sizes)
    e = drawn.mean_y - s.intercept - s.slope * drawn.mean_x
    e = e / np.sqrt(s.tau2 + s.sigma2 / sizes)
    h.check_moments(np.concatenate([x, e]), np.zeros(6), np.eye(6))
    h.check_law(x, ndtr)
    h.check_law(e, ndtr)
    some = sizes > 1
    varies = some & (x_icc < 1)
    assert np.array_equal(inner.a > 0, varies) and np.array_equal(inner.b != 0, varies)
    if x_icc < 1:
        share = chdtr(sizes[some] - 1, inner.a[some] ** 2 / (1 - x_icc))
        h.check_law(share, lambda u: u)
        h.check_law((inner.b - s.slope * inner.a)[some] / s.sigma2**0.5, ndtr)
    free = sizes - 1 - varies
    left = free > 0
    assert np.array_equal(inner.r > 0, left)
    h.check_law(chdtr(free[left], inner.r[left] ** 2 / s.sigma2), lambda u: u)
    # a cluster's size tells nothing about its standardized means
    both = np.array([*(sizes - sizes.mean()), *x, *e])
    z = both[:3] @ both[3:].T / np.sqrt((both[:3] ** 2).sum(axis=1))[:, None]
    assert np.abs(z).max() < h.LIMIT


# --- rows -------------------------------------------------------------------------------------

ROW_DESIGNS = {
    name: (BALANCED | LISTED)[name]
    for name in ("J2 n1", "J3 n2 x0", "J3 n2 x1", "J3 n4 wide", "2-4 wide")
} | {
    "1-2-3": CONTEXT | {"cluster_size": {"sizes": [1, 2, 3]}, "x_icc": 0.5},
    "3-1-4 x1": TILT | {"cluster_size": {"sizes": [3, 1, 4]}, "x_icc": 1},
}


def _row_covariance(s) -> np.ndarray:
    """Covariance of (x, y) of all units, y = slope x + contextual_effect xbar + u + e."""
    sizes = s.fixed_sizes().ravel()
    same = h.blocks([np.ones((n, n)) for n in sizes])
    average = h.blocks([np.ones((n, n)) / n for n in sizes])
    unit = np.eye(sizes.sum())
    x = s.x_icc * same + (1.0 - s.x_icc) * unit
    tilt = s.slope * unit + s.contextual_effect * average
    y = tilt @ x @ tilt.T + s.tau2 * same + s.sigma2 * unit
    return np.block([[x, x @ tilt.T], [tilt @ x, y]])


@pytest.mark.parametrize("name", ROW_DESIGNS)
def test_row_moments_and_laws(name):
    """Every unit, every pair of units, and their squares (jointly normal to fourth order)."""
    one = h.design(**ROW_DESIGNS[name])
    x, y = h.row_draws(h.source(one, seed=3), REPS)
    both = np.concatenate([x, y - one.scenario.intercept])
    covariance = _row_covariance(one.scenario)
    mean = np.concatenate([np.zeros(len(both)), np.diag(covariance)])
    h.check_moments(
        np.concatenate([both, both**2]), mean, h.blocks([covariance, 2.0 * covariance**2])
    )
    for values, variance in zip(both, np.diag(covariance), strict=True):
        h.check_law(values / variance**0.5, ndtr)


def test_refined_rows_of_a_usual_design():
    """J = 30, n = 20, decorrelated by the exact covariance: independent standard normals."""
    one = h.design(**TILT, n_clusters=30, cluster_size=20, x_icc=0.5)
    s = one.scenario
    x, y = h.row_draws(h.source(one), 512)
    e = y - s.intercept - s.slope * x
    for values, between, within in ((x, s.x_icc, 1.0 - s.x_icc), (e, s.tau2, s.sigma2)):
        cells = values.reshape(30, 20, -1)
        means = cells.mean(axis=1, keepdims=True)
        white = (cells - means) / within**0.5 + means / (between + within / 20) ** 0.5 / 20**0.5
        h.check_law(white, ndtr)
        assert abs((white[:, 0] * white[:, 1]).mean()) * white[:, 0].size ** 0.5 < h.LIMIT


# --- predictors that are given ----------------------------------------------------------------


def _error_numbers(drawn, s) -> list[np.ndarray]:
    """Mean, xe, ee and squared mean of the errors of each cluster, from moments of (x, y)."""
    mean_e = drawn.mean_y - s.intercept - (s.slope + s.contextual_effect) * drawn.mean_x
    (a, b), (r,) = drawn.within.rows
    b = b - s.slope * a
    return [mean_e, a * b, b * b + r * r, mean_e**2]


def _check_given(drawn, s, x_numbers, mean_x, covariance_x) -> None:
    """Errors have their own law whatever x is; x enters only through xe ~ N(0, sigma2 Sxx)."""
    sizes = drawn.sizes[:, 0]
    outer, free = s.tau2 + s.sigma2 / sizes, sizes - 1.0
    spread = (drawn.within.a**2).mean(axis=1)  # exact where fixed; its own test is above
    mean = [0 * outer, 0 * outer, s.sigma2 * free, outer]
    variance = [outer, s.sigma2 * spread, 2 * s.sigma2**2 * free, 2 * outer**2]
    values = np.concatenate([*x_numbers, *_error_numbers(drawn, s)])
    covariance = h.blocks([covariance_x, np.diag(np.concatenate(variance))])
    h.check_moments(values, np.concatenate([mean_x, *mean]), covariance)


@pytest.mark.parametrize("sizes", [[4, 4, 4], [1, 2, 5], [2, 2], [3, 8]])
def test_unit_level_treatment(sizes):
    """The treated of a cluster are binomial; errors know nothing of them."""
    one = h.design(**CONTEXT, cluster_size={"sizes": sizes}, x="binary", x_icc=0)
    drawn = h.cluster_draws(h.source(one), REPS)
    treated = drawn.mean_x * drawn.sizes
    assert np.abs(treated - np.rint(treated)).max() < 1e-12  # counts, to rounding
    counts = np.rint(treated).astype(int)
    spread = counts * (drawn.sizes - counts) / drawn.sizes
    assert np.abs(drawn.within.a**2 - spread).max() < 1e-12  # one root and one square
    mean, covariance = [], []
    for n, of_cluster in zip(sizes, counts, strict=True):
        k = np.arange(n + 1)
        pmf, products = binom.pmf(k, n, 0.5), k * (n - k) / n
        found = np.bincount(of_cluster, minlength=n + 1)
        h.check_frequencies(found, pmf * of_cluster.size)
        mean.append([n / 2, pmf @ products])
        covariance.append([n / 4, pmf @ products**2 - (pmf @ products) ** 2])
    mean, covariance = np.array(mean).T.ravel(), np.array(covariance).T.ravel()
    _check_given(drawn, one.scenario, [counts, spread], mean, np.diag(covariance))


def test_unit_level_treatment_within_and_noise():
    """Given how many are treated, b is normal and r^2 a chi-square of n - 2, or of n - 1."""
    one = h.design(**TILT, n_clusters=2, cluster_size=3, x="binary", x_icc=0)
    s, drawn = one.scenario, h.cluster_draws(h.source(one), REPS)
    (a, b), (r,) = drawn.within.rows
    assert 0 < (a == 0).mean() < 1
    h.check_law(((b - s.slope * a) / s.sigma2**0.5)[a > 0], ndtr)
    h.check_law(r[a > 0] ** 2 / s.sigma2, partial(chdtr, 1))
    h.check_law(r[a == 0] ** 2 / s.sigma2, partial(chdtr, 2))


@pytest.mark.parametrize("j", [2, 3, 4, 7])
def test_cluster_level_treatment_of_equal_clusters(j):
    """floor(J/2) of J are treated; which ones makes no difference when sizes are equal."""
    one = h.design(**TILT, n_clusters=j, cluster_size=3, x="binary", x_icc=1)
    drawn = h.cluster_draws(h.source(one), REPS)
    assert set(np.unique(drawn.mean_x)) == {0.0, 1.0} and not np.any(drawn.within.a)
    assert np.all(drawn.mean_x.sum(axis=0) == j // 2)
    _check_given(drawn, one.scenario, [], [], np.zeros((0, 0)))


@pytest.mark.parametrize("sizes", [[1, 2, 5], [2, 3], [1, 2, 3, 7, 9]])
def test_cluster_level_treatment_is_shuffled(sizes):
    """floor(J/2) of J, every subset alike: a simple random sample, apart from the errors."""
    one = h.design(**TILT, cluster_size={"sizes": sizes}, x="binary", x_icc=1)
    drawn, j = h.cluster_draws(h.source(one), REPS), len(sizes)
    treated, m = drawn.mean_x, j // 2
    assert set(np.unique(treated)) == {0.0, 1.0} and not np.any(drawn.within.a)
    assert np.all(treated.sum(axis=0) == m)
    p = m / j
    covariance = np.full((j, j), m * (m - 1) / (j * (j - 1)) - p * p)
    np.fill_diagonal(covariance, p * (1 - p))
    _check_given(drawn, one.scenario, [treated], np.full(j, p), covariance)


def test_shuffled_treatment_does_not_follow_random_sizes():
    rule = {"uniform": [1, 9]}
    one = h.design(**TILT, n_clusters=5, cluster_size=rule, x="binary", x_icc=1)
    drawn = h.cluster_draws(h.source(one), REPS)
    assert np.all(drawn.mean_x.sum(axis=0) == 2)
    sizes = drawn.sizes - 5.0
    products = sizes * (drawn.mean_x - 0.4)
    z = products.mean(axis=1) / (products.std(axis=1) / products.shape[1] ** 0.5)
    assert np.abs(z).max() < h.LIMIT
    share = drawn.mean_x.mean(axis=1)
    assert np.abs(share - 0.4).max() < h.LIMIT * (0.24 / drawn.mean_x.shape[1]) ** 0.5


def test_blocked_treatment_counts_are_exact():
    """Half of each cluster; clusters of odd size alternately floor and ceil, n_j = 1 too."""
    sizes = [1, 2, 3, 3, 7, 8, 1]
    one = h.design(**CONTEXT, cluster_size={"sizes": sizes}, x="binary_blocked")
    drawn = h.cluster_draws(h.source(one), REPS)
    treated = drawn.mean_x * drawn.sizes
    assert np.abs(treated - np.array([[0, 1, 2, 1, 4, 4, 0]]).T).max() < 1e-12  # to rounding
    spread = np.array([0, 1 / 2, 2 / 3, 2 / 3, 12 / 7, 2, 0])
    assert np.abs(drawn.within.a**2 - spread[:, None]).max() < 1e-12
    _check_given(drawn, one.scenario, [], [], np.zeros((0, 0)))


def test_blocked_treatment_of_random_sizes():
    rule = {"uniform": [1, 9]}
    one = h.design(**TILT, n_clusters=6, cluster_size=rule, x="binary_blocked")
    drawn = h.cluster_draws(h.source(one), 2048)
    for sizes, share in zip(drawn.sizes.T, drawn.mean_x.T, strict=True):
        expected, up = sizes // 2, False
        for j in np.flatnonzero(sizes % 2):
            expected[j] += up
            up = not up
        assert np.array_equal(expected, np.rint(share * sizes))


@pytest.mark.parametrize("sizes", [[3, 3, 3], [1, 2, 4]])
def test_predictor_from_a_file(tmp_path, sizes):
    x = np.array([0.3, -1.2, 2.5, 0.7, 0.1, 3.0, -0.4, 0.9, 1.1])[: sum(sizes)]
    one = h.design(**CONTEXT, **h.from_file(tmp_path, sizes, x))
    drawn = h.cluster_draws(h.source(one), REPS)
    ends = np.cumsum(sizes)[:-1]
    means = np.array([v.mean() for v in np.split(x, ends)])
    spread = np.array([((v - v.mean()) ** 2).sum() for v in np.split(x, ends)])
    assert np.abs(drawn.mean_x - means[:, None]).max() < 1e-14  # two sums of a few numbers
    assert np.abs(drawn.within.a**2 - spread[:, None]).max() < 1e-13
    _check_given(drawn, one.scenario, [], [], np.zeros((0, 0)))


@pytest.mark.parametrize(
    "fields",
    [
        {"n_clusters": 3, "cluster_size": 3, "x": "binary", "x_icc": 0},
        {"n_clusters": 3, "cluster_size": 2, "x": "binary", "x_icc": 1},
        {"cluster_size": {"sizes": [1, 2, 4]}, "x": "binary_blocked"},
    ],
    ids=["units", "clusters", "blocked"],
)
def test_rows_of_a_given_predictor(fields):
    """Errors of the units: normal, tau2 shared by a cluster, nothing to do with treatment."""
    s = (one := h.design(**TILT, **fields)).scenario
    x, y = h.row_draws(h.source(one), REPS)
    e = y - s.intercept - s.slope * x
    sizes = s.fixed_sizes().ravel()
    same = h.blocks([np.ones((n, n)) for n in sizes])
    covariance = s.tau2 * same + s.sigma2 * np.eye(len(e))
    mean = np.concatenate([np.zeros(len(e)), np.diag(covariance)])
    values = np.concatenate([e, e**2])
    h.check_moments(values, mean, h.blocks([covariance, 2.0 * covariance**2]))
    free = x.var(axis=1) > 0
    both = (x[free] - x[free].mean(axis=1, keepdims=True)) @ e.T
    scale = np.sqrt(np.outer(x[free].var(axis=1), np.diag(covariance)) * x.shape[1])
    assert np.all(np.abs(both) < h.LIMIT * scale)
    for of_unit, variance in zip(e, np.diag(covariance), strict=True):
        h.check_law(of_unit / variance**0.5, ndtr)


# --- sizes ------------------------------------------------------------------------------------


def _sizes(rule, j: int = 3) -> np.ndarray:
    one = h.design(n_clusters=j, cluster_size=rule, x_icc=1)
    return h.cluster_draws(h.source(one), REPS).sizes


def _check_sizes(sizes: np.ndarray, pmf: np.ndarray, resolve: float = 0.05) -> None:
    """Sizes 1, 2, ... have these probabilities in every cluster, and clusters are independent."""
    k = np.arange(1, pmf.size + 1)
    assert abs(pmf.sum() - 1.0) < 1e-9  # the tail that is cut off
    mean = pmf @ k
    variance = pmf @ (k - mean) ** 2
    h.check_moments(sizes, np.full(len(sizes), mean), variance * np.eye(len(sizes)), resolve)
    for of_cluster in sizes:
        expected = pmf * of_cluster.size
        keep = np.flatnonzero(expected > 20)  # classes in the tails go together
        low, high = keep[0], keep[-1]
        edges = [expected[: low + 1].sum(), *expected[low + 1 : high], expected[high:].sum()]
        clipped = np.clip(of_cluster, low + 1, high + 1) - low - 1
        h.check_frequencies(np.bincount(clipped, minlength=high - low + 1), edges)


@pytest.mark.parametrize(("low", "high"), [(1, 2), (2, 9), (5, 35)])
def test_uniform_sizes_include_both_ends(low, high):
    sizes = _sizes({"uniform": [low, high]})
    assert sizes.min() == low and sizes.max() == high
    pmf = np.zeros(high)
    pmf[low - 1 :] = 1 / (high - low + 1)
    _check_sizes(sizes, pmf)


def test_uniform_sizes_of_one_value():
    assert np.all(_sizes({"uniform": [4, 4]}) == 4)


@pytest.mark.parametrize("mean", [0.3, 2.5, 20])
def test_poisson_sizes_are_conditional_on_one(mean):
    sizes = _sizes({"poisson": mean})
    assert sizes.min() >= 1
    k = np.arange(1, 80)
    _check_sizes(sizes, poisson.pmf(k, mean) / -np.expm1(-mean))


def _rounded_gamma(mean: float, cv: float) -> np.ndarray:
    """Exact probabilities of 1 + G rounded at random to a neighbour, from E(G - k)+.

    G is gamma with mean `mean` - 1 and the variance asked for less 1/6.
    """
    variance = (mean * cv) ** 2 - 1 / 6
    shape, scale = (mean - 1) ** 2 / variance, variance / (mean - 1)
    k = np.arange(int(gamma.isf(1e-13, shape, scale=scale)) + 3)
    above = (mean - 1) * gammaincc(shape + 1, k / scale) - k * gammaincc(shape, k / scale)
    return np.concatenate([[2 - mean + above[1]], np.diff(above, 2)])


GAMMAS = [(20, 0.5), (6, 0.8), (10, 0.06), (2, 0.5), (1.5, 1.0), (30, 1.5)]


@pytest.mark.parametrize(("mean", "cv"), GAMMAS)
def test_sizes_of_a_mean_and_a_cv(mean, cv):
    pmf = _rounded_gamma(mean, cv)
    assert abs(pmf @ np.arange(1, pmf.size + 1) - mean) < 1e-9  # the mean is exact
    # A long tail makes sample variances imprecise; the probabilities are tested one by one.
    _check_sizes(_sizes({"mean": mean, "cv": cv}), pmf, resolve=0.1)


CVS = [(20, 0.5), (3, 0.4), (3, 1), (30, 3), (10, 0.11), (2, 0.55), (2, 1), (2, 3)]


@pytest.mark.parametrize(("mean", "cv"), CVS)
def test_cv_is_what_was_asked_for(mean, cv):
    """To 1 %, as the README says, where sizes vary by more than one unit and the mean is 2 or more.

    Rounding adds 1/6 to the variance only if the gamma variate spreads over some whole numbers:
    at mean 1.5, cv 1 the cv is 2 % too low, at mean 1.2, cv 1 it is 5 %.
    """
    k = 1 + np.arange(len(pmf := _rounded_gamma(mean, cv)))
    exact = (pmf @ (k - mean) ** 2) ** 0.5 / mean
    assert exact == pytest.approx(cv, rel=0.01)


def test_sizes_come_first():
    """The same sizes whatever x and the errors are: their stream is their own."""
    one = h.design(n_clusters=4, cluster_size={"poisson": 6}, x_icc=0)
    other = replace(one.scenario, x="binary", x_icc=1.0, icc=0.5, slope=2.0)
    expected = h.source(one).moments(CLUSTERS, 0).sizes
    assert np.array_equal(
        h.source(replace(one, scenario=other)).moments(CLUSTERS, 0).sizes, expected
    )
    assert np.array_equal(h.source(one).moments(ROWS, 0).sizes, expected)
