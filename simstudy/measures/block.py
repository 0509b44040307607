"""Room 4: the rows of a block, made ready for totals. Imports quantiles and estimates.

A test at level alpha is |estimate - null value| > c s and an interval holds a value iff
|estimate - value| <= c s, with c the critical value of the row's own df: no p-value is
needed, and none is made where there is none.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from simstudy.estimands import is_null
from simstudy.estimates import USED
from simstudy.moments import Array, Bools, Floats
from simstudy.numerics.quantiles import critical_values

COLUMNS = ("estimate", "std_error", "df", "p_value", "status")  # what a block is made of


class Block:
    """Rows of one block in each of K groups.

    Parameters
    ----------
    columns : dict of arrays, shape (K, n) or (n,)
        `COLUMNS`; status is an index into `STATUSES`. `p_value` may be left out. With
        `ci_low` and `ci_high` these are the intervals, whatever alpha is.
    truth : array, shape (K,), or float
    dual : bool
        Whether the interval holds the null value exactly where p_value >= alpha; then it is
        asked nothing else where that is the truth.
    null_value : array, shape (K,), or float
        What the tests are about.

    Attributes
    ----------
    error : array, shape (K, n)
        Estimate less truth; 0 where not `there`.
    used, there, has_se, has_interval : arrays of bool, shape (K, n)
        Used rows, and those among them with an estimate, a standard error and an interval.
    """

    def __init__(
        self,
        columns: dict[str, Array],
        truth: Floats | float,
        dual: bool = True,
        null_value: Floats | float = 0.0,
    ) -> None:
        given = {name: np.atleast_2d(values) for name, values in columns.items()}
        estimate, std_error = given["estimate"], given["std_error"]
        self.status = given["status"]
        self.truth, self.null_value = (
            np.broadcast_to(value, self.status.shape[:1]).astype(float)
            for value in (truth, null_value)
        )
        self.used: Bools = self.status < USED
        self.there = self.used & ~np.isnan(estimate)
        self.error = np.where(self.there, estimate - self.truth[:, None], 0.0)
        self.has_se = self.there & ~np.isnan(std_error)
        self.std_error = np.where(self.has_se, std_error, 0.0)
        self.df = np.where(self.has_se, given["df"], np.inf)
        self.p_value = given.get("p_value")
        self.dual = dual and "p_value" in given and "ci_low" not in given
        self.low, self.high = (given.get(name) for name in ("ci_low", "ci_high"))
        self.has_interval = self.has_se
        if self.low is not None and self.high is not None:
            self.has_interval = self.there & ~np.isnan(self.low) & ~np.isnan(self.high)
        self._critical: dict[float, Floats] = {}

    @property
    def null(self) -> Bools:
        """Where the null hypothesis is true, shape (K,)."""
        return np.asarray(is_null(self.truth, self.null_value))

    def critical(self, alpha: float) -> Floats:
        """Critical value of each row, shape (K, n), or (K, 1) where a group has one df."""
        if alpha not in self._critical:
            df = self.df
            if df.shape[1] and bool((df == df[:, :1]).all()):
                df = df[:, :1]
            self._critical[alpha] = critical_values(df, alpha)
        return self._critical[alpha]

    def rejected(self, alpha: float) -> Bools:
        """Used rows whose test rejects."""
        with np.errstate(invalid="ignore", over="ignore"):
            if self.p_value is not None:
                return (self.p_value < alpha) & self.used
            distance = np.abs(self.error + (self.truth - self.null_value)[:, None])
            return (distance > self.critical(alpha) * self.std_error) & self.has_se

    def covers(self, alpha: float, at: Floats) -> Bools:
        """Rows whose interval holds the truth plus `at`, shape (K,)."""
        with np.errstate(invalid="ignore", over="ignore"):
            if self.low is not None and self.high is not None:
                value = (self.truth + at)[:, None]
                return (self.low <= value) & (value <= self.high) & self.has_interval
            half = self.critical(alpha) * self.std_error
            return (np.abs(self.error - at[:, None]) <= half) & self.has_se

    def covered(self, alpha: float) -> Bools:
        """Rows whose interval holds the truth."""
        if not self.dual:
            return self.covers(alpha, np.zeros_like(self.truth))
        with np.errstate(invalid="ignore"):
            by_test = (cast(Floats, self.p_value) >= alpha) & self.has_se
        if self.null.all():
            return by_test
        by_distance = self.covers(alpha, np.zeros_like(self.truth))
        return np.where(self.null[:, None], by_test, by_distance)

    def width(self, alpha: float) -> Floats:
        """Width of each interval."""
        if self.low is not None and self.high is not None:
            return np.asarray(self.high - self.low)
        with np.errstate(over="ignore"):
            return np.asarray(2.0 * self.critical(alpha) * self.std_error)
