"""Estimates far from all others of their group: fits that diverged, typing errors.

One of them decides a mean, an SD and what both say; so they are counted and named, and used as
they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simstudy.measures.block import Block
from simstudy.moments import Array, Floats, Ints

FAR = 10.0  # robust SDs from the median: simsum's limit (White 2010, Stata J. 10:369-385)
_QUARTILES = 1.3489795003921634  # between them, in SDs of a normal distribution
_LEAST, _ENOUGH = 5, 20  # estimates that say what is usual; the fewer, the less is it known
_NAMED = 5  # rows that are named


class Extreme(NamedTuple):
    """An estimate far out: its row, counted from 0, and its distance in robust SDs."""

    group: int
    row: int
    estimate: float
    distance: float


Place = Callable[[Extreme], tuple[str, str]]


class Extremes:
    """Counts extreme estimates group by group.

    What is usual in a group is the median and the distance of the quartiles of its first rows
    (4,096 at most), which hold still whatever one estimate does.
    """

    def __init__(self) -> None:
        self._usual = np.empty((2, 0))  # centre and scale of each group, inf of a new one
        self.extremes: list[Extreme] = []

    def see(self, groups: Ints, rows: dict[str, Array], block: Block) -> None:
        """Go through blocks of rows, each of one group; `rows` has their numbers, `row`."""
        estimate = np.where(block.there, rows["estimate"], np.nan)
        more = int(groups.max()) + 1 - self._usual.shape[1]
        if more > 0:
            self._usual = np.concatenate([self._usual, np.full((2, more), np.inf)], axis=1)
        fresh = np.flatnonzero(np.isinf(self._usual[1, groups]))
        _, first = np.unique(groups[fresh], return_index=True)
        first = fresh[first]
        self._usual[:, groups[first]] = _usual(estimate[first])
        centre, scale = self._usual[:, groups][:, :, None]
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.abs(estimate - centre) / scale
        for k, at in np.argwhere(distance > FAR).tolist():
            self.extremes.append(Extreme(int(groups[k]), int(rows["row"][k, at]),
                                      float(estimate[k, at]), float(distance[k, at])))  # fmt: skip

    def lines(self, method_of: list[str], used: Ints, place: Place) -> list[str]:
        """A line for each method that has extreme estimates: how many, which, and how far out.

        Parameters
        ----------
        method_of : list of str
            Method of each group.
        used : array of int
            Estimates of each group.
        place : callable
            An `Extreme` -> where it is: in full, and in short.
        """
        extremes: dict[str, list[Extreme]] = {}
        for extreme in self.extremes:
            extremes.setdefault(method_of[extreme.group], []).append(extreme)
        totals: Counter[str] = Counter()
        for method, n in zip(method_of, used.tolist(), strict=True):
            totals[method] += n
        return [_line(method, those, totals[method], place) for method, those in extremes.items()]


def _usual(estimate: Floats) -> Floats:
    """Median and robust SD of each row of an array; NaN where too few say what is usual."""
    ordered = np.sort(estimate, axis=1)  # what is missing comes last
    n = (~np.isnan(ordered)).sum(axis=1)
    low, centre, high = (_quantile(ordered, n, p) for p in (0.25, 0.5, 0.75))
    with np.errstate(invalid="ignore", over="ignore"):
        scale = (high - low) / _QUARTILES
    scale *= np.maximum(1.0, _ENOUGH / np.maximum(n, 1)) ** 2
    scale = np.where((n >= _LEAST) & (scale > 0), scale, np.nan)
    return np.stack([centre, scale])


def _quantile(ordered: Floats, n: Ints, p: float) -> Floats:
    at = p * np.maximum(n - 1, 0)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(n - 1, 0))
    rows = np.arange(n.size)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(
            ordered[rows, below] + (at - below) * (ordered[rows, above] - ordered[rows, below])
        )


def _line(method: str, extremes: list[Extreme], of: int, place: Place) -> str:
    n = len(extremes)
    first, *others = sorted(extremes, key=lambda extreme: (-extreme.distance, extreme.row))
    text = (
        f"{method}: {n:,} of {of:,} estimates {'is' if n == 1 else 'are'} extreme (over {FAR:g} "
        f"robust SDs from the median): {first.estimate:.4g} in {place(first)[0]}, "
        f"{first.distance:.2g} SDs away"
    )
    if others:
        text += ", then " + ", ".join(place(extreme)[1] for extreme in others[: _NAMED - 1])
        text += ", ..." if n > _NAMED else ""
    return f"{text}; used as they are" if n > 1 else f"{text}; used as it is"
