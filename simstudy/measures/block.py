"""The rows of a block, made ready for totals.

A test at level alpha is |estimate - null value| > c s and an interval holds a value iff
|estimate - value| <= c s, with c the critical value of the row's own df: no p-value is
needed, and none is made where there is none.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from simstudy.estimands import is_null
from simstudy.estimates import ESTIMATED, LIMITS, RANK, TRUTH, USED
from simstudy.moments import Array, Bools, Floats
from simstudy.numerics.quantiles import critical_values

COLUMNS = ("estimate", "std_error", "df", "p_value", "status")  # what a block is made of


class Block:
    """Rows of one block in each of K groups.

    Parameters
    ----------
    columns : dict of arrays, shape (K, n) or (n,)
        `COLUMNS`; status is an index into `STATUSES`. `p_value` may be left out. With `truth`,
        which is that of each row, and with `ci_low` and `ci_high`, which are its interval,
        whatever alpha is. `rank` is that of a covariance matrix, NaN where there is none.
    truth : array, shape (K,), or float
        NaN in groups whose rows have a truth each.
    dual : bool
        Whether the interval holds the null value exactly where p_value >= alpha; then it is
        asked nothing else where that is the truth.
    null_value : array, shape (K,), or float
        What the tests are about.
    limits : array of bool, shape (K,), or bool
        Groups whose intervals are those in `ci_low` and `ci_high`, where there are such
        columns: a row without them has none.

    Attributes
    ----------
    error : array, shape (K, n)
        Estimate less truth; 0 where not `there`.
    deviation : array, shape (K, n)
        Estimate less the truth of its group, or less 0 where that is none.
    used, there, has_se, has_interval : arrays of bool, shape (K, n)
        Rows with a test; rows with an estimate, be there a standard error or not; used rows
        with an estimate and a standard error; rows with an interval.
    """

    def __init__(
        self,
        columns: dict[str, Array],
        truth: Floats | float,
        dual: bool = True,
        null_value: Floats | float = 0.0,
        limits: Bools | bool = True,
    ) -> None:
        given = {name: np.atleast_2d(values) for name, values in columns.items()}
        estimate, std_error = given["estimate"], given["std_error"]
        self.status = given["status"]
        self.truth, self.null_value = (
            np.broadcast_to(value, self.status.shape[:1]).astype(float)
            for value in (truth, null_value)
        )
        self.varies: Bools = np.isnan(self.truth) & (TRUTH in given)
        self._of_group = np.where(self.varies, 0.0, self.truth)[:, None]
        self._of_row = self._of_group
        if self.varies.any():
            self._of_row = np.where(self.varies[:, None], given[TRUTH], self._of_group)
        self.used: Bools = self.status < USED
        self.there = (self.status < ESTIMATED) & ~np.isnan(estimate) & ~np.isnan(self._of_row)
        self.error = np.where(self.there, estimate - self._of_row, 0.0)
        self.deviation = self.error
        if self.varies.any():
            self.deviation = np.where(self.there, estimate - self._of_group, 0.0)
        self.has_se = self.used & self.there & ~np.isnan(std_error)
        self.std_error = np.where(self.has_se, std_error, 0.0)
        self.df = np.where(self.has_se, given["df"], np.inf)
        self.p_value = given.get("p_value")
        self.rank = given.get(RANK)
        self.dual = dual and "p_value" in given
        self.limits: Bools = np.broadcast_to(limits, self.truth.shape) & (LIMITS[0] in given)
        self.has_interval = self.has_se
        if self.limits.any():
            self.low, self.high = (given[name] for name in LIMITS)
            both = self.there & ~np.isnan(self.low) & ~np.isnan(self.high)
            self.has_interval = np.where(self.limits[:, None], both, self.has_se)
        self._critical: dict[float, Floats] = {}

    @property
    def null(self) -> Bools:
        """Where the null hypothesis is true, shape (K,)."""
        return np.asarray(is_null(self.truth, self.null_value))

    @property
    def relative_error(self) -> Floats:
        """Error over the truth of its row, shape (K, n)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.error / self._of_row)

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
            distance = np.abs(self.deviation + (self._of_group - self.null_value[:, None]))
            return (distance > self.critical(alpha) * self.std_error) & self.has_se

    def covers(self, alpha: float, at: Floats) -> Bools:
        """Rows whose interval holds the truth plus `at`, shape (K,)."""
        with np.errstate(invalid="ignore", over="ignore"):
            if self.limits.any():
                value = self._of_row + at[:, None]
                given = (self.low <= value) & (value <= self.high) & self.has_interval
                if self.limits.all():
                    return given
            half = self.critical(alpha) * self.std_error
            by_se = (np.abs(self.error - at[:, None]) <= half) & self.has_se
        return np.where(self.limits[:, None], given, by_se) if self.limits.any() else by_se

    def covered(self, alpha: float) -> Bools:
        """Rows whose interval holds the truth."""
        by_test = self.null & ~self.limits if self.dual else np.zeros_like(self.null)
        if not by_test.any():
            return self.covers(alpha, np.zeros_like(self.truth))
        with np.errstate(invalid="ignore"):
            accepted = (cast(Floats, self.p_value) >= alpha) & self.has_se
        if by_test.all():
            return accepted
        by_distance = self.covers(alpha, np.zeros_like(self.truth))
        return np.where(by_test[:, None], accepted, by_distance)

    def width(self, alpha: float) -> Floats:
        """Width of each interval."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self.limits.all():
                return np.asarray(self.high - self.low)
            by_se = np.asarray(2.0 * self.critical(alpha) * self.std_error)
            if self.limits.any():
                return np.where(self.limits[:, None], self.high - self.low, by_se)
        return by_se
