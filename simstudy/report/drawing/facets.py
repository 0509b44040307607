"""Which factor runs along the axis and which ones make facets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simstudy.moments import Floats, Ints
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.gathered import WORLD
from simstudy.report.pivot import Level, thin_levels
from simstudy.report.words import Words

MOST_ROWS, MOST_COLUMNS = 8, 6  # what a page holds
_COLUMNS = ("x_icc", "x", "cluster_size", "n_clusters")
_MOST_NAMED = 8  # panels that are left out
_DECADE = 8.0  # largest over smallest level, from which an axis is logarithmic
Levels = dict[str, Level]


class Facets(NamedTuple):
    """Panels of a figure.

    Attributes
    ----------
    across : str or None
        Factor along the axis; None where there is one scenario.
    ticks : list
        Its levels: numbers by size, others in the order of the study.
    places : array, shape (ticks,)
        Where they stand along the axis, from 0 to the number of ticks less 1; numbers to scale.
    log : bool
        Whether that is logarithmic.
    columns, rows : list of dict
        Levels that head each column and each row of panels.
    scenarios : dict
        (row, column) -> numbers of the scenarios in that panel; panels without any are left out.
    notes : list of str
        What is not shown.
    """

    across: str | None
    ticks: list[Level]
    places: Floats
    log: bool
    columns: list[Levels]
    rows: list[Levels]
    scenarios: dict[tuple[int, int], list[int]]
    notes: list[str]

    def x(self, matrix: Matrix, scenarios: Ints) -> Floats:
        """Where scenarios stand along the axis."""
        place = dict(zip(self.ticks, self.places.tolist(), strict=True))
        levels = [matrix.levels[s][self.across or ""] for s in scenarios]
        return np.array([place[level] for level in levels], dtype=float)

    @property
    def gap(self) -> float:
        """The least distance of two ticks, at most 1."""
        return min([1.0, *np.diff(self.places)])


def facets(
    matrix: Matrix, across: str | None = None, panels: Sequence[str] = (), *,
    categories: bool = False,
) -> Facets:  # fmt: skip
    """Lay scenarios out in panels: one factor along the axis, one across, the others down.

    Parameters
    ----------
    matrix : Matrix
    across : str, optional
        Default: the ICC of the outcome, else the factor with the most levels.
    panels : sequence of str
        The first has its levels side by side, the others below each other, then those that are
        not named. Default: the ICC of x first, else another factor that varies.
    categories : bool
        Whether numbers along the axis stand evenly, not to scale.
    """
    matrix.check(across, *panels)
    sizes = {f: len({levels[f] for levels in matrix.levels}) for f in matrix.factors}
    across, columns = axes_of(sizes, across, panels)
    heading = [columns] if columns else []
    named = dict.fromkeys((*panels, *sizes))
    down = [f for f in named if f in sizes and f not in (across, columns)]
    places, notes = [], []
    for what, factors, most in (("columns", heading, MOST_COLUMNS), ("rows", down, MOST_ROWS)):
        combinations = combinations_of(matrix, factors)
        shown = [combinations[i] for i in thin_levels(combinations, factors, most)]
        places.append(shown)
        if len(shown) < len(combinations):
            names = " and ".join(map(matrix.words.factor, factors))
            of = f"{len(shown)} of {len(combinations)} {what} are shown ({names})"
            notes.append(f"{of}, not: {left_out(matrix.words, combinations, shown)}")
    scenarios: dict[tuple[int, int], list[int]] = defaultdict(list)
    for s, levels in enumerate(matrix.levels):
        column, row = ({f: levels[f] for f in factors} for factors in (heading, down))
        if column in places[0] and row in places[1]:
            scenarios[places[1].index(row), places[0].index(column)].append(s)
    ticks = ordered(levels[across] for levels in matrix.levels) if across else []
    at, log = _to_scale(ticks, evenly=categories)
    return Facets(across, ticks, at, log, places[0], places[1], dict(scenarios), notes)


def _to_scale(ticks: Sequence[Level], *, evenly: bool) -> tuple[Floats, bool]:
    """Where levels stand along an axis, and whether it is logarithmic: where they multiply."""
    even = np.arange(len(ticks), dtype=float)
    numbers = [tick for tick in ticks if isinstance(tick, int | float)]
    if evenly or len(numbers) < len(ticks) or len(ticks) < 3:
        return even, False
    x = np.array(numbers, dtype=float)
    log = bool(x[0] > 0 and x[-1] >= _DECADE * x[0])
    x = np.log(x) if log else x
    return (x - x[0]) / (x[-1] - x[0]) * even[-1], log


def left_out(words: Words, combinations: Sequence[Levels], shown: Sequence[Levels]) -> str:
    """Combinations of levels that are not shown, some of them where they are many."""
    left = [words.levels(one) for one in combinations if one not in shown]
    return "; ".join([*left[:_MOST_NAMED], *(["…"] if len(left) > _MOST_NAMED else [])])


def axes_of(
    sizes: Mapping[str, int], across: str | None = None, panels: Sequence[str] = ()
) -> tuple[str | None, str | None]:
    """Factor along the axis and factor of the columns, of factors with so many levels each."""
    if across is None and sizes:
        short = [f for f in sizes if f != WORLD] or sizes  # a world has no room below an axis
        across = "icc" if "icc" in sizes else max(short, key=lambda f: sizes[f])
    others = [f for f in sizes if f != across]
    usual = (f for f in (*_COLUMNS, *others) if f != WORLD)
    return across, next((f for f in (*panels, *usual) if f in others), None)


def ordered(levels: Iterable[Level]) -> list[Level]:
    """Each level once: numbers by size, others in the order of the study."""
    different = list(dict.fromkeys(levels))
    numbers = [level for level in different if isinstance(level, int | float)]
    return [*sorted(numbers)] if len(numbers) == len(different) else different


def combinations_of(matrix: Matrix, factors: Sequence[str]) -> list[Levels]:
    """Combinations of levels that occur, in the order of the study."""
    different: dict[tuple[Level, ...], Levels] = {}
    for levels in matrix.levels:
        different.setdefault(tuple(levels[f] for f in factors), {f: levels[f] for f in factors})
    return list(different.values()) or [{}]
