"""Where panels, title, legend and note stand on a figure.

Sizes are in inches and known beforehand, so that nothing has to be drawn twice to be placed.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simstudy.report.drawing import style

_EM = 0.56 / 72  # inches a character and point: a little wide, so that text ends inside
_HANDLE = 0.52  # inches of a legend's line and the space about it
_EDGE = 0.12  # inches
_MM = 25.4  # an inch
_LEAST = 0.8  # inches of a panel


def page(
    n_rows: int,
    n_columns: int,
    panel: tuple[float, float],
    *,
    labels: tuple[str, str, str] = ("", "", ""),
    handles: Sequence[Artist] = (),
    notes: Sequence[str] = (),
    margins: tuple[float, float, float] = (0.78, 0.2, 0.0),
    gaps: tuple[float, float] = (0.16, 0.2),
    headings: int = 1,
    shared: bool = True,
    ratios: tuple[float, ...] | None = None,
    wide: float | None = None,
) -> tuple[Figure, Any]:
    """A figure with its panels, title, legend, labels of the axes and note.

    Parameters
    ----------
    n_rows, n_columns : int
    panel : (width, height)
        Inches, as all that follows.
    labels : (title, x axis, y axis)
        Of the whole figure.
    handles : sequence of artists
        The legend; none where labels stand at the lines.
    notes : sequence of str
        Sentences below the figure; empty ones are left out.
    margins : (left, right, below)
        Beside the panels; below them for labels of their own.
    gaps : (across, down)
        Between the panels.
    headings : int
        Lines of the headings of the first row of panels.
    shared : bool
        Whether all panels have the same axes.
    ratios : tuple of float, optional
        Heights of the rows, where they differ.
    wide : float, optional
        Of the figure, mm, as far as its panels are not too narrow to be read then.

    Returns
    -------
    figure, array of Axes, shape (n_rows, n_columns)
    """
    left, right, below = margins
    panel = panel_width(panel[0], n_columns, (left, right), gaps[0], wide), panel[1]
    width = left + n_columns * (panel[0] + gaps[0]) - gaps[0] + right
    width = max(width, 4.8) if wide is None else width
    inside = width - 2 * _EDGE
    title = wrapped(labels[0], inside, style.TITLE)
    said = " ".join(f"{text}." for text in notes if text).replace(" %", "\N{NO-BREAK SPACE}%")
    note = wrapped(said, inside, style.NOTE)
    columns, lines = _legend_columns(handles, inside)
    top = 0.1 + 0.19 * len(title) + 0.18 * lines + 0.12 + 0.15 * headings
    bottom = 0.34 + below + (0.2 if labels[1] else 0.0) + 0.135 * len(note)
    height = top + n_rows * (panel[1] + gaps[1]) - gaps[1] + bottom
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(
        n_rows, n_columns, sharex=shared, sharey=shared, squeeze=False,
        gridspec_kw={
            "left": left / width, "right": 1 - right / width,
            "top": 1 - top / height, "bottom": bottom / height,
            "wspace": gaps[0] / panel[0], "hspace": gaps[1] / panel[1],
            "height_ratios": ratios,
        },
    )  # fmt: skip
    middle = ((left + width - right) / 2, (bottom + height - top) / 2)
    _write(figure, _EDGE, height - 0.1, title, style.TITLE, va="top")
    _write(figure, middle[0], _EDGE + 0.135 * len(note), [labels[1]], style.LABEL, ha="center")
    up = wrapped(labels[2], min(height - 0.3, n_rows * panel[1] + 1.0), style.LABEL)
    _write(figure, 0.1, middle[1], up, style.LABEL, rotation=90, va="center", linespacing=1.1)
    _write(figure, _EDGE, 0.07, note, style.NOTE, color="#5f5f5f", linespacing=1.25)
    if handles:
        corner = (_EDGE / width, 1 - (_EDGE + 0.19 * len(title)) / height)
        figure.legend(
            handles=list(handles), loc="upper left", ncols=columns, fontsize=style.TICK,
            frameon=False, borderpad=0, borderaxespad=0, handlelength=2.2, columnspacing=1.4,
            labelcolor=style.INK, labelspacing=0.35, bbox_to_anchor=corner,
        )  # fmt: skip
    return figure, axes


def panel_width(
    usual: float, n_columns: int, margins: tuple[float, float], gap: float, wide: float | None
) -> float:
    """Inches of a panel in a figure of so many mm; the usual ones where that is None."""
    if wide is None:
        return usual
    return max((wide / _MM - sum(margins) + gap) / n_columns - gap, _LEAST)


def _write(
    figure: Figure, x: float, y: float, lines: Sequence[str], points: float, **look: Any
) -> None:
    """Write lines of text where there are any, at inches from the lower left corner."""
    if any(lines):
        width, height = figure.get_size_inches()
        usual: dict[str, Any] = {"color": style.INK, "ha": "left", "va": "bottom"}
        figure.text(x / width, y / height, "\n".join(lines), fontsize=points, **usual | look)


def inches(axes: Axes) -> tuple[float, float]:
    """Width and height of a panel."""
    figure: Any = axes.get_figure()
    box = axes.get_position()
    return box.width * figure.get_figwidth(), box.height * figure.get_figheight()


def wrapped(text: str, width: float, points: float) -> list[str]:
    """Lines of text that fit into a width; long words break before brackets, then after signs."""
    most = max(int(width / (points * _EM)), 12)
    if any(len(word) > most for word in text.split()):
        text = " ".join(_broken(word, most) for word in text.split())
    return textwrap.wrap(text, most, break_on_hyphens=False)


def _broken(word: str, most: int) -> str:
    """A word with blanks where it may break, so far apart that none stands inside a line."""
    pieces = re.findall(r"\[?[^\[]+|\[", word)
    if any(len(piece) > most for piece in pieces):
        pieces = re.findall(r"[^_=+,.]*[_=+,.]|[^_=+,.]+", word)
    lines = [""]
    for piece in pieces:
        if len(lines[-1] + piece) > most:
            lines.append("")
        lines[-1] += piece
    return " ".join(filter(None, lines))


def told_apart(names: Sequence[str], cut: Callable[[str], str]) -> list[str]:
    """Names cut short, with what differs left in: the ends of those that begin alike.

    Parameters
    ----------
    cut : callable
        A name -> as much of its beginning as there is room for.
    """
    cuts = [cut(name) for name in names]
    short = list(cuts)
    for k, name in enumerate(names):
        twins = [names[j] for j, other in enumerate(cuts) if other == cuts[k] and names[j] != name]
        if twins:
            room = max(len(cuts[k].replace("\n", " ")) - 4, 8)
            letters = zip(name, *twins, strict=False)
            alike = sum(1 for _ in takewhile(lambda of: len(set(of)) == 1, letters))
            rest = name[name.rfind(" ", 0, alike) + 1 :][: max(room - 8, room // 2)]
            begins = name[: room - len(rest)].rstrip()
            short[k] = cut(f"{begins}… {rest}")
    return short


def text_width(text: str, points: float) -> float:
    """Inches of a text, its longest line, at most."""
    return max((len(line) for line in text.split("\n")), default=0) * points * _EM


def _legend_columns(handles: Sequence[Artist], width: float) -> tuple[int, int]:
    """(columns, lines) of a legend that fits into a width; it fills column after column.

    Many long labels are wrapped so that two columns hold them.
    """
    labels = [str(handle.get_label()) for handle in handles]
    if len(labels) > 6:
        room = width / 2 - _HANDLE
        labels = ["\n".join(wrapped(label, room, style.TICK)) for label in labels]
        for handle, label in zip(handles, labels, strict=True):
            handle.set_label(label)
    widths = np.array([text_width(label, style.TICK) + _HANDLE for label in labels])
    lines = np.array([label.count("\n") + 1 for label in labels])
    for n_rows in range(1, len(labels) + 1):
        n_columns = -(-len(labels) // n_rows)
        long, rest = divmod(len(labels), n_columns)
        ends = np.cumsum([long + (k < rest) for k in range(n_columns)])[:-1]
        if sum(column.max() for column in np.split(widths, ends)) <= width or n_columns == 1:
            return n_columns, max(int(column.sum()) for column in np.split(lines, ends))
    return 1, 0


def line_height(labels: Sequence[str]) -> float:
    """Inches that each of some labels needs where they stand one below another."""
    return 0.14 * max((label.count("\n") + 1 for label in labels), default=1) + 0.02
