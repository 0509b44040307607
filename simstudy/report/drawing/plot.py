"""The decorator that makes a function a figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec

from matplotlib.figure import Figure

from simstudy.report.drawing.letters import literal

P = ParamSpec("P")


def plot(words: str, **record: Any) -> Callable[[Callable[P, Figure]], Callable[P, Figure]]:
    """Register a function named draw as the figure of its file's name, texts as they are written.

    Parameters: those of `simstudy.plots.Plot`, in literals; it is there that they are read.
    """
    return literal
