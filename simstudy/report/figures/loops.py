"""Nested-loop plot.

All scenarios side by side, ordered by their factors one within another, the factors as steps
below (Ruecker & Schwarzer 2014, BMC Med. Res. Methodol. 14:129).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from simstudy.moments import Floats
from simstudy.report.figures import style
from simstudy.report.figures.frame import Frame, frame, kind, take
from simstudy.report.figures.letters import literal
from simstudy.report.figures.missing import no_method, not_used
from simstudy.report.figures.page import Layout, end_labels, label_ends, page, text_width
from simstudy.report.figures.points import method_handles, on_axis
from simstudy.report.figures.scale import Scale, draw_scale, error_rate, scale_handles, se_bias
from simstudy.report.wide import Level, Wide, level_text, thin

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

_MOST = 400  # scenarios that can be told apart


@literal
def nested_loop(
    summary: pa.Table, title: str = "", alpha: float | None = None, *,
    measure: str = "rejection_rate", order: Sequence[str] | None = None,
) -> Figure:  # fmt: skip
    """A measure in all scenarios, with steps that say which scenario is where.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet. Of rejection rates, Type I errors where there are any.
    title : str
    alpha : float, optional
        Default: the study's first.
    measure : {"rejection_rate", "relative_error_model_se"}
    order : sequence of str, optional
        Factors from the outermost to the innermost loop. Default: as in the study.
    """
    table = frame(summary, measure, alpha, theory=False)
    rate = measure == "rejection_rate"
    null = bool((table.null == 1).any())
    if rate and null:
        table = kind(table, null=True)
    scale = error_rate(table.level, null=null) if rate else se_bias()
    n_scenarios = len(table.levels)
    factors, lost = _order(table, order), not_used(table)
    table, levels = _nested(table, factors)
    shown = len(table.levels)
    many = f"{shown} of {n_scenarios}" if shown < n_scenarios else f"{shown}"
    notes = [f"{many} scenarios, ordered by the factors below" if shown > 1 else "One scenario"]
    return _figure(table, scale, (factors, levels), title, [*notes, *lost])


def _figure(
    table: Frame, scale: Scale, loops: tuple[list[str], dict[str, list[Level]]], title: str,
    notes: list[str],
) -> Figure:  # fmt: skip
    """The methods' steps above, the factors' steps below."""
    factors, levels = loops
    direct = len(table.methods) <= 14
    labels, beside, least = end_labels(table.methods if direct else ())
    names = [*(_steps_text(f, levels[f]) for f in factors)]
    right = max([text_width(name, style.TICK) for name in names], default=0.0) + 0.3
    right = max(right, beside)
    below = 0.32 * max(len(factors), 1)
    above = max(2.6, least)
    handles = [*(() if direct else method_handles(table)), *scale_handles(scale)]
    layout = Layout(
        title, "", "", handles, notes, panel=(5.4, (above + below) / 2),
        headings=0, right=right, hspace=0.08, shared=False, ratios=(above, below),
    )  # fmt: skip
    figure, axes = page(2, 1, layout)
    top, bottom = axes[:, 0]
    cells = on_axis(table, scale)
    draw_scale(top, scale, cells[0].ravel())
    top.set_ylabel(scale.label, fontsize=style.LABEL, color=style.INK)
    top.yaxis.set_label_coords(-0.105, 0.5)
    n = max(len(table.levels), 1)
    ends = []
    for m in range(len(table.methods)):
        look = style.series(table.places[m])
        _steps(top, cells[0][:, m], look["color"], 1.2, zorder=3 - 0.01 * m,
               linestyle=look["linestyle"])  # fmt: skip
        shown = cells[0][np.isfinite(cells[0][:, m]), m]
        if shown.size and direct:
            ends.append((float(shown[-1]), labels[m], table.places[m]))
    for axis in (top, bottom):
        axis.set_xlim(-0.5, n - 0.5)
        axis.xaxis.set_major_locator(NullLocator())
        style.clean(axis, "y" if axis is top else None)
    if not np.isfinite(cells[0]).any():
        style.nothing(top, no_method(table))
    if direct:
        label_ends(top, ends, marked=False)
    _loops(bottom, table, factors, levels)
    return figure


def _order(table: Frame, order: Sequence[str] | None) -> list[str]:
    first = [] if order is None else list(order)
    for factor in first:
        if table.levels and factor not in table.levels[0]:
            known = ", ".join(table.levels[0])
            raise ValueError(f"no factor '{factor}' in this summary; there are {known}")
    return [f for f in first if f in table.factors] + [f for f in table.factors if f not in first]


def _nested(table: Frame, factors: list[str]) -> tuple[Frame, dict[str, list[Level]]]:
    """Scenarios in the order of the loops, some of them where they are too many."""
    index = np.arange(len(table.levels))
    if index.size > _MOST:
        rows: list[Any] = [(row | {"": i}, {}) for i, row in enumerate(table.levels)]
        kept = thin(Wide("", math.nan, tuple(factors), {}, (), rows), _MOST)
        index = np.array([row[0][""] for row in kept.rows], dtype=np.int64)
    levels = {f: list(dict.fromkeys(table.levels[i][f] for i in index)) for f in factors}
    for found in levels.values():
        if all(isinstance(level, int | float) for level in found):
            found.sort()
    place = {f: {level: k for k, level in enumerate(levels[f])} for f in factors}
    ordered = sorted(index, key=lambda i: [place[f][table.levels[i][f]] for f in factors])
    return replace(take(table, np.array(ordered, dtype=np.int64)), factors=table.factors), levels


def _steps(axes: Axes, y: Floats, colour: str, width: float, **look: Any) -> None:
    """A horizontal piece a scenario, joined by vertical ones."""
    if y.size:
        edges = np.arange(y.size + 1) - 0.5
        axes.step(edges, np.append(y, y[-1]), where="post", color=colour, linewidth=width, **look)


def _loops(axes: Axes, table: Frame, factors: list[str], levels: dict[str, list[Level]]) -> None:
    """Each factor as a step line in its own strip, its name and levels at the right."""
    labels = []
    for k, factor in enumerate(factors):
        place = {level: i for i, level in enumerate(levels[factor])}
        span = max(len(place) - 1, 1)
        at = np.array([place[row[factor]] / span for row in table.levels])
        base = len(factors) - 1 - k
        _steps(axes, base + 0.15 + 0.6 * at, style.INK, 0.8)
        labels.append((base + 0.45, _steps_text(factor, levels[factor]), style.INK))
    axes.set_ylim(-0.05, max(len(factors), 1))
    axes.yaxis.set_major_locator(NullLocator())
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for y, text, colour in labels:
        axes.text(len(table.levels) - 0.5, y, "  " + text, fontsize=style.TICK, color=colour,
                  va="center")  # fmt: skip


def _steps_text(factor: str, levels: list[Level]) -> str:
    """A factor and its levels, some of them where they are many."""
    texts = [level_text(level) or "none" for level in levels]
    if len(texts) > 5 or len(", ".join(texts)) > 30:
        texts = [texts[0], "…", texts[-1]]
    return f"{style.named(factor)}: {', '.join(texts)}".replace(", …, ", " … ")
