"""Random slopes against n x n matrices, and what must not change them."""

from __future__ import annotations

import itertools

import helpers_slopes as h
import numpy as np
import pytest

from simstudy.numerics import random_slope
from simstudy.numerics.slope_estimable import Reason

pytestmark = pytest.mark.slow

KINDS = list(itertools.product((True, False), (True, False)))  # REML, correlated
# of four shapes, with p predictors and J clusters; most of the optima are singular
SHAPES = [(1, 6, (3, 8)), (2, 8, (2, 7)), (3, 7, 6), (4, 9, (4, 9))]


def fits(rows, kinds=KINDS, **more):
    for reml, correlated in kinds:
        yield reml, correlated, random_slope.fit(rows, reml=reml, correlated=correlated, **more)


def numbers(fit, n_fixed):
    """Every number of a fit, as one table of R columns."""
    dfs = ("kenward_roger", "satterthwaite") if fit.fitted.reml else ("satterthwaite",)
    effects = [v for df in dfs for k in range(n_fixed) for v in fit.coefficient(k, df)]
    return np.array([*fit.covariance, fit.sigma2, fit.criterion, fit.rank, *effects])


@pytest.mark.parametrize("p, j, sizes", SHAPES)
def test_longhand(p, j, sizes):
    """Estimates, variances, Kenward-Roger and Satterthwaite at the optimum found."""
    sets = h.several(p, 6, j, sizes, p, mean=1.5)
    rows, seen = h.rows_of(sets), set()
    for reml, correlated, fit in fits(rows):
        assert fit.settled.all() and not fit.reason.any()
        for r, data in enumerate(sets):
            dense = h.Dense(*data, reml=reml, correlated=correlated)
            g = h.covariance(fit, r)
            assert fit.criterion[r] == pytest.approx(dense.criterion(g), abs=1e-9)
            assert fit.sigma2[r] == pytest.approx(dense.sigma2(g), rel=1e-10)
            seen.add((correlated, int(fit.rank[r])))
            for k, contrast in enumerate(np.eye(p + 1)):
                _check(fit, dense, g, k, contrast, r)
    assert {(True, 1), (True, 2), (False, 1), (False, 2)} <= seen


def _check(fit, dense, g, k, contrast, r):
    estimate, variance = dense.estimate(g, contrast)
    wald = fit.coefficient(k, "wald")
    assert wald.estimate[r] == pytest.approx(estimate, abs=1e-9)
    assert wald.variance[r] == pytest.approx(variance * fit.sigma2[r], rel=1e-9)
    assert wald.df[r] == np.inf
    if dense.reml:
        adjusted, df = dense.kenward_roger(g, contrast)
        found = fit.coefficient(k, "kenward_roger")
        assert found.variance[r] == pytest.approx(adjusted, rel=1e-8)
        assert found.df[r] == pytest.approx(df, rel=1e-8)
    found = fit.coefficient(k, "satterthwaite").df[r]
    if fit.rank[r] == 0:
        assert found == dense.nu
        return
    root, free = _root(g, fit.rank[r], dense.correlated)
    assert found == pytest.approx(dense.satterthwaite(root, free, contrast), rel=2e-5)


def _root(g, rank, correlated):
    """Lower triangular root and which of its entries are free."""
    l00 = np.sqrt(g[0, 0])
    root = np.array([[l00, 0.0], [g[0, 1] / l00 if l00 else 0.0, 0.0]])
    if rank == 1 and correlated:
        return root, (0, 1)
    root[1, 1] = np.sqrt(max(g[1, 1] - root[1, 0] ** 2, 0.0))
    if correlated:
        return root, (0, 1, 2)
    return root, tuple(k for k, value in ((0, root[0, 0]), (2, root[1, 1])) if value)


def test_any_contrast():
    """A prediction: the intercept and several slopes at once."""
    sets = h.several(11, 6, 8, (3, 8), 2, mean=1.5)
    contrast = np.array([1.0, 2.5, -0.7])
    for reml, correlated, fit in fits(h.rows_of(sets), KINDS[:2]):
        found = fit.effect(contrast, "kenward_roger")
        for r, data in enumerate(sets):
            dense = h.Dense(*data, reml=reml, correlated=correlated)
            g = h.covariance(fit, r)
            adjusted, df = dense.kenward_roger(g, contrast)
            assert found.estimate[r] == pytest.approx(dense.estimate(g, contrast)[0], abs=1e-9)
            assert found.variance[r] == pytest.approx(adjusted, rel=1e-8)
            assert found.df[r] == pytest.approx(df, rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("p, j, sizes", SHAPES)
def test_no_search_finds_less(p, j, sizes):
    sets = h.several(10 + p, 2, j, sizes, p, mean=0.5)
    rng = np.random.default_rng(1)
    for reml, correlated, fit in fits(h.rows_of(sets)):
        for r, data in enumerate(sets):
            dense = h.Dense(*data, reml=reml, correlated=correlated)
            assert fit.criterion[r] <= dense.best(rng) + 1e-8


@pytest.mark.parametrize("j", [5, 22])
def test_a_batch_has_the_bits_of_its_replications(j):
    sets = h.several(3, 25, j, (2, 7), 2)
    rows = h.rows_of(sets)
    for reml, correlated, whole in fits(rows):
        expected = numbers(whole, 3)
        for index in ([0], [7], [3, 4, 5], list(range(24, 9, -1))):
            part = random_slope.fit(h.taken(rows, index), reml=reml, correlated=correlated)
            np.testing.assert_array_equal(numbers(part, 3), expected[:, index])


def test_what_replications_share_may_have_one_column():
    sets = h.several(4, 6, 8, 5, 1)
    sets = [(g, sets[0][1], y) for g, _, y in sets]  # one x
    rows = h.rows_of(sets)
    shared = [[*(values[:, :1] for values in row[:-1]), row[-1]] for row in rows]  # y is last
    for reml, correlated, fit in fits(rows):
        other = random_slope.fit(shared, reml=reml, correlated=correlated)
        np.testing.assert_array_equal(numbers(other, 2), numbers(fit, 2))


def test_order_of_clusters_and_covariates():
    sets = h.several(5, 12, 7, (3, 8), 4)
    order = np.random.default_rng(1).permutation(7)
    turned = [(order[g], x[:, [0, 3, 1, 2]], y) for g, x, y in sets]
    terms = [0, 1, 4, 2, 3]
    for reml, correlated, fit in fits(h.rows_of(sets)):
        other = random_slope.fit(h.rows_of(turned), reml=reml, correlated=correlated)
        np.testing.assert_array_equal(other.rank, fit.rank)
        np.testing.assert_allclose(other.criterion, fit.criterion, atol=1e-9)
        for k, m in enumerate(terms):
            for a, b in zip(other.coefficient(k, "satterthwaite"),
                            fit.coefficient(m, "satterthwaite"), strict=True):  # fmt: skip
                np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
@pytest.mark.parametrize("shift", [0.0, 30.0])
def test_shift_and_scale_of_predictors(scale, shift):
    """Without a covariance the model depends on where x_1 is 0, so only its scale is free."""
    sets = h.several(6, 12, 9, (3, 8), 2)
    for reml, correlated, fit in fits(h.rows_of(sets)):
        moves = [(0, shift if correlated else 0.0), (1, shift)]
        changed = []
        for g, x, y in sets:
            x = x.copy()
            for k, by in moves:
                x[:, k] = scale * (x[:, k] + by)
            changed.append((g, x, y))
        other = random_slope.fit(h.rows_of(changed), reml=reml, correlated=correlated)
        np.testing.assert_array_equal(other.rank, fit.rank)
        # REML's criterion holds log |X'V^-1 X|, in the units of x
        np.testing.assert_allclose(
            other.criterion, fit.criterion + (4 * np.log(scale) if reml else 0.0), atol=1e-8
        )
        for df in ("kenward_roger", "satterthwaite")[not reml :]:
            a, b = other.coefficient(1, df), fit.coefficient(1, df)
            np.testing.assert_allclose(a.estimate * scale, b.estimate, rtol=1e-6, atol=1e-8)
            np.testing.assert_allclose(a.variance * scale**2, b.variance, rtol=1e-6)
            np.testing.assert_allclose(a.df, b.df, rtol=1e-6)
        np.testing.assert_allclose(
            other.covariance.slope * scale**2, fit.covariance.slope, rtol=1e-5, atol=1e-9
        )


def test_means_may_be_about_another_origin():
    sets = h.several(7, 12, 9, (3, 8), 2, mean=2.0)
    moved = [(g, x - [1.7, -3.0], y - 5.0) for g, x, y in sets]
    for reml, correlated, fit in fits(h.rows_of(sets)):
        other = random_slope.fit(
            h.rows_of(moved), reml=reml, correlated=correlated, origins=(1.7, -3.0, 5.0)
        )
        np.testing.assert_allclose(numbers(other, 3), numbers(fit, 3), rtol=1e-6, atol=1e-8)


def test_every_rank_occurs_and_is_the_boundary_below_two():
    for _, correlated, fit in fits(h.rows_of(h.several(8, 100, 6, (3, 7), 1))):
        counts = np.bincount(fit.rank, minlength=3)
        assert counts.sum() == 100 and counts.min() >= 5
        np.testing.assert_array_equal(fit.boundary, fit.rank < 2)
        tau2, slope, cross = fit.covariance
        assert (tau2[fit.rank == 0] == 0).all() and (slope[fit.rank == 0] == 0).all()
        if correlated:
            single = fit.rank == 1
            np.testing.assert_allclose((tau2 * slope)[single], cross[single] ** 2, rtol=1e-9)
        else:
            assert not cross.any()
            np.testing.assert_array_equal((tau2 > 0).astype(int) + (slope > 0), fit.rank)


def test_two_arms_in_every_cluster():
    """Half of each cluster treated: the one-sample t test of the clusters' differences."""
    rng = np.random.default_rng(9)
    g, j = np.repeat(np.arange(12), 6), 12
    x = np.tile([0.0, 1.0], 36)[:, None]
    sets = []
    for _ in range(8):
        u, v = rng.normal(size=(2, j))
        sets.append((g, x, rng.normal(size=72) + u[g] + 1.5 * v[g] * x[:, 0]))
    fit = random_slope.fit(h.rows_of(sets))
    assert (fit.rank == 2).sum() > 4
    for df in ("kenward_roger", "satterthwaite"):
        found = fit.coefficient(1, df)
        for r in np.flatnonzero(fit.rank == 2):
            y = sets[r][2]
            means = y.reshape(12, 3, 2).mean(axis=1)
            gaps = means[:, 1] - means[:, 0]
            assert found.estimate[r] == pytest.approx(gaps.mean(), rel=1e-10)
            assert found.variance[r] == pytest.approx(gaps.var(ddof=1) / 12, rel=1e-7)
            assert found.df[r] == pytest.approx(11.0, rel=1e-7)


def _reasons(g, x, y):
    return random_slope.fit(h.rows_of([(np.asarray(g), np.asarray(x), np.asarray(y))]))


def test_reasons_and_what_is_left_out():
    g, x, y = h.draw(np.random.default_rng(1), 6, (3, 6), 3)
    steady = np.arange(6.0)[g][:, None]
    cases = {
        Reason.X_CONSTANT: np.column_stack([np.full(g.size, 1.1), x[:, 1:]]),
        Reason.X_CONSTANT_WITHIN: np.column_stack([steady, x[:, 1:]]),
        Reason.COLLINEAR: np.column_stack([x[:, :2], x[:, [0]] - 2 * x[:, [1]]]),
        Reason.VARIANCES_NOT_SEPARABLE: np.column_stack([np.where(g == 0, x[:, 0], 1.0), x[:, 1:]]),
        Reason.NON_FINITE: np.where(g[:, None] == 2, np.nan, x),
    }
    for reason, columns in cases.items():
        fit = _reasons(g, columns, y)
        assert fit.reason[0] == reason and fit.rank[0] == -1 and not fit.settled[0]
        assert fit.collinear[0] == (3 if reason == Reason.COLLINEAR else 0)
        assert np.isnan(numbers(fit, 4)[[0, 1, 2, 3, 4]]).all()
    for value in (0.0, 1.1):  # a covariate that does not vary
        fit = _reasons(g, np.column_stack([x[:, 0], np.full(g.size, value)]), y)
        assert (fit.reason[0], fit.collinear[0]) == (Reason.COLLINEAR, 2)
    assert _reasons(g, x, x @ [1.0, 2.0, 3.0]).reason[0] == Reason.NO_RESIDUAL_VARIANCE
    assert _reasons(g, x, np.full(g.size, 1.1)).reason[0] == Reason.NO_RESIDUAL_VARIANCE
    lines = x[:, 0] * np.arange(6.0)[g] + steady[:, 0]  # a line for every cluster, exactly
    assert _reasons(g, x, lines).reason[0] == Reason.NO_RESIDUAL_VARIANCE


def test_few_units_and_few_clusters():
    """N - rank [X, Z] >= 1: pairs have none left, one cluster of three is enough."""
    rng = np.random.default_rng(2)
    sizes = np.array([2, 2, 2, 2])
    for extra, reason in ((0, Reason.VARIANCES_NOT_SEPARABLE), (1, Reason.NONE)):
        sizes[0] += extra
        g = np.repeat(np.arange(4), sizes)
        x, y = rng.normal(size=(g.size, 1)), rng.normal(size=g.size)
        assert _reasons(g, x, y).reason[0] == reason
    g = np.repeat([0, 1], 8)
    treated = np.column_stack([rng.normal(size=16), g])
    assert _reasons(g, treated, rng.normal(size=16)).reason[0] == Reason.VARIANCES_NOT_SEPARABLE


def test_the_others_of_a_batch_are_fitted():
    sets = h.several(3, 6, 6, (3, 6), 1)
    bad = [
        (g, np.ones_like(x), y) if k in (1, 4) else (g, x, y) for k, (g, x, y) in enumerate(sets)
    ]
    fit, alone = random_slope.fit(h.rows_of(bad)), random_slope.fit(h.rows_of(sets))
    good = [0, 2, 3, 5]
    np.testing.assert_array_equal(fit.reason > 0, [False, True, False, False, True, False])
    np.testing.assert_array_equal(numbers(fit, 2)[:, good], numbers(alone, 2)[:, good])


def test_kenward_roger_needs_reml():
    fit = random_slope.fit(h.rows_of(h.several(3, 2, 6, (3, 6), 1)), reml=False)
    with pytest.raises(ValueError, match="kenward_roger"):
        fit.coefficient(1, "kenward_roger")
