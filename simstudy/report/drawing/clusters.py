"""A real data set by cluster, with the lines of four analyses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from simstudy.moments import Floats, Ints
from simstudy.report.drawing import style
from simstudy.report.drawing.letters import literal
from simstudy.report.drawing.page import page, wrapped

View = tuple[str, Floats, Floats, str]
_TOLD_APART = 12  # clusters with their own color and marker
_MOST_LINES, _MOST_POINTS = 100, 3000
_LINE_OF_TEXT = 9.5  # points


@literal
def by_cluster(
    x: Floats, y: Floats, sizes: Ints, views: Sequence[View], names: tuple[str, str, str],
    labels: Sequence[str],
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
        for j, label in enumerate(labels if few else ())
    ]
    texts = [wrapped(text, 2.6, style.NOTE) for _, _, _, text in views]
    most = max(map(len, texts))
    figure, axes = page(
        -(-len(views) // 2), 2, (2.7, 2.1), labels=("", *names[:2]), handles=handles,
        notes=notes, gaps=(0.16, 0.42 + _LINE_OF_TEXT / 72 * most), headings=1 + most,
    )  # fmt: skip
    levels = [y]
    for panel, view, text in zip(axes.ravel(), views, texts, strict=False):
        _units(panel, x, y, sizes, few=few)
        ends, level = _ends(x, sizes, view[1], view[2])
        _lines(panel, ends, level, shown, few=few)
        _head(panel, view[0], text)
        style.clean(panel)
        levels.append(level[np.isfinite(level)])
    first = axes[0][0]
    first.set(xlim=_limits(x), ylim=_limits(np.concatenate(levels)))
    first.xaxis.set_major_locator(MaxNLocator(6))
    first.yaxis.set_major_locator(MaxNLocator(6))
    return figure


def _head(axes: Axes, name: str, text: list[str]) -> None:
    """The name of a view, and below it its text: above the panel, where no unit can be."""
    pad = 5 + _LINE_OF_TEXT * len(text)
    axes.set_title(name, fontsize=style.LABEL, color=style.INK, loc="left", pad=pad)
    axes.annotate(
        "\n".join(text), (0, 1), (0, 4), "axes fraction", "offset points", ha="left", va="bottom",
        fontsize=style.NOTE, color=style.INK, linespacing=1.1,
    )  # fmt: skip


def _units(axes: Axes, x: Floats, y: Floats, sizes: Ints, *, few: bool) -> None:
    """A point a unit: in its cluster's color where clusters are few, else gray."""
    step = -(-x.size // _MOST_POINTS)
    cluster = np.repeat(np.arange(sizes.size), sizes)[::step]
    x, y = x[::step], y[::step]
    look: dict[str, Any] = {"alpha": 0.35 + 0.3 * min(1.0, max(0.25, 200 / x.size)), "zorder": 2}
    if not few:
        axes.plot(x, y, "o", color=style.GRAY, markersize=2.2, markeredgewidth=0, **look)
        return
    look |= {"markersize": 3.2, "markeredgewidth": 0.5, "linestyle": ""}
    for j in range(sizes.size):
        axes.plot(x[cluster == j], y[cluster == j], **style.series(j) | look)


def _lines(axes: Axes, ends: Floats, level: Floats, shown: Ints, *, few: bool) -> None:
    """One line over all x, or each cluster's over its own."""
    alone = len(ends) == 1
    drawn = [int(j) for j in ([0] if alone else shown) if np.isfinite(level[j]).all()]
    lone = [j for j in drawn if ends[j, 0] == ends[j, 1]]  # a line without length: a dash
    axes.plot(ends[lone, 0], level[lone, 0], color=style.INK if few else style.COLORS[1],
              linestyle="", marker="_", markersize=6, markeredgewidth=1.1, zorder=4)  # fmt: skip
    looks = [style.series(j) for j in drawn] if few else [{"color": style.COLORS[1]}]
    if alone:
        looks = [{"color": style.INK}]
    strong = alone or few
    axes.add_collection(
        LineCollection(
            [list(zip(ends[j], level[j], strict=True)) for j in drawn],
            colors=[look["color"] for look in looks] or None,
            linestyles=[look.get("linestyle", "-") for look in looks] or "-",
            linewidths=1.6 if strong else 0.8, alpha=1.0 if strong else 0.65, zorder=4,
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


def _limits(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    edge = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - edge, high + edge
