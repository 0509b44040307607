"""Nested-loop plot.

All scenarios side by side, ordered by their factors one within another, the factors as steps
below (Ruecker & Schwarzer 2014, BMC Med. Res. Methodol. 14:129).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from simstudy.moments import Floats
from simstudy.report.drawing import ends, style
from simstudy.report.drawing.facets import ordered
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.measured import measured
from simstudy.report.drawing.missing import no_method, not_used
from simstudy.report.drawing.page import page, text_width
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.points import method_handles, on_axis
from simstudy.report.drawing.scale import Scale, draw_scale, scale_handles
from simstudy.report.drawing.view import USUAL, View
from simstudy.report.pivot import Level, thin_levels
from simstudy.report.words import Words

_MOST = 400  # scenarios that can be told apart
Loops = dict[str, list[Level]]  # factors from the outermost to the innermost, with their levels


@plot(
    "error rate of all scenarios side by side, the factors as steps below",
    reads="summary",
    title="nested loops",
    takes=("measure", "panels"),
    place=5,
    synonyms=("nested", "loop", "loop_plot", "nested_loop_plot"),
)
def draw(
    summary: pa.Table, title: str = "", alpha: float | None = None, view: View = USUAL
) -> Figure:  # fmt: skip
    """A measure in all scenarios, with steps that say which scenario is where.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet. Of rejection whole, Type I errors where there are any.
    title : str
    alpha : float, optional
        Default: the study's first.
    view : View
        Its panels are the factors from the outermost to the innermost loop; by default they are
        in the order of the study.
    """
    whole, scale = measured(summary, view, alpha)
    order = view.panels
    whole.check(*order)
    factors = list(dict.fromkeys([*(f for f in order if f in whole.factors), *whole.factors]))
    shown, loops = _nested(whole, factors)
    n, of = len(shown.levels), len(whole.levels)
    many = f"{n} of {of}" if n < of else f"{n}"
    note = f"{many} scenarios, ordered by the factors below" if n > 1 else "One scenario"
    return _figure(shown, scale, loops, title, [view.said, note, not_used(whole)], view)


def _figure(
    matrix: Matrix, scale: Scale, loops: Loops, title: str, notes: list[str], view: View
) -> Figure:  # fmt: skip
    """The methods' steps above, the factors' steps below."""
    direct = len(matrix.methods) <= ends.MOST
    labels, beside, least = ends.end_labels(matrix.methods if direct else (), view.width)
    names = [_loop_text(matrix.words, factor, levels) for factor, levels in loops.items()]
    right = max([text_width(name, style.TICK) for name in names], default=0.0) + 0.3
    above, below = max(2.6, least), 0.32 * max(len(loops), 1)
    figure, ((top,), (bottom,)) = page(
        2, 1, (5.4, (above + below) / 2), labels=(title, "", ""), notes=notes,
        handles=[*(() if direct else method_handles(matrix)), *scale_handles(scale)],
        margins=(0.78, max(right, beside), 0.0), headings=0, gaps=(0.16, 0.08), shared=False,
        ratios=(above, below), wide=view.width,
    )  # fmt: skip
    values, _, _ = on_axis(matrix, scale)
    draw_scale(top, scale, values.ravel())
    top.set_ylabel(scale.label, fontsize=style.LABEL, color=style.INK)
    top.yaxis.set_label_coords(-0.105, 0.5)
    for m, place in enumerate(matrix.places):
        look = {key: style.series(place)[key] for key in ("color", "linestyle")}
        _steps(top, values[:, m], linewidth=1.2, zorder=3 - 0.01 * m, **look)
    for axes in (top, bottom):
        axes.set_xlim(-0.5, max(len(matrix.levels), 1) - 0.5)
        axes.xaxis.set_major_locator(NullLocator())
        style.clean(axes, "y" if axes is top else None)
    if not np.isfinite(values).any():
        style.nothing(top, no_method(matrix))
    if direct:
        ends.label_ends(top, matrix, values, labels, marked=False)
    _draw_loops(bottom, matrix, loops, names)
    return figure


def _nested(whole: Matrix, factors: list[str]) -> tuple[Matrix, Loops]:
    """Scenarios in the order of the loops, some of them where they are too many."""
    kept = thin_levels(whole.levels, factors, _MOST)
    loops = {f: ordered(whole.levels[s][f] for s in kept) for f in factors}
    kept.sort(key=lambda s: [loops[f].index(whole.levels[s][f]) for f in factors])
    return whole.take(np.array(kept, dtype=np.int64)), loops


def _steps(axes: Axes, y: Floats, **look: Any) -> None:
    """A horizontal piece a scenario, joined by vertical ones."""
    if y.size:
        axes.step(np.arange(y.size + 1) - 0.5, np.append(y, y[-1]), where="post", **look)


def _draw_loops(axes: Axes, matrix: Matrix, loops: Loops, names: list[str]) -> None:
    """Each factor as a step line in its own strip, its name and levels at the right."""
    for k, (factor, levels) in enumerate(loops.items()):
        heights = [levels.index(row[factor]) / max(len(levels) - 1, 1) for row in matrix.levels]
        base = len(loops) - 1 - k
        _steps(axes, base + 0.15 + 0.6 * np.array(heights), color=style.INK, linewidth=0.8)
        style.write(axes, len(matrix.levels) - 0.5, base + 0.45, "  " + names[k], va="center",
                    transform=axes.transData)  # fmt: skip
    axes.set_ylim(-0.05, max(len(loops), 1))
    axes.yaxis.set_major_locator(NullLocator())
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _loop_text(words: Words, factor: str, levels: list[Level]) -> str:
    """A factor and its levels, some of them where they are many."""
    texts = [words.level(factor, level) for level in levels]
    if len(texts) > 5 or len(", ".join(texts)) > 30:
        return f"{words.heading(factor)}: {texts[0]} … {texts[-1]}"
    return f"{words.heading(factor)}: {', '.join(texts)}"
