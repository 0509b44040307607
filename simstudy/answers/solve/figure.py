"""The curves that were crossed: points that were tried, lines near the roots, targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

from simstudy.answers.solve.aim import Point
from simstudy.answers.solve.answers import levels_of, varying
from simstudy.answers.solve.rounds import Sought
from simstudy.answers.solve.solve import Solved
from simstudy.measures.values import Z95, proportion
from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.drawing.letters import literal
from simstudy.report.drawing.page import page, wrapped
from simstudy.report.drawing.points import draw_interval
from simstudy.report.drawing.scale import rate_text
from simstudy.report.pivot import level_text
from simstudy.report.words import Words

_MOST, _COLUMNS = 12, 3  # panels
_ROOM = 1.6  # beyond the outermost roots, as a factor or in spans
_TICKS = (1, 2, 3, 5, 7)  # of a decade


@literal
def draw(found: Solved) -> Figure:
    """A panel a scenario: the measure against the field, a color a method."""
    tried = [one for one in found.sought if one.tried]
    shown = tried[:_MOST]
    n_columns = 2 if len(shown) in (2, 4) else min(_COLUMNS, max(len(shown), 1))
    n_rows = math.ceil(len(shown) / n_columns)
    words = found.words
    places = {label: style.series(m) for m, label in enumerate(found.labels)}
    handles: list[Artist] = [
        Line2D([], [], markersize=4, linewidth=1.2, label=words.method(label), **look)
        for label, look in places.items()
    ]
    handles.append(Line2D([], [], label=f"target {found.question.target:g}", **style.NOMINAL))
    factors, fixed = varying([levels_of(one) for one in tried])
    panel = (4.2, 3.0) if len(shown) == 1 else (2.3, 1.9)
    said = [words.equations({f: levels_of(one).get(f) for f in factors}) for one in shown]
    heads = [wrapped(head, panel[0], style.LABEL) for head in said]
    measure = found.question.asked
    axis = shown[0].aim.axis
    deep = max(map(len, heads), default=1)
    figure, axes = page(
        n_rows, n_columns, panel, handles=handles, notes=_notes(found, tried, fixed),
        labels=(found.title, words.heading(axis.name), words.measure(measure.name)),
        gaps=(0.16, 0.2 + 0.17 * deep), headings=deep,
    )  # fmt: skip
    limits = _limits(shown)
    for k, place in enumerate(axes.ravel()):
        if k >= len(shown):
            place.set_axis_off()
            continue
        _panel(place, shown[k], places, limits, words)
        place.set_title("\n".join(heads[k]), fontsize=style.LABEL, color=style.INK, pad=5)
        place.tick_params(labelbottom=k + n_columns >= len(shown))
    _scales(axes[0][0], shown, limits)
    return figure


def _notes(found: Solved, tried: list[Sought], fixed: dict[str, Any]) -> list[str]:
    n_left = len(found.sought) - len(tried)
    return [
        "Points are levels that were tried, bars their 95 % Monte Carlo intervals; lines with 95 % "
        "bands are the fits that roots are read from; bars at the target are the 95 % intervals "
        "of roots",
        f"Scenarios: {found.words.levels(fixed)}" if fixed else "",
        f"{_MOST} of {len(tried)} scenarios are shown" if len(tried) > _MOST else "",
        f"{n_left} scenarios in which the target cannot be asked for are not shown"
        if n_left
        else "",
    ]


def _limits(shown: Sequence[Sought]) -> tuple[float, float]:
    """Ends of the axis: about the roots, or all that was tried where there is none."""
    axis = shown[0].aim.axis
    ends = [x for one in shown for root in one.roots.values() for x in (root.low, root.high)
            if math.isfinite(x)]  # fmt: skip
    known = [x for one in shown for of in one.found.values() for x, p in of.items() if p.n_used]
    low, high = (min(ends), max(ends)) if ends else (min(known, default=axis.low),
                                                     max(known, default=axis.high))  # fmt: skip
    if axis.log:
        return low / _ROOM, high * _ROOM
    reach = max(0.5 * (high - low), 0.3 * max(abs(low), abs(high)), 0.02)
    return max(low - reach, axis.low - 0.02), min(high + reach, axis.high + 0.02)


def _interval(one: Sought, point: Point) -> tuple[float, float, float]:
    """Value and its 95 % Monte Carlo interval."""
    if not one.aim.rate:
        return point.value, point.value - Z95 * point.mcse, point.value + Z95 * point.mcse
    count = np.array([round(point.value * point.n_used)])
    value = proportion(count, np.array([point.n_used]))
    return point.value, float(value.low[0]), float(value.high[0])


def _panel(
    axes: Axes, one: Sought, places: dict[str, dict[str, Any]], limits: tuple[float, float],
    words: Words,
) -> None:  # fmt: skip
    axes.axhline(one.aim.target, zorder=1, **style.NOMINAL)
    style.clean(axes)
    none = [words.method(label) for label, root in one.roots.items() if math.isnan(root.level)]
    for m, (label, look) in enumerate(places.items()):
        points = {x: p for x, p in sorted(one.found.get(label, {}).items())
                  if limits[0] <= x <= limits[1] and p.n_used}  # fmt: skip
        if points:
            ends = np.array([_interval(one, p) for p in points.values()]).T
            bare = look | {"linestyle": "", "elinewidth": 0.8, "markersize": 3.0}
            draw_interval(axes, list(points), ends, zorder=3 - 0.1 * m / 10, **bare)
            axes.plot(list(points), ends[0], color=look["color"], linewidth=0.6, alpha=0.4)
        _root(axes, one, label, look | {"below": 2.5 * m}, limits)
    if none:
        text = "\n".join(wrapped(f"no root: {', '.join(none)}", 2.1, 7))
        style.write(axes, 0.03, 0.97, text, fontsize=7, color=style.GRAY, va="top", zorder=4)


def _root(
    axes: Axes, one: Sought, label: str, look: dict[str, Any], limits: tuple[float, float]
) -> None:
    """The fitted line of a method with its band, and the root on the target."""
    root = one.roots.get(label)
    if root is None or root.line is None or root.line.line is None:
        return
    axis, line = one.aim.axis, root.line.line
    ends = (max(axis.of(limits[0]), line.first), min(axis.of(limits[1]), line.last))
    at = np.linspace(*ends, 60)
    value, low, high = line.at(at)
    x: Floats = np.exp(at) if axis.log else at
    axes.plot(x, value, color=look["color"], linewidth=1.1, zorder=2.5)
    axes.fill_between(x, low, high, color=look["color"], alpha=0.2, linewidth=0, zorder=2)
    lower = offset_copy(
        axes.transData, axes.get_figure(root=True), y=-look["below"], units="points"
    )
    bar: dict[str, Any] = {"color": look["color"], "transform": lower}
    axes.plot([root.low, root.high], [one.aim.target] * 2, linewidth=2.5, alpha=0.7, zorder=3.4,
              solid_capstyle="butt", **bar)  # fmt: skip
    axes.plot([root.level], [one.aim.target], marker="|", markersize=5, markeredgewidth=1.4,
              zorder=3.6, **bar)  # fmt: skip
    axes.axvline(root.level, color=look["color"], linewidth=0.6, linestyle=":", zorder=1.5)


def _scales(axes: Axes, shown: Sequence[Sought], limits: tuple[float, float]) -> None:
    """Limits and ticks, which all panels share."""
    axis, aim = shown[0].aim.axis, shown[0].aim
    axes.set_xscale("log" if axis.log else "linear")
    axes.set_xlim(*limits)
    if axis.log:
        decades = range(*(math.floor(math.log10(x)) + k for k, x in enumerate(limits)))
        ticks = [k * 10.0**d for d in decades for k in _TICKS]
        inside = [t for t in ticks if limits[0] <= t <= limits[1]]
        if len(inside) > 7:
            inside = [t for t in inside if f"{t:.0e}"[0] in "125"]
        if len(inside) > 7:
            inside = [t for t in inside if f"{t:.0e}"[0] == "1"]
        axes.xaxis.set_major_locator(FixedLocator(inside))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: level_text(float(f"{value:g}"))))
    seen = [v for one in shown for of in one.found.values() for x, p in of.items()
            if limits[0] <= x <= limits[1] and p.n_used for v in _interval(one, p)]  # fmt: skip
    low, high = min([aim.target, *seen]), max([aim.target, *seen])
    room = 0.06 * max(high - low, 1e-9)
    axes.set_ylim(low - room, high + room)
    if aim.rate:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: rate_text(value)))
