"""Methods as points with Monte Carlo intervals, and theory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from simstudy.moments import Bools, Floats, Ints
from simstudy.report.figures import style
from simstudy.report.figures.frame import Frame
from simstudy.report.figures.scale import Scale

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

HOLLOW: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4.2,
                          "markerfacecolor": "white", "markeredgewidth": 1.1}  # fmt: skip
_MANY = 25  # points a line beyond which intervals are a band and markers go


def method_handles(table: Frame) -> list[Artist]:
    """Methods in a legend."""
    return [
        Line2D([], [], markersize=4, linewidth=1.2, label=method, **style.series(place))
        for place, method in zip(table.places, table.methods, strict=True)
    ]


def theory_handles(table: Frame) -> list[Artist]:
    """Kinds of theory that are there, in a legend."""
    kinds = (("exact", "theory, exact", style.EXACT),
             ("asymptotic", "theory, many clusters", style.ASYMPTOTIC))  # fmt: skip
    return [
        Line2D([], [], color=style.INK, label=label, **look)
        for kind, label, look in kinds
        if np.isfinite(table.theory[kind]).any()
    ]


def on_axis(table: Frame, scale: Scale) -> tuple[Floats, Floats, Floats]:
    """Value and interval on the axis, NaN where there is no number, shape (S, M) each."""
    with np.errstate(invalid="ignore"):
        found = [
            np.where(table.there, np.maximum(scale.of(v), scale.floor), np.nan)
            for v in (table.value, table.low, table.high)
        ]
    return found[0], found[1], found[2]


def draw_methods(
    axes: Axes, table: Frame, scale: Scale, scenarios: Ints, x: Floats, hollow: Bools | None = None
) -> None:
    """A line a method through some scenarios, at x, with intervals; theory beside it."""
    n_methods = len(table.methods)
    order = np.argsort(x, kind="stable")
    scenarios, x = scenarios[order], x[order]
    many = x.size > _MANY
    step = 0.0 if many else min(0.09, 0.55 / n_methods)
    value, low, high = (v[scenarios] for v in on_axis(table, scale))
    for m in range(n_methods):
        at = x + step * (m - (n_methods - 1) / 2)
        exact = _theory(axes, table, scale, scenarios, at, m)
        shown = np.isfinite(value[:, m])
        joined = not (exact[shown].all() and shown.any() and shown.sum() > 1)
        cells = [v[shown, m] for v in (value, low, high)]
        if shown.any() and many:
            _band(axes, at[shown], cells, table.places[m], joined=joined)
        elif shown.any():
            open_ = np.zeros(x.size, bool) if hollow is None else hollow[scenarios, m]
            _bars(axes, at[shown], cells, table.places[m], open_[shown], joined=joined)


def _theory(axes: Axes, table: Frame, scale: Scale, scenarios: Ints, x: Floats, m: int) -> Bools:
    """Draw what is known without simulation; return where it is exact, shape (scenarios,)."""
    there, colour = {}, style.series(table.places[m])["color"]
    for kind, look in (("exact", style.EXACT), ("asymptotic", style.ASYMPTOTIC)):
        y = scale.of(table.theory[kind][scenarios, m])
        y = np.where(np.isfinite(y), np.maximum(y, scale.floor), np.nan)
        there[kind] = np.isfinite(y)
        if there[kind].any():
            axes.plot(x, y, color=colour, zorder=2.2, **look)
            lone = there[kind] & (there[kind].sum() == 1)  # a line of one point has no length
            axes.plot(x[lone], y[lone], marker="_", markersize=9, linestyle="",
                      color=colour, zorder=2.2)  # fmt: skip
    return there["exact"]


def _bars(
    axes: Axes, x: Floats, cells: list[Floats], m: int, hollow: Bools, *, joined: bool
) -> None:
    """Markers with a bar each; the line between them goes where exact theory stands for it."""
    y, low, high = cells
    look = style.series(m)
    above = 3 - 0.1 * m / max(m, 10)
    error = [np.maximum(y - low, 0.0), np.maximum(high - y, 0.0)]
    axes.errorbar(
        x, y, yerr=error, markersize=3.6, linewidth=1.1 if joined else 0.0, elinewidth=0.9,
        capsize=0, zorder=above, **look,
    )  # fmt: skip
    if hollow.any():  # errorbar draws its markers at 0.1 above
        axes.plot(x[hollow], y[hollow], color=look["color"], zorder=above + 0.15,
                  **HOLLOW | {"marker": look["marker"]})  # fmt: skip


def _band(axes: Axes, x: Floats, cells: list[Floats], m: int, *, joined: bool) -> None:
    """Many points: a line with its intervals as a band; dots where theory is the line."""
    y, low, high = cells
    look: dict[str, Any] = style.series(m)
    axes.fill_between(x, low, high, color=look["color"], alpha=0.2, linewidth=0, zorder=2)
    if joined:
        axes.plot(x, y, color=look["color"], linestyle=look["linestyle"], linewidth=1.1, zorder=3)
    else:
        axes.plot(x, y, color=look["color"], linestyle="", marker=".", markersize=2.2, zorder=3)
