"""What a method returns."""

from __future__ import annotations

from collections.abc import Mapping
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
STATUS_OF = np.array([0, 1, 2, 3, 3, 3, 3, 3, 3, 4, 3, 3, 3, 3, 3, 3], dtype=np.int8)
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
        columns: Any = {name: value[first:last] for name, value in _arrays(self).items()}
        if self.extras is not None:
            columns["extras"] = {name: values[first:last] for name, values in self.extras.items()}
        return Estimates(**columns)


def _arrays(estimates: Estimates) -> dict[str, Any]:
    """The arrays there are, `extras` left out."""
    columns = {field.name: getattr(estimates, field.name) for field in fields(Estimates)}
    return {k: v for k, v in columns.items() if v is not None and k != "extras"}


def concatenate(pieces: list[Estimates]) -> Estimates:
    """Join batches of one method, in order."""
    if len(pieces) == 1:
        return pieces[0]
    parts = [_arrays(piece) for piece in pieces]
    columns: Any = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if pieces[0].extras is not None:
        extras = [(piece.extras or {}, np.full(piece.estimate.shape, np.nan)) for piece in pieces]
        names = dict.fromkeys(name for given, _ in extras for name in given)
        columns["extras"] = {
            name: np.concatenate([given.get(name, none) for given, none in extras])
            for name in names
        }
    return Estimates(**columns)
