"""Where panels, title, legend and note stand on a figure.

Sizes are in inches and known beforehand, so that nothing has to be drawn twice to be placed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from simstudy.report.figures import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_EM = 0.56 / 72  # inches a character and point: a little wide, so that text ends inside
_HANDLE = 0.52  # inches of a legend's line and the space about it
_LEFT, _GAP = 0.78, 0.16


class Layout(NamedTuple):
    """What goes on a page besides its panels.

    Attributes
    ----------
    title, x_label, y_label : str
    handles : sequence of artists
        The legend; none where labels stand at the lines.
    notes : sequence of str
        Sentences below the figure.
    panel : (width, height)
    headings : int
        Lines of the headings of the first row of panels.
    right, left : float
        Margins beside the panels.
    below : float
        More room below the panels, for labels of their own.
    wspace, hspace : float
        Between the panels.
    shared : bool
        Whether all panels have the same axes.
    ratios : tuple of float, optional
        Heights of the rows, where they differ.
    """

    title: str = ""
    x_label: str = ""
    y_label: str = ""
    handles: Sequence[Artist] = ()
    notes: Sequence[str] = ()
    panel: tuple[float, float] = (2.15, 1.6)
    headings: int = 1
    right: float = 0.2
    left: float = _LEFT
    wspace: float = _GAP
    hspace: float = 0.2
    shared: bool = True
    below: float = 0.0
    ratios: tuple[float, ...] | None = None


def page(n_rows: int, n_columns: int, layout: Layout) -> tuple[Figure, Any]:
    """A figure with its panels, title, legend, labels of the axes and note.

    Returns
    -------
    figure, array of Axes, shape (n_rows, n_columns)
    """
    wide, high = layout.panel
    width = max(
        layout.left + n_columns * (wide + layout.wspace) - layout.wspace + layout.right, 4.8
    )
    inside = width - 0.24
    title = wrapped(layout.title, inside, style.TITLE)
    note = wrapped(" ".join(f"{text}." for text in layout.notes), inside, style.NOTE)
    columns, legend_rows = _legend_columns(layout.handles, inside)
    top = 0.1 + 0.19 * len(title) + 0.18 * legend_rows + 0.12 + 0.15 * layout.headings
    bottom = 0.34 + layout.below + (0.2 if layout.x_label else 0.0) + 0.135 * len(note)
    height = top + n_rows * (high + layout.hspace) - layout.hspace + bottom
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(
        n_rows, n_columns, sharex=layout.shared, sharey=layout.shared, squeeze=False,
        gridspec_kw={
            "left": layout.left / width, "right": 1 - layout.right / width,
            "top": 1 - top / height, "bottom": bottom / height,
            "wspace": layout.wspace / wide, "hspace": layout.hspace / high,
            "height_ratios": layout.ratios,
        },
    )  # fmt: skip
    _write(figure, layout, (title, note, columns), (top, bottom))
    return figure, axes


def _write(
    figure: Figure, layout: Layout, found: tuple[list[str], list[str], int],
    margins: tuple[float, float],
) -> None:  # fmt: skip
    """Title, legend, labels of the axes, note: each in its place."""
    title, note, columns = found
    width, height = figure.get_size_inches()
    top, bottom = margins
    middle_x = (layout.left + width - layout.right) / 2 / width
    middle_y = (bottom + height - top) / 2 / height
    if title:
        figure.text(0.12 / width, 1 - 0.1 / height, "\n".join(title), fontsize=style.TITLE,
                    color=style.INK, va="top")  # fmt: skip
    if layout.handles:
        figure.legend(
            handles=list(layout.handles), loc="upper left", ncols=columns, fontsize=style.TICK,
            frameon=False, borderpad=0, borderaxespad=0, handlelength=2.2, columnspacing=1.4,
            labelcolor=style.INK, labelspacing=0.35,
            bbox_to_anchor=(0.12 / width, 1 - (0.12 + 0.19 * len(title)) / height),
        )  # fmt: skip
    at = (0.12 + 0.135 * len(note)) / height
    if layout.x_label:
        figure.text(middle_x, at, layout.x_label, fontsize=style.LABEL, color=style.INK,
                    ha="center", va="bottom")  # fmt: skip
    if layout.y_label:
        figure.text(0.1 / width, middle_y, layout.y_label, fontsize=style.LABEL, color=style.INK,
                    rotation=90, ha="left", va="center")  # fmt: skip
    if note:
        figure.text(0.12 / width, 0.07 / height, "\n".join(note), fontsize=style.NOTE,
                    color="#5f5f5f", va="bottom", linespacing=1.25)  # fmt: skip


def wrapped(text: str, inches: float, points: float) -> list[str]:
    """Lines of text that fit into a width."""
    return textwrap.wrap(text, max(int(inches / (points * _EM)), 12), break_on_hyphens=False)


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
            alike = sum(
                1 for _ in takewhile(lambda of: len(set(of)) == 1, zip(name, *twins, strict=False))
            )
            rest = name[name.rfind(" ", 0, alike) + 1 :][: max(room - 8, room // 2)]
            begins = name[: room - len(rest)].rstrip()
            short[k] = cut(f"{begins}… {rest}")
    return short


def text_width(text: str, points: float) -> float:
    """Inches of a text, its longest line, at most."""
    return max((len(line) for line in text.split("\n")), default=0) * points * _EM


def _legend_columns(handles: Sequence[Artist], inches: float) -> tuple[int, int]:
    """(columns, lines) of a legend that fits into a width; it fills column after column.

    Many long labels are wrapped so that two columns hold them.
    """
    labels = [str(handle.get_label()) for handle in handles]
    if len(labels) > 6:
        room = inches / 2 - _HANDLE
        labels = ["\n".join(wrapped(label, room, style.TICK)) for label in labels]
        for handle, label in zip(handles, labels, strict=True):
            handle.set_label(label)
    widths = np.array([text_width(label, style.TICK) + _HANDLE for label in labels])
    lines = np.array([label.count("\n") + 1 for label in labels])
    for n_rows in range(1, len(labels) + 1):
        n_columns = -(-len(labels) // n_rows)
        long, rest = divmod(len(labels), n_columns)
        ends = np.cumsum([long + (k < rest) for k in range(n_columns)])[:-1]
        if sum(column.max() for column in np.split(widths, ends)) <= inches or n_columns == 1:
            return n_columns, max(int(column.sum()) for column in np.split(lines, ends))
    return 1, 0


def end_labels(labels: Sequence[str]) -> tuple[list[str], float, float]:
    """Labels for the ends of lines, wrapped; inches beside the panel, and its least height."""
    lines = ["\n".join(wrapped(label, 2.5, style.TICK)) for label in labels]
    beside = max((text_width(label, style.TICK) for label in lines), default=0.0) + 0.38
    return lines, beside, len(lines) * _line_height(lines)


def _line_height(labels: Sequence[str]) -> float:
    return 0.14 * max((label.count("\n") + 1 for label in labels), default=1) + 0.02


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, int]], *, marked: bool = True) -> None:
    """Write labels right of the panel, each at the end of its line, none over another.

    Parameters
    ----------
    axes : Axes
        With its final limits.
    ends : sequence of (y, label, number of the method)
    marked : bool
        Whether the lines have markers.
    """
    if not ends:
        return
    x = axes.get_xlim()[1]
    to_axes = axes.transData + axes.transAxes.inverted()
    at = np.array([to_axes.transform((x, y))[1] for y, _, _ in ends])
    at = np.clip(at, 0.0, 1.0)
    figure: Any = axes.get_figure()
    box = axes.get_position()
    high, wide = box.height * figure.get_figheight(), box.width * figure.get_figwidth()
    gap = _line_height([label for _, label, _ in ends]) / high
    left, text = 0.16 / wide, 0.25 / wide
    for k, y in zip(np.argsort(at, kind="stable"), spread(np.sort(at), gap), strict=True):
        _, label, m = ends[k]
        look = style.series(m)
        axes.plot([1.0, 1.0 + left], [at[k], y], color=look["color"], linewidth=0.5,
                  transform=axes.transAxes, clip_on=False)  # fmt: skip
        axes.plot([1.0 + left], [y], **look | ({} if marked else {"marker": ""}), markersize=3.6,
                  transform=axes.transAxes, clip_on=False)  # fmt: skip
        axes.text(1.0 + (text if marked else left + 0.03 / wide), y, label, fontsize=style.TICK,
                  color=look["color"], va="center", transform=axes.transAxes, linespacing=1.05,
                  clip_on=False)  # fmt: skip


def spread(at: Any, gap: float) -> Any:
    """Move ascending places apart to at least `gap`, inside [0, 1] where there is room.

    Parameters
    ----------
    at : array, shape (K,), ascending, not empty
    gap : float

    Returns
    -------
    array, shape (K,)
    """
    groups: list[list[float]] = []  # [centre, members]
    for place in at:
        groups.append([float(place), 1])
        while len(groups) > 1:
            (low, few), (high, more) = groups[-2:]
            if high - low >= gap * (few + more) / 2:
                break
            groups[-2:] = [[(low * few + high * more) / (few + more), few + more]]
    out = [c + gap * (i - (n - 1) / 2) for c, n in groups for i in range(int(n))]
    placed = np.array(out)
    placed -= max(0.0, placed[-1] - 1.0)
    return placed + max(0.0, -placed[0])
