"""The variance ratio and its degrees of freedom against longhand formulas and dense matrices.

Nothing here calls the package for the expected side: criteria, closed forms and N x N matrices
are written out as in the textbooks.
"""

import functools

import helpers_numerics as h
import numpy as np
import pytest
from dense import Dense
from scipy import stats

from simstudy.moments import Factor, Pooled
from simstudy.numerics import gram, likelihood, reml, weighted

BOTH = pytest.mark.parametrize("restricted", [True, False], ids=["reml", "ml"])
# w in (0, 1]: evenly spaced, and log-spaced towards tau2 = infinity
GRID = np.unique(np.concatenate([np.linspace(0.005, 1.0, 200), np.geomspace(1e-9, 1.0, 200)]))
# A criterion of order 100 is good to 1e-13; the optimum is flat, so w's own error costs nothing.
NO_BETTER = 1e-9


def cross_products(factor):
    return factor.a**2, factor.a * factor.b, factor.b**2 + factor.r**2


def balanced_parts(moments, w):
    """D(w) and R(w) of docs/statistics.md, section 4, from raw cross-products."""
    (wxx, wxy, wyy), (bxx, bxy, byy) = map(cross_products, (moments.within, moments.between))
    d = wxx + w * bxx
    return d, (wyy + w * byy) * d - (wxy + w * bxy) ** 2


def balanced_criterion(moments, w, restricted):
    """-2 log L up to a constant, docs/statistics.md, section 4."""
    n_obs, j = moments.n_clusters * moments.cluster_size, moments.n_clusters
    d, r = balanced_parts(moments, w)
    if restricted:
        return (n_obs - 2) * np.log(r) - (n_obs - 3) * np.log(d) - (j - 1) * np.log(w)
    return n_obs * np.log(r) - n_obs * np.log(d) - j * np.log(w)


def balanced_derivative(moments, w, restricted):
    """Its derivative in w, times w."""
    n_obs, j = moments.n_clusters * moments.cluster_size, moments.n_clusters
    (_, wxy, wyy), (bxx, bxy, byy) = map(cross_products, (moments.within, moments.between))
    d, r = balanced_parts(moments, w)
    slope = byy * d + (wyy + w * byy) * bxx - 2 * bxy * (wxy + w * bxy)
    lost = 1 if restricted else 0
    nu = n_obs - 2 * lost
    return w * (nu * slope / r - (nu - lost) * bxx / d) - (j - lost)


def chosen_w(moments, restricted):
    psi, boundary = reml.variance_ratio(moments, gram.within(moments), reml=restricted, n_fixed=2)
    assert np.array_equal(boundary, psi == 0.0)  # the boundary is exact
    assert np.all(psi >= 0)
    mean_size = np.mean(moments.n_obs) / moments.n_clusters
    return 1.0 / (1.0 + mean_size * psi)


def on_grid(moments, restricted):
    column = GRID[:, None]
    return balanced_criterion(moments, column, restricted)


def count_minima(moments, restricted):
    """Local minima on the grid, the end w = 1 included."""
    values = on_grid(moments, restricted)
    falls = np.diff(values, axis=0) < 0
    inner = (falls[:-1] & ~falls[1:]).sum(axis=0)
    return inner + falls[-1]


def pooled_sets(j, n, x_icc, icc, n_reps=1000):
    """Random balanced sets, from a stream of their own (not the package's generator)."""
    rng = np.random.default_rng([j, n, int(1000 * x_icc), int(1000 * icc)])

    def factor(df, sx, se):
        a = sx * np.sqrt(rng.chisquare(df, n_reps))
        b = se * rng.standard_normal(n_reps)
        r = se * np.sqrt(rng.chisquare(df - 1, n_reps)) if df > 1 else np.zeros(n_reps)
        return Factor.of_line(a, b, r)

    within = factor(j * (n - 1), np.sqrt(1 - x_icc), np.sqrt(1 - icc))
    sd_x, sd_e = np.sqrt(n * x_icc + 1 - x_icc), np.sqrt(n * icc + 1 - icc)
    return Pooled(j, n, within, factor(j - 1, sd_x, sd_e))


# --- balanced: the cubic

DESIGNS = [(2, 2), (2, 6), (3, 2), (3, 4), (4, 2), (6, 3), (10, 5), (30, 4)]


@BOTH
@pytest.mark.parametrize(("j", "n"), DESIGNS)
@pytest.mark.parametrize("x_icc", [0.0, 0.5, 0.9, 0.999])
def test_cubic_finds_the_best_optimum(j, n, x_icc, restricted):
    for icc in (0.0, 0.3):
        moments = pooled_sets(j, n, x_icc, icc)
        w = chosen_w(moments, restricted)
        reached = balanced_criterion(moments, w, restricted)
        assert np.max(reached - on_grid(moments, restricted).min(axis=0)) < NO_BETTER


@BOTH
@pytest.mark.parametrize(("j", "n"), DESIGNS)
def test_cubic_root_is_stationary_and_boundary_is_downhill(j, n, restricted):
    moments = pooled_sets(j, n, 0.5, 0.2)
    w = chosen_w(moments, restricted)
    interior = w < 1
    assert 0 < interior.sum() < interior.size
    derivative = balanced_derivative(moments, w, restricted)
    step = 1e-4
    up, down = (balanced_derivative(moments, w * (1 + s), restricted) for s in (step, -step))
    curvature = (up - down) / (2 * step)
    # a Newton step in log w from the root moves it by rounding only (1e-10 where nearly flat)
    assert np.all(np.abs(derivative[interior]) < 1e-10 * curvature[interior] + 1e-11)
    # at the boundary the criterion does not fall towards tau2 > 0
    assert np.all(derivative[~interior] <= 1e-11)


@BOTH
@pytest.mark.parametrize("x_icc", [0.5, 0.9])
def test_of_two_optima_the_better_one(x_icc, restricted):
    moments = pooled_sets(3, 2, x_icc, 0.3, 4000)
    two = count_minima(moments, restricted) > 1
    assert two.sum() > 20  # 3 % and 6 % of such sets under REML
    part = h.take(moments, np.flatnonzero(two))
    w = chosen_w(part, restricted)
    reached = balanced_criterion(part, w, restricted)
    assert np.max(reached - on_grid(part, restricted).min(axis=0)) < NO_BETTER
    # both kinds of winner occur, and every winner beats a rival by a margin
    assert 0 < (w == 1).sum() < w.size
    at_zero = balanced_criterion(part, np.ones_like(w), restricted)
    assert np.any(at_zero - reached > 0.1)


@BOTH
@pytest.mark.parametrize(("j", "n"), [(3, 2), (5, 4), (20, 3)])
def test_cluster_level_x_has_a_closed_form(j, n, restricted):
    """Wxx = 0: w = min(1, MSW / MSB), the ANOVA estimator cut at 0."""
    moments = h.drawn("pooled", [n] * j, 500, x_icc=1.0)
    assert np.all(moments.within.a == 0)
    within = moments.within.r**2 / (j * (n - 1))
    between = moments.between.r**2 / (j - 2 if restricted else j)
    expected = np.minimum(1.0, within / between)
    w = chosen_w(moments, restricted)
    h.assert_close(w, expected, 1e-13)  # the ratio of two numbers
    assert np.array_equal(w == 1, within >= between)


@BOTH
@pytest.mark.parametrize(("j", "n"), [(3, 2), (5, 4), (20, 6)])
def test_x_without_a_between_part_has_a_closed_form(j, n, restricted):
    """Bxx = 0: the mean squares about the within line and between the clusters."""
    drawn = h.drawn("pooled", [n] * j, 500, x_icc=0.5)
    zero = np.zeros(500)
    outer = Factor.of_line(zero, zero, np.hypot(drawn.between.b, drawn.between.r))
    moments = Pooled(j, n, drawn.within, outer)
    n_obs = j * n
    within = moments.within.r**2 / (n_obs - j - 1 if restricted else n_obs - j)
    between = outer.r**2 / (j - 1 if restricted else j)
    w = chosen_w(moments, restricted)
    h.assert_close(w, np.minimum(1.0, within / between), 1e-13)  # the ratio of two numbers


# --- unbalanced: the search


@BOTH
@pytest.mark.parametrize(("j", "n"), [(3, 2), (4, 5), (8, 3), (13, 4), (20, 10)])
def test_search_agrees_with_the_cubic(j, n, restricted):
    """On balanced data the two must find the same optimum (sets with a single one)."""
    clusters = h.drawn("clusters", [n] * j, 400, x_icc=0.6)
    pooled = gram.pool(clusters)
    w = reml._search(clusters, gram.within(clusters), restricted, np.array([float(n)]), 2)
    single = count_minima(pooled, restricted) == 1
    assert single.mean() > 0.9
    # both are roots to rounding, magnified by at most 1e4 where the criterion is flat
    h.assert_close(w[single], chosen_w(pooled, restricted)[single], 1e-9)


@BOTH
def test_search_sees_the_second_optimum_of_small_sets(restricted):
    """Its grid is a screen, not a proof: nine in ten of the sets with two optima."""
    rng = np.random.default_rng(8)
    x, y = h.units(rng, [2, 2, 2], 0.9, 0.3, 2000)
    clusters = h.clusters_of([2, 2, 2], x, y)
    pooled = gram.pool(clusters)
    w = reml._search(clusters, gram.within(clusters), restricted, np.array([2.0]), 2)
    two = count_minima(pooled, restricted) > 1
    assert two.sum() > 20
    h.assert_close(w[~two], chosen_w(pooled, restricted)[~two], 1e-9)
    same = np.abs(w - chosen_w(pooled, restricted)) < 1e-9
    assert same[two].mean() > 0.9


def clusters_criterion(clusters, w, restricted):
    """-2 log L up to a constant of any cluster sizes, w = 1 / (1 + nbar psi)."""
    n = clusters.sizes.astype(float)
    n_obs = n.sum()
    wxx, wxy, wyy = cross_products(gram.within(clusters))
    psi = (1 / w - 1) * n.size / n_obs
    c = n / (1 + n * psi)
    x = clusters.mean_x - (c * clusters.mean_x).sum(axis=0) / c.sum(axis=0)
    y = clusters.mean_y - (c * clusters.mean_y).sum(axis=0) / c.sum(axis=0)
    d, s = wxx + (c * x * x).sum(axis=0), c.sum(axis=0)
    rss = wyy + (c * y * y).sum(axis=0) - (wxy + (c * x * y).sum(axis=0)) ** 2 / d
    log_w = -np.log1p(n * psi).sum(axis=0)
    if restricted:
        return -log_w + np.log(s * d) + (n_obs - 2) * np.log(rss)
    return -log_w + n_obs * np.log(rss)


@BOTH
@pytest.mark.parametrize("j", range(3, 9))
def test_search_against_a_dense_grid(j, restricted):
    """No point of the grid is better, but for the rare optimum between w = .74 and 1.

    The screen for a second optimum has one step there. A shallow one beside the boundary slips
    through in about 2 of 100,000 sets; what is missed is worth less than .02 in -2 log L.
    """
    rng = np.random.default_rng([7, j])
    missed = 0
    for x_icc in (0.0, 0.9, 0.999):
        sizes = rng.integers(1, 9, j) + (np.arange(j) == 0) * 2
        x, y = h.units(rng, sizes, x_icc, 0.15, 300)
        clusters = h.clusters_of(sizes, x, y)
        reached = clusters_criterion(clusters, chosen_w(clusters, restricted), restricted)
        grid = [clusters_criterion(clusters, w, restricted) for w in GRID]
        loss = reached - np.min(grid, axis=0)
        missed += np.sum(loss > NO_BETTER)
        assert np.max(loss) < 0.02
    assert missed <= 1


# --- limits


@pytest.mark.parametrize("sizes", [[4] * 5, [1, 2, 5, 9, 3]])
def test_psi_zero_is_pooled_and_psi_infinite_is_dummy(sizes):
    clusters = h.drawn("clusters", sizes, 50)
    inner = gram.within(clusters)
    pooled, dummy = (h.method(name).fit(clusters) for name in ("pooled", "dummy"))
    zero = weighted.profile(clusters, inner, np.zeros(50))
    h.assert_close(zero.slope, pooled.estimate, 1e-10, 1e-12)  # rounding of sums about 1
    far = weighted.profile(clusters, inner, np.full(50, 1e12))
    # what is left of the means is 1 / psi of them
    h.assert_close(far.slope, dummy.estimate, 1e-9, 1e-10)
    if len(set(sizes)) == 1:
        moments = gram.pool(clusters)
        for psi, slope in ((0.0, pooled.estimate), (1e12, dummy.estimate)):
            found = weighted.profile_pooled(moments, np.full(50, psi)).slope
            h.assert_close(found, slope, 1e-9, 1e-10)


def test_huge_cluster_variance_gives_the_dummy_fit():
    rng = np.random.default_rng(4)
    sizes = [3, 7, 5, 4]
    x, y = h.units(rng, sizes, 0.3, 0.2, 20)
    y = y + 1e6 * rng.standard_normal(4)[h.labels(sizes), None]
    clusters = h.clusters_of(sizes, x, y)
    mixed, dummy = (h.method(m).fit(clusters) for m in ("random_intercept", "dummy"))
    # psi is about 1e12, so the means carry 1e-12 of the weight but deviate by 1e6
    h.assert_close(mixed.estimate, dummy.estimate, 1e-4, 1e-4)
    h.assert_close(mixed.std_error, dummy.std_error, 1e-4)
    h.assert_close(mixed.df, sum(sizes) - len(sizes) - 1, 1e-4)


# --- degrees of freedom: balanced closed forms (docs/statistics.md, section 5)


class Balanced:
    """What the closed forms need, at the package's own w (which other tests check)."""

    def __init__(self, moments, w):
        (wxx, wxy, wyy), (bxx, bxy, byy) = map(cross_products, (moments.within, moments.between))
        n_obs, j = moments.n_obs, moments.n_clusters
        d = wxx + w * bxx
        b = (wxy + w * bxy) / d
        rss = wyy + w * byy - b * b * d
        self.sigma2 = rss / (n_obs - 2)
        self.variance = self.sigma2 / d
        self.rho = w * bxx / d
        self.one_minus_rho = wxx / d
        self.m0, self.m1, self.nu = n_obs - j - 1, j - 2, n_obs - 2
        self.kappa = (wxy - b * wxx) ** 2 / (self.sigma2 * d)
        self.interior = w < 1

    def kenward_roger(self):
        rho, rest, m0, m1 = self.rho, self.one_minus_rho, self.m0, self.m1
        top = m0 * m1 + m0 * rest**2 + m1 * rho**2
        df = top / (m1 * rest**2 + m0 * rho**2 + (1 - 2 * rho) ** 2)
        return df, 1 + 4 * rho * rest * self.nu / top

    def satterthwaite(self):
        rho, rest = self.rho, self.one_minus_rho
        a = self.m0 + 2 * rho - rho**2 - 2 * self.kappa
        b = self.m1 + 1 - rho**2 - 2 * self.kappa
        c = 2 * self.kappa - rho * rest
        df = (a * b - c * c) / (rest**2 * b - 2 * rho * rest * c + rho**2 * a)
        return np.where(self.interior, df, self.nu)


MIXED = [(2, 4), (3, 2), (3, 5), (4, 3), (8, 6), (30, 10)]


def both_holdings(j, n, x_icc, n_reps=300):
    """The same balanced sets as clusters and as pooled moments."""
    clusters = h.drawn("clusters", [n] * j, n_reps, x_icc=x_icc, icc=0.3)
    return clusters, gram.pool(clusters)


@pytest.mark.parametrize("x_icc", [0.1, 0.6])
@pytest.mark.parametrize(("j", "n"), MIXED)
def test_balanced_kenward_roger(j, n, x_icc):
    clusters, pooled = both_holdings(j, n, x_icc)
    form = Balanced(pooled, chosen_w(pooled, True))
    df, inflation = form.kenward_roger()
    keep = df > 1e-4  # J = 2, rho -> 1: the df goes to 0, and loses eps / df of its digits
    assert keep.all() if j > 2 else keep.mean() > 0.9
    for moments in (clusters, pooled):
        found = h.method("random_intercept", df="kenward_roger").fit(moments)
        h.assert_close(found.df[keep], df[keep], 1e-9)
        expected = np.sqrt(form.variance * inflation)
        h.assert_close(found.std_error[keep], expected[keep], 1e-9)
        plain = h.method("random_intercept", df="wald").fit(moments)
        h.assert_close(plain.std_error, np.sqrt(form.variance), 1e-9)
        assert np.all(found.std_error[keep] >= plain.std_error[keep] * (1 - 1e-12))


@pytest.mark.parametrize("x_icc", [0.1, 0.6])
@pytest.mark.parametrize(("j", "n"), MIXED)
def test_balanced_satterthwaite(j, n, x_icc):
    clusters, pooled = both_holdings(j, n, x_icc)
    form = Balanced(pooled, chosen_w(pooled, True))
    assert form.interior.any()
    for moments in (clusters, pooled):
        found = h.method("random_intercept", df="satterthwaite").fit(moments)
        h.assert_close(found.df, form.satterthwaite(), 1e-9)


@pytest.mark.parametrize("x_icc", [0.9, 0.999])
def test_balanced_kenward_roger_of_two_clusters(x_icc):
    """Df down to 1e-10, standard errors up to 1e4 times larger: the p-value (near 1) holds."""
    pooled = pooled_sets(2, 2, x_icc, 0.1)
    form = Balanced(pooled, chosen_w(pooled, True))
    df, inflation = form.kenward_roger()
    assert df.min() < 1e-6
    found = h.method("random_intercept", df="kenward_roger").fit(pooled)
    t = found.estimate / np.sqrt(form.variance * inflation)
    # df loses eps / df of its digits, and p moves with df itself: eps, in absolute terms
    h.assert_close(found.p_value, 2 * stats.t.sf(np.abs(t), df), 0.0, 1e-12)


@pytest.mark.parametrize("df", ["kenward_roger", "satterthwaite"])
def test_no_adjustment_at_either_end(df):
    """rho = 1 (cluster-level x) has df J - 2, rho = 0 (no between part) N - J - 1."""
    j, n = 6, 5
    level = h.drawn("pooled", [n] * j, 200, x_icc=1.0, icc=0.3)
    inner = h.drawn("clusters", [4] * j, 200, x="binary_blocked", x_icc=0.0, icc=0.3)
    for moments, expected in ((level, j - 2), (inner, j * 4 - j - 1)):
        found = h.method("random_intercept", df=df).fit(moments)
        plain = h.method("random_intercept", df="wald").fit(moments)
        used = found.outcome == 0 if df == "satterthwaite" else found.outcome <= 1
        assert used.sum() > 100
        h.assert_close(found.df[used], expected, 1e-10)  # closed form: a few roundings
        h.assert_close(found.std_error, plain.std_error, 1e-12)


def test_between_within_df():
    bw = h.method("random_intercept", df="between_within")
    for sizes in ([5] * 6, [2, 3, 9, 4, 1, 6]):
        n_obs, j = sum(sizes), len(sizes)
        mixed = h.drawn("clusters", sizes, 30, x_icc=0.5)
        level = h.drawn("clusters", sizes, 30, x_icc=1.0)
        assert set(bw.fit(mixed).df) == {n_obs - j - 1}
        assert set(bw.fit(mixed, term="intercept").df) == {n_obs - j - 1}  # as nlme
        assert set(bw.fit(level).df) == {j - 2}
        assert set(bw.fit(level, term="intercept").df) == {n_obs - j}


def test_simple_df():
    moments = h.drawn("clusters", [2, 3, 9, 4, 1, 6], 30)
    for estimator in ("reml", "ml"):
        for term in ("slope", "intercept"):
            fits = {
                df: h.method("random_intercept", estimator=estimator, df=df).fit(moments, term)
                for df in ("wald", "residual")
            }
            assert np.all(np.isposinf(fits["wald"].df))
            assert set(fits["residual"].df) == {23}
            assert np.array_equal(fits["wald"].std_error, fits["residual"].std_error)


# --- N x N matrices, longhand


SMALL_SETS = [
    ([3, 2, 4], 0.5),
    ([1, 1, 5, 3], 0.7),
    ([2, 6], 0.4),
    ([4, 4, 4], 0.5),
    ([5, 1, 2, 3, 7], 1.0),
    ([3, 3, 3, 3, 3], 1.0),  # not four: at df = 2 exactly, Kenward and Roger divide 0 by 0
    ([1, 8, 2, 2, 5, 1], 0.0),
]


@functools.cache
def dense_set(number, seed):
    sizes, x_icc = SMALL_SETS[number]
    rng = np.random.default_rng([number, seed, 99])
    x, y = (v[:, 0] for v in h.units(rng, sizes, x_icc, 0.35, 1))
    return sizes, x, y + 0.4 * x


DENSE = pytest.mark.parametrize(
    ("number", "seed"), [(n, s) for n in range(len(SMALL_SETS)) for s in range(3)]
)


def fitted_and_dense(number, seed, **options):
    sizes, x, y = dense_set(number, seed)
    found = h.fit(h.frame(h.labels(sizes), x, y), "random_intercept", **options)
    return found, Dense(sizes, x, y)


@BOTH
@DENSE
def test_dense_criterion(number, seed, restricted):
    options = {"estimator": "reml" if restricted else "ml", "df": "wald"}
    found, dense = fitted_and_dense(number, seed, **options)
    psi = found["tau2"] / found["sigma2"]
    at_ours = dense.criterion(psi, restricted)
    h.assert_close(found["criterion"], at_ours, 1e-12)  # inverses of small matrices
    best_psi, best = dense.best(restricted)
    assert at_ours < best + NO_BETTER
    # the optimiser sees differences of the criterion down to 1e-14, so psi to their root
    h.assert_close(psi, best_psi, 1e-5, 1e-7)
    _, phi, p = dense.at(found["sigma2"], found["tau2"])
    v = np.linalg.inv(found["sigma2"] * np.eye(dense.n_obs) + found["tau2"] * dense.directions[1])
    beta = phi @ dense.x.T @ v @ dense.y
    for k, key in enumerate(("(Intercept)", "x")):
        got = h.term(found, key)
        h.assert_close(got["estimate"], beta[k], 1e-9, 1e-11)
        h.assert_close(got["std_error"], phi[k, k] ** 0.5, 1e-10)
    nu = dense.n_obs - 2 if restricted else dense.n_obs
    h.assert_close(dense.y @ p @ dense.y, nu, 1e-10)  # sigma2 solves its own equation


CONTRASTS = [("(Intercept)", np.array([1.0, 0.0])), ("x", np.array([0.0, 1.0]))]


@DENSE
def test_dense_kenward_roger(number, seed):
    found, dense = fitted_and_dense(number, seed, df="kenward_roger")
    for key, contrast in CONTRASTS:
        std_error, df = dense.kenward_roger(found["sigma2"], found["tau2"], contrast)
        got = h.term(found, key)
        h.assert_close(got["std_error"], std_error, 1e-9)
        h.assert_close(got["df"], df, 1e-7)  # df comes from rho - 1, a difference


@BOTH
@DENSE
def test_dense_satterthwaite(number, seed, restricted):
    options = {"estimator": "reml" if restricted else "ml", "df": "satterthwaite"}
    found, dense = fitted_and_dense(number, seed, **options)
    nu = dense.n_obs - 2 if restricted else dense.n_obs
    for key, contrast in CONTRASTS:
        got = h.term(found, key)["df"]
        if found["status"] == "boundary":
            assert got == nu
            continue
        expected = dense.satterthwaite(found["sigma2"], found["tau2"], contrast, restricted)
        h.assert_close(got, expected, 1e-8)  # an inverse of an inverse


def test_dense_sets_have_both_kinds_of_optimum():
    kinds = [
        fitted_and_dense(n, s, df="wald")[0]["status"]
        for n in range(len(SMALL_SETS))
        for s in range(3)
    ]
    assert kinds.count("ok") >= 5
    assert kinds.count("boundary") >= 3


def test_criterion_holds_the_constants_for_pooled_moments_too():
    """Pooled and clustered holdings of one data set have the same lme4 criterion."""
    clusters, pooled = both_holdings(4, 3, 0.5, 40)
    for restricted in (True, False):
        psi, _ = reml.variance_ratio(pooled, pooled.within, reml=restricted, n_fixed=2)
        values = [
            likelihood.criterion(m, weighted.evaluate(m, pooled.within, psi).at, psi, restricted, 2)
            for m in (clusters, pooled)
        ]
        h.assert_close(values[0], values[1], 1e-11)  # a sum of logs near 100
