"""A cell of a table in words: a value with its Monte Carlo error or interval, and marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from simstudy.errors import visible
from simstudy.measures.record import Measure
from simstudy.report.pivot import Cell, decimals, number

ABSENT = "/"
_HUGE = 1e6  # a Monte Carlo error from which numbers are shown by their powers of ten
_MOST_DECIMALS = 12


class Shown(NamedTuple):
    """A cell in words; `value` is "-" and `mcse` empty where there is no number.

    It is `ABSENT` where the method has no rows. In square brackets, `mcse` holds an interval.
    """

    value: str
    mcse: str = ""
    marks: str = ""
    brackets: str = "()"

    @property
    def beside(self) -> str:
        """What stands beside the value: (MCSE), or [low, high]."""
        return self.mcse and f"{self.brackets[0]}{self.mcse}{self.brackets[1]}"

    @property
    def text(self) -> str:
        """Value (MCSE), and marks."""
        return f"{self.value}{self.mcse and ' '}{self.beside}{self.marks}"


class Writing(NamedTuple):
    """How the numbers of one table are written.

    Attributes
    ----------
    how : Measure
    places : int
        Decimals.
    largest : float
        Monte Carlo error from which a number is far beyond the others.
    interval : bool
        Whether the 95 % interval of the summary stands beside a value instead of its MCSE.
    bounded : bool
        Whether a rate that was 0 or 1 in all replications is shown by the end of its interval,
        as <.002: its MCSE is estimated as 0, and it is not sure.
    """

    how: Measure
    places: int
    largest: float = math.inf
    interval: bool = False
    bounded: bool = True

    def cell(self, cell: Cell | None) -> Shown:
        """A cell in words."""
        if cell is not None and not cell.asked:
            return Shown(ABSENT)
        if cell is None or cell.n_used == 0 or math.isnan(cell.value):
            return Shown("-")
        marks = ("*" if cell.n_not_used else "") + ("!" if cell.inflated else "")
        if cell.mcse > self.largest or cell.mcse >= _HUGE:  # far beyond the others of its table
            return self._shown(cell, marks, _scientific)
        places = self.places
        if 0 < cell.mcse < 0.5 * 10.0**-places:  # it would read 0
            places = decimals([cell], self.how.decimals, most=_MOST_DECIMALS)
        if self.bounded and not self.interval and (bound := self._bound(cell, places)):
            return Shown(bound, "", marks)
        return self._shown(
            cell, marks, lambda v: number(v, places, leading_zero=not self.how.proportion)
        )

    def _shown(self, cell: Cell, marks: str, write: Callable[[float], str]) -> Shown:
        value = write(cell.value)
        if not self.interval:
            return Shown(value, write(cell.mcse), marks)
        return Shown(value, f"{write(cell.ci_low)}, {write(cell.ci_high)}", marks, "[]")

    def _bound(self, cell: Cell, places: int) -> str:
        """Of a rate of 0 or 1 in all replications the far end of its interval; else nothing."""
        if not self.how.proportion or cell.mcse != 0 or cell.value not in (0.0, 1.0):
            return ""
        unit = 10.0**places
        if cell.value == 0.0:
            end, sign = math.ceil(cell.ci_high * unit) if 0 < cell.ci_high < 1 else None, "<"
        else:
            end, sign = math.floor(cell.ci_low * unit) if 0 < cell.ci_low < 1 else None, ">"
        return "" if end is None else sign + number(end / unit, places, leading_zero=False)


def alone(numbers: Sequence[float], mcse: float, how: Measure) -> list[str]:
    """Numbers of one Monte Carlo error, and that, as a table without others would write them."""
    if mcse >= _HUGE:
        return [_scientific(value) for value in (*numbers, mcse)]
    places = decimals([Cell(math.nan, mcse, 1, 0)], how.decimals, most=_MOST_DECIMALS)
    return [number(v, places, leading_zero=not how.proportion) for v in (*numbers, mcse)]


def plain_label(text: str) -> str:
    """A label without line breaks, control characters as escapes."""
    return visible(" ".join(text.split()))


def _scientific(value: float) -> str:
    return f"{value:.1e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
