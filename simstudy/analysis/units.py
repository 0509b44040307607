"""Fits of data measured in powers of two, told in the data's own units.

A slope goes with y / x, an intercept and the residual SD with y, variances with y squared; t,
df, p, ICC and R-squared have no unit. The units of a term are those of its column and of y.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simstudy.analysis.data import DataSet
from simstudy.estimates import SLOPE_COVARIANCE, SLOPE_VARIANCE, Estimates, Outcome
from simstudy.moments import Floats
from simstudy.registry import Method

_MOST = 2.0**1000


def measured_null(method: Method, units: tuple[int, int]) -> Method:
    """The method with its null value measured as the data are."""
    power = _power(method.target.term, units)
    if not (method.null_value and power):
        return method
    return replace(method, null_value=_times(np.array(method.null_value), -power).item())


def _power(term: str, units: tuple[int, int]) -> int:
    return units[1] - units[0] if term == "slope" else units[1]


def in_own_units(estimates: Estimates, term: str, units: tuple[int, int]) -> Estimates:
    """A term in the data's units; what no double can hold there is not finite.

    Parameters
    ----------
    estimates : Estimates
        In units of 2^units[0] for x and 2^units[1] for y.
    term : {"slope", "intercept"}
    """
    kx, ky = units
    if kx == ky == 0:
        return estimates
    power = _power(term, units)
    told = replace(
        estimates,
        estimate=_times(estimates.estimate, power),
        std_error=_times(estimates.std_error, power),
        tau2=None if estimates.tau2 is None else _times(estimates.tau2, 2 * ky),
        sigma2=None if estimates.sigma2 is None else _times(estimates.sigma2, 2 * ky),
    )
    names = ("estimate", "std_error", "tau2", "sigma2")
    if any(_lost(getattr(estimates, name), getattr(told, name)) for name in names):
        none = np.full_like(estimates.estimate, np.nan)
        outcome = np.full_like(estimates.outcome, Outcome.NON_FINITE)
        return Estimates(none, none, none, none, outcome)
    return told


def varying_slopes(estimates: Estimates, units: tuple[int, int]) -> tuple[float, float]:
    """Variance of the slopes over clusters, and its correlation with the intercepts.

    NaN where one of the two variances is 0, or where they do not covary.
    """
    extras, kx, ky = estimates.extras or {}, *units
    variance, covariance = extras[SLOPE_VARIANCE], extras[SLOPE_COVARIANCE]
    assert estimates.tau2 is not None
    correlation = covariance / np.sqrt(estimates.tau2) / np.sqrt(variance)
    told = np.where(covariance == 0, np.nan, np.clip(correlation, -1.0, 1.0))
    return _times(variance, 2 * (ky - kx)).item(), told.item()


def _times(values: Floats, power: int) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(values, power))


def _lost(before: Floats | None, after: Floats | None) -> bool:
    """Whether no double holds a number, or none holds the ends of its interval."""
    if before is None or after is None:
        return False
    kept = (np.abs(after) < _MOST) & ((after == 0) == (before == 0))
    return bool((np.isfinite(before) & ~kept).any())


def statistics_of(method: Method, data: DataSet) -> dict[str, float | None]:
    """Fit statistics of the data measured in their `units`, told in their own.

    -2 log L grows by one amount with every doubling of a column, and by one of y: the logarithms
    of the information and of the residual.
    """
    units = data.units
    described = method.describe(data.scaled.moments)
    sigma, criterion = described["sigma"], described["criterion"]
    for axis, power in enumerate(units):
        if power and criterion is not None and described["criterion"] is not None:
            half = tuple(k - (i == axis) for i, k in enumerate(units))
            doubled = method.describe(data.measured(half).moments)["criterion"]
            criterion += power * ((doubled or 0.0) - described["criterion"])
    if sigma is not None:
        sigma = _times(np.array(sigma), units[-1]).item()
    return described | {"sigma": sigma, "criterion": criterion}
