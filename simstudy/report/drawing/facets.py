"""Which factor runs along the axis and which ones make facets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from simstudy.moments import Floats, Ints
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.gathered import WORLD
from simstudy.report.pivot import Level, thin_levels

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

    def x(self, matrix: Matrix, scenarios: Ints) -> Floats:
        """Where scenarios stand along the axis."""
        place = {tick: i for i, tick in enumerate(self.ticks)}
        levels = [matrix.levels[s][self.across or ""] for s in scenarios]
        return np.array([place[level] for level in levels], dtype=float)


def facets(matrix: Matrix, across: str | None = None, panels: Sequence[str] = ()) -> Facets:
    """Lay scenarios out in panels: one factor along the axis, one across, the others down.

    Parameters
    ----------
    matrix : Matrix
    across : str, optional
        Default: the ICC of the outcome, else the factor with the most levels.
    panels : sequence of str
        The first has its levels side by side, the others below each other, then those that are
        not named. Default: the ICC of x first, else another factor that varies.
    """
    matrix.check(across, *panels)
    sizes = {f: len({levels[f] for levels in matrix.levels}) for f in matrix.factors}
    if across is None and sizes:
        short = [f for f in sizes if f != WORLD] or sizes  # a world has no room below an axis
        across = "icc" if "icc" in sizes else max(short, key=lambda f: sizes[f])
    others = [f for f in sizes if f != across]
    usual = (f for f in (*_COLUMNS, *others) if f != WORLD)
    columns = next((f for f in (*panels, *usual) if f in others), None)
    heading = [columns] if columns else []
    down = [f for f in dict.fromkeys((*panels, *others)) if f in others and f != columns]
    places, notes = [], []
    for what, factors, most in (("columns", heading, MOST_COLUMNS), ("rows", down, MOST_ROWS)):
        combinations = _combinations(matrix, factors)
        shown = [combinations[i] for i in thin_levels(combinations, factors, most)]
        places.append(shown)
        if len(shown) < len(combinations):
            names = " and ".join(map(matrix.words.factor, factors))
            notes.append(f"{len(shown)} of {len(combinations)} {what} are shown ({names})")
    scenarios: dict[tuple[int, int], list[int]] = defaultdict(list)
    for s, levels in enumerate(matrix.levels):
        column, row = ({f: levels[f] for f in factors} for factors in (heading, down))
        if column in places[0] and row in places[1]:
            scenarios[places[1].index(row), places[0].index(column)].append(s)
    ticks = ordered(levels[across] for levels in matrix.levels) if across else []
    return Facets(across, ticks, places[0], places[1], dict(scenarios), notes)


def ordered(levels: Iterable[Level]) -> list[Level]:
    """Each level once: numbers by size, others in the order of the study."""
    different = list(dict.fromkeys(levels))
    numbers = [level for level in different if isinstance(level, int | float)]
    return [*sorted(numbers)] if len(numbers) == len(different) else different


def _combinations(matrix: Matrix, factors: Sequence[str]) -> list[Levels]:
    """Combinations of levels that occur, in the order of the study."""
    different: dict[tuple[Level, ...], Levels] = {}
    for levels in matrix.levels:
        different.setdefault(tuple(levels[f] for f in factors), {f: levels[f] for f in factors})
    return list(different.values()) or [{}]
