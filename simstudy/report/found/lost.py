"""Where methods have no result, and how many are missing elsewhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simstudy.report.found.cells import different, has_error
from simstudy.report.found.conditions import Some, some_of
from simstudy.report.pivot import Cell, Wide


class Lost(NamedTuple):
    """Replications of a method without a result.

    Attributes
    ----------
    scenarios : Some
        Those in which no replication has one.
    n, of : int
        How many lack one in the other scenarios, of how many.
    unknown : int
        Scenarios where a single replication has one, or there is no number for another reason.
    """

    scenarios: Some
    n: int
    of: int
    unknown: int


def lost(table: Wide, method: str) -> Lost:
    """Count the replications of a method that a table of one of its measures is without."""
    there: list[tuple[int, Cell]] = [
        (row, cell)
        for row, (_, cells) in enumerate(table.rows)
        if (cell := cells.get(method)) is not None and cell.asked and not cell.hidden
    ]
    levels = different([table.rows[row][0] for row, _ in there], table.factors)
    none = np.array([cell.n_used == 0 for _, cell in there], dtype=bool)
    some = [cell for _, cell in there if cell.n_used]
    return Lost(
        some_of(levels, none),
        sum(cell.n_not_used for cell in some),
        sum(cell.n_used + cell.n_not_used for cell in some),
        sum(not has_error(cell) for cell in some),
    )
