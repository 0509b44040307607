"""Error rate and SE bias against the design effect.

It is the axis on which scenarios collapse: with many clusters the pooled fit depends on
nothing else (Kish 1965; Moulton 1986).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.drawing.against import INTERVAL, below_edge
from simstudy.report.drawing.matrix import Matrix, matrix
from simstudy.report.drawing.missing import no_method, not_used
from simstudy.report.drawing.page import page
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.points import draw_interval, method_handles, on_axis
from simstudy.report.drawing.scale import (
    Scale,
    draw_scale,
    error_rate,
    scale_handles,
    se_bias,
    set_ticks,
)
from simstudy.report.drawing.view import USUAL, View
from simstudy.theory import design_effect as theory

_CROWD = 150  # points a method beyond which they are dots without intervals
_CURVE: dict[str, Any] = {"color": style.INK} | style.ASYMPTOTIC
_TICKS = (0.1, 0.2, 0.5, 0.8, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 50, 100, 200, 500, 1000, 10_000)


@plot(
    "error rate and SE bias of all scenarios against the design effect",
    reads="summary",
    title="all scenarios by design effect",
    place=4,
    usual="design_effects",
    synonyms=("deff", "collapse", "kish"),
)
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:
    """Type I error (left) and SE bias (right) of all scenarios against the design effect.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    title : str
    alpha : float, optional
        Default: the study's first.
    view : View
    """
    words = view.words
    rates = matrix(summary, "rejection_rate", alpha, view)
    errors = matrix(summary, "relative_error_model_se", view=view)
    panels = [
        (rates.kind(null=True), error_rate(rates.level, words=words),
         lambda deff: theory.size(deff, rates.level)),
        (errors, se_bias(words), theory.se_bias),
    ]  # fmt: skip
    handles = [*method_handles(rates), Line2D([], [], label="pooled, many clusters", **_CURVE)]
    notes = [
        view.said,
        "Every point is a scenario" + ("" if len(rates.levels) > _CROWD else f". {INTERVAL}"),
        "Dotted: size 2Φ(−z/√deff) and SE bias 1/√deff − 1",
        *dict.fromkeys(below_edge(numbers, scale) for numbers, scale, _ in panels),
        not_used(rates),
    ]
    figure, axes = page(
        1, 2, (2.9, 2.7), notes=notes, gaps=(0.72, 0.2), wide=view.width, shared=False,
        labels=(title, f"{words.heading('design_effect')} (log scale)", ""),
        handles=[*handles, *scale_handles(panels[0][1])],
    )  # fmt: skip
    for panel, (numbers, scale, curve) in zip(axes[0], panels, strict=True):
        _panel(panel, numbers, scale, curve)
        panel.set_title(scale.label, fontsize=style.LABEL, color=style.INK, pad=5)
    return figure


def _panel(axes: Axes, matrix: Matrix, scale: Scale, curve: Callable[[float], float]) -> None:
    """All scenarios of one measure, and the curve of the pooled fit with many clusters."""
    numbers, effects = on_axis(matrix, scale), matrix.design_effect
    known = effects[np.isfinite(effects)]
    first, last = min([1.0, *known]) / 1.06, max([1.5, *known]) * 1.06
    grid = np.geomspace(first, last, 101)
    line = scale.of(np.array([curve(deff) for deff in grid]))
    drawn = numbers if len(matrix.levels) <= _CROWD else numbers[:1]
    draw_scale(axes, scale, np.concatenate([drawn.ravel(), line]))
    axes.set(xscale="log", xlim=(first, last))
    axes.plot(grid, line, zorder=3.5, **_CURVE)
    n_methods = len(matrix.methods)
    for m, place in enumerate(matrix.places):
        shift = 1 + 0.012 * (m - (n_methods - 1) / 2) / max(n_methods / 4, 1)
        _points(axes, effects * shift, numbers[:, :, m], place)
    if not np.isfinite(numbers[0]).any():
        style.nothing(axes, no_method(matrix))
    inside = [tick for tick in _TICKS if first <= tick <= last]
    set_ticks(axes.xaxis, inside[:: -(-len(inside) // 7)], lambda deff: f"{deff:g}")
    style.clean(axes)


def _points(axes: Axes, x: Floats, ends: Floats, place: int) -> None:
    """The scenarios of one method: points with intervals, or dots where they are a crowd."""
    shown = np.isfinite(ends[0]) & np.isfinite(x)
    look = style.series(place) | {"linestyle": ""}
    if shown.sum() > _CROWD:
        dots = {"color": look["color"], "marker": ".", "markersize": 2, "alpha": 0.5}
        axes.plot(x[shown], ends[0, shown], linestyle="", markeredgewidth=0, zorder=2.5,
                  rasterized=True, **dots)  # fmt: skip
    elif shown.any():
        look |= {"markersize": 3.2, "elinewidth": 0.7, "zorder": 3 - 0.1 * place / max(place, 10)}
        draw_interval(axes, x[shown], ends[:, shown], **look)
