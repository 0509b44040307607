"""Tables as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable

from simstudy.errors import visible
from simstudy.report.tables.grid import Grid, once
from simstudy.report.tables.shown import Shown

_MARKS = {"!": "†", "*": "\\*", "-": "\\-"}
_SPECIAL = re.compile(
    r"([\\`*|\[\]<>$]|&(?=#?\w+;)|~(?=~)|(?<=~)~)|(?<![^\W_])(_)|(_)(?![^\W_])|^#(?=#{0,5}(?:\s|$))"
)  # of headings the first sign

_CODE = re.compile(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


def as_markdown(table: Grid) -> str:
    """A pipe table, as GitHub, pandoc and Jupyter read it."""
    body = [
        _line([*map(escape, levels), *map(_cell, cells)])
        for levels, cells in zip(once(table.levels), table.cells, strict=True)
    ]
    rule = [":---"] * len(table.factors) + ["---:"] * len(table.methods)
    head = [f"**{escape(table.title)}**" + (table.how and f", {escape(table.how)}"), ""]
    if body:
        head += [_line([escape(name) for name in [*table.factors, *table.headings]]), _line(rule)]
    else:
        head += ["No rows: the measure is not defined here."]
    notes = [f"\n{_MARKS.get(m, m)} {escape(text)}" for m, text in table.notes.items() if m]
    remarks = [f"\n{escape(text)}" for text in table.notes.get("", "").splitlines()]
    return "\n".join([*head, *body, *notes, *remarks]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(lambda special: "\\" + special.group(0), visible(text))


def prose(text: str) -> str:
    """The same, but for code in backticks, which stays code."""
    return outside_code(text, escape)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Change what is not code in backticks."""
    done, out = 0, []
    for span in _CODE.finditer(text):
        out += [change(text[done : span.start()]), span[0]]
        done = span.end()
    return "".join([*out, change(text[done:])])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(cell: Shown) -> str:
    marks = "".join(_MARKS.get(mark, mark) for mark in cell.marks)
    text = cell._replace(marks=marks).text
    return "−" + text[1:] if cell.mcse and text.startswith("-") else text
