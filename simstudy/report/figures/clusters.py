"""A real data set by cluster, with the lines of four analyses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from simstudy.moments import Floats, Ints
from simstudy.report.figures import style
from simstudy.report.figures.letters import literal
from simstudy.report.figures.page import Layout, page, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

View = tuple[str, Floats, Floats, str]
_TOLD_APART = 12  # clusters with their own colour and marker
_MOST_LINES, _MOST_POINTS = 100, 3000
_LINE_OF_TEXT = 9.5  # points


@literal
def by_cluster(
    x: Floats, y: Floats, sizes: Ints, views: Sequence[View], names: tuple[str, str, str],
    labels: Sequence[str], title: str = "",
) -> Figure:  # fmt: skip
    """The data in four panels, each with the lines of one view of them.

    Parameters
    ----------
    x, y : arrays, shape (N,)
        Sorted by cluster.
    sizes : array of int, shape (J,)
    views : sequence of (name, intercepts, slopes, text)
        Intercepts and slopes of shape (1,), a line for all, or (J,), a line a cluster.
    names : (predictor, outcome, cluster)
    labels : sequence of str
        Of the clusters.
    title : str
    """
    few = sizes.size <= _TOLD_APART
    shown = np.arange(sizes.size)
    notes = [f"{x.size} units in {sizes.size} clusters ({names[2]})"]
    if sizes.size > _MOST_LINES:
        shown = np.unique(np.linspace(0, sizes.size - 1, _MOST_LINES).round().astype(int))
        notes += [f"Lines of {shown.size} clusters are drawn, evenly by their order"]
    if x.size > _MOST_POINTS:
        notes += ["Not all units are drawn"]
    handles = [
        Line2D([], [], label=f"{names[2]} {label}", markersize=4, linewidth=1.2, **style.series(j))
        for j, label in enumerate(labels)
    ] if few else []  # fmt: skip
    told = {name: wrapped(text, 2.6, style.NOTE) for name, _, _, text in views}
    room = _LINE_OF_TEXT / 72 * max(map(len, told.values()))
    layout = Layout(title, names[0], names[1], handles, notes, panel=(2.7, 2.1),
                    hspace=0.42 + room, headings=1 + max(map(len, told.values())))  # fmt: skip
    figure, axes = page(-(-len(views) // 2), 2, layout)
    for at, (name, intercept, slope, _) in zip(axes.ravel(), views, strict=False):
        _units(at, x, y, sizes, few=few)
        _lines(at, x, sizes, (intercept, slope), shown, few=few)
        below = told[name]  # between name and panel, where no unit can be
        at.set_title(name, fontsize=style.LABEL, color=style.INK, loc="left",
                     pad=5 + _LINE_OF_TEXT * len(below))  # fmt: skip
        at.annotate(
            "\n".join(below), (0, 1), (0, 4), "axes fraction", "offset points",
            ha="left", va="bottom", fontsize=style.NOTE, color=style.INK, linespacing=1.1,
        )  # fmt: skip
        style.clean(at)
    axes[0][0].set_xlim(*_room(x))
    levels = [_ends(x, sizes, intercept, slope)[1].ravel() for _, intercept, slope, _ in views]
    axes[0][0].set_ylim(*_room(np.concatenate([y, *(v[np.isfinite(v)] for v in levels)])))
    axes[0][0].xaxis.set_major_locator(MaxNLocator(6))
    axes[0][0].yaxis.set_major_locator(MaxNLocator(6))
    return figure


def _units(axes: Axes, x: Floats, y: Floats, sizes: Ints, *, few: bool) -> None:
    """A point a unit: in its cluster's colour where clusters are few, else grey."""
    every = -(-x.size // _MOST_POINTS)
    cluster = np.repeat(np.arange(sizes.size), sizes)[::every]
    x, y = x[::every], y[::every]
    crowd = min(1.0, max(0.25, 200 / x.size))
    for j in range(sizes.size if few else 1):
        mine = cluster == j if few else slice(None)
        look = style.series(j) if few else {"color": style.GREY, "marker": "o"}
        axes.plot(
            x[mine], y[mine], markersize=3.2 if few else 2.2, alpha=0.35 + 0.3 * crowd,
            zorder=2, **look | {"linestyle": "", "markeredgewidth": 0 if not few else 0.5},
        )  # fmt: skip


def _lines(
    axes: Axes, x: Floats, sizes: Ints, line: tuple[Floats, Floats], shown: Ints, *, few: bool
) -> None:
    """One line over all x, or each cluster's over its own."""
    one = line[0].size == 1
    ends, level = _ends(x, sizes, *line)
    there = [j for j in ([0] if one else shown) if np.isfinite(level[j]).all()]
    pieces = [list(zip(ends[j], level[j], strict=True)) for j in there]
    lone = [j for j in there if ends[j, 0] == ends[j, 1]]  # a line without length: a dash
    axes.plot(ends[lone, 0], level[lone, 0], color=style.INK if few else style.COLOURS[1],
              linestyle="", marker="_", markersize=6, markeredgewidth=1.1, zorder=4)  # fmt: skip
    colours = [style.series(int(j))["color"] for j in there] if few else [style.COLOURS[1]]
    dashes = [style.series(int(j))["linestyle"] for j in there] if few else ["-"]
    axes.add_collection(
        LineCollection(
            pieces, colors=[style.INK] if one else colours or None,
            linestyles=["-"] if one else dashes or "-", linewidths=1.6 if one or few else 0.8,
            alpha=1.0 if one or few else 0.65, zorder=4,
        )
    )  # fmt: skip


def _ends(x: Floats, sizes: Ints, intercept: Floats, slope: Floats) -> tuple[Floats, Floats]:
    """X and y at both ends of each line, shapes (lines, 2): all of x, or each cluster's."""
    if intercept.size == 1:
        ends = np.array([[x.min(), x.max()]])
    else:
        starts = np.cumsum(sizes) - sizes
        ends = np.stack([np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)], axis=1)
    return ends, intercept[:, None] + slope[:, None] * ends


def _room(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    edge = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - edge, high + edge
