"""What a method returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simstudy.moments import Floats


class Outcome(IntEnum):
    """What became of one fit; the status that is stored, and the reason for people."""

    OK = 0
    BOUNDARY = 1
    NO_STD_ERROR = 2
    NO_RESIDUAL_DF = 3
    X_CONSTANT = 4
    X_CONSTANT_WITHIN = 5
    NO_RESIDUAL_VARIANCE = 6
    VARIANCES_NOT_SEPARABLE = 7
    NON_FINITE = 8
    FAILED = 9
    FEW_CLUSTERS = 10
    X_CONSTANT_BETWEEN = 11
    NOT_CONVERGED = 12
    NOT_POSITIVE_DEFINITE = 13
    COLLINEAR = 14
    X_NOT_TWO_VALUED = 15
    NO_UNITS = 16

    @property
    def status(self) -> str:
        """The status as stored: ok, boundary, no_std_error, not_estimable or failed."""
        return STATUSES[STATUS_OF[self]]

    @property
    def reason(self) -> str | None:
        """Why there is no (complete) result; None where there is one."""
        return _REASONS.get(self)


NUMBERS = ("estimate", "std_error", "df", "p_value")
COMPONENTS = ("tau2", "sigma2")
STATUSES = ("ok", "boundary", "no_std_error", "not_estimable", "failed")
STATUS_OF = np.array([0, 1, 2, 3, 3, 3, 3, 3, 3, 4, 3, 3, 3, 3, 3, 3, 3], dtype=np.int8)
USED = 2  # statuses below this index (ok, boundary) are used by every measure
ESTIMATED = 3  # those below this (no_std_error too) by measures that need the estimate alone
TRUTH, LIMITS = "truth", ("ci_low", "ci_high")
RANK = "rank"  # an extra of methods of this package: that of a covariance matrix
SLOPE_VARIANCE, SLOPE_COVARIANCE = "slope_variance", "slope_covariance"  # in that matrix
RANKS = (0, 1, 2)
GIVEN = (TRUTH, *LIMITS)  # extras that measures use: a true value and an interval of a row's own
_REASONS = {
    Outcome.NO_STD_ERROR: "the standard error does not exist",
    Outcome.NO_RESIDUAL_DF: "no residual degrees of freedom",
    Outcome.X_CONSTANT: "x does not vary",
    Outcome.X_CONSTANT_WITHIN: "x is constant within clusters",
    Outcome.NO_RESIDUAL_VARIANCE: "residual variance is zero",
    Outcome.VARIANCES_NOT_SEPARABLE: (
        "too few units or clusters to tell the cluster variance from the residual variance"
    ),
    Outcome.NON_FINITE: "the fit is not finite",
    Outcome.FAILED: "the method failed",
    Outcome.FEW_CLUSTERS: "a cluster-robust test needs two clusters or more",
    Outcome.X_CONSTANT_BETWEEN: "x does not vary between clusters",
    Outcome.NOT_CONVERGED: "the iteration did not converge",
    Outcome.NOT_POSITIVE_DEFINITE: "the working correlation matrix is not positive definite",
    Outcome.COLLINEAR: "a predictor is constant or a combination of the others",
    Outcome.X_NOT_TWO_VALUED: "x is not one of two values in each cluster",
    Outcome.NO_UNITS: "no units are left",
}


class Failure(NamedTuple):
    """Why a user's method has no result for one replication."""

    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Estimates:
    """One term's estimates, a value a replication.

    Attributes
    ----------
    estimate, std_error, df, p_value : arrays of float, shape (R,)
        NaN where they do not exist; df is inf for a Wald z test.
    outcome : array of int8, shape (R,)
        An `Outcome` each.
    tau2, sigma2 : arrays of float, shape (R,), or None
        Variance components; None for methods that have none.
    extras : mapping of arrays of float, shape (R,), or None
        Further values of a user's method; NaN where a replication has none. Those of `GIVEN`
        are what it is judged by.
    failures : array of objects, shape (R,), or None
        A `Failure` or None each; of a user's method.
    warned : array of objects, shape (R,), or None
        A tuple of warnings, numbers left out, or None each; of a user's method. Those of a
        call for several replications stand with the first.
    seconds : array of float, shape (R,), or None
        What a fit of a user's method took: no part of the result.
    """

    estimate: Floats
    std_error: Floats
    df: Floats
    p_value: Floats
    outcome: NDArray[np.int8]
    tau2: Floats | None = None
    sigma2: Floats | None = None
    extras: Mapping[str, Floats] | None = None
    failures: NDArray[np.object_] | None = None
    warned: NDArray[np.object_] | None = None
    seconds: Floats | None = None

    @property
    def status(self) -> NDArray[np.int8]:
        """Index into `STATUSES`, shape (R,)."""
        return STATUS_OF[self.outcome]

    def cut(self, first: int, last: int) -> Estimates:
        """Keep replications first..last-1 (counted from 0)."""
        return self._each(lambda values: values[first:last])

    def take(self, index: NDArray[np.intp]) -> Estimates:
        """These replications (counted from 0), in this order."""
        return self._each(lambda values: values[index])

    def _each(self, function: Callable[[Any], Any]) -> Estimates:
        columns: Any = {name: function(value) for name, value in _arrays(self).items()}
        if self.extras is not None:
            columns["extras"] = {name: function(values) for name, values in self.extras.items()}
        return Estimates(**columns)


def blank(n_reps: int, outcome: Outcome) -> Estimates:
    """Rows without a result, and why."""
    none = np.full(n_reps, np.nan)
    return Estimates(none, none, none, none, np.full(n_reps, outcome, dtype=np.int8))


def _arrays(estimates: Estimates) -> dict[str, Any]:
    """The arrays there are, `extras` left out."""
    columns = {field.name: getattr(estimates, field.name) for field in fields(Estimates)}
    return {k: v for k, v in columns.items() if v is not None and k != "extras"}


def concatenate(pieces: list[Estimates]) -> Estimates:
    """Join batches of one method, in order; what one of them lacks is missing there."""
    if len(pieces) == 1:
        return pieces[0]
    sizes = [piece.estimate.size for piece in pieces]
    columns: Any = _beside([_arrays(piece) for piece in pieces], sizes)
    if any(piece.extras is not None for piece in pieces):
        columns["extras"] = _beside([piece.extras or {} for piece in pieces], sizes)
    return Estimates(**columns)


def _beside(parts: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> dict[str, Any]:
    """Columns of all parts by name; None or NaN, as its kind has it, where a part has none."""
    held = {name: values.dtype for part in parts for name, values in part.items()}
    return {
        name: np.concatenate([
            part[name] if name in part else np.full(size, None, dtype=kind)
            for part, size in zip(parts, sizes, strict=True)
        ])
        for name, kind in held.items()
    }  # fmt: skip
