"""Differences of powers from a reference method, where a study has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simstudy.report.found.cells import MethodCells, cells_by_method
from simstudy.report.pivot import Wide


@dataclass(frozen=True)
class Paired:
    """Differences in rejection rate from the reference method, in rows of the table of rates.

    Attributes
    ----------
    reference : str
        "" where there is none.
    differences : mapping
        Method -> its rate less that of the reference.
    """

    reference: str = ""
    differences: Mapping[str, MethodCells] | None = None

    def of(self, first: str, second: str, rows: tuple[int, ...]) -> MethodCells | None:
        """The first's rate less the second's; None where neither is the reference."""
        other = {first: second, second: first}.get(self.reference)
        cells = (self.differences or {}).get(other or "")
        if cells is None or not set(rows) <= set(cells.rows):
            return None
        less = cells.only(rows)
        if second == self.reference:
            return less
        return replace(less, value=-less.value, low=-less.high, high=-less.low)


def paired(rates: Wide, differences: Wide) -> Paired:
    """Find the reference: it is the one method that has no difference from it."""
    references = set(rates.methods) - set(differences.methods)
    place = {tuple(levels.items()): row for row, (levels, _) in enumerate(rates.rows)}
    there = [tuple(levels.items()) for levels, _ in differences.rows]
    if len(references) != 1 or len(place) < len(rates.rows) or not set(there) <= set(place):
        return Paired()
    moved = {
        method: replace(cells, rows=tuple(place[there[row]] for row in cells.rows))
        for method, cells in cells_by_method(differences).items()
    }
    return Paired(references.pop(), moved)
