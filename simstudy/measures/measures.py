"""Room 4: totals to values, each with its Monte Carlo error. Imports totals and numpy.

Formulas after Morris, White & Crowther (2019, Stat. Med. 38:2074-2102) and White (2010,
Stata J. 10:369-385). The default MCSE is the linearised ("robust") one, which needs no
normality; `mcse="normal"` gives rsimsum's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from simstudy.estimates import STATUSES
from simstudy.measures.totals import Totals

Z95 = 1.959963984540054
NAN = math.nan


class Row(NamedTuple):
    """One line of a summary, without its scenario and method."""

    measure: str
    alpha: float
    value: float
    mcse: float
    ci_low: float
    ci_high: float
    n_used: int
    n_not_used: int


class Value(NamedTuple):
    """A value, its MCSE and its 95 % Monte Carlo interval."""

    value: float
    mcse: float
    low: float
    high: float


NOTHING = Value(NAN, NAN, NAN, NAN)


def _plain(value: float, mcse: float) -> Value:
    return Value(value, mcse, value - Z95 * mcse, value + Z95 * mcse)


def proportion(count: int, n: int) -> Value:
    """A proportion with its binomial MCSE and Wilson (1927) interval, clipped to [0, 1]."""
    if n == 0:
        return NOTHING
    p = count / n
    mcse = math.sqrt(p * (1.0 - p) / n) if n > 1 else NAN
    scale = 1.0 + Z95**2 / n
    centre = (p + Z95**2 / (2 * n)) / scale
    half = Z95 / scale * math.sqrt(p * (1.0 - p) / n + Z95**2 / (4.0 * n * n))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Value(p, mcse, 0.0 if count == 0 else low, 1.0 if count == n else high)


def bias(t: Totals, mcse: str) -> Value:
    """Mean of estimate minus truth; MCSE s / sqrt(n)."""
    n = t.n_used
    if n == 0:
        return NOTHING
    if n == 1:
        return Value(t.error, NAN, NAN, NAN)
    return _plain(t.error, math.sqrt(t.powers[2, 0] / (n - 1) / n))


def empirical_se(t: Totals, mcse: str) -> Value:
    """SD of the estimates."""
    n = t.n_used
    if n < 2:
        return NOTHING
    s2 = t.powers[2, 0] / (n - 1)
    s = math.sqrt(s2)
    if s == 0:
        return NOTHING
    if mcse == "normal":
        return _plain(s, s / math.sqrt(2 * (n - 1)))
    about = t.powers[4, 0] - 2 * s2 * t.powers[2, 0] + n * s2 * s2
    return _plain(s, math.sqrt(max(about, 0.0) / n / n) / (2 * s))


def model_se(t: Totals, mcse: str) -> Value:
    """Root mean square of the standard errors; MCSE sqrt(var(s^2) / (4 n ModSE^2))."""
    n = t.n_used
    if n == 0:
        return NOTHING
    value = math.sqrt(t.variance)
    if n == 1 or value == 0:
        return Value(value, NAN, NAN, NAN)
    spread = t.powers[0, 2] / (n - 1)
    return _plain(value, math.sqrt(spread / (4 * n)) / value)


def relative_error_model_se(t: Totals, mcse: str) -> Value:
    """100 (ModSE / EmpSE - 1), the "SE bias" in percent.

    The robust MCSE linearises the ratio of the totals of s_i^2 and (t_i - tbar)^2.
    """
    n = t.n_used
    if n < 2 or t.powers[2, 0] == 0 or t.variance == 0:
        return NOTHING
    s2 = t.powers[2, 0] / (n - 1)
    ratio = math.sqrt(t.variance / s2)
    if mcse == "normal":
        of_model = t.powers[0, 2] / (n - 1) / (4 * n * t.variance**2)
        return _plain(100 * (ratio - 1), 100 * ratio * math.sqrt(of_model + 1 / (2 * (n - 1))))
    total_v, total_e = n * t.variance, t.powers[2, 0]
    r = total_v / total_e
    # sum (v_i - r e_i)^2 over e_i = (t_i - tbar)^2; its mean is 0 by construction
    vv = t.powers[0, 2] + n * t.variance**2
    ve = t.powers[2, 1] + t.variance * total_e
    residual = max(vv - 2 * r * ve + r * r * t.powers[4, 0], 0.0)
    relative = math.sqrt(residual * n / (n - 1)) / total_v
    return _plain(100 * (ratio - 1), 100 * ratio * relative / 2)


SIMPLE: dict[str, Callable[[Totals, str], Value]] = {
    "bias": bias,
    "empirical_se": empirical_se,
    "model_se": model_se,
    "relative_error_model_se": relative_error_model_se,
}
SHARES = tuple(f"share_{status}" for status in STATUSES if status != "ok")
MEASURES = (*SIMPLE, "coverage", "rejection_rate", "type1_inflation", *SHARES)


def finish(
    totals: Totals, alphas: tuple[float, ...], truth: float, mcse: str = "robust"
) -> Iterator[Row]:
    """All measures of one method in one scenario.

    Parameters
    ----------
    totals : Totals
    alphas : tuple of float
        As given when the totals were made.
    truth : float
        True slope; Type I error inflation exists where it is 0 only.
    mcse : {"robust", "normal"}
    """
    n_used, n_all = totals.n_used, totals.n_all

    def row(measure: str, alpha: float, value: Value) -> Row:
        return Row(measure, alpha, *value, n_used, n_all - n_used)

    for measure, function in SIMPLE.items():
        yield row(measure, NAN, function(totals, mcse))
    for alpha, covered in zip(alphas, totals.covered, strict=True):
        yield row("coverage", alpha, proportion(covered, n_used))
    for alpha, rejected in zip(alphas, totals.rejected, strict=True):
        rate = proportion(rejected, n_used)
        yield row("rejection_rate", alpha, rate)
        if truth == 0:
            yield row("type1_inflation", alpha, Value(*(v / alpha for v in rate)))
    for status, count in zip(STATUSES, totals.by_status, strict=True):
        if status != "ok":
            yield Row(f"share_{status}", NAN, *proportion(count, n_all), n_all, 0)
