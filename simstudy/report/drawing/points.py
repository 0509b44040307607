"""Methods as points with Monte Carlo intervals, and theory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from simstudy.moments import Bools, Floats, Ints
from simstudy.report.drawing import style
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.missing import absence
from simstudy.report.drawing.scale import Scale

HOLLOW: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4.2,
                          "markerfacecolor": "white", "markeredgewidth": 1.1}  # fmt: skip
_MANY = 25  # points a line beyond which intervals are a band and markers go
_THEORY = {"exact": ("theory, exact", style.EXACT),
           "asymptotic": ("theory, many clusters", style.ASYMPTOTIC)}  # fmt: skip


def method_handles(matrix: Matrix) -> list[Artist]:
    """Methods in a legend."""
    return [
        Line2D([], [], markersize=4, linewidth=1.2, label=method, **style.series(place))
        for place, method in zip(matrix.places, matrix.methods, strict=True)
    ]


def theory_handles(matrix: Matrix) -> list[Artist]:
    """Kinds of theory that there are, in a legend, and beside them what is simulated."""
    known = [kind for kind in _THEORY if np.isfinite(matrix.cells[kind]).any()]
    handles = [Line2D([], [], color=style.INK, label=_THEORY[kind][0], **_THEORY[kind][1])
               for kind in known]  # fmt: skip
    if not known or not matrix.has_value.any():
        return [*handles]
    bare = np.isnan(matrix.cells["exact"])[matrix.has_value].any() and len(matrix.levels) > 1
    line = style.JOINED if bare else {"linestyle": ""}
    label = "simulated, joined" if bare else "simulated"
    points = Line2D([], [], color=style.INK, marker="o", markersize=3.6, label=label, **line)
    return [points, *handles]


def on_axis(matrix: Matrix, scale: Scale) -> Floats:
    """Value and interval on the axis, NaN where there is no number, shape (3, S, M)."""
    numbers = np.stack([matrix.cells[name] for name in ("value", "low", "high")])
    with np.errstate(invalid="ignore"):
        on_scale = np.maximum(scale.of(numbers), scale.floor)
    return np.where(matrix.has_value, on_scale, np.nan)


def draw_interval(axes: Axes, x: Any, ends: Floats, across: bool = False, **look: Any) -> None:
    """Points with a bar each: value, low and high end, shape (3, points)."""
    value, low, high = ends
    reach = np.maximum([value - low, high - value], 0.0)
    if across:
        axes.errorbar(value, x, xerr=reach, **look)
    else:
        axes.errorbar(x, value, yerr=reach, **look)


def draw_methods(
    axes: Axes, matrix: Matrix, scale: Scale, scenarios: Ints, x: Floats, hollow: Bools | None,
    gap: float = 1.0,
) -> None:  # fmt: skip
    """A line a method through some scenarios, at x, with intervals; theory beside it.

    `gap` is the least distance of two levels along the axis.
    """
    n_methods = len(matrix.methods)
    order = np.argsort(x, kind="stable")
    scenarios, x = scenarios[order], x[order]
    many = x.size > _MANY
    step = 0.0 if many else min(0.09, 0.55 * gap / n_methods)
    numbers = on_axis(matrix, scale)[:, scenarios]
    for m, place in enumerate(matrix.places):
        moved = x + step * (m - (n_methods - 1) / 2)
        exact = _theory(axes, matrix, scale, scenarios, moved, m)
        shown = np.isfinite(numbers[0, :, m])
        joined = not (exact[shown].all() and shown.any() and shown.sum() > 1)
        if shown.any() and many:
            _band(axes, moved[shown], numbers[:, shown, m], place, joined=joined)
        elif shown.any():
            empty = shown & (False if hollow is None else hollow[scenarios, m])
            _bars(axes, moved[shown], numbers[:, shown, m], place, empty[shown], joined=joined)


def _theory(axes: Axes, matrix: Matrix, scale: Scale, scenarios: Ints, x: Floats, m: int) -> Bools:
    """Draw what is known without simulation; return where it is exact, shape (scenarios,)."""
    color = style.series(matrix.places[m])["color"]
    for kind, (_, look) in _THEORY.items():
        y = scale.of(matrix.cells[kind][scenarios, m])
        y = np.where(np.isfinite(y), np.maximum(y, scale.floor), np.nan)
        known = np.isfinite(y)
        if known.any():
            axes.plot(x, y, color=color, zorder=2.2, **look)
            lone = known & (known.sum() == 1)  # a line of one point has no length
            dash: dict[str, Any] = {"marker": "_", "markersize": 9, "linestyle": ""}
            axes.plot(x[lone], y[lone], color=color, zorder=2.2, **dash)
    return np.isfinite(matrix.cells["exact"][scenarios, m])


def _bars(axes: Axes, x: Floats, ends: Floats, m: int, hollow: Bools, *, joined: bool) -> None:
    """Markers with a bar each; the line between them goes where exact theory stands for it."""
    look = style.series(m) | {"elinewidth": 0.9}
    above = 3 - 0.1 * m / max(m, 10)
    if joined:
        axes.plot(x, ends[0], color=look["color"], zorder=above - 0.3, **style.JOINED)
    draw_interval(axes, x, ends, markersize=3.6, zorder=above, **look | {"linestyle": ""})
    if hollow.any():  # errorbar draws its markers at 0.1 above
        empty = HOLLOW | {"marker": look["marker"]}
        axes.plot(x[hollow], ends[0, hollow], color=look["color"], zorder=above + 0.15, **empty)


def _band(axes: Axes, x: Floats, ends: Floats, m: int, *, joined: bool) -> None:
    """Many points: a line with its intervals as a band; dots where theory is the line."""
    look = style.series(m)
    axes.fill_between(x, *ends[1:], color=look["color"], alpha=0.2, linewidth=0, zorder=2)
    line = style.JOINED
    dots: dict[str, Any] = {"linestyle": "", "marker": ".", "markersize": 2.2}
    axes.plot(x, ends[0], color=look["color"], zorder=3, **line if joined else dots)


def draw_row(axes: Axes, matrix: Matrix, scale: Scale, m: int, *, hollow: bool) -> None:
    """One method of one scenario in a row of its own: a point with its interval, and theory."""
    look = style.series(matrix.places[m]) | {"linestyle": ""}
    ends = on_axis(matrix, scale)[:, :1, m]
    if np.isfinite(ends[0, 0]):
        empty = {"markerfacecolor": "white"} if hollow else {}
        size: dict[str, Any] = {"markersize": 4.5, "elinewidth": 1.1}
        draw_interval(axes, [m], ends, across=True, zorder=3, **look | size | empty)
    else:
        row, why = axes.get_yaxis_transform(), absence(matrix, [0], m)
        style.write(axes, 0.02, m, why, transform=row, color=style.GRAY, va="center")
    for kind, (_, line) in _THEORY.items():
        known = float(scale.of(matrix.cells[kind][0, m]))
        if math.isfinite(known):
            axes.plot([known] * 2, [m - 0.3, m + 0.3], color=look["color"], zorder=2.2, **line)
