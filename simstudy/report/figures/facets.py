"""Which factor runs along the axis and which ones make facets."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from simstudy.report.figures.frame import Frame
from simstudy.report.figures.style import named
from simstudy.report.wide import Level, Wide, thin

MOST_ROWS, MOST_COLUMNS = 8, 6  # what a page holds
_COLUMNS = ("x_icc", "x", "cluster_size", "n_clusters")
Levels = dict[str, Level]


class Facets(NamedTuple):
    """Panels of a figure.

    Attributes
    ----------
    across : str or None
        Factor along the axis; None where there is one scenario.
    ticks : list
        Its levels, in the order of the study.
    columns, rows : list of dict
        Levels that head each column and each row of panels.
    scenarios : dict
        (row, column) -> numbers of the scenarios in that panel; panels without any are left out.
    notes : list of str
        What is not shown.
    """

    across: str | None
    ticks: list[Level]
    columns: list[Levels]
    rows: list[Levels]
    scenarios: dict[tuple[int, int], list[int]]
    notes: list[str]


def facets(table: Frame, across: str | None = None, columns: str | None = None) -> Facets:
    """Lay scenarios out in panels: one factor along the axis, one across, the others down.

    Parameters
    ----------
    table : Frame
    across : str, optional
        Default: the ICC of the outcome, else the factor with the most levels.
    columns : str, optional
        Default: the ICC of x, else another factor that varies.
    """
    for wanted in (across, columns):
        if wanted is not None and table.levels and wanted not in table.levels[0]:
            known = ", ".join(table.levels[0])
            raise ValueError(f"no factor '{wanted}' in this summary; there are {known}")
    sizes = {f: len({row[f] for row in table.levels}) for f in table.factors}
    if across is None and sizes:
        across = "icc" if "icc" in sizes else max(sizes, key=lambda f: sizes[f])
    others = [f for f in table.factors if f != across]
    if columns is None or columns == across:
        columns = next((f for f in (*_COLUMNS, *others) if f in others), None)
    down = [f for f in others if f != columns]
    every = [_combinations(table, [columns] if columns else []), _combinations(table, down)]
    kept = [_some(every[0], MOST_COLUMNS), _some(every[1], MOST_ROWS)]
    places: dict[tuple[Any, ...], tuple[int, int]] = {
        (*row.values(), *column.values()): (i, k)
        for (i, row), (k, column) in product(enumerate(kept[1]), enumerate(kept[0]))
    }
    scenarios: dict[tuple[int, int], list[int]] = defaultdict(list)
    for s, levels in enumerate(table.levels):
        key = (*(levels[f] for f in down), *((levels[columns],) if columns else ()))
        if key in places:
            scenarios[places[key]].append(s)
    ticks = list(dict.fromkeys(row[across] for row in table.levels)) if across else []
    if all(isinstance(tick, int | float) for tick in ticks):
        ticks.sort()
    notes = [
        f"{len(shown)} of {len(there)} {what} are shown ({' and '.join(named(f) for f in of)})"
        for what, shown, there, of in (
            ("columns", kept[0], every[0], [columns or ""]), ("rows", kept[1], every[1], down)
        )
        if len(shown) < len(there)
    ]  # fmt: skip
    return Facets(across, ticks, kept[0], kept[1], dict(scenarios), notes)


def _combinations(table: Frame, factors: Sequence[str]) -> list[Levels]:
    """Combinations of levels that occur, in the order of the study."""
    found: dict[tuple[Level, ...], Levels] = {}
    for levels in table.levels:
        found.setdefault(tuple(levels[f] for f in factors), {f: levels[f] for f in factors})
    return list(found.values()) or [{}]


def _some(combinations: list[Levels], most: int) -> list[Levels]:
    """At most so many of them: some levels of every factor, the ends first."""
    factors = tuple(combinations[0])
    rows: list[Any] = [(levels, {}) for levels in combinations]
    kept = thin(Wide("", math.nan, factors, {}, (), rows), most)
    return [levels for levels, _ in kept.rows]
