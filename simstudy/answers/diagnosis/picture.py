"""Size and power of every method at the ICC of the data and at both ends of its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simstudy.answers.diagnosis.answer import Answer
from simstudy.answers.diagnosis.printed import rate
from simstudy.answers.diagnosis.world import ALPHA, Level, World
from simstudy.report.drawing import style
from simstudy.report.drawing.letters import literal
from simstudy.report.drawing.page import page, text_width
from simstudy.report.drawing.points import HOLLOW, draw_interval
from simstudy.report.drawing.scale import Scale, draw_scale, error_rate, power, scale_handles

_APART = 0.2  # of a row, between the levels of one method
_ROW = 0.5  # inches


@literal
def draw(world: World, answers: Sequence[Answer]) -> Figure:
    """A row a method: size to the left, power to the right, a point a level."""
    methods = list(dict.fromkeys(answer.method for answer in answers))
    scales = error_rate(ALPHA), power()
    handles = [_handle(k, level) for k, level in enumerate(world.levels)]
    below = any(answer.size.value < scales[0].floor for answer in answers)
    notes = [
        *_notes(world),
        f"Values below {scales[0].text(scales[0].floor)} are drawn on the edge",
    ]
    if any(_unfair(answer, "power") for answer in answers):
        handles.append(Line2D([], [], label="size inflated", color=style.INK, **HOLLOW))
    left = 0.25 + max(text_width(method, style.TICK) for method in methods)
    figure, axes = page(
        1, 2, (2.7, _ROW * len(methods) + 0.1), shared=False, headings=0,
        labels=(f"How wrong is {world.data.terms.shown}?", "", ""),
        handles=[*handles, *scale_handles(scales[0])], notes=notes if below else notes[:-1],
        margins=(left, 0.2, 0.22), gaps=(0.25, 0.2),
    )  # fmt: skip
    for panel, scale, measure in zip(axes[0], scales, ("size", "power"), strict=True):
        _panel(panel, world, answers, methods, scale, measure)
    axes[0][0].set_yticks(range(len(methods)), methods)
    axes[0][1].set_yticks(range(len(methods)), [""] * len(methods))
    return figure


def _panel(
    axes: Axes,
    world: World,
    answers: Sequence[Answer],
    methods: Sequence[str],
    scale: Scale,
    measure: str,
) -> None:
    """One measure of all methods."""
    ends = np.array([_ends(answer, measure, scale) for answer in answers])
    middle = (len(world.levels) - 1) / 2
    step = min(_APART, 0.75 / len(world.levels))
    for answer, (value, *reach) in zip(answers, ends, strict=True):
        k = world.levels.index(answer.level)
        row = methods.index(answer.method) + step * (k - middle)
        if np.isfinite(value):
            look = _look(k) | {"markersize": 4.2, "elinewidth": 1.0}
            look |= {"markerfacecolor": "white"} if _unfair(answer, measure) else {}
            column = np.array([[value], [reach[0]], [reach[1]]])
            draw_interval(axes, [row], column, across=True, zorder=3, **look)
    draw_scale(axes, scale, ends.ravel(), "x")
    style.clean(axes, "x")
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(scale.label, fontsize=style.LABEL, color=style.INK)


def _ends(answer: Answer, measure: str, scale: Scale) -> list[float]:
    """Value and interval on the axis."""
    number = getattr(answer, measure)
    return [max(float(end), scale.floor) for end in (number.value, number.low, number.high)]


def _unfair(answer: Answer, measure: str) -> bool:
    """Whether it is the power of a test that rejects too often where there is nothing."""
    return measure == "power" and answer.verdict == "liberal"


def _look(k: int) -> dict[str, Any]:
    return style.series(k) | {"linestyle": ""}


def _handle(k: int, level: Level) -> Line2D:
    """A level in the legend."""
    names = {"low": "low end", "high": "high end"}
    said = [names[name] for name in level.names if name in names and "estimate" not in level.names]
    label = f"ICC {rate(level.icc)}" + (f" ({', '.join(said)})" if said else "")
    label += ", own residuals" if level.resampled else ""
    return Line2D([], [], markersize=4.2, label=label, **_look(k))


def _notes(world: World) -> list[str]:
    x, slope = world.data.names[0], f"{world.slope:.3g}"
    return [
        f"Bars are 95 % Monte Carlo intervals; {world.replications:,} data sets of this design",
        f"Power is that at the estimated slope of {x}, {slope}",
    ]  # fmt: skip
