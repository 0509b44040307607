"""Whether methods hold their level: Type I errors against Bradley's band."""

from __future__ import annotations

from typing import NamedTuple

from simstudy.measures.bradley import VERDICTS, verdict
from simstudy.moments import Bools
from simstudy.report.found.cells import Estimate, MethodCells, cells_by_method
from simstudy.report.found.conditions import Some, some_of
from simstudy.report.pivot import Wide


class Size(NamedTuple):
    """Type I errors of a method at one level.

    Attributes
    ----------
    n : int
        Scenarios.
    liberal, conservative, undecided, off : Some
        Where the interval is wholly above the band, wholly below it, neither there nor inside;
        and where it does not hold the nominal level.
    above : int
        Scenarios whose interval is above the nominal level.
    highest, lowest : Estimate
        Of the liberal ones, and of the conservative ones; of all where there are none.
    worst : Estimate
        Of those that are `off`, that furthest from the nominal level; of all where none is.
    furthest : Estimate
        Of all.
    median : Estimate or None
    """

    n: int
    liberal: Some
    conservative: Some
    undecided: Some
    off: Some
    above: int
    highest: Estimate
    lowest: Estimate
    worst: Estimate
    furthest: Estimate
    median: Estimate | None

    @property
    def held(self) -> bool:
        """Whether every interval is inside the band."""
        return not (self.liberal.n or self.conservative.n or self.undecided.n)


def sizes(rates: Wide) -> tuple[dict[str, Size], dict[str, MethodCells], int]:
    """Label -> its Type I errors, judged and as they are; and how many there are in all."""
    cells = cells_by_method(rates, lambda cell: cell.aim.null is True)
    family = next((of.family for of in cells.values()), 0)
    return {m: _size(of, rates.alpha) for m, of in cells.items()}, cells, family


def _size(cells: MethodCells, alpha: float) -> Size:
    codes = verdict(cells.low, cells.high, alpha)
    liberal, conservative, undecided = (
        codes == VERDICTS.index(name) for name in ("liberal", "conservative", "undecided")
    )
    off = cells.away(alpha)

    def where(some: Bools) -> Some:
        return some_of(cells.levels, some)

    def worst(some: Bools) -> Estimate:
        return cells.furthest(alpha, some)

    return Size(
        len(cells), where(liberal), where(conservative), where(undecided), where(off),
        int((cells.low > alpha).sum()), worst(liberal), worst(conservative), worst(off),
        cells.furthest(alpha), cells.median,
    )  # fmt: skip
