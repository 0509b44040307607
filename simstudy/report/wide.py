"""Room 5: the summary with methods side by side. Imports store.arrow."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudy.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa

Level = float | int | str | None


class Cell(NamedTuple):
    """A value and its Monte Carlo error; NaN where there is none."""

    value: float
    mcse: float
    n_used: int
    n_not_used: int
    ci_low: float = math.nan
    ci_high: float = math.nan


@dataclass(frozen=True, slots=True)
class Wide:
    """One measure, scenarios down and methods across.

    Attributes
    ----------
    measure : str
    alpha : float
        NaN for measures without one.
    factors : tuple of str
        Columns that vary, in the order of the study.
    fixed : dict
        Columns that do not.
    methods : tuple of str
        Labels.
    rows : list of (levels, cells)
        Levels by factor (and design_effect), a `Cell` or None by method.
    """

    measure: str
    alpha: float
    factors: tuple[str, ...]
    fixed: dict[str, Level]
    methods: tuple[str, ...]
    rows: list[tuple[dict[str, Any], dict[str, Cell | None]]]


def wide(summary: pa.Table, measure: str, alpha: float | None = None) -> Wide:
    """Take one measure out of a summary.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    measure : str
    alpha : float, optional
        Default: the first there is.
    """
    names = summary.column_names
    columns = names[1 : names.index("n_obs")]
    part = summary.take(arrow.equal_to(summary.column("measure"), measure))
    levels = part.column("alpha").unique().drop_null().to_pylist()
    chosen = levels[0] if alpha is None and levels else alpha
    if chosen is not None:
        part = part.take(arrow.equal_to(part.column("alpha"), chosen))
    every = {name: part.column(name).to_pylist() for name in names}
    varying = [name for name in columns if len(set(every[name])) > 1]
    rows: dict[str, tuple[dict[str, Any], dict[str, Cell | None]]] = {}
    for i, scenario in enumerate(every["scenario"]):
        if scenario not in rows:
            shown = {name: every[name][i] for name in (*columns, "design_effect")}
            rows[scenario] = (shown, {})
        found = (every[key][i] for key in Cell._fields)
        numbers: Any = [math.nan if number is None else number for number in found]
        rows[scenario][1][every["method"][i]] = Cell(*numbers)
    fixed = {n: every[n][0] for n in columns if n not in varying and every[n]}
    methods = tuple(dict.fromkeys(every["method"]))
    at = math.nan if chosen is None else chosen
    return Wide(measure, at, tuple(varying), fixed, methods, list(rows.values()))


def decimals(cells: list[Cell], least: int, most: int = 6) -> int:
    """Decimals at which the largest Monte Carlo error shows one significant digit."""
    errors = [cell.mcse for cell in cells if cell.mcse > 0]
    if not errors:
        return least
    return min(most, max(least, math.ceil(-math.log10(max(errors)))))


def cells_of(table: Wide) -> list[Cell]:
    """All cells that are there."""
    return [cell for _, cells in table.rows for cell in cells.values() if cell is not None]


def thin(table: Wide, most: int) -> Wide:
    """At most `most` scenarios: some levels of every factor, the ends first.

    The last factors of the study keep the most levels; a factor for which there is no room
    stays at its first level.
    """
    rows = table.rows
    if len(rows) <= most:
        return table
    levels = {f: list(dict.fromkeys(row[0][f] for row in rows)) for f in table.factors}
    kept = dict.fromkeys(table.factors, 1)
    for goal in range(2, most + 1):
        for factor in reversed(table.factors):
            if kept[factor] < min(goal, len(levels[factor])):
                more = kept | {factor: kept[factor] + 1}
                if math.prod(more.values()) <= most:
                    kept = more
    for factor, k in kept.items():
        there = levels[factor]
        keep = [there[round(i * (len(there) - 1) / max(k - 1, 1))] for i in range(k)]
        rows = [row for row in rows if row[0][factor] in keep]
    return replace(table, rows=rows[:most] or table.rows[:most])


def number(value: float, places: int, *, leading_zero: bool = True) -> str:
    """Write a number; proportions go without their leading zero."""
    if math.isnan(value):
        return "-"
    text = f"{value:.{places}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    if not leading_zero:
        text = text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
    return text


def level_text(value: Level) -> str:
    """Write a factor's level."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
