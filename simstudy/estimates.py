"""Room 0: what a method returns. Imports numpy alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

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

    @property
    def status(self) -> str:
        """The status as stored: ok, boundary, no_std_error, not_estimable or failed."""
        return STATUSES[STATUS_OF[self]]

    @property
    def reason(self) -> str | None:
        """Why there is no (complete) result; None where there is one."""
        return _REASONS.get(self)


STATUSES = ("ok", "boundary", "no_std_error", "not_estimable", "failed")
STATUS_OF = np.array([0, 1, 2, 3, 3, 3, 3, 3, 3, 4, 3, 3, 3, 3], dtype=np.int8)
USED = 2  # statuses below this index (ok, boundary) are used by every measure
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
}


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
    """

    estimate: Floats
    std_error: Floats
    df: Floats
    p_value: Floats
    outcome: NDArray[np.int8]
    tau2: Floats | None = None
    sigma2: Floats | None = None

    @property
    def status(self) -> NDArray[np.int8]:
        """Index into `STATUSES`, shape (R,)."""
        return STATUS_OF[self.outcome]

    def cut(self, first: int, last: int) -> Estimates:
        """Keep replications first..last-1 (counted from 0)."""
        columns: Any = {}
        for field in fields(self):
            values = getattr(self, field.name)
            columns[field.name] = None if values is None else values[first:last]
        return Estimates(**columns)


def concatenate(pieces: list[Estimates]) -> Estimates:
    """Join batches of one method, in order."""
    if len(pieces) == 1:
        return pieces[0]
    columns: Any = {}
    for field in fields(Estimates):
        parts = [getattr(piece, field.name) for piece in pieces]
        columns[field.name] = None if parts[0] is None else np.concatenate(parts)
    return Estimates(**columns)
