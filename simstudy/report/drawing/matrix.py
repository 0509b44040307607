"""One measure of a summary as arrays, scenario by method."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.errors import UserError
from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.report.drawing.view import USUAL, View
from simstudy.report.pivot import NO_ROW, Cell, Level, Wide, of_kind, wide
from simstudy.report.words import Words

_CELL = np.dtype(
    [
        ("value", float), ("low", float), ("high", float), ("exact", float), ("asymptotic", float),
        ("n_used", int), ("n_not_used", int), ("null", int),
        ("failed", bool), ("asked", bool), ("sized", bool), ("inflated", bool),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matrix:
    """A measure of S scenarios by M methods.

    Attributes
    ----------
    table : Wide
        What it was made of.
    alpha : float
        NaN for measures without one.
    words : Words
    methods : tuple of str
        In words.
    places : tuple of int
        Of these among all methods of the study: what they look like.
    levels : list of dict
        Factor -> level, one a scenario, in the order of the study.
    design_effect : array, shape (S,)
        NaN where the summary has none.
    cells : structured array, shape (S, M)
        value, low, high: the measure and its 95 % Monte Carlo interval; exact, asymptotic: the
        answers without simulation (NaN each where there is none).
        n_used, n_not_used: 0 in both where a method has no row. failed: whether replications
        failed, or are not there, rather than being not estimable; asked: False where a method
        has no row of any measure.
        null: of a rejection rate 1 for a Type I error, 0 for power, -1 for neither; sized,
        inflated: whether a power has a Type I error of the same design, and one too high.
    """

    table: Wide
    words: Words
    alpha: float
    methods: tuple[str, ...]
    places: tuple[int, ...]
    levels: list[dict[str, Level]]
    design_effect: Floats
    cells: Array

    @property
    def factors(self) -> tuple[str, ...]:
        """Those that vary, in the order of the study."""
        names = self.levels[0] if self.levels else ()
        return tuple(f for f in names if len({levels[f] for levels in self.levels}) > 1)

    @property
    def fixed(self) -> dict[str, Level]:
        """Those that do not vary, with their level."""
        varying = self.factors
        return {f: v for f, v in (self.levels or [{}])[0].items() if f not in varying}

    @property
    def has_value(self) -> Bools:
        """Which cells have a number, shape (S, M)."""
        return np.isfinite(self.cells["value"]) & (self.cells["n_used"] > 0)

    @property
    def has_row(self) -> Bools:
        """Which cells have a row, shape (S, M)."""
        cells = self.cells
        return np.asarray((cells["n_used"] + cells["n_not_used"] > 0) | cells["failed"])

    @property
    def level(self) -> float:
        """Alpha, the usual one where nothing says it."""
        return 0.05 if math.isnan(self.alpha) else self.alpha

    def check(self, *factors: str | None) -> None:
        """Refuse a name that is no factor of these scenarios."""
        for factor in factors:
            if factor is not None and self.levels and factor not in self.levels[0]:
                known = ", ".join(self.levels[0])
                raise UserError(f"no factor '{factor}' in this summary; there are {known}")

    def take(self, scenarios: Ints) -> Matrix:
        """Scenarios of these numbers."""
        rows = [self.table.rows[s] for s in scenarios]
        return _of(replace(self.table, rows=rows), self.words)

    def kind(self, *, null: bool) -> Matrix:
        """Type I errors, or powers: scenarios and methods that have any, and no other number."""
        return _of(of_kind(self.table, null), self.words)


def matrix(
    summary: pa.Table, measure: str, alpha: float | None = None, view: View = USUAL
) -> Matrix:
    """Take one measure out of a summary, as far as it is shown; parameters as of `wide`."""
    table = wide(summary, measure, alpha, scenarios=view.scenarios)
    kept = [k for k, method in enumerate(table.methods) if view.shows(method)]
    shown = replace(
        table, methods=tuple(table.methods[k] for k in kept),
        places=tuple(table.places[k] for k in kept),
    )  # fmt: skip
    return _of(shown, view.words)


def _of(table: Wide, words: Words) -> Matrix:
    numbers = [
        _numbers(cells.get(method) or NO_ROW)
        for _, cells in table.rows for method in table.methods
    ]  # fmt: skip
    cells = np.array(numbers, _CELL).reshape(len(table.rows), len(table.methods))
    levels = [dict(levels) for levels, _ in table.rows]
    effects = np.array([row.pop("design_effect", None) for row in levels], dtype=float)
    methods = words.all_methods(table.methods)
    return Matrix(table, words, table.alpha, methods, table.places, levels, effects, cells)


def _numbers(cell: Cell) -> tuple[Any, ...]:
    null = -1 if cell.aim.null is None else int(cell.aim.null)
    exact, asymptotic = (
        cell.theory if cell.theory_kind == kind else math.nan for kind in ("exact", "asymptotic")
    )
    return (
        cell.value, cell.ci_low, cell.ci_high, exact, asymptotic, cell.n_used, cell.n_not_used,
        null, cell.failed, cell.asked, cell.sized, cell.inflated,
    )  # fmt: skip
