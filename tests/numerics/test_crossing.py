"""The line through points of a curve, and the interval of its crossing."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from simstudy.numerics.crossing import crossing


def test_a_probit_line_is_found_where_it_is():
    """With shares that are the line's own, the crossing is its root up to half a replication."""
    place = np.array([1.0, 2.0, 3.0, 5.0])
    found = crossing(place, ndtr(-1.3 + 0.7 * place), np.full(4, 1e9), 0.8, True)
    assert found.place == pytest.approx((0.8416212335729143 + 1.3) / 0.7, abs=1e-6)
    assert found.low < found.place < found.high
    assert found.upward and found.fit > 0.99
    fitted, low, high = found.line.at(np.array([found.place]))
    assert fitted[0] == pytest.approx(0.8) and low[0] < 0.8 < high[0]


def test_a_weighted_line_has_the_covariances_of_the_textbook():
    """y = a + b x by hand: weights 1/SE^2, Fieller's interval from their covariances."""
    place, value, weight = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.1, 2.9]), np.array([4, 9, 4])
    found = crossing(place, value, weight.astype(float), 2.0, False)
    design = np.stack([np.ones(3), place], axis=1)
    cov = np.linalg.inv(design.T @ np.diag(weight) @ design)
    a, b = cov @ design.T @ (weight * value)
    assert found.place == pytest.approx((2.0 - a) / b)
    for end in (found.low, found.high):
        off = a + b * end - 2.0
        variance = cov[0, 0] + 2 * end * cov[0, 1] + end**2 * cov[1, 1]
        assert off**2 / variance == pytest.approx(1.959963984540054**2)


def test_a_level_line_crosses_nowhere_in_particular():
    found = crossing(np.array([1.0, 2.0]), np.array([0.5, 0.5]), np.full(2, 50.0), 0.8, True)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert crossing(np.ones(2), np.full(2, 0.5), np.full(2, 50.0), 0.8, True).line is None


def test_points_off_a_line_are_told():
    bent = crossing(np.arange(4.0), np.array([0.1, 0.5, 0.52, 0.9]), np.full(4, 1e4), 0.5, True)
    assert bent.fit < 1e-6


def test_shares_of_none_and_all_have_a_crossing():
    found = crossing(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.full(2, 256.0), 0.5, True)
    assert found.place == pytest.approx(1.5) and 1 < found.low < found.high < 2


def test_the_interval_holds_the_root_in_95_percent():
    """800 draws of three points: binomial z of the number of intervals that miss."""
    rng, n, n_draws = np.random.default_rng(5), 400, 800
    place = np.array([1.0, 1.2, 1.4])
    root = (0.8416212335729143 + 1.2) / 1.7
    shares = rng.binomial(n, ndtr(-1.2 + 1.7 * place), size=(n_draws, 3)) / n
    ends = [crossing(place, share, np.full(3, float(n)), 0.8, True) for share in shares]
    missed = sum(not found.low <= root <= found.high for found in ends)
    assert abs(missed - 0.05 * n_draws) < 3 * math.sqrt(0.05 * 0.95 * n_draws)
