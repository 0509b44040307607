"""Error rate and SE bias against the design effect.

It is the axis on which scenarios collapse: with many clusters the pooled fit depends on
nothing else (Kish 1965; Moulton 1986).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simstudy.moments import Floats
from simstudy.report.figures import style
from simstudy.report.figures.frame import Frame, frame, kind
from simstudy.report.figures.letters import literal
from simstudy.report.figures.missing import no_method, not_used
from simstudy.report.figures.page import Layout, page
from simstudy.report.figures.points import method_handles, on_axis
from simstudy.report.figures.rates import INTERVAL, edges
from simstudy.report.figures.scale import (
    Scale,
    draw_scale,
    error_rate,
    scale_handles,
    se_bias,
)
from simstudy.theory import asymptotic

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

_CROWD = 150  # points a method beyond which they are dots without intervals
_CURVE: dict[str, Any] = {"color": style.INK} | style.ASYMPTOTIC
_TICKS = (0.1, 0.2, 0.5, 0.8, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 50, 100, 200, 500, 1000, 10_000)


@literal
def design_effect(summary: pa.Table, title: str = "", alpha: float | None = None) -> Figure:
    """Type I error (left) and SE bias (right) of all scenarios against the design effect.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    title : str
    alpha : float, optional
        Default: the study's first.
    """
    rates = frame(summary, "rejection_rate", alpha, theory=False)
    level = rates.level
    null = kind(rates, null=True)
    pairs = [
        (null, error_rate(level), lambda deff: asymptotic.size(deff, level)),
        (frame(summary, "relative_error_model_se", theory=False), se_bias(), asymptotic.se_bias),
    ]
    handles = [*method_handles(rates), Line2D([], [], label="pooled, many clusters", **_CURVE)]
    handles += [*scale_handles(pairs[0][1])]
    crowd = len(rates.levels) > _CROWD
    notes = ["Every point is a scenario" + ("" if crowd else f". {INTERVAL}")]
    notes += ["Dotted: size 2Φ(−z/√deff) and SE bias 1/√deff − 1"]
    notes += [note for table, scale, _ in pairs for note in edges(table, scale)]
    notes += not_used(rates)
    layout = Layout(
        title, "design effect", "", handles, list(dict.fromkeys(notes)), panel=(2.9, 2.7),
        wspace=0.72, shared=False,
    )  # fmt: skip
    figure, axes = page(1, 2, layout)
    for at, (table, scale, curve) in zip(axes[0], pairs, strict=True):
        _panel(at, table, scale, curve)
        at.set_title(scale.label, fontsize=style.LABEL, color=style.INK, pad=5)
    return figure


def _panel(axes: Axes, table: Frame, scale: Scale, curve: Any) -> None:
    """All scenarios of one measure, and the curve of the pooled fit with many clusters."""
    value, low, high = on_axis(table, scale)
    known = table.design_effect[np.isfinite(table.design_effect)]
    first, last = (known.min(), known.max()) if known.size else (1.0, 1.0)
    ends = np.array([min(first, 1.0) / 1.06, max(last, 1.5) * 1.06])
    grid = np.geomspace(ends[0], ends[1], 101)
    line = scale.of(np.array([curve(deff) for deff in grid]))
    bounds = [value, low, high] if len(table.levels) <= _CROWD else [value]
    draw_scale(axes, scale, np.concatenate([v.ravel() for v in (*bounds, line)]))
    axes.set_xscale("log")
    axes.set_xlim(*ends)
    axes.plot(grid, line, zorder=3.5, **_CURVE)
    n_methods = len(table.methods)
    for m in range(n_methods):
        shift = 1 + 0.012 * (m - (n_methods - 1) / 2) / max(n_methods / 4, 1)
        _method(
            axes,
            table.design_effect * shift,
            [v[:, m] for v in (value, low, high)],
            table.places[m],
        )
    if not np.isfinite(value).any():
        style.nothing(axes, no_method(table))
    inside = [tick for tick in _TICKS if ends[0] <= tick <= ends[1]]
    every = -(-len(inside) // 7)
    axes.xaxis.set_major_locator(FixedLocator(inside[::every]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda deff, _: f"{deff:g}"))
    style.clean(axes)


def _method(axes: Axes, x: Floats, cells: list[Floats], m: int) -> None:
    shown = np.isfinite(cells[0]) & np.isfinite(x)
    y, low, high = (v[shown] for v in cells)
    look = style.series(m) | {"linestyle": ""}
    if shown.sum() > _CROWD:
        axes.plot(x[shown], y, linestyle="", marker=".", markersize=2, alpha=0.5,
                  markeredgewidth=0, color=look["color"], zorder=2.5, rasterized=True)  # fmt: skip
    elif shown.any():
        error = [np.maximum(y - low, 0.0), np.maximum(high - y, 0.0)]
        axes.errorbar(x[shown], y, yerr=error, markersize=3.2, elinewidth=0.7,
                      zorder=3 - 0.1 * m / max(m, 10), **look)  # fmt: skip
