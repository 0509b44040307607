"""What is asked of a figure beside its data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from simstudy.report.words import PLAIN, Words


@dataclass(frozen=True, slots=True)
class View:
    """How a figure is to be seen; what is None, or empty, is as usual.

    Attributes
    ----------
    words : Words
        What methods, factors, levels and measures are called.
    x, y : str, optional
        Factors along and up the axes; where methods are compared, their labels.
    panels : tuple of str
        Factors whose levels have panels: the first side by side, the others below each other.
    measure : str, optional
        What is shown.
    scenarios : collection of str, optional
        Ids of those that are shown, with `said`, which they are in words.
    methods : tuple of str
        Labels of those that are shown.
    target : float, optional
        Where a line is drawn.
    categories : bool
        Whether numbers along an axis stand evenly, not to scale.
    width : float, optional
        Of the figure, mm.
    """

    words: Words = PLAIN
    x: str | None = None
    y: str | None = None
    panels: tuple[str, ...] = ()
    measure: str | None = None
    scenarios: Collection[str] | None = None
    said: str = ""
    methods: tuple[str, ...] = ()
    target: float | None = None
    categories: bool = False
    width: float | None = None

    def shows(self, label: str) -> bool:
        """Whether a method is shown."""
        return not self.methods or label in self.methods


USUAL = View()
