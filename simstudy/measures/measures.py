"""Room 4: totals to values, each with its Monte Carlo error. Imports totals and numpy.

Formulas after Morris, White & Crowther (2019, Stat. Med. 38:2074-2102) and White (2010,
Stata J. 10:369-385). The default MCSE is the linearised ("robust") one, which needs no
normality; `mcse="normal"` gives rsimsum's. Every array has a value a group: a method in a
scenario.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from simstudy.estimates import STATUSES
from simstudy.measures.totals import Totals
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
        False where the measure has no row, such as the Type I error of a slope that is not 0.
    """

    measure: str
    alpha: float
    value: Value
    n_used: Ints
    n_not_used: Ints
    defined: Bools


def _plain(value: Floats, mcse: Floats) -> Value:
    return Value(value, mcse, value - Z95 * mcse, value + Z95 * mcse)


def _ratio(top: Numbers, bottom: Numbers) -> Floats:
    """Top / bottom; NaN where the bottom is not positive."""
    positive = np.asarray(bottom) > 0
    return np.where(positive, top / np.where(positive, bottom, 1.0), NAN)


def proportion(count: Ints | int, n: Ints | int) -> Value:
    """Proportions with binomial MCSE and Wilson (1927) interval, clipped to [0, 1]."""
    count, n = np.asarray(count), np.asarray(n)
    p = _ratio(count, n)
    spread = _ratio(p * (1.0 - p), n)
    square = _ratio(np.full(n.shape, Z95**2), n)
    centre, scale = p + square / 2.0, 1.0 + square
    half = Z95 / scale * np.sqrt(spread + square / (4.0 * np.maximum(n, 1)))
    low, high = np.maximum(0.0, centre / scale - half), np.minimum(1.0, centre / scale + half)
    mcse = np.where(n > 1, np.sqrt(spread), NAN)
    low, high = np.where(count == 0, 0.0, low), np.where(count == n, 1.0, high)
    return Value(p, mcse, np.where(n > 0, low, NAN), np.where(n > 0, high, NAN))


def bias(t: Totals, mcse: str) -> Value:
    """Mean of estimate minus truth; MCSE s / sqrt(n)."""
    n, rows = t.n_used, t.of_error
    value = np.where(n > 0, rows.error, NAN)
    return _plain(value, np.sqrt(_ratio(_ratio(rows.about[2, 0], n - 1), n)))


def empirical_se(t: Totals, mcse: str) -> Value:
    """SD of the estimates."""
    n, about = t.n_used, t.of_error.about
    s2 = _ratio(about[2, 0], n - 1)
    s = np.where(s2 > 0, np.sqrt(s2), NAN)
    if mcse == "normal":
        return _plain(s, s / np.sqrt(2.0 * np.maximum(n - 1, 1)))
    fourth = about[4, 0] - 2.0 * s2 * about[2, 0] + n * s2 * s2
    return _plain(s, np.sqrt(np.maximum(fourth, 0.0)) / np.maximum(n, 1) / (2.0 * s))


def model_se(t: Totals, mcse: str) -> Value:
    """Root mean square of the standard errors; MCSE sqrt(var(s^2) / (4 n ModSE^2))."""
    rows = t.with_se
    n = rows.n
    value = np.where(n > 0, np.sqrt(rows.variance), NAN)
    spread = _ratio(rows.about[0, 2], n - 1)
    return _plain(value, _ratio(np.sqrt(_ratio(spread, 4 * n)), value))


def relative_error_model_se(t: Totals, mcse: str) -> Value:
    """100 (ModSE / EmpSE - 1), the "SE bias" in percent.

    The robust MCSE linearises the ratio of the totals of s_i^2 and (t_i - tbar)^2.
    """
    rows = t.with_se
    n, about, variance = rows.n, rows.about, rows.variance
    s2 = _ratio(about[2, 0], n - 1)
    ratio = np.sqrt(_ratio(np.where(variance > 0, variance, NAN), s2))
    value = 100.0 * (ratio - 1.0)
    if mcse == "normal":
        of_model = _ratio(_ratio(about[0, 2], n - 1), 4 * n * variance**2)
        return _plain(value, 100.0 * ratio * np.sqrt(of_model + _ratio(0.5, n - 1)))
    total_v, total_e = n * variance, about[2, 0]
    r = _ratio(total_v, total_e)
    # sum (v_i - r e_i)^2 over e_i = (t_i - tbar)^2; its mean is 0 by construction
    vv = about[0, 2] + n * variance**2
    ve = about[2, 1] + variance * total_e
    residual = np.maximum(vv - 2.0 * r * ve + r * r * about[4, 0], 0.0)
    relative = _ratio(np.sqrt(residual * _ratio(n, n - 1)), total_v)
    return _plain(value, 100.0 * ratio * relative / 2.0)


SIMPLE: dict[str, Callable[[Totals, str], Value]] = {
    "bias": bias,
    "empirical_se": empirical_se,
    "model_se": model_se,
    "relative_error_model_se": relative_error_model_se,
}
_WITH_SE = {"model_se", "relative_error_model_se"}  # of replications with a standard error
SHARES = tuple(f"share_{status}" for status in STATUSES if status != "ok")
MEASURES = (*SIMPLE, "coverage", "rejection_rate", "type1_inflation", *SHARES)


def finish(
    totals: Totals, alphas: tuple[float, ...], truth: Floats | float, mcse: str = "robust"
) -> Iterator[Column]:
    """All measures of every group, in the order of a summary.

    Parameters
    ----------
    totals : Totals
        A row a group.
    alphas : tuple of float
        As given when the totals were made.
    truth : array, shape (K,), or float
        True slope; Type I error inflation exists where it is 0 only.
    mcse : {"robust", "normal"}
    """
    n_used, n_se, n_all = totals.n_used, totals.with_se.n, totals.n_all
    every = np.ones(n_all.shape, dtype=bool)
    no_se = (n_used > 0) & (n_se == 0)  # p-values alone: measures of standard errors have no row

    def column(
        measure: str, alpha: float, value: Value, n: Ints = n_used, there: Bools = every
    ) -> Column:
        return Column(measure, alpha, value, n, n_all - n, there)

    with np.errstate(invalid="ignore", divide="ignore"):
        for measure, function in SIMPLE.items():
            value = function(totals, mcse)
            if measure in _WITH_SE:
                yield column(measure, NAN, value, n_se, ~no_se)
            else:
                yield column(measure, NAN, value)
        for k, alpha in enumerate(alphas):
            covered = proportion(totals.covered[:, k], n_se)
            yield column("coverage", alpha, covered, n_se, ~no_se)
        null = np.broadcast_to(np.asarray(truth) == 0, every.shape)
        for k, alpha in enumerate(alphas):
            rate = proportion(totals.rejected[:, k], n_used)
            yield column("rejection_rate", alpha, rate)
            inflation = Value(*(v / alpha for v in rate))
            yield column("type1_inflation", alpha, inflation, there=null)
        for k, status in enumerate(STATUSES):
            if status != "ok":
                share = proportion(totals.by_status[:, k], n_all)
                yield column(f"share_{status}", NAN, share, n_all)
