"""Claims as they were judged: lines for a terminal, a table, a section of the report."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from simstudy.claims.judged import Cell, Judged, Verdict
from simstudy.errors import visible
from simstudy.measures.catalog import record_of
from simstudy.measures.simultaneous import LEVEL
from simstudy.report.pivot import Cell as Number
from simstudy.report.pivot import decimals, number
from simstudy.report.tables.grid import Grid
from simstudy.report.tables.shown import Shown, plain_label

NAME = "claims"
_INDENT = " " * 2
_LEVEL = f"{100 * LEVEL:g} %"
_HOW = (
    f"Intervals hold together for all cells of a claim, {_LEVEL} (Bonferroni). A claim is "
    "supported where all of them are inside its range, refuted where one is wholly outside; one "
    "for some cell is supported where one is inside, refuted where all are wholly outside. Shown "
    "is the cell that decides; of two methods the paired difference. Units are those of the "
    "summary: rates are shares, what is in percent has points"
)


def lines(judged: Sequence[Judged], width: int) -> list[str]:
    """What a terminal shows after a run; nothing where nothing is claimed."""
    if not judged:
        return []
    head = f"Claims: {counted(judged)} ({_LEVEL} intervals that hold for all cells of a claim)"
    out = textwrap.wrap(head, width)
    longest = max(len(one.verdict) for one in judged)
    gap = " " * (len(_INDENT) + longest + 2)
    for one in judged:
        first = f"{_INDENT}{one.verdict:<{longest}}  {plain_label(one.claim.text)}"
        out += textwrap.wrap(first, width, subsequent_indent=gap)
        for line in filter(None, (evidence(one), one.reason)):
            out += textwrap.wrap(visible(line), width, initial_indent=gap, subsequent_indent=gap)
    return out


def counted(judged: Sequence[Judged]) -> str:
    """How many claims are what."""
    found = Counter(one.verdict for one in judged)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict])


def evidence(one: Judged) -> str:
    """The cell that decides, in words: value, interval, where, and of how many replications."""
    cell = one.deciding
    if cell is None:
        return ""
    value, low, high = _numbers(one, cell)
    what = "difference " if one.claim.against else ""
    number_of_cells = f"1 of {len(one.cells)} cells" if len(one.cells) > 1 else ""
    parts = (f"{what}{value} ({low} to {high})", where_of(one), f"{cell.n_used:,} replications",
             number_of_cells)  # fmt: skip
    return "; ".join(filter(None, parts))


def where_of(one: Judged) -> str:
    """Scenario and level of the cell that decides."""
    if one.deciding is None:
        return ""
    several = len({cell.alpha for cell in one.cells}) > 1
    level = f"alpha {one.deciding.alpha:g}" if several else ""
    return ", ".join(filter(None, (one.deciding.levels, level)))


def table(judged: Sequence[Judged], *, numbered: bool = False) -> Grid:
    """A row a claim.

    Parameters
    ----------
    judged : sequence of Judged
    numbered : bool
        Name claims by their numbers, and say in the notes what they are: for narrow pages.
    """
    rows = [_cells(one) for one in judged]
    heads, factors = ["verdict", "value", "interval", "replications", "would decide"], ["claim"]
    texts = [plain_label(one.claim.text) for one in judged]
    cells = [plain_label(where_of(one)) for one in judged]
    levels, remarks = [[text, cell] for text, cell in zip(texts, cells, strict=True)], texts
    if numbered:
        levels = [[str(k + 1)] for k in range(len(judged))]
        remarks = [f"{k + 1}: {text}" + (f" (at {cell})" if cell else "")
                   for k, (text, cell) in enumerate(zip(texts, cells, strict=True))]  # fmt: skip
    else:
        factors.append("cell")
    reasons = [f": {plain_label(one.reason)}" if one.reason else "" for one in judged]
    notes = [remark + reason for remark, reason in zip(remarks, reasons, strict=True)
             if numbered or reason]  # fmt: skip
    return Grid(NAME, "Claims", factors, heads, levels, rows, {"": "\n".join([_HOW, *notes])})


def table_without_notes(judged: Sequence[Judged]) -> Grid:
    """The same with the reasons in a column."""
    grid = table(judged)
    cells = [[*(cell._replace(value=cell.value.replace("−", "-")) for cell in row),
              Shown(plain_label(one.reason))]
             for row, one in zip(grid.cells, judged, strict=True)]  # fmt: skip
    return grid._replace(methods=[*grid.methods, "undecided"], cells=cells)


def _cells(one: Judged) -> list[Shown]:
    """What a table says of a claim, beside its text."""
    needed = Shown(f"{one.n_reps:,}" if one.n_reps else "-")
    if one.deciding is None:
        return [Shown(str(one.verdict)), *[Shown("-")] * 3, needed]
    value, low, high = _numbers(one, one.deciding)
    return [Shown(str(one.verdict)), Shown(value, _error(one, one.deciding)),
            Shown(f"{low} to {high}".replace("-", "−")), Shown(f"{one.deciding.n_used:,}"),
            needed]  # fmt: skip


def facts(judged: Sequence[Judged]) -> dict[str, Any]:
    """What the section about claims says."""
    pairs = [record_of(one.claim.asked.measure) for one in judged if one.claim.against]
    return {
        "claims": [
            (
                one.claim.text,
                one.verdict.value,
                evidence(one),
                one.reason[:1].upper() + one.reason[1:],
            )
            for one in judged
        ],
        "claims_counted": counted(judged),
        "claims_of_two": bool(pairs),
        "claims_of_two_rates": any(record.proportion or record.over_alpha for record in pairs),
    }


def _numbers(one: Judged, cell: Cell) -> tuple[str, str, str]:
    """Value and interval of a cell, with as many decimals as its error bears."""
    record, places = record_of(one.claim.asked.measure), _places(one, cell)
    value, low, high = (
        number(x, places, leading_zero=not record.proportion)
        for x in (cell.value, cell.low, cell.high)
    )
    return value, low, high


def _error(one: Judged, cell: Cell) -> str:
    if math.isnan(cell.mcse):
        return ""
    record = record_of(one.claim.asked.measure)
    return number(cell.mcse, _places(one, cell), leading_zero=not record.proportion)


def _places(one: Judged, cell: Cell) -> int:
    error = cell.mcse if cell.mcse > 0 else (cell.high - cell.low) / 4.0
    record = record_of(one.claim.asked.measure)
    return decimals([Number(cell.value, error, 1, 0)], record.decimals)
