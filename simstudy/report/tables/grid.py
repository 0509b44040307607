"""The words of a table, before any format.

A cell is a value, its Monte Carlo error and marks; a mark is one character that a note
below the table explains, and every format writes it its own way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from simstudy.errors import visible
from simstudy.measures.bradley import BAND, VERDICTS
from simstudy.measures.bradley import verdict as judged
from simstudy.measures.catalog import record_of
from simstudy.measures.record import Measure
from simstudy.report.pivot import (
    Cell,
    Wide,
    cells_of,
    decimals,
    level_text,
    number,
    of_kind,
    usual_errors,
)

_HUGE = 1e6  # a Monte Carlo error from which numbers are shown by their powers of ten
_MOST_DECIMALS = 12
NOTES = {
    "-": "no replication was estimable",
    "*": "not all replications were used (n_not_used counts the others)",
    "!": f"power of a test whose Type I error in the same design is above {BAND[1]:g} alpha",
    "L": f"liberal: Type I error above {BAND[1]:g} alpha (Bradley 1978)",
    "C": f"conservative: Type I error below {BAND[0]:g} alpha (Bradley 1978)",
    "U": "undecided: the Monte Carlo interval straddles a bound of Bradley's",
}
ABSENT = "/"
_NO_RESULT = "no replication had a result"  # of a method that failed: not the data's doing
_NO_SE = "no replication had a standard error or a test"
_NO_NUMBER = "no number: too few replications {}, or it is not defined there"
_NO_MCSE = "(-): one replication has no Monte Carlo SE"
_UNCHECKED = "power is shown without its Type I error: some designs have no scenario where "
_KINDS = {True: "Type I error", False: "power", None: "neither, truth differs between data sets"}


class Shown(NamedTuple):
    """A cell in words; `value` is "-" and `mcse` empty where there is no number.

    It is `ABSENT` where the method has no rows.
    """

    value: str
    mcse: str = ""
    marks: str = ""

    @property
    def text(self) -> str:
        """Value (MCSE), and marks."""
        return f"{self.value} ({self.mcse}){self.marks}" if self.mcse else self.value


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
    """

    name: str
    title: str
    factors: list[str]
    methods: list[str]
    levels: list[list[str]]
    cells: list[list[Shown]]
    notes: dict[str, str]


def grid(table: Wide, *, verdict: bool = False) -> Grid:
    """Write every cell as value (MCSE), with marks.

    Parameters
    ----------
    table : Wide
    verdict : bool
        Mark Type I errors by Bradley's (1978) liberal criterion.
    """
    numbers = cells_of(table)
    how = record_of(table.measure)
    places = decimals(numbers, how.decimals)
    largest = max(usual_errors(numbers), default=math.inf)
    rows = []
    for _, cells in table.rows:
        row = []
        for method in table.methods:
            cell = cells.get(method)
            if cell and cell.hidden:
                row.append(Shown(""))
                continue
            shown = _shown(cell, how, places, largest)
            if verdict and table.measure == "rejection_rate" and cell and cell.aim.null:
                shown = shown._replace(marks=shown.marks + _bradley(cell, table.alpha))
            row.append(shown)
        rows.append(row)
    levels_text = [[plain_label(level_text(r[0][f])) for f in table.factors] for r in table.rows]
    factors = [plain_label(f) for f in table.factors]
    if table.counted:
        factors.append("replications")
        levels_text = [
            [*row, _n_reps(cells)] for row, (_, cells) in zip(levels_text, table.rows, strict=True)
        ]
    methods = [plain_label(m) for m in table.methods]
    notes = _notes(table, rows, numbers)
    return Grid(
        table.measure,
        title(table),
        factors,
        methods,
        levels_text,
        rows,
        notes,
    )


def _n_reps(cells: dict[str, Cell | None]) -> str:
    """Replications of a scenario."""
    return str(max(cell.n_used + cell.n_not_used for cell in cells.values() if cell))


def title(table: Wide, *, brief: bool = False) -> str:
    """Heading of a table: measure, what kind of rejection, level."""
    name = record_of(table.measure).title
    if math.isnan(table.alpha):
        return name
    if table.measure == "rejection_rate" and not brief:
        name += _kind_text({cell.aim.null for cell in cells_of(table)}, table.null)
    if table.measure == "coverage" and not brief:
        name += f" (nominal {1 - table.alpha:g})"
    return f"{name} at alpha {table.alpha:g}"


def _kind_text(nulls: set[bool | None], null: str) -> str:
    if nulls == {True}:
        return " (Type I error)"
    if nulls == {False}:
        return " (power)"
    return f" (Type I error where {null}, else power)" if nulls == {True, False} else ""


def plain_label(text: str) -> str:
    """A label without line breaks, control characters as escapes."""
    return visible(" ".join(text.split()))


def _bradley(cell: Cell, alpha: float) -> str:
    """Bradley's verdict on a Type I error as a mark; none where it is robust."""
    code = int(judged(cell.ci_low, cell.ci_high, alpha))
    return "" if code <= 0 else VERDICTS[code][0].upper()


def _shown(cell: Cell | None, how: Measure, places: int, largest: float) -> Shown:
    if cell is not None and not cell.asked:
        return Shown(ABSENT)
    if cell is None or cell.n_used == 0 or math.isnan(cell.value):
        return Shown("-")
    marks = ("*" if cell.n_not_used else "") + ("!" if cell.inflated else "")
    if cell.mcse > largest or cell.mcse >= _HUGE:  # far beyond the others of its table
        return Shown(_scientific(cell.value), _scientific(cell.mcse), marks)
    if 0 < cell.mcse < 0.5 * 10.0**-places:  # it would read 0
        places = decimals([cell], how.decimals, most=_MOST_DECIMALS)
    value, mcse = (number(v, places, leading_zero=not how.proportion) for v in cell[:2])
    return Shown(value, mcse, marks)


def alone(numbers: Sequence[float], mcse: float, how: Measure) -> list[str]:
    """Numbers of one Monte Carlo error, and that, as a table without others would write them."""
    if mcse >= _HUGE:
        return [_scientific(value) for value in (*numbers, mcse)]
    places = decimals([Cell(math.nan, mcse, 1, 0)], how.decimals, most=_MOST_DECIMALS)
    return [number(v, places, leading_zero=not how.proportion) for v in (*numbers, mcse)]


def _scientific(value: float) -> str:
    return f"{value:.1e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _notes(table: Wide, rows: list[list[Shown]], numbers: list[Cell]) -> dict[str, str]:
    shown = [cell for row in rows for cell in row]
    marks = set("".join(cell.marks for cell in shown))
    if dashes := sum(cell.value == "-" for cell in shown):
        marks.add("-")
    if any(cell.value == ABSENT for cell in shown):
        marks.add(ABSENT)
    known = NOTES | {ABSENT: table.absent}
    notes = {mark: text for mark, text in known.items() if mark in marks}
    if dashes:
        notes["-"] = _why(numbers, dashes)
    remarks = [_NO_MCSE] if any(cell.mcse == "-" for cell in shown) else []
    remarks += [_UNCHECKED + of_kind(table, False).null] if table.unchecked else []
    remarks += _kinds(table)
    remarks += [_fixed(table)] if table.fixed else []
    return notes | ({"": "\n".join(remarks)} if remarks else {})


def _kinds(table: Wide) -> list[str]:
    """Which methods' rates are what, where these are not all the same for reasons of their own."""
    if table.measure != "rejection_rate":
        return []
    kinds: dict[frozenset[bool | None], list[str]] = {}
    for method in table.methods:
        of_method = (cells.get(method) for _, cells in table.rows)
        nulls = frozenset(c.aim.null for c in of_method if c and c.asked and not c.hidden)
        kinds.setdefault(nulls, []).append(plain_label(method))
    all_nulls = {kind for nulls in kinds for kind in nulls}
    if len(kinds) == 1 and all_nulls != {None}:
        return []
    said = [
        f"{_KINDS[kind]}: {', '.join(methods)}"
        for nulls, methods in kinds.items()
        if len(nulls) == 1
        for kind in nulls
    ]
    known = any(cell.aim.estimand for cell in cells_of(table))  # anybody's may not say a truth
    return ["; ".join(said)] if said and (known or all_nulls != {None}) else []


def _why(cells: list[Cell], dashes: int) -> str:
    """Why there is no number where a dash stands."""
    none = [cell for cell in cells if cell.n_used == 0]
    had = "had a result" if any(cell.failed for cell in cells) else "were estimable"
    reasons = {
        NOTES["-"]: any(not cell.failed and not cell.no_se for cell in none),
        _NO_RESULT: any(cell.failed for cell in none),
        _NO_SE: any(cell.no_se and not cell.failed for cell in none),
        _NO_NUMBER.format(had): len(none) < dashes,
    }
    return ", or ".join(text for text, applies in reasons.items() if applies)


def _fixed(table: Wide) -> str:
    pairs = (f"{name} {plain_label(level_text(value))}" for name, value in table.fixed.items())
    return "all scenarios: " + ", ".join(pairs)


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
