"""How a table is to be shown: in which words, and which factors down and across."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simstudy.measures.catalog import record_of
from simstudy.report.pivot import Level, level_text
from simstudy.report.words import Words

MEASURE, METHOD = "measure", "method"  # what may be down or across beside factors


class _Names(Words):
    """No words: everything is called as data call it."""

    def method(self, label: str) -> str:
        return label

    def factor(self, name: str) -> str:
        return name

    heading = factor

    def level(self, factor: str, value: Level) -> str:
        return level_text(value)

    def measure(self, name: str, null: bool | None = None) -> str:
        return record_of(name).title

    def equations(self, levels: Mapping[str, Level], separator: str = ", ") -> str:
        return separator.join(f"{name} {self.level(name, at)}" for name, at in levels.items())

    def all_methods(self, labels: Iterable[str]) -> tuple[str, ...]:
        return tuple(labels)


NAMES: Words = _Names()


@dataclass(frozen=True, slots=True)
class Look:
    """How a table is to be shown.

    Attributes
    ----------
    words : Words
        What methods, factors, levels and measures are called; `NAMES`: as data call them.
    rows, columns : tuple of str
        Factors, `method` or `measure` that stand down and across, the outer ones first; what is
        in neither stands where it usually does: factors down, methods across.
    interval : bool
        Write the 95 % interval of the summary beside a value, not its Monte Carlo SE.
    verdict : bool
        Mark Type I errors by Bradley's (1978) liberal criterion.
    bounded : bool
        Write a rate of 0 or 1 by the far end of its interval.
    """

    words: Words = NAMES
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    interval: bool = False
    verdict: bool = False
    bounded: bool = True

    @property
    def usual(self) -> bool:
        """Whether factors are down and methods across."""
        return not (self.rows or self.columns)


DATA = Look()
