"""A measure against any factor: a line a method in facets, or a row a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simstudy.moments import Bools, Floats, Ints
from simstudy.report.drawing import ends, style
from simstudy.report.drawing.facets import Facets, Levels, facets
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.missing import absence, no_method, not_used
from simstudy.report.drawing.page import inches, page, panel_width, text_width, wrapped
from simstudy.report.drawing.points import (
    HOLLOW,
    draw_methods,
    draw_row,
    method_handles,
    on_axis,
    theory_handles,
)
from simstudy.report.drawing.scale import Scale, draw_nominal, draw_scale, scale_handles
from simstudy.report.drawing.view import USUAL, View
from simstudy.report.words import Words

_MOST_TICKS = 10
_MOST_NAMED = 20  # levels that a note names
INTERVAL = "Bars are 95 % Monte Carlo intervals"


def against(
    matrix: Matrix, scale: Scale, title: str, hollow: Bools | None = None,
    notes: Sequence[str] = (), view: View = USUAL,
) -> Figure:  # fmt: skip
    """A measure against a factor, in facets; methods one below another where none varies."""
    notes = [view.said, *_fixed(matrix), *notes, below_edge(matrix, scale), not_used(matrix)]
    handles = [*theory_handles(matrix), *scale_handles(scale)]
    if view.target is not None:
        handles.append(Line2D([], [], label=f"target {scale.text(view.target)}", **style.TARGET))
    if not matrix.factors and view.x is None:
        return _in_rows(matrix, scale, (title, scale.label, ""), handles, notes, hollow, view)
    if hollow is not None and hollow.any():
        handles.append(Line2D([], [], label="size inflated", color=style.INK, **HOLLOW))
    return _in_facets(matrix, scale, title, handles, notes, hollow, view)


def _in_facets(
    matrix: Matrix, scale: Scale, title: str, handles: list[Artist], notes: list[str],
    hollow: Bools | None, view: View,
) -> Figure:  # fmt: skip
    """Several scenarios: the measure against a factor, a panel for every level of the others."""
    laid, words = facets(matrix, view.x, view.panels, categories=view.categories), matrix.words
    one_panel = len(laid.columns) == len(laid.rows) == 1
    direct = one_panel and len(matrix.methods) <= ends.MOST and len(laid.ticks) > 1
    labels, beside, least = ends.end_labels(matrix.methods if direct else (), view.width)
    handles = handles if direct else method_handles(matrix) + handles
    down = max(text_width(words.equations(row, "\n"), style.LABEL) for row in laid.rows)
    panel = (4.2, max(2.9, least)) if one_panel else (2.15, max(1.6, min(down + 0.1, 2.6)))
    sides = [_heading(words, levels, panel[1]) for levels in laid.rows]
    margins = (0.78, beside if direct else 0.2 + 0.17 * max(map(len, sides)), 0.0)
    room = panel_width(panel[0], len(laid.columns), margins[:2], 0.16, view.width)
    heads = [_heading(words, levels, room) for levels in laid.columns]
    figure, axes = page(
        len(laid.rows), len(laid.columns), panel, handles=handles,
        notes=[*notes, *laid.notes, _unlabeled(laid, words, room)],
        labels=(title, _axis_label(laid, words), scale.label), margins=margins,
        headings=max(map(len, heads)), wide=view.width,
    )  # fmt: skip
    draw_scale(axes[0][0], scale, on_axis(matrix, scale).ravel(), nominal=False)
    for i, side in enumerate(sides):
        for k, head in enumerate(heads):
            _panel(axes[i][k], matrix, scale, laid, (i, k), hollow, view.target)
            if i == 0:
                axes[i][k].set_title("\n".join(head), fontsize=style.LABEL, color=style.INK, pad=5)
        if side:
            _beside(axes[i][-1], "\n".join(side))
    if direct:
        order = np.argsort(laid.x(matrix, np.arange(len(matrix.levels))), kind="stable")
        ends.label_ends(axes[0][0], matrix, on_axis(matrix, scale)[0, order], labels)
    return figure


def _axis_label(laid: Facets, words: Words) -> str:
    return words.heading(laid.across or "") + (" (log scale)" if laid.log else "")


def _tick_texts(laid: Facets, words: Words) -> list[str]:
    return [words.level(laid.across or "", tick) for tick in laid.ticks]


def _unlabeled(laid: Facets, words: Words, room: float) -> str:
    """A note that names all levels along the axis where not all have room there."""
    texts = _tick_texts(laid, words)
    if len(_labeled(texts, laid.places, room)) == len(texts):
        return ""
    some = texts if len(texts) <= _MOST_NAMED else [*texts[:3], "…", *texts[-3:]]
    return f"{words.heading(laid.across or '')}: {', '.join(some)}"


def below_edge(matrix: Matrix, scale: Scale) -> str:
    """A note where something is below the axis and drawn on its edge."""
    with np.errstate(invalid="ignore"):
        below = matrix.has_value & (scale.of(matrix.cells["value"]) < scale.floor)
    return f"Values below {scale.text(scale.floor)} are drawn on the edge" if below.any() else ""


def _fixed(matrix: Matrix) -> list[str]:
    """What all scenarios have in common, and what the bars are."""
    levels = matrix.words.levels(matrix.fixed)
    of = "All scenarios" if len(matrix.levels) > 1 else "Scenario"
    many = len(matrix.levels) >= 500
    return [f"{of}: {levels}" if levels else "",
            INTERVAL.replace("Bars", "Bars and bands") if many else INTERVAL]  # fmt: skip


def _in_rows(
    matrix: Matrix, scale: Scale, labels: tuple[str, str, str], handles: list[Artist],
    notes: Sequence[str], hollow: Bools | None, view: View,
) -> Figure:  # fmt: skip
    """One scenario: the measure along the axis, methods one below another, labels beside."""
    n_methods = len(matrix.methods)
    room = 2.4 if view.width is None else min(2.4, 0.4 * view.width / 25.4)
    names = ["\n".join(wrapped(method, room, style.TICK)) for method in matrix.methods]
    left = max([text_width(name, style.TICK) for name in names], default=0.0) + 0.25
    rows = sum(max(0.34, 0.14 * (name.count("\n") + 1) + 0.1) for name in names)
    figure, ((axes,),) = page(
        1, 1, (3.9, max(rows + 0.3, 0.9)), labels=labels, handles=handles, notes=notes,
        headings=0, margins=(max(left, 0.9), 0.2, 0.0), wide=view.width,
    )  # fmt: skip
    draw_scale(axes, scale, on_axis(matrix, scale).ravel(), "x")
    for m in range(n_methods if matrix.levels else 0):
        draw_row(axes, matrix, scale, m, hollow=hollow is not None and bool(hollow[0, m]))
    if not matrix.levels:
        style.nothing(axes, "no such scenario" if matrix.methods else no_method(matrix))
    axes.set_yticks(range(n_methods), names)
    axes.set_ylim(max(n_methods, 1) - 0.4, -0.6)
    style.clean(axes, "x")
    return figure


def _panel(
    axes: Axes, matrix: Matrix, scale: Scale, laid: Facets, place: tuple[int, int],
    hollow: Bools | None, target: float | None,
) -> None:  # fmt: skip
    """One facet: bands and nominal line, a line a method, a word on methods that are missing."""
    scenarios = np.array(laid.scenarios.get(place, []), dtype=np.int64)
    if not scenarios.size:
        axes.set_axis_off()  # no such scenario
        return
    draw_nominal(axes, scale)
    if target is not None:
        axes.axhline(target, zorder=1, **style.TARGET)
    x = laid.x(matrix, scenarios)
    draw_methods(axes, matrix, scale, scenarios, x, hollow, laid.gap)
    axes.set_xlim(-0.5, len(laid.ticks) - 0.5)
    _ticks(axes, _tick_texts(laid, matrix.words), laid.places)
    style.clean(axes)
    axes.tick_params(axis="x", which="minor", length=1.5, width=0.5, color=style.INK)
    _missing(axes, matrix, scale, scenarios, x)


def _labeled(texts: Sequence[str], places: Floats, room: float) -> list[int]:
    """Numbers of the levels along an axis of so many inches that have room for their labels."""
    widest = min(max((text_width(text, style.TICK) for text in texts), default=0.1), 0.7)
    least = max((widest + 0.08) / max(room, 0.1), 1 / _MOST_TICKS) * len(texts)
    shown = [0] if texts else []
    for i in range(1, len(texts)):
        if places[i] - places[shown[-1]] >= min(least, len(texts) - 1.0):
            shown.append(i)
    return shown


def _ticks(axes: Axes, texts: list[str], places: Floats) -> None:
    """Levels along the axis, a short tick each, labeled where there is room."""
    room, _ = inches(axes)
    shown = _labeled(texts, places, room)
    labels = ["\n".join(wrapped(texts[i], room / max(len(shown), 1), style.TICK)) for i in shown]
    axes.set_xticks(places[shown], labels)
    axes.set_xticks(places, minor=True)


def _missing(axes: Axes, matrix: Matrix, scale: Scale, scenarios: Ints, x: Floats) -> None:
    """Name the methods that have no number in a panel, or count them, where there is room."""
    expected = (matrix.has_row | ~matrix.cells["asked"])[scenarios].any(0)
    lost = np.flatnonzero(~matrix.has_value[scenarios].any(0) & expected)
    if not lost.size:
        return
    reasons: dict[str, list[str]] = {}
    for m in lost:
        why = absence(matrix, scenarios.tolist(), int(m))
        reasons.setdefault(why, []).append(matrix.methods[m])
    room = 0.95 * inches(axes)[0]
    said = [f"{why}: {_names(names, len(matrix.methods))}" for why, names in reasons.items()]
    text = "\n".join(line for reason in said for line in wrapped(reason, room, 7))
    left = scenarios[x <= x.min() + 0.6 * (x.max() - x.min())]
    drawn = on_axis(matrix, scale)[:, left]
    height = (axes.transData + axes.transAxes.inverted()).transform
    levels = [height((0.0, y))[1] for y in drawn[np.isfinite(drawn)]]
    top = not levels or 1 - max(levels) >= min(levels)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8}
    look: dict[str, Any] = {"fontsize": 7, "color": style.GRAY, "zorder": 4, "bbox": box}
    look["va"] = "top" if top else "bottom"
    style.write(axes, 0.03, 0.97 if top else 0.03, text, **look)


def _names(methods: list[str], of: int) -> str:
    """Methods by name, or how many they are."""
    if len(methods) == of > 1:
        return "all methods"
    names = ", ".join(methods)
    return names if len(names) <= 50 or len(methods) == 1 else f"{len(methods)} methods"


def _heading(words: Words, levels: Levels, room: float) -> list[str]:
    """Lines that head a row or a column of panels: two at most a factor."""
    lines = []
    for factor, level in levels.items():
        first, *more = wrapped(words.equations({factor: level}), room, style.LABEL)
        lines += [first, more[0] + ("…" if len(more) > 1 else "")] if more else [first]
    return lines


def _beside(axes: Axes, text: str) -> None:
    axes.annotate(
        text, (1.0, 0.5), (5, 0), xycoords="axes fraction", textcoords="offset points",
        rotation=270, va="center", ha="left", fontsize=style.LABEL, color=style.INK,
        annotation_clip=False,
    )  # fmt: skip
