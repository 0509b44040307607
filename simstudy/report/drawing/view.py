"""What is asked of a figure beside its data."""

from __future__ import annotations

from dataclasses import dataclass

from simstudy.report.words import PLAIN, Words


@dataclass(frozen=True, slots=True)
class View:
    """How a figure of a summary is to be seen.

    Attributes
    ----------
    words : Words
        What methods, factors, levels and measures are called.
    x : str, optional
        Factor along the axis; None: what is usual.
    panels : tuple of str
        Factors whose levels have panels: the first side by side, the others below each other.
    """

    words: Words = PLAIN
    x: str | None = None
    panels: tuple[str, ...] = ()


USUAL = View()
