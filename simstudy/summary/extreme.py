"""Estimates of users' methods far from all others of their scenario.

Built-in methods do not diverge: their tails are the design's.
"""

from __future__ import annotations

import numpy as np

from simstudy.measures.block import Block
from simstudy.measures.extremes import Extreme, Extremes
from simstudy.measures.totals import Totals
from simstudy.moments import Ints
from simstudy.summary.cells import StudyCells
from simstudy.summary.parts import StoredRows

_HEAVY = 10.0  # a kurtosis below which one estimate cannot be most of a variance


def extreme(cells: StudyCells, source: StoredRows, totals: Totals) -> list[str]:
    """A line for each method of the user's own that has extreme estimates.

    Rows are read of cells alone whose fourth moment says that some estimates stand out.
    """
    extremes = Extremes()
    for cell in _suspects(totals).tolist():
        if not cells.pairs[cell][1].may_diverge:
            continue
        rows = source.rows_of(cell)
        columns = {name: np.atleast_2d(values) for name, values in rows.items()}
        columns["row"] = np.atleast_2d(source.numbers_of(cell))
        extremes.see(np.array([cell]), columns, Block(rows, source.facts.truth[cell]))

    def place(extreme: Extreme) -> tuple[str, str]:
        scenario = cells.pairs[extreme.group][0].id
        how = f"(replay {source.folder} --scenario {scenario} --replication {extreme.row} shows it)"
        return f"scenario {scenario}, replication {extreme.row} {how}", f"{scenario}, {extreme.row}"

    labels = cells.of_each(lambda design, method: method.label)
    return extremes.lines(labels, totals.of_error.n, place)


def _suspects(totals: Totals) -> Ints:
    """Cells with a few estimates far from the others."""
    n, about = totals.of_error.n, totals.of_error.about
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        kurtosis = n * about[4, 0] / np.square(about[2, 0])
    usual = (kurtosis <= _HEAVY) | (n == 0) | (about[2, 0] == 0)
    return np.flatnonzero(~usual)
