"""Intervals that hold together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simstudy.measures.simultaneous import simultaneous


@pytest.mark.parametrize("family", [1, 72, 10_000])
@pytest.mark.parametrize(("count", "n"), [(0, 20), (20, 20), (3, 20), (101, 2000), (50_000, 10**6)])
def test_bounds_of_a_proportion_leave_each_tail_half_of_what_may_be_outside(count, n, family):
    value, mcse = np.array([count / n]), np.array([np.nan])
    (low,), (high,) = simultaneous(value, mcse, np.array([n]), proportion=True, family=family)
    tail = 0.05 / family / 2
    assert low == 0 if count == 0 else stats.binom.sf(count - 1, n, low) == pytest.approx(tail)
    assert high == 1 if count == n else stats.binom.cdf(count, n, high) == pytest.approx(tail)


def test_others_have_the_quantiles_of_t():
    value, mcse, n = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.1, np.nan]), np.array([5, 900, 1])
    low, high = simultaneous(value, mcse, n, proportion=False, family=10)
    t = stats.t.ppf(1 - 0.0025, n[:2] - 1)
    assert np.allclose(high[:2] - value[:2], t * mcse[:2], rtol=1e-9)
    assert np.allclose((low + high)[:2], 2 * value[:2]) and np.isnan([low[2], high[2]]).all()


def test_nothing_used_is_nothing_known():
    nothing = np.array([np.nan])
    assert np.isnan(simultaneous(nothing, nothing, np.array([0]), proportion=True, family=3)).all()


def test_of_many_true_nulls_all_are_covered_in_at_least_95_percent():
    """Where Wilson's with the same z misses more: 60 rates of .05 in 200 replications each."""
    rng = np.random.default_rng(17)
    rates = rng.binomial(200, 0.05, (4000, 60)) / 200
    low, high = simultaneous(rates, rates, np.full(60, 200), proportion=True, family=60)
    missed = ((low > 0.05) | (high < 0.05)).any(axis=1).sum()
    assert stats.binom.sf(missed - 1, 4000, 0.05) > 1e-3
    z2 = stats.norm.isf(0.025 / 60) ** 2
    wilson = np.abs(rates - 0.05) > np.sqrt(z2 * 0.05 * 0.95 / 200)
    assert wilson.any(axis=1).sum() > missed
