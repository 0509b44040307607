"""Tables as HTML, for notebooks: text alone, without style sheets, scripts and links."""

from __future__ import annotations

from itertools import groupby

from simstudy.markup import escaped
from simstudy.report.tables.grid import Grid, once
from simstudy.report.tables.shown import Shown

_LEFT, _RIGHT, _MIDDLE = (f' style="text-align: {side}"' for side in ("left", "right", "center"))
_MARKS = {"!": "†"}
_BEGIN = '<table style="font-variant-numeric: tabular-nums">'


def as_html(table: Grid) -> str:
    """One table, its title above, and below what its marks are."""
    title = f"<caption{_LEFT}>{escaped(table.title)}{escaped(table.how and f', {table.how}')}"
    if not table.cells:
        return f"{_BEGIN}{title}</caption></table><p>No rows: the measure is not defined here.</p>"
    lines = [f"{_BEGIN}{title}</caption>", "<thead>", *_over(table), _names(table), "</thead>"]
    lines.append("<tbody>")
    for levels, cells in zip(once(table.levels), table.cells, strict=True):
        heads = "".join(f'<th scope="row"{_LEFT}>{escaped(text)}</th>' for text in levels)
        lines.append(f"<tr>{heads}{''.join(map(_cell, cells))}</tr>")
    lines += ["</tbody>", "</table>"]
    notes = [f"{escaped(_MARKS.get(mark, mark))} {escaped(text)}"
             for mark, text in table.notes.items() if mark]  # fmt: skip
    notes += map(escaped, table.notes.get("", "").splitlines())
    return "\n".join([*lines, *([f"<p><small>{'<br>'.join(notes)}</small></p>"] if notes else [])])


def _over(table: Grid) -> list[str]:
    """A row for each line of what stands over several columns."""
    rows = []
    for depth in range(len(table.over[0]) if table.over else 0):
        heads = ["<th></th>"] * len(table.factors)
        for above, group in groupby(one[: depth + 1] for one in table.over):
            n = len(list(group))
            heads.append(f'<th colspan="{n}" scope="colgroup"{_MIDDLE}>{escaped(above[-1])}</th>')
        rows.append(f"<tr>{''.join(heads)}</tr>")
    return rows


def _names(table: Grid) -> str:
    heads = [f'<th scope="col"{_LEFT}>{escaped(name)}</th>' for name in table.factors]
    heads += [f'<th scope="col"{_RIGHT}>{escaped(name)}</th>' for name in table.methods]
    return f"<tr>{''.join(heads)}</tr>"


def _cell(cell: Shown) -> str:
    marks = "".join(_MARKS.get(mark, mark) for mark in cell.marks)
    text = cell._replace(marks=marks).text
    text = "−" + text[1:] if cell.mcse and text.startswith("-") else text
    return f"<td{_RIGHT}>{escaped(text)}</td>"
