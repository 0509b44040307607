r"""Tables as LaTeX that fit a page.

Numbers are aligned by siunitx, rules are those of booktabs. A table that is wider than the text
is turned (rotating); where it is wider still, methods stand in blocks below each other; a
long one breaks over pages (longtable, turned by pdflscape). The first line of every table says
what it needs.
"""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from simstudy.report.tables.grid import Grid, group_starts, once
from simstudy.report.tables.layout import Legend, blocks
from simstudy.report.tables.shown import ABSENT, Shown
from simstudy.report.tables.tex import POINTS, escape, width

_ROOM, _TURNED = 345 / POINTS, 550 / POINTS  # digits in text width and height of article
_GAP = 10 / POINTS  # between columns
_LONGEST_LEVEL = 32
_LONG = 8  # rows from which groups are set apart
MOST_ROWS = {False: 40, True: 20}  # on a page, upright and turned
_MARKS = {"*": "*", "!": r"\dagger"}
_NUMBER = re.compile(r"(-?)(\d*)\.?(\d*)")
_SETUP = r"\sisetup{table-text-alignment=right}"  # of what is no number


class _Column(NamedTuple):
    """A method, as LaTeX has it: numbers, and beside them their errors if there are any."""

    layout: str
    span: int
    cells: list[str]
    width: float
    lines: list[str]

    @property
    def heading(self) -> str:
        """On lines where it is wider than its cells."""
        lines = [escape(line) for line in self.lines]
        text = lines[0] if len(lines) == 1 else r"\shortstack{" + r"\\".join(lines) + "}"
        return rf"\multicolumn{{{self.span}}}{{{'c' if self.span > 1 else 'r'}}}{{{text}}}"


class _Form(NamedTuple):
    """How a table lies on its pages."""

    parts: list[range]
    long: bool
    turned: bool

    @property
    def packages(self) -> str:
        """What the document has to load."""
        turns = [("pdflscape" if self.long else "rotating")] if self.turned else []
        longs = ["longtable"] if self.long else []
        return r"% \usepackage{" + ",".join(["booktabs", "siunitx", *longs, *turns]) + "}"


def as_latex(table: Grid) -> str:
    """A floating table, or a longtable for each block of methods; upright or turned."""
    legend = Legend()
    levels = [[legend.level(text, _LONGEST_LEVEL) if text else "" for text in row]
              for row in once(table.levels)]  # fmt: skip
    columns = [_column(table, m, legend) for m in range(len(table.methods))]
    factors = sum(max(map(width, [name, *(row[k] for row in levels)])) + _GAP
                  for k, name in enumerate(table.factors))  # fmt: skip
    form = _form([column.width + _GAP for column in columns], factors, len(levels))
    pieces = []
    for i, block in enumerate(form.parts):
        some = [columns[m] for m in block]
        rows = [" & ".join([*map(escape, at), *(column.cells[k] for column in some)]) + r" \\"
                for k, at in enumerate(levels)]  # fmt: skip
        head = [r"\toprule", *_over(table, block, some), _names(table, some), r"\midrule"]
        layout = "@{}" + "l" * len(table.factors) + "".join(c.layout for c in some) + "@{}"
        body = _body(rows, group_starts(table.levels, _LONG))
        n = len(table.factors) + sum(column.span for column in some)
        more = rf"\multicolumn{{{n}}}{{@{{}}l}}{{Further methods}}"
        above = more if i else rf"{_caption(table)}\label{{tab:{table.name}}}"
        long = _longtable(layout, head, body, above)
        pieces.append(long if form.long else _tabular(layout, head, body))
    notes = [_note(line) for line in (*_marked(table), *map(escape, legend.lines))]
    notes += [_note(escape(text)) for text in table.notes.get("", "").splitlines()]
    return _document(table, pieces, notes, form)


def _form(widths: list[float], factors: float, n_rows: int) -> _Form:
    """Upright if it fits, else turned if that fits, else in blocks."""
    whole, total = [range(len(widths))], factors + sum(widths)
    if total <= _ROOM or not widths:
        return _Form(whole, n_rows > MOST_ROWS[False], False)
    if total <= _TURNED:
        return _Form(whole, n_rows > MOST_ROWS[True], True)
    parts = blocks(widths, _ROOM - factors)
    return _Form(parts, n_rows * len(parts) > MOST_ROWS[False], False)


def _column(table: Grid, number: int, legend: Legend) -> _Column:
    """Numbers of siunitx, or plain text where there is none."""
    cells = [row[number] for row in table.cells]
    found = [match.groups() for cell in cells if (match := _number(cell.value))]
    bare = {not one[1] for one in found if one[1] in ("", "0")}  # .051 and 0.051 cannot mix
    found = [] if len(bare) > 1 else found
    error = any(cell.mcse for cell in cells)
    layout = "r"
    if found:
        sign = "-" * any(one[0] for one in found)
        whole, places = (max(len(one[k]) for one in found) for k in (1, 2))
        layout = rf"S[table-format={sign}{whole or ''}{f'.{places}' if places else ''}"
        layout += ", print-zero-integer=false]" if True in bare else "]"
    texts = [cell.text for cell in cells]
    lines = legend.method(table.methods[number], 1 + number, max(map(len, texts), default=0))
    return _Column(
        layout + (r"@{\,}l" if error else ""),
        1 + error,
        [_cell(cell, bool(found), error) for cell in cells],
        max(map(width, [*lines, *texts])),
        lines,
    )


def _number(text: str) -> re.Match[str] | None:
    return _NUMBER.fullmatch(text) if any(map(str.isdigit, text)) else None


def _cell(cell: Shown, numbers: bool, error: bool) -> str:
    """A value, and its error where its column has errors."""
    value = cell.value
    if not _number(value) or not numbers:
        value = _signed(value)
        value = f"{{{value}}}" if numbers and value else value
    marks = "".join(_MARKS.get(mark, rf"\mathrm{{{mark}}}") for mark in cell.marks)
    raised = rf"\rlap{{$^{{{marks}}}$}}" if marks else ""
    if error:
        return f"{value} & {_signed(cell.beside)}{raised}"
    return f"{{{value}{raised}}}" if numbers and raised else value + raised


def _signed(text: str) -> str:
    """Text in which a minus is one."""
    return re.sub(r"(?<![\w.-])-(?=[\d.])", lambda _: "$-$", escape(text))


def _over(table: Grid, block: range, columns: list[_Column]) -> list[str]:
    """Lines over the names of columns: what several have in common, with a rule below."""
    lines = []
    for depth in range(len(table.over[0]) if table.over else 0):
        cells, rules, at = [""] * len(table.factors), [], len(table.factors) + 1
        aboves = [(table.over[m][: depth + 1], column.span)
                  for m, column in zip(block, columns, strict=True)]  # fmt: skip
        for above, group in groupby(aboves, key=itemgetter(0)):
            n = sum(span for _, span in group)
            cells.append(rf"\multicolumn{{{n}}}{{c}}{{{escape(above[-1])}}}")
            rules.append(rf"\cmidrule(lr){{{at}-{at + n - 1}}}")
            at += n
        lines += [" & ".join(cells) + r" \\", " ".join(rules)]
    return lines


def _names(table: Grid, columns: list[_Column]) -> str:
    return " & ".join([*map(escape, table.factors), *(c.heading for c in columns)]) + r" \\"


def _document(table: Grid, pieces: list[list[str]], notes: list[str], form: _Form) -> str:
    marked = any(cell.marks for row in table.cells for cell in row)
    gap = 5 if marked else 4  # marks stand in the space between columns
    small = [r"\footnotesize", rf"\setlength{{\tabcolsep}}{{{gap}pt}}", _SETUP]
    if form.long:
        lines = [line for piece in pieces for line in piece]
        begin, end = r"\begingroup", r"\endgroup"
        if form.turned:
            begin, end = r"\begin{landscape}", r"\end{landscape}"
        return "\n".join([form.packages, begin, *small, *lines, *notes, end, ""])
    lines = pieces[0]
    for piece in pieces[1:]:
        lines = [*lines, r"\par\medskip", *piece]
    float_ = "sidewaystable" if form.turned else "table"
    head = [form.packages, rf"\begin{{{float_}}}", r"\centering", _caption(table),
            rf"\label{{tab:{table.name}}}", *small]  # fmt: skip
    return "\n".join([*head, *lines, *notes, rf"\end{{{float_}}}", ""])


def _caption(table: Grid) -> str:
    return rf"\caption{{{escape(table.title)}: {escape(table.how)}}}"


def _tabular(layout: str, head: list[str], body: list[str]) -> list[str]:
    begin = rf"\begin{{tabular}}{{{layout}}}"
    return [begin, *head, *body, r"\bottomrule", r"\end{tabular}"]


def _longtable(layout: str, head: list[str], body: list[str], above: str) -> list[str]:
    begin = rf"\begin{{longtable}}{{{layout}}}"
    first, again = [*head, r"\endfirsthead"], [*head, r"\endhead"]
    foot = [r"\bottomrule", r"\endfoot"]
    return [begin, rf"{above} \\", *first, *again, *foot, *body, r"\end{longtable}"]


def _body(rows: list[str], apart: set[int]) -> list[str]:
    lines = []
    for i, row in enumerate(rows):
        lines += [r"\addlinespace"] if i in apart else []
        lines.append(row)
    return lines


def _marked(table: Grid) -> list[str]:
    marks = {mark: _MARKS.get(mark, rf"\mathrm{{{mark}}}") for mark in table.notes if mark}
    return [
        (mark if mark in ("-", ABSENT) else f"$^{{{marks[mark]}}}$") + f"~{escape(text)}"
        for mark, text in table.notes.items()
        if mark
    ]


def _note(text: str) -> str:
    return rf"\par\smallskip {text}"
