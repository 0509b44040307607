"""One measure of a summary as arrays, scenario by method."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from simstudy.moments import Array, Bools, Floats, Ints
from simstudy.report.pivot import Cell, Level, Wide, powers, wide
from simstudy.store import arrow

KINDS = ("exact", "asymptotic")
_CELL = np.dtype(
    [
        ("value", float), ("low", float), ("high", float), ("exact", float), ("asymptotic", float),
        ("n_used", int), ("n_not_used", int), ("null", int),
        ("failed", bool), ("asked", bool), ("sized", bool), ("inflated", bool),
    ]
)  # fmt: skip
_NO_ROW = Cell(math.nan, math.nan, 0, 0)


@dataclass(frozen=True, slots=True)
class Matrix:
    """A measure of S scenarios by M methods.

    Attributes
    ----------
    alpha : float
        NaN for measures without one.
    methods : tuple of str
        Labels.
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
    when : str
        When the null hypothesis of the powers is true, in words.
    """

    alpha: float
    methods: tuple[str, ...]
    places: tuple[int, ...]
    levels: list[dict[str, Level]]
    design_effect: Floats
    cells: Array
    when: str

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
                raise ValueError(f"no factor '{factor}' in this summary; there are {known}")

    def take(self, scenarios: Ints) -> Matrix:
        """Scenarios of these numbers."""
        return replace(
            self, levels=[self.levels[s] for s in scenarios], cells=self.cells[scenarios],
            design_effect=self.design_effect[scenarios],
        )  # fmt: skip

    def kind(self, *, null: bool) -> Matrix:
        """Type I errors, or powers: scenarios and methods that have any, and no other number."""
        wanted = self.cells["null"] == int(null)
        part = self.take(np.flatnonzero(wanted.any(1)))
        if not part.levels:
            return part
        columns = np.flatnonzero(wanted.any(0))
        cells = part.cells[:, columns]
        empty = np.full_like(cells, np.array(_numbers(_NO_ROW), dtype=_CELL))
        empty["asked"] = cells["asked"]
        return replace(
            part,
            methods=tuple(self.methods[m] for m in columns),
            places=tuple(self.places[m] for m in columns),
            cells=np.where(cells["null"] == int(null), cells, empty),
        )


def matrix(
    summary: pa.Table, measure: str, alpha: float | None = None, *, theory: bool = True
) -> Matrix:
    """Take one measure out of a summary.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet, with or without columns theory and theory_kind.
    measure : str
    alpha : float, optional
        Default: the first there is.
    theory : bool
        Whether theory is read, too.
    """
    table = wide(summary, measure, alpha)
    shape = len(table.rows), len(table.methods)
    cells = np.array([list(map(_numbers, row)) for row in _rows(table)], _CELL).reshape(shape)
    if theory and {"theory", "theory_kind"} <= set(summary.column_names):
        _add_theory(cells, summary, measure, alpha)
    levels = [dict(levels) for levels, _ in table.rows]
    effects = np.array([row.pop("design_effect", None) for row in levels], dtype=float)
    when = powers(table).null
    return Matrix(table.alpha, table.methods, table.places, levels, effects, cells, when)


def _rows(table: Wide) -> Iterator[list[Cell]]:
    """The cells of every scenario, method by method."""
    for _, row in table.rows:
        yield [row.get(method) or _NO_ROW for method in table.methods]


def _numbers(cell: Cell) -> tuple[Any, ...]:
    null = -1 if cell.aim.null is None else int(cell.aim.null)
    return (
        cell.value, cell.ci_low, cell.ci_high, math.nan, math.nan, cell.n_used, cell.n_not_used,
        null, cell.failed, cell.asked, cell.sized, cell.inflated,
    )  # fmt: skip


def _add_theory(cells: Array, summary: pa.Table, measure: str, alpha: float | None) -> None:
    """Fill in answers without simulation: the same table with the answer for the value."""
    part = summary.take(arrow.equal_to(summary.column("measure"), measure))
    place = part.column_names.index("value")
    answers = np.array(part.column("theory").to_pylist(), dtype=float)
    kinds = np.array(part.column("theory_kind").to_pylist(), dtype=object)
    for kind in KINDS:
        values = arrow.doubles(np.where(kinds == kind, answers, math.nan))
        table = wide(part.set_column(place, "value", values), measure, alpha)
        cells[kind] = [[cell.value for cell in row] for row in _rows(table)]
