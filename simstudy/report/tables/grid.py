"""The words of a table, before any format.

A cell is a value, its Monte Carlo error and marks; a mark is one character that a note
below the table explains, and every format writes it its own way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from simstudy.measures.bradley import VERDICTS
from simstudy.measures.bradley import verdict as judged
from simstudy.measures.catalog import record_of
from simstudy.measures.names import REJECTION
from simstudy.report.pivot import Cell, Wide, cells_of, decimals, usual_errors
from simstudy.report.tables.look import DATA, Look
from simstudy.report.tables.notes import notes_of
from simstudy.report.tables.shown import Shown, Writing, plain_label
from simstudy.report.words import Words

ERROR = "value (Monte Carlo SE)"
INTERVAL = "value [95 % Monte Carlo interval]"


class Grid(NamedTuple):
    """A table in words.

    Attributes
    ----------
    name, title : str
        The name is the measure's, for references to the table.
    factors, methods : list of str
        Headings.
    levels : list of list of str
        A list a row, a level a factor.
    cells : list of list of Shown
        A list a row, a cell a method.
    notes : dict
        Mark -> what it says; "" -> remarks on the whole table, separated by newlines.
    how : str
        What a cell is; empty where cells are of several kinds.
    over : list of tuple of str
        What stands over each method, the outermost first; by default nothing.
    """

    name: str
    title: str
    factors: list[str]
    methods: list[str]
    levels: list[list[str]]
    cells: list[list[Shown]]
    notes: dict[str, str]
    how: str = ERROR
    over: Sequence[tuple[str, ...]] = ()

    @property
    def headings(self) -> list[str]:
        """Of every column all that stands over it, in one line."""
        over = self.over or [()] * len(self.methods)
        return [", ".join((*above, name)) for above, name in zip(over, self.methods, strict=True)]


def grid(table: Wide, look: Look = DATA) -> Grid:
    """Write every cell as value (MCSE), with marks, scenarios down and methods across."""
    words, rows = look.words, cells_in_words(table, look)
    levels = [[plain_label(words.level(f, at[f])) for f in table.factors] for at, _ in table.rows]
    factors = [plain_label(words.heading(f)) for f in table.factors]
    if table.counted:
        factors.append("replications")
        levels = [[*row, _n_reps(cells)]
                  for row, (_, cells) in zip(levels, table.rows, strict=True)]  # fmt: skip
    return Grid(
        table.measure,
        title(table, words),
        factors,
        [plain_label(method) for method in words.all_methods(table.methods)],
        levels,
        rows,
        notes_of(table, rows, cells_of(table), words),
        INTERVAL if look.interval else ERROR,
    )


def cells_in_words(table: Wide, look: Look) -> list[list[Shown]]:
    """A list a row, a cell a method."""
    numbers = cells_of(table)
    how = record_of(table.measure)
    largest = max(usual_errors(numbers), default=math.inf)
    writing = Writing(how, decimals(numbers, how.decimals), largest, look.interval, look.bounded)
    verdict = look.verdict and table.measure == REJECTION
    rows = []
    for _, cells in table.rows:
        row = []
        for method in table.methods:
            cell = cells.get(method)
            if cell and cell.hidden:
                row.append(Shown(""))
                continue
            shown = writing.cell(cell)
            if verdict and cell and cell.aim.null:
                shown = shown._replace(marks=shown.marks + _bradley(cell, table.alpha))
            row.append(shown)
        rows.append(row)
    return rows


def _n_reps(cells: dict[str, Cell | None]) -> str:
    """Replications of a scenario."""
    return str(max(cell.n_used + cell.n_not_used for cell in cells.values() if cell))


def title(table: Wide, words: Words, *, brief: bool = False) -> str:
    """Heading of a table: measure, what kind of rejection, level."""
    nulls = {cell.aim.null for cell in cells_of(table)}
    general = words.measure(table.measure)
    name = words.measure(table.measure, *nulls) if len(nulls) == 1 else general
    if math.isnan(table.alpha):
        return plain_label(name)
    if table.measure == REJECTION and name == general and not brief:
        name += _kind_text(nulls, table.null)
    if table.measure == "coverage" and not brief:
        name += f" (nominal {1 - table.alpha:g})"
    return plain_label(f"{name} at alpha {table.alpha:g}")


def _kind_text(nulls: set[bool | None], null: str) -> str:
    if nulls == {True}:
        return " (Type I error)"
    if nulls == {False}:
        return " (power)"
    return f" (Type I error where {null}, else power)" if nulls == {True, False} else ""


def _bradley(cell: Cell, alpha: float) -> str:
    """Bradley's verdict on a Type I error as a mark; none where it is robust."""
    code = int(judged(cell.ci_low, cell.ci_high, alpha))
    return "" if code <= 0 else VERDICTS[code][0].upper()


def once(levels: list[list[str]]) -> list[list[str]]:
    """Levels with those left out that the row before has too, and all before them."""
    rows: list[list[str]] = []
    before: list[str] | None = None
    for row in levels:
        same = 0
        while before is not None and same < len(row) - 1 and row[same] == before[same]:
            same += 1
        rows.append([""] * same + row[same:])
        before = row
    return rows


def group_starts(levels: list[list[str]], long: int) -> set[int]:
    """Rows, but the first, at which the first factor changes; none in a table not `long`."""
    changes = {
        i for i in range(1, len(levels)) if len(levels[i]) > 1 and levels[i][0] != levels[i - 1][0]
    }
    return changes if len(levels) > long and 2 * len(changes) < len(levels) else set()
