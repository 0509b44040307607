"""Room 5: tables of "value (MCSE)" as text, Markdown and LaTeX. Imports wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simstudy.report.wide import (
    Cell,
    Wide,
    cells_of,
    decimals,
    level_text,
    number,
    thin,
    wide,
)

if TYPE_CHECKING:
    import pyarrow as pa

TITLES = {
    "bias": "Bias",
    "empirical_se": "Empirical SE",
    "model_se": "Model SE",
    "relative_error_model_se": "SE bias, %",
    "coverage": "Coverage",
    "rejection_rate": "Rejection rate",
    "type1_inflation": "Type I error inflation",
    "share_boundary": "Share at the boundary",
    "share_no_std_error": "Share without standard error",
    "share_not_estimable": "Share not estimable",
    "share_failed": "Share failed",
}
_PROPORTIONS = {"coverage", "rejection_rate", "share_boundary", "share_no_std_error",
                "share_not_estimable", "share_failed"}  # fmt: skip
_LEAST = {"relative_error_model_se": 1, "type1_inflation": 2}
HEADLINE = ("rejection_rate", "relative_error_model_se")
_NO_NUMBER = "- no replication was estimable"
_SOME = "* not all replications were estimable (counts: n_not_used in summary.csv)"


class Grid(NamedTuple):
    """A table of text: one heading, rows, and how many columns are factors."""

    title: str
    heading: list[str]
    rows: list[list[str]]
    n_factors: int
    notes: list[str]


def grid(table: Wide) -> Grid:
    """Write every cell as value (MCSE)."""
    places = decimals(cells_of(table), _LEAST.get(table.measure, 3))
    zero = table.measure not in _PROPORTIONS
    rows = []
    for levels, cells in table.rows:
        row = [level_text(levels[factor]) for factor in table.factors]
        rows.append(row + [_cell(cells.get(m), places, zero) for m in table.methods])
    found = cells_of(table)
    notes = [_NO_NUMBER] if any(cell.n_used == 0 for cell in found) else []
    notes += [_SOME] if any(cell.n_used and cell.n_not_used for cell in found) else []
    return Grid(title(table), [*table.factors, *table.methods], rows, len(table.factors), notes)


def title(table: Wide) -> str:
    """Heading of a table: measure and level."""
    name = TITLES.get(table.measure, table.measure)
    return name if table.alpha != table.alpha else f"{name} at alpha {table.alpha:g}"


def _cell(cell: Cell | None, places: int, zero: bool) -> str:
    if cell is None or cell.n_used == 0 or cell.value != cell.value:
        return "-"
    mcse = number(cell.mcse, places, leading_zero=zero)
    star = "*" if cell.n_not_used else ""
    return f"{number(cell.value, places, leading_zero=zero)} ({mcse}){star}"


def as_text(table: Grid) -> str:
    """Aligned columns for a terminal."""
    lines = [table.heading, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.heading))]
    text = [table.title]
    text += [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*text, *table.notes])


def as_markdown(table: Grid) -> str:
    """A pipe table."""

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = ["---:"] * len(table.heading)
    body = [line(table.heading), line(rule), *(line(row) for row in table.rows)]
    notes = [f"\n{note.replace('*', chr(92) + '*', 1)}" for note in table.notes]
    return "\n".join([f"**{table.title}**, value (Monte Carlo SE)", "", *body, *notes]) + "\n"


_LATEX = {"\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#",
          "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
          "^": r"\textasciicircum{}", "[": "{[}", "]": "{]}"}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _latex_cell(text: str) -> str:
    return (
        _latex(text).replace("-", "$-$", 1) if text[:1] == "-" and len(text) > 1 else _latex(text)
    )


def as_latex(table: Grid) -> str:
    r"""A booktabs table (needs ``\\usepackage{booktabs}``)."""
    layout = "l" * table.n_factors + "r" * (len(table.heading) - table.n_factors)
    body = [" & ".join(_latex_cell(cell) for cell in row) + r" \\" for row in table.rows]
    notes = [r"\par\footnotesize " + _latex(note) for note in table.notes]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(table.title)}: value (Monte Carlo SE)}}",
            rf"\begin{{tabular}}{{{layout}}}",
            r"\toprule",
            " & ".join(_latex(name) for name in table.heading) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *notes,
            r"\end{table}",
            "",
        ]
    )


FORMATS = {"text": as_text, "markdown": as_markdown, "latex": as_latex}


def headline(summary: pa.Table, width: int = 120, most_lines: int = 34) -> str:
    """Rejection rate and SE bias, methods side by side, within so many lines.

    The two stand beside each other where `width` allows, else one above the other; a study
    of more scenarios shows an even selection of them.
    """
    tables = [wide(summary, measure) for measure in HEADLINE]
    n_rows = len(tables[0].rows)
    notes = _fixed(tables[0])
    beside = _beside([grid(thin(t, most_lines - 4)) for t in tables])
    if max(len(line) for line in beside.splitlines()) <= width:
        text, shown = beside, min(n_rows, len(thin(tables[0], most_lines - 4).rows))
    else:
        most = max(1, (most_lines - 8) // 2)
        grids = [grid(thin(t, most)) for t in tables]
        every = list(dict.fromkeys(note for g in grids for note in g.notes))
        text = "\n\n".join(as_text(g._replace(notes=[])) for g in grids)
        text, shown = "\n".join([text, *every]), len(grids[0].rows)
    if shown < n_rows:
        notes.append(f"{shown} of {n_rows} scenarios are shown; all of them: summary.csv")
    return "\n".join([text, *notes])


def _fixed(table: Wide) -> list[str]:
    if not table.fixed:
        return []
    pairs = (f"{name} {level_text(value)}" for name, value in table.fixed.items())
    return ["value (Monte Carlo SE); all scenarios: " + ", ".join(pairs)]


def _beside(grids: list[Grid]) -> str:
    """Two tables of the same rows as one, a heading over each half."""
    first, second = grids
    k = first.n_factors
    heading = first.heading + second.heading[k:]
    rows = [a + b[k:] for a, b in zip(first.rows, second.rows, strict=True)]
    lines = [heading, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    split = len(first.heading)

    def join(cells: list[str], sizes: list[int]) -> str:
        return "  ".join(cell.rjust(size) for cell, size in zip(cells, sizes, strict=True))

    left = " " * len(join(first.heading[:k], widths[:k]))
    parts = [first.title.ljust(sum(widths[k:split]) + 2 * (split - k - 1)), second.title]
    text = [("  " if k else "").join([left, parts[0]]) + "    " + parts[1]]
    for line in lines:
        text.append(
            join(line[:split], widths[:split]) + "    " + join(line[split:], widths[split:])
        )
    notes = list(dict.fromkeys([*first.notes, *second.notes]))
    return "\n".join([*(line.rstrip() for line in text), *notes])
