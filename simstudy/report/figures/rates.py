"""Error rate, SE bias and power against any factor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simstudy.moments import Bools, Floats, Ints
from simstudy.report.figures import style
from simstudy.report.figures.dots import dots
from simstudy.report.figures.facets import Facets, facets
from simstudy.report.figures.frame import Frame, frame, kind
from simstudy.report.figures.letters import literal
from simstudy.report.figures.missing import absence, not_used
from simstudy.report.figures.page import Layout, end_labels, label_ends, page, text_width, wrapped
from simstudy.report.figures.points import (
    HOLLOW,
    draw_methods,
    method_handles,
    on_axis,
    theory_handles,
)
from simstudy.report.figures.scale import (
    Scale,
    draw_scale,
    error_rate,
    rate_text,
    scale_handles,
)
from simstudy.report.figures.scale import (
    power as power_scale,
)
from simstudy.report.figures.scale import (
    se_bias as se_bias_scale,
)
from simstudy.report.wide import Level, level_text

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

_MOST_TICKS, _MOST_ENDS = 10, 14
INTERVAL = "Bars are 95 % Monte Carlo intervals"


@literal
def type1_error(
    summary: pa.Table, title: str = "", alpha: float | None = None, *,
    across: str | None = None, columns: str | None = None,
) -> Figure:  # fmt: skip
    """Type I error against a factor, in facets, with Bradley's band, theory where known.

    Parameters
    ----------
    summary : pyarrow.Table
        As in summary.parquet. Where the null is true anywhere, that alone is drawn.
    title : str
    alpha : float, optional
        Default: the study's first.
    across, columns : str, optional
        Factor along the axis (default: icc) and across the panels (default: x_icc).
    """
    table = frame(summary, "rejection_rate", alpha)
    null = bool((table.null == 1).any())
    if null:
        table = kind(table, null=True)
    return against(table, error_rate(table.level, null=null), title, across, columns)


@literal
def se_bias(
    summary: pa.Table, title: str = "", alpha: float | None = None, *,
    across: str | None = None, columns: str | None = None,
) -> Figure:  # fmt: skip
    """Relative error of the model SE against a factor, on an axis of ratios.

    Parameters: as `type1_error`; alpha is not needed.
    """
    table = frame(summary, "relative_error_model_se")
    return against(table, se_bias_scale(), title, across, columns)


@literal
def power(
    summary: pa.Table, title: str = "", alpha: float | None = None, *,
    across: str | None = None, columns: str | None = None,
) -> Figure:  # fmt: skip
    """Rejection rate where the null is false; hollow where the test's size is inflated.

    Inflated: in the same design with a true null, the whole Wilson interval of the rejection
    rate is above Bradley's liberal bound, 1.5 alpha.

    Parameters: as `type1_error`.
    """
    every = frame(summary, "rejection_rate", alpha)
    table = kind(every, null=False)
    hollow, known = table.inflated, table.sized[table.has_row]
    bound = rate_text(1.5 * every.alpha) if every.levels else ""
    if hollow.any():
        notes = [f"Hollow: in the same design where {every.when} the Type I error is above {bound}"
                 " (whole Monte Carlo interval), so this is no fair power"]  # fmt: skip
    elif known.all() and known.size:
        notes = [
            f"No method has a Type I error above {bound} in the same design where {every.when}"
        ]
    else:
        notes = []
    if not known.all():
        where_ = "some of these designs" if known.any() else "these designs"
        notes.append(f"No scenario where {every.when} in {where_}: size is not known there")
    return against(table, power_scale(), title, across, columns, hollow=hollow, notes=notes)


def against(
    table: Frame, scale: Scale, title: str, across: str | None = None,
    columns: str | None = None, hollow: Bools | None = None, notes: list[str] | None = None,
) -> Figure:  # fmt: skip
    """A measure against a factor, in facets; methods one below another where none varies."""
    notes = [*_fixed(table), *(notes or []), *edges(table, scale), *not_used(table)]
    if not table.factors and across is None:
        return dots(table, scale, title, hollow, notes)
    laid = facets(table, across, columns)
    one_column = len(laid.columns) == len(laid.rows) == 1
    direct = one_column and len(table.methods) <= _MOST_ENDS and len(laid.ticks) > 1
    labels, beside, least = end_labels(table.methods if direct else ())
    handles = [*theory_handles(table), *scale_handles(scale)]
    if hollow is not None and hollow.any():
        handles.append(Line2D([], [], label="size inflated", color=style.INK, **HOLLOW))
    if not direct:
        handles = method_handles(table) + handles
    down = max(text_width(style.heading(row, "\n"), style.LABEL) for row in laid.rows)
    high = max(1.6, min(down + 0.1, 2.6))
    lines = max(len(row) for row in laid.rows)
    layout = Layout(
        title, style.named(laid.across or ""), scale.label, handles, [*notes, *laid.notes],
        panel=(4.2, max(2.9, least)) if one_column else (2.15, high),
        headings=int(laid.columns != [{}]),
        right=beside if direct else 0.2 + 0.17 * lines,
    )  # fmt: skip
    figure, axes = page(len(laid.rows), len(laid.columns), layout)
    values = np.concatenate([v.ravel() for v in on_axis(table, scale)])
    draw_scale(axes[0][0], scale, values, bands=False)
    for i, row in enumerate(laid.rows):
        for k, column in enumerate(laid.columns):
            here = np.array(laid.scenarios.get((i, k), []), dtype=np.int64)
            _panel(axes[i][k], table, scale, here, laid, hollow)
            if i == 0:
                _head(axes[i][k], style.heading(column), layout.panel[0])
        if row:
            _beside(axes[i][-1], style.heading(row, "\n"))
    if direct:
        _ends(axes[0][0], table, scale, labels, laid.ticks)
    return figure


def _fixed(table: Frame) -> list[str]:
    """What all scenarios have in common, and what the bars are."""
    pairs = ", ".join(f"{style.named(f)} {level_text(v)}" for f, v in table.fixed.items())
    of = "All scenarios" if len(table.levels) > 1 else "Scenario"
    return [
        *([f"{of}: {pairs}"] if pairs else []),
        INTERVAL if len(table.levels) < 500 else INTERVAL.replace("Bars", "Bars and bands"),
    ]


def edges(table: Frame, scale: Scale) -> list[str]:
    """A note where something is below the axis and drawn on its edge."""
    with np.errstate(invalid="ignore"):
        below = table.there & (scale.of(table.value) < scale.floor)
    if not below.any():
        return []
    return [f"Values below {scale.text(scale.floor)} are drawn on the edge"]


def _panel(
    axes: Axes, table: Frame, scale: Scale, scenarios: Ints, laid: Facets, hollow: Bools | None
) -> None:
    """One facet: bands and nominal line, a line a method, a word on methods that are missing."""
    if not scenarios.size:
        axes.set_axis_off()  # no such scenario
        return
    for start, stop, colour, _ in scale.bands:
        axes.axhspan(start, stop, color=colour, linewidth=0, zorder=0.3)
    if scale.nominal is not None:
        axes.axhline(scale.nominal, zorder=1, **style.NOMINAL)
    ticks = laid.ticks
    place = {tick: i for i, tick in enumerate(ticks)}
    x = np.array([place[table.levels[s][laid.across or ""]] for s in scenarios], dtype=float)
    draw_methods(axes, table, scale, scenarios, x, hollow)
    axes.set_xlim(-0.5, len(ticks) - 0.5)
    _ticks(axes, [level_text(tick) or "none" for tick in ticks])
    style.clean(axes)
    _missing(axes, table, scale, scenarios, x)


def _ticks(axes: Axes, texts: list[str]) -> None:
    """As many labels along the axis as have room, wrapped where that helps."""
    figure: Any = axes.get_figure()
    room = axes.get_position().width * figure.get_figwidth()
    widest = min(max((text_width(text, style.TICK) for text in texts), default=0.1), 0.7)
    most = max(2, min(_MOST_TICKS, int(room / (widest + 0.08))))
    shown = range(0, len(texts), math.ceil(len(texts) / most))
    labels = ["\n".join(wrapped(texts[i], room / max(len(shown), 1), style.TICK)) for i in shown]
    axes.set_xticks(shown, labels)


def _missing(axes: Axes, table: Frame, scale: Scale, scenarios: Ints, x: Floats) -> None:
    """Name the methods that have no number in a panel, or count them, where there is room."""
    some = (table.has_row | table.not_asked)[scenarios].any(0)
    lost = np.flatnonzero(~table.there[scenarios].any(0) & some)
    if not lost.size:
        return
    reasons: dict[str, list[str]] = {}
    for m in lost:
        why = absence(table, scenarios.tolist(), int(m))
        reasons.setdefault(why, []).append(table.methods[m])
    figure: Any = axes.get_figure()
    width = axes.get_position().width * figure.get_figwidth()
    said = [f"{why}: {_names(mine, len(table.methods))}" for why, mine in reasons.items()]
    text = "\n".join(line for one in said for line in wrapped(one, 0.95 * width, 7))
    left = scenarios[x <= x.min() + 0.6 * (x.max() - x.min())]
    drawn = np.concatenate([ends[left].ravel() for ends in on_axis(table, scale)])
    height = (axes.transData + axes.transAxes.inverted()).transform
    at = [height((0.0, y))[1] for y in drawn[np.isfinite(drawn)]]
    top = not at or 1 - max(at) >= min(at)
    axes.text(
        0.03, 0.97 if top else 0.03, text, transform=axes.transAxes, fontsize=7,
        color=style.GREY, va="top" if top else "bottom", zorder=4,
    )  # fmt: skip


def _names(methods: list[str], of: int) -> str:
    """Methods by name, or how many they are."""
    if len(methods) == of > 1:
        return "all methods"
    names = ", ".join(methods)
    return names if len(names) <= 50 or len(methods) == 1 else f"{len(methods)} methods"


def _head(axes: Axes, text: str, inches: float) -> None:
    lines = wrapped(text, inches, style.LABEL)
    short = lines[0] + ("…" if len(lines) > 1 else "") if lines else ""
    axes.set_title(short, fontsize=style.LABEL, color=style.INK, pad=5)


def _beside(axes: Axes, text: str) -> None:
    axes.annotate(
        text, (1.0, 0.5), (5, 0), xycoords="axes fraction", textcoords="offset points",
        rotation=270, va="center", ha="left", fontsize=style.LABEL, color=style.INK,
        annotation_clip=False,
    )  # fmt: skip


def _ends(axes: Axes, table: Frame, scale: Scale, labels: list[str], ticks: list[Level]) -> None:
    """Labels at the right end of every method's line."""
    value = on_axis(table, scale)[0]
    (factor,) = table.factors
    last = np.argsort([ticks.index(levels[factor]) for levels in table.levels], kind="stable")
    ends = []
    for m, label in enumerate(labels):
        shown = value[last, m][np.isfinite(value[last, m])]
        if shown.size:
            ends.append((float(shown[-1]), label, table.places[m]))
    label_ends(axes, ends)
