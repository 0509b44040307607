"""The numbers of a measure, method by method, with intervals that hold for all of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from simstudy.measures.catalog import record_of
from simstudy.measures.record import Measure
from simstudy.measures.simultaneous import simultaneous
from simstudy.moments import Bools, Floats, Ints
from simstudy.report.pivot import Cell, Level, Wide
from simstudy.report.tables.shown import alone
from simstudy.study.grid import telling

_DRAWS = 400  # the error of a median's error is 4 %


class Estimate(NamedTuple):
    """A number with its Monte Carlo error, and where it stands.

    Attributes
    ----------
    how : Measure
    value, mcse : float
    low, high : float
        Of its simultaneous interval; NaN where it has none, as a median.
    levels : mapping
        Levels that tell its scenario from the method's others.
    """

    how: Measure
    value: float
    mcse: float
    low: float = math.nan
    high: float = math.nan
    levels: Mapping[str, Level] = MappingProxyType({})

    def __html__(self) -> str:
        """Its Markdown, ``.174 (.008) [.143, .207]``."""
        percent = " %" if self.how.title.endswith("%") else ""
        numbers = alone((self.value, self.low, self.high), self.mcse, self.how)
        value, low, high, mcse = (re.sub("^-", "−", text) for text in numbers)
        interval = "" if math.isnan(self.low) else f" [{low}, {high}]"
        return f"{value}{percent} ({mcse}){interval}"


@dataclass(frozen=True)
class MethodCells:
    """What a method has of one measure, in the scenarios where it has a Monte Carlo error.

    Attributes
    ----------
    how : Measure
    rows : tuple of int
        Places of the scenarios in the table that it is from.
    levels : list of dict
        Of each scenario, the factors in which these scenarios differ.
    value, mcse, low, high : arrays, shape (K,)
        The interval is simultaneous over all cells of the table that were wanted.
    n : array of int, shape (K,)
        Replications used.
    family : int
        How many cells were wanted.
    """

    how: Measure
    rows: tuple[int, ...]
    levels: list[dict[str, Level]]
    value: Floats
    mcse: Floats
    low: Floats
    high: Floats
    n: Ints
    family: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def _numbers(self) -> tuple[Floats, ...]:
        return self.value, self.mcse, self.low, self.high

    @cached_property
    def _told(self) -> list[dict[str, Level]]:
        return telling(self.levels)

    def at(self, k: int) -> Estimate:
        """One of them."""
        value, mcse, low, high = (float(of[k]) for of in self._numbers)
        return Estimate(self.how, value, mcse, low, high, self._told[k])

    def furthest(self, target: float, among: Bools | None = None) -> Estimate:
        """The value furthest from a target, of some if there are any, or of all."""
        distance = np.abs(self.value - target)
        if among is not None and among.any():
            distance = np.where(among, distance, -1.0)
        return self.at(int(np.argmax(distance)))

    def away(self, target: float) -> Bools:
        """Where the interval does not hold a target."""
        return np.asarray((self.low > target) | (self.high < target))

    @cached_property
    def median(self) -> Estimate | None:
        """The median over scenarios, of three and more.

        Its error is that over `_DRAWS` draws from the normal distribution of every estimate,
        always the same ones; the estimates differ by their own errors already, so that it is
        too large where the true values are alike, by no more than the square root of two.
        """
        if len(self) < 3:
            return None
        noise = np.random.Generator(np.random.SFC64(0)).standard_normal((_DRAWS, len(self)))
        medians = np.median(self.value + noise * self.mcse, axis=1)
        return Estimate(self.how, float(np.median(self.value)), float(medians.std(ddof=1)))

    @property
    def mean(self) -> Estimate:
        """The mean over scenarios, whose replications are independent of each other."""
        error = math.sqrt(float(np.square(self.mcse).sum())) / len(self)
        return Estimate(self.how, float(self.value.mean()), error)

    @property
    def cautious_error(self) -> float:
        """Of the mean of proportions, an error that is not 0 where all of them are 0 or 1.

        Each has two replications more of either kind (Agresti and Coull 1998, Am. Stat.
        52:119-126).
        """
        p, n = (self.value * self.n + 2.0) / (self.n + 4.0), self.n + 4.0
        return math.sqrt(float((p * (1.0 - p) / n).sum())) / len(self)

    def only(self, rows: tuple[int, ...]) -> MethodCells:
        """Those of some rows, which are all there."""
        place = [self.rows.index(row) for row in rows]
        value, mcse, low, high = (of[place] for of in self._numbers)
        levels = [self.levels[k] for k in place]
        return MethodCells(
            self.how, rows, levels, value, mcse, low, high, self.n[place], self.family
        )


def cells_by_method(
    table: Wide, wanted: Callable[[Cell], bool] = lambda cell: True
) -> dict[str, MethodCells]:
    """Label -> the method's cells that are wanted and have a number; methods with any."""
    chosen: dict[str, list[tuple[int, Cell]]] = {method: [] for method in table.methods}
    for row, (_, cells) in enumerate(table.rows):
        for method, cell in cells.items():
            if cell is not None and has_error(cell) and wanted(cell):
                chosen[method].append((row, cell))
    family = sum(map(len, chosen.values()))
    return {method: _of(table, some, family) for method, some in chosen.items() if some}


def has_error(cell: Cell) -> bool:
    """Whether a cell has a number with its Monte Carlo error."""
    return cell.n_used > 1 and math.isfinite(cell.value) and math.isfinite(cell.mcse)


def _of(table: Wide, some: list[tuple[int, Cell]], family: int) -> MethodCells:
    how = record_of(table.measure)
    value, mcse = (np.array([cell[k] for _, cell in some]) for k in (0, 1))
    n = np.array([cell.n_used for _, cell in some])
    low, high = simultaneous(value, mcse, n, proportion=how.proportion, family=family)
    rows = tuple(row for row, _ in some)
    levels = different([table.rows[row][0] for row in rows], table.factors)
    return MethodCells(how, rows, levels, value, mcse, low, high, n, family)


def different(scenarios: list[dict[str, Any]], factors: tuple[str, ...]) -> list[dict[str, Level]]:
    """Levels of the factors in which scenarios differ."""
    varying = [name for name in factors if len({levels[name] for levels in scenarios}) > 1]
    return [{name: levels[name] for name in varying} for levels in scenarios]
