"""Rows of estimates as arrays, method by method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simstudy.errors import UserError
from simstudy.estimands import DEFAULT, ESTIMANDS
from simstudy.estimates import ESTIMATED, LIMITS, STATUSES, USED
from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics.tails import critical_value, two_sided
from simstudy.report.nulls import Aim

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

MOST_ROWS = 100_000
COLUMNS = ("replication", "method", "estimate", "std_error", "df", "p_value", "status")


class Target(NamedTuple):
    """What a method's estimates are held against in a figure, and its place in the study."""

    aim: Aim
    place: int

    @property
    def words(self) -> str:
        """The estimand in plain words."""
        return ESTIMANDS[self.aim.estimand or DEFAULT].plain


Targets = Mapping[str, Target]


def targets(true: float | Targets, labels: Iterable[str]) -> dict[str, Target]:
    """The target of every method; a number is a slope, and tested against 0."""
    if isinstance(true, Mapping):
        return {label: true[label] for label in labels}
    aim = Aim(DEFAULT, true, 0.0)
    return {label: Target(aim, place) for place, label in enumerate(labels)}


@dataclass(frozen=True, slots=True)
class Used:
    """What one method made of its replications; those with status ok or boundary.

    Attributes
    ----------
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
    def with_se(self) -> Bools:
        """Which have a standard error, shape (R,)."""
        return np.isfinite(self.std_error) & (self.std_error > 0)


def used(
    estimates: pa.Table | ds.Dataset, labels: Mapping[str, str] | None = None
) -> dict[str, Used]:
    """Rows of one scenario, method by method.

    Parameters
    ----------
    estimates : pyarrow.Table or Dataset
        As in estimates/, one scenario; at most `MOST_ROWS` are read.
    labels : mapping, optional
        Canonical name -> label, in the order of the figure; methods that are not in it are
        left out. Default: all methods under their own names.
    """
    columns = [name for name in ("scenario", *COLUMNS, *LIMITS) if name in _names(estimates)]
    part = estimates if hasattr(estimates, "num_rows") else estimates.head(MOST_ROWS, columns)
    part = part.slice(0, MOST_ROWS)
    if "scenario" in columns and len(part.column("scenario").unique()) > 1:
        raise UserError("the estimates are of several scenarios; this figure is of one")
    methods = np.array(part.column("method").to_pylist(), dtype=object)
    status = np.array([STATUSES.index(s) for s in part.column("status").to_pylist()], dtype=int)
    values: dict[str, Any] = {
        name: part.column(name).to_numpy() for name in COLUMNS if name not in ("method", "status")
    }
    names = labels or {name: name for name in dict.fromkeys(methods)}
    found = {}
    for name, label in names.items():
        mine = np.flatnonzero(methods == name)
        _, first = np.unique(values["replication"][mine], return_index=True)
        every = mine[first]  # ascending, each once: parts may overlap
        kept = every[status[every] < USED]
        numbers = {key: column[kept] for key, column in values.items()}
        failed, no_se = (
            int((status[every] == STATUSES.index(word)).sum())
            for word in ("failed", "no_std_error")
        )
        limits = _limits(part, every[status[every] < ESTIMATED])
        found[label] = Used(**numbers, n_all=int(every.size), n_failed=failed, n_no_se=no_se,
                            limits=limits)  # fmt: skip
    return found


def _limits(part: pa.Table, rows: Ints) -> tuple[Floats, Floats] | None:
    if LIMITS[0] not in part.column_names:
        return None
    low, high = (part.column(name).to_numpy()[rows] for name in LIMITS)
    there = ~np.isnan(low)
    return (low[there], high[there]) if there.any() else None


def _names(estimates: Any) -> list[str]:
    return list(estimates.schema.names)


def intervals(rows: Used, alpha: float) -> tuple[Floats, Floats]:
    """Confidence limits: given ones, or by the standard errors there are, each with its df."""
    if rows.limits is not None:
        return rows.limits
    there = rows.with_se
    df = np.where(np.isnan(rows.df[there]), np.inf, rows.df[there])
    half = critical_value(df, alpha) * rows.std_error[there]
    return rows.estimate[there] - half, rows.estimate[there] + half


def covers(rows: Used, true: float, alpha: float) -> Bools:
    """Which of the intervals hold the truth."""
    if rows.limits is None:
        return np.asarray(p_of_truth(rows, true) >= alpha)
    low, high = rows.limits
    return np.asarray((low <= true) & (true <= high))


def worst_last(rows: Used, true: float) -> Ints:
    """Order of the intervals: by the p-value of the truth, or its place within given limits."""
    if rows.limits is None:
        return np.argsort(-p_of_truth(rows, true), kind="stable")
    low, high = rows.limits
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.argsort(np.abs(2.0 * true - low - high) / (high - low), kind="stable")


def p_of_truth(rows: Used, true: float) -> Floats:
    """P-values of the test of the truth, of the rows that have a standard error."""
    there = rows.with_se
    df = np.where(np.isnan(rows.df[there]), np.inf, rows.df[there])
    return two_sided((rows.estimate[there] - true) / rows.std_error[there], df)
