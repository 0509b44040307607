"""Values with their Monte Carlo errors, and what finishes all measures share."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simstudy.moments import Bools, Floats, Ints, Numbers

Z95 = 1.959963984540054
NAN = math.nan


class Value(NamedTuple):
    """Values, their MCSEs and 95 % Monte Carlo intervals, shape (K,); NaN is undefined."""

    value: Floats
    mcse: Floats
    low: Floats
    high: Floats


class Column(NamedTuple):
    """One measure of every group.

    Attributes
    ----------
    measure : str
    alpha : float
        NaN for measures without one.
    value : Value
    n_used, n_not_used : arrays of int, shape (K,)
    defined : array of bool, shape (K,)
        False where the measure has no row, such as the Type I error of a false null.
    """

    measure: str
    alpha: float
    value: Value
    n_used: Ints
    n_not_used: Ints
    defined: Bools


def plain(value: Floats, mcse: Floats) -> Value:
    """A value with its normal interval; null where it or its MCSE is beyond all doubles."""
    beyond = np.isinf(value) | np.isinf(mcse)
    value, mcse = np.where(beyond, NAN, value), np.where(beyond, NAN, mcse)
    return Value(value, mcse, value - Z95 * mcse, value + Z95 * mcse)


def ratio(top: Numbers, bottom: Numbers) -> Floats:
    """Top / bottom; NaN where the bottom is not positive."""
    positive = np.asarray(bottom) > 0
    return np.where(positive, top / np.where(positive, bottom, 1.0), NAN)


def mean_of(mean: Floats, square: Floats, n: Numbers) -> Value:
    """Means of n rows with MCSE sd / sqrt(n); `square` is the sum of squares about them."""
    mcse = np.sqrt(ratio(ratio(square, n - 1), n))
    lost = (np.asarray(n) == 0) | ((np.asarray(n) > 1) & np.isnan(mcse))  # to an overflow
    return plain(np.where(lost, NAN, mean), mcse)


def proportion(count: Ints | int, n: Ints | int) -> Value:
    """Proportions with binomial MCSE and Wilson (1927) interval, clipped to [0, 1]."""
    count, n = np.asarray(count), np.asarray(n)
    p = ratio(count, n)
    spread = ratio(p * (1.0 - p), n)
    square = ratio(np.full(n.shape, Z95**2), n)
    centre, scale = p + square / 2.0, 1.0 + square
    half = Z95 / scale * np.sqrt(spread + square / (4.0 * np.maximum(n, 1)))
    low, high = np.maximum(0.0, centre / scale - half), np.minimum(1.0, centre / scale + half)
    mcse = np.where(n > 1, np.sqrt(spread), NAN)
    low, high = np.where(count == 0, 0.0, low), np.where(count == n, 1.0, high)
    return Value(p, mcse, np.where(n > 0, low, NAN), np.where(n > 0, high, NAN))
