"""The table that a run prints, within so many lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from simstudy.garbage import kept
from simstudy.report.pivot import Wide, level_text, thin, wide
from simstudy.report.tables import text
from simstudy.report.tables.grid import Grid, grid, title
from simstudy.report.tables.layout import Legend
from simstudy.report.tables.look import NAMES

if TYPE_CHECKING:
    import pyarrow as pa

HEADLINE = ("rejection_rate", "relative_error_model_se")
_UNTESTED = ("bias", "empirical_se")  # where no method has a test of what it estimates
_FEW = 4  # rows below which the second table makes room for the first
_BETWEEN = "    "


@kept()
def headline(
    summary: pa.Table, width: int = 120, most_lines: int = 34, counted: bool = False
) -> str:
    """Rejection rate and SE bias, methods side by side, within so many lines.

    The two stand beside each other where `width` allows, else one above the other; a study
    of more scenarios shows an even selection of them, and where two tables leave room for
    hardly any, the first stands alone. With `counted` it says the replications of each.
    """
    for names in (HEADLINE, _UNTESTED):
        found = [replace(wide(summary, name), counted=counted) for name in names]
        tables = [table for table in found if table.rows]
        if tables:
            break
    else:
        return "no rows to summarise"
    methods = summary.column("method").unique().to_pylist()
    others = [m for m in methods if all(m not in table.methods for table in tables)]
    if len(tables) == 2:
        shown = _fitted(tables, width, most_lines, others)
        if shown is not None and (shown[1] >= _FEW or shown[1] == len(tables[0].rows)):
            return shown[0]
    first = tables[0]
    of = (len(first.methods), len(tables))
    for n_methods in range(len(first.methods), 0, -1):
        fewer = replace(first, methods=first.methods[:n_methods])
        shown = _fitted([fewer], width, most_lines, others, of)
        if shown is not None:
            return shown[0]
    return text.as_text(grid(thin(first, 1)), width, airy=False)


def _fitted(
    tables: list[Wide],
    width: int,
    most_lines: int,
    others: list[str],
    of: tuple[int, int] | None = None,
) -> tuple[str, int] | None:
    """Text and its number of scenarios: as many as the lines hold; None where none do."""
    n_rows = len(tables[0].rows)
    most = min(most_lines, n_rows)
    while most > 0:
        thinned = [thin(table, most) for table in tables]
        shown = len(thinned[0].rows)
        page = _page(thinned, width, _remarks(tables, thinned[0], others, of))
        excess = len(page.splitlines()) - most_lines
        if excess <= 0:
            return page, shown
        copies = 1 if len(tables) == 1 else 2
        most = min(most - max(1, excess // (4 * copies)), shown - 1)
    return None


def _remarks(
    tables: list[Wide], thinned: Wide, others: list[str], of: tuple[int, int] | None
) -> list[str]:
    """What is not on the page; `of` counts methods and tables where some were left out."""
    shown, n_rows, listed = len(thinned.rows), len(tables[0].rows), len(tables[0].methods)
    remarks = [f"not tested: {', '.join(others)} (summarize --measure bias)"] if others else []
    if shown < n_rows:
        which = _which(tables[0], thinned)
        remarks.append(f"{shown} of {n_rows} scenarios are shown{which}; all of them: summary.csv")
    if of and listed < of[0]:
        remarks.append(f"{listed} of {of[0]} methods are shown; all of them: summary.csv")
    if of and len(tables) < of[1]:
        remarks.append(f"SE bias: summarize --measure {HEADLINE[1]}")
    return remarks


def _which(table: Wide, thinned: Wide) -> str:
    """Which scenarios are shown: the levels that were kept of factors that have others."""
    kept = {}
    for factor in table.factors:
        all_levels, kept_levels = (list(dict.fromkeys(levels[factor] for levels, _ in of.rows))
                       for of in (table, thinned))  # fmt: skip
        if len(kept_levels) < len(all_levels):
            kept[factor] = kept_levels
    told = "; ".join(
        f"{factor} {' and '.join([', '.join(texts[:-1]), texts[-1]] if texts[:-1] else texts)}"
        for factor, some in kept.items()
        if (texts := [level_text(level) for level in some if level is not None])
    )
    like = [row for row in table.rows if all(row[0][f] in some for f, some in kept.items())]
    first = "the first " if len(like) > len(thinned.rows) else ""
    return f", {first}of {told}" if told else ", the first of them" if first else ""


def _page(tables: list[Wide], width: int, remarks: list[str]) -> str:
    """The tables, beside or above each other, and below them what is said of both."""
    grids = [grid(table)._replace(title=title(table, NAMES, brief=True)) for table in tables]
    notes = {mark: words for g in grids for mark, words in g.notes.items() if mark}
    general = [line for g in grids for line in g.notes.get("", "").splitlines()]
    general = [
        f"value (Monte Carlo SE); {line}" if line.startswith("all scenarios: ") else line
        for line in dict.fromkeys(general)
    ]
    beside = _beside(grids, width) if len(grids) == 2 else ""
    if not beside or max(map(len, beside.splitlines())) > width:
        beside = "\n\n".join(text.as_text(g, width, airy=False, notes=False) for g in grids)
    below = text.footer(notes | {"": "\n".join([*general, *remarks])}, width)
    return "\n".join([beside, *below])


def _beside(grids: list[Grid], width: int) -> str:
    """Two tables of the same rows as one, a heading over each half; "" where rows differ."""
    if grids[0].levels != grids[1].levels:
        return ""
    legend = Legend()
    factors, first = text.plain(grids[0], legend)
    _, second = text.plain(grids[1])
    gap = len(text.GAP)
    left, wide_left = text.width_of(factors), text.width_of(first)
    titles = [grids[0].title.ljust(wide_left), grids[1].title]
    if len(titles[0]) > wide_left:
        return ""
    head = " " * (left + gap if factors else 0) + _BETWEEN.join(titles)
    halves = (text.joined([*factors, *first], set(), pad=True), text.joined(second, set()))
    rows = map(_BETWEEN.join, zip(*halves, strict=True))
    return "\n".join([head, *rows, *text.folded(legend.lines, width)])
