"""The rows of one scenario as arrays, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from simstudy.estimands import DEFAULT, estimand
from simstudy.estimates import LIMITS, STATUSES, USED
from simstudy.measures.block import Block
from simstudy.measures.rows import Rows
from simstudy.moments import Bools, Floats, Ints
from simstudy.numerics.tails import two_sided
from simstudy.report.nulls import Aim

FEW = 40  # intervals that are all shown, from the best to the worst


class Target(NamedTuple):
    """A method's label, what its estimates are held against, and its place in the study."""

    label: str
    aim: Aim
    place: int

    @property
    def words(self) -> str:
        """The estimand in plain words."""
        return estimand(self.aim.estimand or DEFAULT).plain


@dataclass(frozen=True, slots=True)
class MethodRows:
    """What one method made of its replications.

    Attributes
    ----------
    target : Target
    block : Block
        All its rows, in one group.
    replication : array of int, shape (R,), ascending
        Those with status ok or boundary.
    estimate, std_error, p_value : arrays, shape (R,)
        Of these; NaN where they do not exist.
    """

    target: Target
    block: Block
    replication: Ints
    estimate: Floats
    std_error: Floats
    p_value: Floats

    @property
    def truth(self) -> float:
        """What is estimated; NaN where it differs between data sets."""
        return self.target.aim.truth

    @property
    def n_all(self) -> int:
        """Replications, used or not."""
        return self.block.status.size

    def count(self, status: str) -> int:
        """Replications of a status."""
        return int((self.block.status == STATUSES.index(status)).sum())

    @property
    def why_empty(self) -> str:
        """Why there is no interval to draw."""
        if self.estimate.size or self.count("no_std_error"):
            return "no standard error"
        if not self.n_all:
            return "no rows are stored"
        return "no result" if self.count("failed") else "not estimable"

    def limits(self, alpha: float) -> tuple[Floats, Floats]:
        """Confidence limits less the truth, of the rows that have any."""
        block, rows = self.block, self.block.has_interval[0]
        if block.limits[0]:
            return block.low[0, rows] - self.truth, block.high[0, rows] - self.truth
        error, half = block.error[0, rows], 0.5 * block.width(alpha)[0, rows]
        return error - half, error + half

    def covers(self, alpha: float) -> Bools:
        """Which of these intervals hold the truth."""
        return self.block.covered(alpha)[0, self.block.has_interval[0]]

    def worst_last(self, alpha: float) -> Ints:
        """Order of the intervals: by the p-value of the truth, or its place within given limits."""
        block, rows = self.block, self.block.has_interval[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            if block.limits[0]:
                low, high = self.limits(alpha)
                return np.argsort(np.abs(low + high) / (high - low), kind="stable")
            t = block.error[0, rows] / block.std_error[0, rows]
            return np.argsort(-two_sided(t, block.df[0, rows]), kind="stable")

    def ranked(self, alpha: float, start: float, most: int) -> Ranked:
        """Intervals from the best centered to the worst, from a centile on, at most so many."""
        low, high = self.limits(alpha)
        order = self.worst_last(alpha)
        n = order.size
        centile = 100.0 * (np.arange(n) + 0.5) / max(n, 1)
        first = int(np.searchsorted(centile, start))
        kept = np.unique(np.linspace(first, n - 1, min(n - first, most)).round().astype(int))
        shown = order[kept]
        return Ranked(low[shown], high[shown], self.covers(alpha)[shown], centile[kept])


class Ranked(NamedTuple):
    """Confidence limits less the truth, whether they hold it, and their centile, shape (kept,)."""

    low: Floats
    high: Floats
    covers: Bools
    centile: Floats


def method_rows(target: Target, replication: Ints, rows: Rows) -> MethodRows:
    """Rows of one method, as `StoredRows` gives them, with the numbers of their replications."""
    limits = LIMITS[0] in rows and not bool(np.isnan(rows[LIMITS[0]]).all())
    block = Block(rows, target.aim.truth, null_value=target.aim.null_value, limits=limits)
    used = rows["status"] < USED
    numbers: dict[str, Any] = {k: rows[k][used] for k in ("estimate", "std_error", "p_value")}
    return MethodRows(target, block, replication[used], **numbers)


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

    def reach(self) -> float:
        """How far from the truth an axis goes: nearly all limits of nearly all methods."""
        ends = []
        for rows in self.methods.values():
            far = np.abs(np.stack(rows.limits(self.alpha))).max(axis=0)
            far = far[np.isfinite(far)]
            if far.size:
                ends.append(float(np.quantile(far, 0.98)))
        reach = min(max(ends), 3.0 * float(np.median(ends))) if ends else 1.0
        return 1.08 * reach or 1.0

    def first_centile(self) -> float:
        """From where ranked intervals are shown: where many cover, those above the middle."""
        covered = [rows.covers(self.alpha) for rows in self.methods.values()
                   if not np.isnan(rows.truth)]  # fmt: skip
        most = max((hits.size for hits in covered), default=0)
        least = min((hits.mean() for hits in covered if hits.size), default=0.0)
        return 50.0 if least > 0.6 and most >= FEW else 0.0
