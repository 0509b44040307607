r"""Tables as LaTeX with booktabs, and longtable where they are long.

Needs ``\usepackage{booktabs}``, and ``\usepackage{longtable}`` for tables of more than forty
rows.
"""

from __future__ import annotations

import re
import unicodedata

from simstudy.report.tables.grid import Grid, group_starts, once
from simstudy.report.tables.layout import Legend, blocks
from simstudy.report.tables.shown import ABSENT, Shown

_ROOM = 92  # characters of \footnotesize in the text width of article, gaps counted
_GAP = 2  # characters between columns
_LONGEST_LEVEL = 32
_LONG = 8  # rows from which groups are set apart
MOST_ROWS = 40  # on a page
_MARKS = {"*": "*", "!": r"\dagger"}
_SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "[": "{[}", "]": "{]}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': "''", "–": "--", "—": "---", "−": "$-$", "×": r"$\times$", "±": r"$\pm$", "²": "$^2$",
    "³": "$^3$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "·": r"$\cdot$", "°": r"$^\circ$",
    "’": "'", "‘": "`", "“": "``", "”": "''", "…": r"\dots{}", "\u00a0": "~", "µ": r"$\mu$",
}  # fmt: skip

_ACCENTS = ("\u0300", "\u0301", "\u0302", "\u0303", "\u0308", "\u030a", "\u030c", "\u0327")


def as_latex(table: Grid) -> str:
    """One floating table, blocks of methods below each other, or a longtable a block.

    Tables of more than forty rows, all blocks counted, are long.
    """
    legend = Legend()
    levels = [[legend.level(text, _LONGEST_LEVEL) if text else "" for text in row]
              for row in once(table.levels)]  # fmt: skip
    rows = [
        [*map(escape, at), *map(_cell, cells)]
        for at, cells in zip(levels, table.cells, strict=True)
    ]
    k = len(table.factors)
    cells = [max((len(row[m].text) for row in table.cells), default=0)
             for m in range(len(table.methods))]  # fmt: skip
    factors, methods = _widths(table, levels, cells)
    parts = blocks(methods, _ROOM - factors) if table.methods else [range(0)]
    long = len(rows) * len(parts) > MOST_ROWS
    pieces = []
    for i, block in enumerate(parts):
        chosen = [[*row[:k], *(row[k + m] for m in block)] for row in rows]
        names = [escape(name) for name in table.factors]
        names += [_heading(table.methods[m], m + 1, cells[m], legend) for m in block]
        head = [r"\toprule", " & ".join(names) + r" \\", r"\midrule"]
        layout = "@{}" + "l" * k + "r" * len(block) + "@{}"
        body = _body(chosen, group_starts(table.levels, _LONG))
        caption = rf"\caption{{{_caption(table)}}}\label{{tab:{table.name}}}"
        more = rf"\multicolumn{{{k + len(block)}}}{{@{{}}l}}{{Further methods}}"
        above = more if i else caption
        short = _tabular(layout, head, body)
        pieces.append(_longtable(layout, head, body, above) if long else short)
    notes = [_note(line) for line in (*_marked(table), *map(escape, legend.lines))]
    notes += [_note(escape(text)) for text in table.notes.get("", "").splitlines()]
    return _document(table, pieces, notes, long)


def _document(table: Grid, pieces: list[list[str]], notes: list[str], long: bool) -> str:
    packages = r"% \usepackage{booktabs}" + (r" \usepackage{longtable}" if long else "")
    marked = any(cell.marks for row in table.cells for cell in row)
    gap = 5 if marked else 4  # marks stand in the space between columns
    small = [r"\footnotesize", rf"\setlength{{\tabcolsep}}{{{gap}pt}}"]
    if long:
        lines = [line for piece in pieces for line in piece]
        return "\n".join([packages, r"\begingroup", *small, *lines, *notes, r"\endgroup", ""])
    lines = pieces[0]
    for piece in pieces[1:]:
        lines = [*lines, r"\par\medskip", *piece]
    head = [packages, r"\begin{table}", r"\centering", rf"\caption{{{_caption(table)}}}",
            rf"\label{{tab:{table.name}}}", *small]  # fmt: skip
    return "\n".join([*head, *lines, *notes, r"\end{table}", ""])


def _caption(table: Grid) -> str:
    return f"{escape(table.title)}: value (Monte Carlo SE)"


def _tabular(layout: str, head: list[str], body: list[str]) -> list[str]:
    begin = rf"\begin{{tabular}}{{{layout}}}"
    return [begin, *head, *body, r"\bottomrule", r"\end{tabular}"]


def _longtable(layout: str, head: list[str], body: list[str], above: str) -> list[str]:
    begin = rf"\begin{{longtable}}{{{layout}}}"
    first, again = [*head, r"\endfirsthead"], [*head, r"\endhead"]
    foot = [r"\bottomrule", r"\endfoot"]
    return [begin, rf"{above} \\", *first, *again, *foot, *body, r"\end{longtable}"]


def _body(rows: list[list[str]], apart: set[int]) -> list[str]:
    lines = []
    for i, row in enumerate(rows):
        lines += [r"\addlinespace"] if i in apart else []
        lines.append(" & ".join(row) + r" \\")
    return lines


def _widths(table: Grid, levels: list[list[str]], cells: list[int]) -> tuple[int, list[int]]:
    """Characters of all factors, and of each method."""
    factors = [
        max(map(len, [name, *(row[k] for row in levels)])) + _GAP
        for k, name in enumerate(table.factors)
    ]
    headings = [Legend().method(label, 1 + m, cells[m]) for m, label in enumerate(table.methods)]
    methods = [max(n, *map(len, lines)) + _GAP for n, lines in zip(cells, headings, strict=True)]
    return sum(factors), methods


def _heading(label: str, number: int, cells: int, legend: Legend) -> str:
    """A method's heading, on lines where it is wider than its cells."""
    lines = [escape(line) for line in legend.method(label, number, cells)]
    return lines[0] if len(lines) == 1 else r"\shortstack[r]{" + r"\\".join(lines) + "}"


def _cell(cell: Shown) -> str:
    text = escape(cell._replace(marks="").text)
    if cell.mcse and text.startswith("-"):
        text = "$-$" + text[1:]
    marks = "".join(_MARKS.get(mark, rf"\mathrm{{{mark}}}") for mark in cell.marks)
    return text + (rf"\rlap{{$^{{{marks}}}$}}" if marks else "")


def _marked(table: Grid) -> list[str]:
    marks = {mark: _MARKS.get(mark, rf"\mathrm{{{mark}}}") for mark in table.notes if mark}
    return [
        (mark if mark in ("-", ABSENT) else f"$^{{{marks[mark]}}}$") + f"~{escape(text)}"
        for mark, text in table.notes.items()
        if mark
    ]


def _note(text: str) -> str:
    return rf"\par\smallskip {text}"


def escape(text: str) -> str:
    """Text that pdflatex sets as it is; what its fonts lack is named by its code."""
    escaped = "".join(map(_character, text))
    return re.sub(r"(?<=\d)-(?=\d)", "--", escaped)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii() and character.isprintable():
        return character
    plain = unicodedata.normalize("NFD", character)
    if (plain[0].isascii() and plain[1:] in _ACCENTS) or character in "ßæøœÆØŒåÅłŁ§¶£©":
        return character  # what utf8 input of LaTeX knows in any font encoding
    name = unicodedata.name(character, "").split()
    if name[:1] == ["GREEK"] and name[2:3] == ["LETTER"] and len(name) == 4:
        return f"${_greek(name[3].lower(), name[1] == 'CAPITAL')}$"
    return f"(U+{ord(character):04X})"


def _greek(letter: str, capital: bool) -> str:
    letter = {"lamda": "lambda"}.get(letter, letter)
    if not capital:
        return "o" if letter == "omicron" else "\\" + letter
    if letter in ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi",
                  "psi", "omega"):  # fmt: skip
        return "\\" + letter.capitalize()
    latin = {"rho": "P", "eta": "H", "chi": "X", "nu": "N", "mu": "M"}
    return rf"\mathrm{{{latin.get(letter, letter[0].upper())}}}"
