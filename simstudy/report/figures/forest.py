"""Forest plot: a row a scenario, with a point and an interval for every method."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simstudy.report.drawing import style
from simstudy.report.drawing.against import INTERVAL, below_edge
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.measured import measured
from simstudy.report.drawing.missing import absence, no_method, not_used
from simstudy.report.drawing.page import page, text_width, wrapped
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.points import draw_interval, method_handles, on_axis
from simstudy.report.drawing.scale import Scale, draw_scale, scale_handles
from simstudy.report.drawing.view import USUAL, View
from simstudy.report.pivot import Level, thin_levels
from simstudy.report.words import Words

_APART, _ROW = 0.11, 0.26  # inches a method, and the least a scenario
_MOST = 9.0  # inches of all rows


@plot(
    "a measure of all scenarios, a row each, with the interval of every method",
    reads="summary",
    title="forest plot",
    takes=("measure",),
    place=10,
    synonyms=("forest_plot", "dot_plot", "dots", "lollipop", "caterpillar"),
)
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:
    """A measure of all scenarios, one below another.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet.
    title : str
    alpha : float, optional
        Default: the study's first.
    view : View
        Its measure is what is shown; by default Type I errors, where there are any.
    """
    whole, scale = measured(summary, view, alpha)
    n_methods = max(len(whole.methods), 1)
    high = max(_ROW, _APART * n_methods + 0.08)
    kept = thin_levels(whole.levels, whole.factors, max(int(_MOST / high), 1))
    shown = whole.take(np.array(kept, dtype=np.int64))
    n, of, words = len(shown.levels), len(whole.levels), whole.words
    names = [_named(words, {f: levels[f] for f in whole.factors}) for levels in shown.levels]
    room = 2.6 if view.width is None else min(2.6, 0.42 * view.width / 25.4)
    lines = ["\n".join(wrapped(name, room, style.TICK)) for name in names]
    high = max(high, 0.14 * max((text.count("\n") + 1 for text in lines), default=1) + 0.08)
    fixed = words.levels(whole.fixed)
    left = max((text_width(text, style.TICK) for text in lines), default=0.0) + 0.2
    figure, ((axes,),) = page(
        1, 1, (4.4, max(high * n, 0.7) + 0.1), labels=(title, scale.label, ""), headings=0,
        handles=[*method_handles(whole), *scale_handles(scale)], wide=view.width,
        margins=(max(left, 0.4), 0.2, 0.0),
        notes=[view.said, f"{'All scenarios' if of > 1 else 'Scenario'}: {fixed}" if fixed else "",
               INTERVAL, f"{n} of {of} scenarios are shown" if n < of else "",
               below_edge(shown, scale), not_used(whole)],
    )  # fmt: skip
    _rows(axes, shown, scale, high)
    axes.set_yticks(range(n), lines)
    return figure


def _named(words: Words, levels: dict[str, Level]) -> str:
    """Levels in pieces that are not broken."""
    pieces = (words.levels({f: v}).replace(" ", "\N{NO-BREAK SPACE}") for f, v in levels.items())
    return ", ".join(pieces)


def _rows(axes: Axes, matrix: Matrix, scale: Scale, high: float) -> None:
    """All methods of all scenarios; a word where no method has a number."""
    numbers = on_axis(matrix, scale)
    draw_scale(axes, scale, numbers.ravel(), "x")
    n, n_methods = len(matrix.levels), len(matrix.methods)
    for m, place in enumerate(matrix.places):
        y = np.arange(n) + _APART / high * (m - (n_methods - 1) / 2)
        there = np.isfinite(numbers[0, :, m])
        look = style.series(place) | {"linestyle": "", "markersize": 3.4, "elinewidth": 0.9}
        if there.any():
            draw_interval(axes, y[there], numbers[:, there, m], across=True, zorder=3, **look)
        for s in np.flatnonzero(~there & np.isfinite(numbers[0]).any(axis=1)).tolist():
            _say(axes, float(y[s]), f"{absence(matrix, [s], m)}: {matrix.methods[m]}", 6.0)
    for s in np.flatnonzero(~np.isfinite(numbers[0]).any(axis=1)).tolist():
        _say(axes, s, absence(matrix, [s], 0) if n_methods == 1 else no_method(matrix), style.TICK)
    for s in range(1, n):
        axes.axhline(s - 0.5, color=style.PALE, linewidth=0.6, zorder=0.5)
    if not n:
        style.nothing(axes, "no such scenario" if matrix.methods else no_method(matrix))
    axes.set_ylim(max(n, 1) - 0.5, -0.5)
    style.clean(axes, "x")
    axes.tick_params(axis="y", length=0)


def _say(axes: Axes, y: float, text: str, points: float) -> None:
    """Say in a row why there is no interval."""
    row = axes.get_yaxis_transform()
    style.write(axes, 0.02, y, text, transform=row, color=style.GRAY, va="center", fontsize=points)
