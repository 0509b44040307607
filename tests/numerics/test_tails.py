"""Tails of Student's t against 40-digit arithmetic."""

import functools

import helpers_numerics as h
import mpmath
import numpy as np
import pytest

from simstudy.numerics import tails

# Hill's expansion is cut off after its third term: 4.75e-13 at its worst corner, df = 60 and
# t^2 = df / 6.1.
HILL = 5e-13
ELSEWHERE = 1e-12  # scipy's stdtr and ndtr, which lose a few digits far out
# Results below the smallest normal double lose digits; scipy then gives 0.
UNDERFLOW = 1e-307


@functools.cache
def exact(t, df):
    """P(|T_df| > |t|) to 40 digits."""
    with mpmath.workdps(40):
        t = mpmath.mpf(t)
        if np.isinf(df):
            return mpmath.erfc(abs(t) / mpmath.sqrt(2))
        df = mpmath.mpf(df)
        x = df / (df + t * t)
        return mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, x, regularized=True)


def relative_error(p, t, df):
    with mpmath.workdps(40):
        return float(abs(mpmath.mpf(float(p)) / exact(float(t), float(df)) - 1))


def worst(ts, dfs):
    p = tails.two_sided(ts, dfs)
    return max(relative_error(*row) for row in zip(p, ts, dfs, strict=True))


def pairs(ts, dfs):
    grid = np.meshgrid(np.asarray(ts, dtype=float), np.asarray(dfs, dtype=float))
    return grid[0].ravel(), grid[1].ravel()


def test_the_reference_itself():
    """Closed forms: df = 1 is Cauchy's, df = 2 algebraic."""
    with mpmath.workdps(40):
        for t in (0.01, 1.0, 25.0):
            cauchy = 2 * mpmath.atan(1 / mpmath.mpf(t)) / mpmath.pi
            algebraic = 1 - mpmath.mpf(t) / mpmath.sqrt(2 + mpmath.mpf(t) ** 2)
            assert abs(exact(t, 1.0) / cauchy - 1) < 1e-35
            assert abs(exact(t, 2.0) / algebraic - 1) < 1e-35


HILL_DF = (60.0, 60.5, 77.0, 119.5, 240.0, 1e3, 9e3, 1e5, 1e6)


def in_hill(share, df):
    """T at a share of the largest t of Hill's region, or where p is about 1e-280."""
    return np.minimum(np.sqrt(share * df / 6.1), 35.5)


def test_hill_inside():
    dfs = np.repeat(HILL_DF, 7)
    shares = np.tile([0.0, 1e-12, 1e-4, 0.02, 0.2, 0.5, 0.85], len(HILL_DF))
    assert worst(in_hill(shares, dfs), dfs) < HILL


@pytest.mark.parametrize("df", HILL_DF)
def test_hill_corners(df):
    """T^2 just inside df / 6.1, and the smallest t there are."""
    edge = in_hill(1.0 - 1e-14, df)
    assert edge**2 <= df / 6.1
    ts = np.array([0.0, 5e-324, 1e-160, 1e-8, edge])
    assert worst(ts, np.full(5, df)) < HILL


def test_hill_is_what_is_used_there_and_only_there():
    """Both branches exist: they differ in the last digits on the two sides of the border."""
    edge = np.sqrt(60.0 / 6.1)
    inside, outside = edge * (1 - 1e-12), edge * (1 + 1e-12)
    p = tails.two_sided(np.array([inside, outside]), np.array([60.0, 60.0]))
    assert relative_error(p[0], inside, 60.0) > 1e-13
    assert relative_error(p[1], outside, 60.0) < 1e-13
    below = np.nextafter(60.0, 0.0)
    small = tails.two_sided(np.array([inside]), below)
    assert relative_error(small[0], inside, below) < 1e-13


def test_small_df():
    ts = [0.0, 1e-9, 1e-3, 0.3, 1.0, 2.0, 2.5, 4.7, 9.9, 20.0, 40.0]
    dfs = [0.05, 0.1, 0.37, 0.999, 1.001, 1.5, 2.0, 3.0, 7.7, 12.0, 33.3, 59.0, 59.999]
    assert worst(*pairs(ts, dfs)) < ELSEWHERE


def test_one_df():
    """J = 2 has df = 1, Cauchy's; its tail has a closed form, good for every t."""
    ts = [0.0, 1e-300, 1e-12, 7e-9, 1e-7, 1e-5, 1e-4, 1e-3, 0.1, 1.0, 12.7, 40.0, 1e9, 1e300]
    assert worst(*pairs(ts, [1.0])) < 1e-15


def test_far_tail_of_larger_df():
    dfs = np.repeat([60.0, 88.8, 250.0, 999.0, 4e3], 6)
    shares = np.tile([0.0, 0.1, 0.3, 0.6, 0.8, 1.0], 5)
    edge = np.sqrt(dfs / 6.1) * (1 + 1e-9)
    ts = edge + shares * (np.minimum(40.0, 37.0) - edge)
    assert worst(ts, dfs) < ELSEWHERE


def test_infinite_df_is_normal():
    ts = np.array([0.0, 1e-9, 0.5, 1.96, 5.0, 12.0, 25.0, 37.0])
    assert worst(ts, np.full(ts.size, np.inf)) < ELSEWHERE
    one_df = [
        relative_error(p, t, np.inf) for p, t in zip(tails.two_sided(ts, np.inf), ts, strict=True)
    ]
    assert max(one_df) < ELSEWHERE


@pytest.mark.parametrize("df", [1e6, np.inf])
def test_underflow_is_zero_not_garbage(df):
    p = tails.two_sided(np.array([38.0, 39.0, 40.0, 1e10, np.inf]), df)
    for got, t in zip(p, (38.0, 39.0, 40.0), strict=False):
        assert abs(float(got) - float(exact(t, df))) < UNDERFLOW
    assert np.all(p[3:] == 0)


def test_random_points():
    rng = np.random.default_rng(0)
    dfs = np.exp(rng.uniform(np.log(0.05), np.log(1e4), 250))
    assert worst(rng.uniform(0.0, 36.0, 250), dfs) < ELSEWHERE


def test_the_sign_of_t_makes_no_difference():
    ts, dfs = pairs(np.linspace(0.0, 40.0, 41), [0.05, 3.0, 70.0, 1e5, np.inf])
    assert np.array_equal(tails.two_sided(ts, dfs), tails.two_sided(-ts, dfs))


@pytest.mark.parametrize("df", [0.05, 1.0, 7.3, 59.0, 60.0, 61.0, 300.0, 1e6, np.inf])
@pytest.mark.parametrize("most", [1.5, 40.0])
def test_vector_and_scalar_df_are_the_same_bits(df, most):
    """A study has one df for all replications or one each; its p-values must not tell."""
    ts = np.linspace(-most, most, 1001)
    scalar = tails.two_sided(ts, df)
    assert np.array_equal(scalar, tails.two_sided(ts, np.full(ts.size, df)))
    one_by_one = [tails.two_sided(ts[k : k + 1], np.full(1, df))[0] for k in range(0, 1001, 7)]
    assert np.array_equal(scalar[::7], one_by_one)


def test_among_other_df_the_same_bits():
    ts = np.linspace(0.0, 5.0, 200)
    dfs = np.where(np.arange(200) % 3 == 0, 5.5, 150.0)
    mixed = tails.two_sided(ts, dfs)
    for df in (5.5, 150.0):
        assert np.array_equal(mixed[dfs == df], tails.two_sided(ts[dfs == df], df))


def test_nan_stays_nan_and_does_not_spread():
    p = tails.two_sided(np.array([np.nan, 1.0, 2.0]), np.array([5.0, np.nan, 100.0]))
    assert np.isnan(p[:2]).all()
    assert relative_error(p[2], 2.0, 100.0) < HILL
    assert np.isnan(tails.two_sided(np.array([np.nan]), 100.0)).all()
    assert np.isnan(tails.two_sided(np.array([np.nan]), np.inf)).all()


def test_p_falls_with_t_across_the_border_between_the_branches():
    """No step where the branches meet that could reverse the order of two p-values."""
    for df in (60.0, 90.0, 300.0):
        ts = np.sqrt(df / 6) + np.linspace(-1e-6, 1e-6, 401)
        assert np.all(np.diff(tails.two_sided(ts, df)) < 0)


@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.05, 0.01, 0.001])
def test_critical_value_has_the_tail_alpha(alpha):
    dfs = np.array([0.05, 0.3, 1.0, 1.5, 2.0, 10.0, 59.0, 60.0, 500.0, 1e6, np.inf])
    values = tails.critical_value(dfs, alpha)
    for value, df in zip(values, dfs, strict=True):
        with mpmath.workdps(40):
            p = float(exact(float(value), float(df)))
        # 1 - alpha / 2 is rounded first: eps / alpha of the tail
        assert p == pytest.approx(alpha, rel=4e-15 + 2 * h.EPS / alpha)
        assert float(tails.critical_value(df, alpha)) == value


def test_critical_value_from_the_tables():
    assert float(tails.critical_value(10, 0.05)) == pytest.approx(2.228138851964939, rel=1e-10)
    assert float(tails.critical_value(np.inf, 0.05)) == pytest.approx(1.959963984540054, rel=1e-14)
