"""One scenario, methods one below another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from simstudy.moments import Bools
from simstudy.report.figures import style
from simstudy.report.figures.frame import Frame
from simstudy.report.figures.missing import absence, no_method
from simstudy.report.figures.page import Layout, page, text_width, wrapped
from simstudy.report.figures.points import on_axis, theory_handles
from simstudy.report.figures.scale import Scale, draw_scale, scale_handles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def dots(table: Frame, scale: Scale, title: str, hollow: Bools | None, notes: list[str]) -> Figure:
    """The measure of each method along the axis, with its interval; labels stand beside it."""
    n_methods = len(table.methods)
    names = ["\n".join(wrapped(m, 2.4, style.TICK)) for m in table.methods]
    left = max([text_width(name, style.TICK) for name in names], default=0.0) + 0.25
    handles = [*theory_handles(table), *scale_handles(scale)]
    rows = sum(max(0.34, 0.14 * (name.count("\n") + 1) + 0.1) for name in names)
    layout = Layout(
        title, scale.label, "", handles, notes, panel=(3.9, max(rows + 0.3, 0.9)),
        headings=0, left=max(left, 0.9),
    )  # fmt: skip
    figure, axes = page(1, 1, layout)
    only = axes[0][0]
    draw_scale(only, scale, np.concatenate([v.ravel() for v in on_axis(table, scale)]), "x")
    for m in range(n_methods if table.levels else 0):
        _method(only, table, scale, m, hollow=hollow is not None and bool(hollow[0, m]))
    if not table.levels:
        style.nothing(only, "no such scenario" if table.methods else no_method(table))
    only.set_yticks(range(n_methods), names)
    only.set_ylim(max(n_methods, 1) - 0.4, -0.6)
    style.clean(only, "x")
    return figure


def _method(axes: Axes, table: Frame, scale: Scale, m: int, *, hollow: bool) -> None:
    """One method: a point with its interval, and what is known without simulation."""
    look = (
        style.series(table.places[m])
        | {"linestyle": ""}
        | ({"markerfacecolor": "white"} if hollow else {})
    )
    y, low, high = (float(v[0, m]) for v in on_axis(table, scale))
    if math.isfinite(y):
        axes.errorbar([y], [m], xerr=[[max(y - low, 0.0)], [max(high - y, 0.0)]], markersize=4.5,
                      elinewidth=1.1, zorder=3, **look)  # fmt: skip
    else:
        axes.text(0.02, m, absence(table, [0], m), transform=axes.get_yaxis_transform(),
                  fontsize=style.TICK, color=style.GREY, va="center")  # fmt: skip
    for kind, line in (("exact", style.EXACT), ("asymptotic", style.ASYMPTOTIC)):
        known = float(scale.of(table.theory[kind][0, m]))
        if math.isfinite(known):
            axes.plot([known, known], [m - 0.3, m + 0.3], color=look["color"], zorder=2.2, **line)
