"""The rows of one scenario as arrays, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simstudy.errors import UserError
from simstudy.estimands import DEFAULT, ESTIMANDS
from simstudy.estimates import ESTIMATED, LIMITS, STATUSES, USED
from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics.tails import critical_value, two_sided
from simstudy.report.nulls import Aim
from simstudy.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 100_000
_NUMBERS = ("estimate", "std_error", "df", "p_value")
COLUMNS = ("scenario", "replication", "method", *_NUMBERS, "status")


class Target(NamedTuple):
    """A method's label, what its estimates are held against, and its place in the study."""

    label: str
    aim: Aim
    place: int

    @property
    def words(self) -> str:
        """The estimand in plain words."""
        return ESTIMANDS[self.aim.estimand or DEFAULT].plain


@dataclass(frozen=True, slots=True)
class MethodRows:
    """What one method made of its replications; those with status ok or boundary.

    Attributes
    ----------
    target : Target
    replication : array of int, shape (R,), ascending
    estimate, std_error, df, p_value : arrays, shape (R,)
        NaN where they do not exist.
    n_all : int
        Replications, used or not.
    n_failed, n_no_se : int
        Of those, by status.
    limits : (array, array), optional
        Intervals of a method that gives its own, of the replications that have one.
    """

    target: Target
    replication: Ints
    estimate: Floats
    std_error: Floats
    df: Floats
    p_value: Floats
    n_all: int
    n_failed: int
    n_no_se: int = 0
    limits: tuple[Floats, Floats] | None = None

    @property
    def truth(self) -> float:
        """What is estimated; NaN where it differs between data sets."""
        return self.target.aim.truth

    @property
    def with_se(self) -> Bools:
        """Which have a standard error, shape (R,)."""
        return np.isfinite(self.std_error) & (self.std_error > 0)

    @property
    def why_empty(self) -> str:
        """Why there is no interval to draw."""
        if self.estimate.size or self.n_no_se:
            return "no standard error"
        if not self.n_all:
            return "no rows are stored"
        return "no result" if self.n_failed else "not estimable"

    def intervals(self, alpha: float) -> tuple[Floats, Floats]:
        """Confidence limits: given ones, or by the standard errors there are, each with its df."""
        if self.limits is not None:
            return self.limits
        estimate, std_error, df = self._tested
        half = critical_value(df, alpha) * std_error
        return estimate - half, estimate + half

    def covers(self, alpha: float) -> Bools:
        """Which of the intervals hold the truth."""
        if self.limits is None:
            return np.asarray(self._p_of_truth >= alpha)
        low, high = self.limits
        return np.asarray((low <= self.truth) & (self.truth <= high))

    @property
    def worst_last(self) -> Ints:
        """Order of the intervals: by the p-value of the truth, or its place within given limits."""
        if self.limits is None:
            return np.argsort(-self._p_of_truth, kind="stable")
        low, high = self.limits
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.argsort(np.abs(2.0 * self.truth - low - high) / (high - low), kind="stable")

    @property
    def _p_of_truth(self) -> Floats:
        estimate, std_error, df = self._tested
        return two_sided((estimate - self.truth) / std_error, df)

    @property
    def _tested(self) -> tuple[Floats, Floats, Floats]:
        """Estimate, standard error and df (infinite for z), of the rows that have an SE."""
        rows = self.with_se
        df = np.where(np.isnan(self.df[rows]), np.inf, self.df[rows])
        return self.estimate[rows], self.std_error[rows], df


class Sample(NamedTuple):
    """The rows of one scenario, and what a figure says of them.

    Attributes
    ----------
    methods : mapping
        Label -> `MethodRows`, in the order of the figure.
    title : str
    alpha : float
    what : str
        The scenario in words.
    reference : str, optional
        Label of the method with which the others are compared.
    """

    methods: Mapping[str, MethodRows]
    title: str = ""
    alpha: float = 0.05
    what: str = ""
    reference: str | None = None


def by_method(estimates: pa.Table, targets: Mapping[str, Target]) -> dict[str, MethodRows]:
    """Take the rows of one scenario apart, method by method: label -> rows.

    Parameters
    ----------
    estimates : pyarrow.Table
        As in estimates/, one scenario; at most `MOST_ROWS` are read.
    targets : mapping
        Canonical name -> `Target`, in the order of the figure; other methods are left out.
    """
    table = estimates.slice(0, MOST_ROWS)
    if len(table.column("scenario").unique()) > 1:
        raise UserError("the estimates are of several scenarios; this figure is of one")
    names = np.array(table.column("method").to_pylist(), dtype=object)
    return {
        target.label: _rows(table, np.flatnonzero(names == name), target)
        for name, target in targets.items()
    }


def _rows(table: pa.Table, places: Ints, target: Target) -> MethodRows:
    """The rows of one method, each replication once: parts may overlap."""
    _, first = np.unique(table.column("replication").to_numpy()[places], return_index=True)
    rows = table.take(arrow.integers(places[first]))
    words = rows.column("status").to_pylist()
    status = np.array([STATUSES.index(word) for word in words], dtype=int)
    numbers: dict[str, Any] = {
        name: rows.column(name).to_numpy()[status < USED] for name in ("replication", *_NUMBERS)
    }
    limits = None
    if LIMITS[0] in rows.column_names:
        low, high = (rows.column(name).to_numpy()[status < ESTIMATED] for name in LIMITS)
        given = ~np.isnan(low)
        limits = (low[given], high[given]) if given.any() else None
    n_failed, n_no_se = words.count("failed"), words.count("no_std_error")
    return MethodRows(target, **numbers, n_all=len(words), n_failed=n_failed, n_no_se=n_no_se,
                      limits=limits)  # fmt: skip
