"""Tables as aligned text, in blocks of methods where the width asks for it."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from simstudy.report.tables.grid import ERROR, Grid, group_starts, once
from simstudy.report.tables.layout import Legend, blocks
from simstudy.report.tables.shown import Shown

WIDTH = 100
_LONG = 12  # rows from which groups are set apart
GAP = "  "
_NOTHING = "(no rows: the measure is not defined here)"


class Column(NamedTuple):
    """A column as text: heading lines and cells, all of one width."""

    head: list[str]
    cells: list[str]

    @property
    def width(self) -> int:
        """Characters."""
        return len(self.head[0])


def as_text(table: Grid, width: int = WIDTH, *, airy: bool = True, notes: bool = True) -> str:
    """Aligned columns; methods that do not fit stand in blocks below each other.

    Parameters
    ----------
    table : Grid
    width : int
        Characters; factors and one method take what they need.
    airy : bool
        Set groups of the first factor apart in long tables.
    notes : bool
        Explain the marks.
    """
    legend = Legend()
    factors, methods = plain(table, legend)
    if width_of([*factors, *methods]) > width:
        methods = _methods(table, legend)
    if width_of([*factors, *methods]) > width:
        factors = _factors(table, legend, 10)
    room = width - width_of(factors)
    title = table.title if table.how == ERROR else f"{table.title}, {table.how}"
    apart = group_starts(table.levels, _LONG) if airy else set()
    lines = [*textwrap.wrap(title, width), *([] if table.cells else [_NOTHING])]
    if table.cells:
        for i, block in enumerate(blocks([c.width + len(GAP) for c in methods], room)):
            lines += [""] if i and airy else []
            lines += joined([*factors, *(methods[k] for k in block)], apart)
    lines += folded(legend.lines, width)
    return "\n".join([*lines, *(footer(table.notes, width) if notes else [])])


def plain(table: Grid, legend: Legend | None = None) -> tuple[list[Column], list[Column]]:
    """Columns of the factors and of the methods, headings on one line."""
    return _factors(table, legend or Legend(), 0), _methods(table)


def joined(columns: list[Column], apart: set[int], *, pad: bool = False) -> list[str]:
    """Lines of columns beside each other, an empty one before each row in `apart`."""
    depth = max(len(c.head) for c in columns)
    heads = [[" " * c.width] * (depth - len(c.head)) + c.head for c in columns]
    lines = [GAP.join(parts) for parts in zip(*heads, strict=True)]
    for i, parts in enumerate(zip(*(c.cells for c in columns), strict=True)):
        lines += [""] if i in apart else []
        lines.append(GAP.join(parts))
    return lines if pad else [line.rstrip() for line in lines]


def footer(notes: dict[str, str], width: int) -> list[str]:
    """The marks and what they say, then remarks."""
    marked = [f"{mark} {text}" for mark, text in notes.items() if mark]
    remarks = notes.get("", "").splitlines()
    return folded([*marked, *remarks], width)


def folded(lines: list[str], width: int) -> list[str]:
    """Lines no longer than `width`."""
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="    ")]


def width_of(columns: list[Column]) -> int:
    """Characters of columns beside each other."""
    return sum(c.width for c in columns) + len(GAP) * max(len(columns) - 1, 0)


def _factors(table: Grid, legend: Legend, longest: int) -> list[Column]:
    """Factors; with `longest`, names longer than that are broken at underscores and dots."""
    columns = []
    for name, levels, shown in zip(
        table.factors, zip(*table.levels, strict=True), zip(*once(table.levels), strict=True),
        strict=True,
    ):  # fmt: skip
        short = [legend.level(text) if text else "" for text in shown]
        need = max((len(text) for text in short), default=0)
        head = [name]
        if longest and len(name) > max(longest, need):
            head = _broken(name, max(longest, need))
        left = not all(_numeric(level) for level in levels)
        columns.append(padded(head, short, left=left))
    return columns


def _broken(name: str, width: int) -> list[str]:
    lines = [""]
    for piece in name.replace("_", "_ ").replace(".", ". ").split():
        if lines[-1] and len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _numeric(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True


def _methods(table: Grid, legend: Legend | None = None) -> list[Column]:
    """Methods; with a legend, headings are broken, and the longest numbered."""
    columns = []
    for k, label in enumerate(table.headings):
        cells = aligned([row[k] for row in table.cells])
        need = len(cells[0]) if cells else 0
        columns.append(padded(legend.method(label, k + 1, need) if legend else [label], cells))
    return columns


def aligned(cells: list[Shown]) -> list[str]:
    """Cells of one column: values, errors and marks each below each other."""
    value = max(len(cell.value) for cell in cells) if cells else 0
    error = max((len(cell.beside) + 1 for cell in cells if cell.mcse), default=0)
    marks = max((len(cell.marks) for cell in cells), default=0)
    lines = []
    for cell in cells:
        shown = cell.beside.rjust(error)
        body = cell.value.rjust(value) + shown if cell.mcse else cell.value.rjust(value + error)
        lines.append(body + cell.marks.ljust(marks))
    return lines


def padded(head: list[str], cells: list[str], *, left: bool = False) -> Column:
    """Pad to one width, to the left or to the right."""
    width = max(map(len, [*head, *cells]))
    pad = str.ljust if left else str.rjust
    return Column([pad(line, width) for line in head], [pad(cell, width) for cell in cells])
