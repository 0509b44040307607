"""One simulated data set: its units, its effects and errors, and four lines through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from simstudy.moments import Floats, Ints
from simstudy.report.drawing import style
from simstudy.report.drawing.letters import literal
from simstudy.report.drawing.page import page

_MOST_POINTS, _MOST_LINES, _MOST_BINS = 4000, 100, 60
_STRIP = 0.36  # of the distance between two values of x: half the breadth of the units at one
_SINGLED_OUT = (style.COLORS[4], style.COLORS[5], style.COLORS[6])  # the others are of methods
_FEWEST = 15  # clusters of which bars say anything
_UNKNOWN = "errors are not known:\nthe generator does not say the true slope"
_TRUTH: dict[str, Any] = {"color": style.INK, "linewidth": 1.0, "linestyle": (0, (4, 2))}
_WIDTHS = (3.4, 1.0, 2.3, 1.3)  # of lines that may lie on each other


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    Attributes
    ----------
    title, points : str
        What it is of, and what a point is.
    notes : sequence of str
    x, y : arrays, shape (N,)
        Sorted by cluster.
    sizes : array of int, shape (J,)
    labels : sequence of str
        Of the clusters.
    lines : sequence of (name, intercepts, slopes, text)
        Shapes (1,), or (J,) for a line a cluster.
    truth : float
        The true slope; NaN where there is none.
    of_clusters, of_groups, of_units : arrays
        Mean errors of clusters and of groups, where there are any, and errors about those of
        their cluster.
    density : (places, heights), optional
        Nominal, of `of_clusters`.
    without_errors : str
        Why there are no `of_units`, where there are none.
    sigma : float
        Nominal SD of `of_units`; NaN for their own.
    """

    title: str
    points: str
    notes: Sequence[str]
    x: Floats
    y: Floats
    sizes: Ints
    labels: Sequence[str]
    lines: Sequence[tuple[str, Floats, Floats, str]]
    truth: float
    of_clusters: Floats
    of_groups: Floats
    of_units: Floats
    density: tuple[Floats, Floats] | None
    sigma: float
    without_errors: str


@literal
def draw(of: Picture) -> Figure:
    """Units by cluster, the lines through them, and the distributions of effects and errors."""
    handles = [
        Line2D([], [], label=f"{name}: {text}", color=style.COLORS[m], linewidth=_WIDTHS[m])
        for m, (name, _, _, text) in enumerate(of.lines)
    ]
    if np.isfinite(of.truth):
        handles.append(Line2D([], [], label=f"true slope {of.truth:g}", **_TRUTH))
    figure, axes = page(
        2, 2, (3.3, 2.35), labels=(of.title, "", ""), handles=handles, notes=of.notes,
        margins=(0.62, 0.16, 0.18), gaps=(0.62, 0.82), headings=2, shared=False,
    )  # fmt: skip
    _units(axes[0][0], of)
    _lines(axes[0][1], of)
    axes[0][1].set(xlim=axes[0][0].get_xlim(), ylim=axes[0][0].get_ylim())
    _effects(axes[1][0], of)
    _errors(axes[1][1], of)
    for panel in axes.ravel():
        style.clean(panel)
        if panel.get_yticks().size:
            panel.yaxis.set_major_locator(MaxNLocator(5))
    return figure


def _words(axes: Axes, heading: str, x: str, y: str) -> None:
    axes.set_title(heading, fontsize=style.LABEL, color=style.INK, loc="left")
    axes.set_xlabel(x, fontsize=style.TICK, color=style.INK, labelpad=2)
    axes.set_ylabel(y, fontsize=style.TICK, color=style.INK, labelpad=2)


# --- units ------------------------------------------------------------------------------------


def _places(of: Picture) -> Floats:
    """Where units stand along x: at one of two values each cluster has a strip of its own."""
    values = np.unique(of.x)
    if values.size != 2:
        return of.x
    place = np.zeros_like(of.x)
    cluster = np.repeat(np.arange(of.sizes.size), of.sizes)
    for value in values:
        there = of.x == value
        own, rank = np.unique(cluster[there], return_inverse=True)
        place[there] = value
        if own.size > 1:
            reach = _STRIP * (values[1] - values[0])
            place[there] += reach * (2.0 * rank / (own.size - 1) - 1.0)
    return place


def _units(axes: Axes, of: Picture) -> None:
    """A point a unit, in gray but for the clusters of the lowest, middle and highest mean error."""
    x, cluster = _places(of), np.repeat(np.arange(of.sizes.size), of.sizes)
    _gray(axes, x, of.y)
    order = np.argsort(of.of_clusters, kind="stable")  # as they stand where errors are not known
    singled = dict.fromkeys(int(order[k]) for k in (0, (order.size - 1) // 2, order.size - 1))
    path = np.unique(of.x).size <= of.sizes.max() < of.x.size  # the same places in all clusters
    for j, color in zip(singled, _SINGLED_OUT, strict=False):
        own = cluster == j
        along = np.argsort(x[own], kind="stable")
        axes.plot(
            x[own][along], of.y[own][along], "o", color=color, markersize=3.4, zorder=4,
            linestyle="-" if path and np.unique(of.x).size > 2 else "", linewidth=0.8,
            markeredgewidth=0.3, markeredgecolor="white", label=f"cluster {of.labels[j]}",
        )  # fmt: skip
    _limit(axes, x, of.y)
    if np.unique(of.x).size == 2:
        axes.set_xticks(np.unique(of.x))
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.02, 0.985), ncols=3, fontsize=style.NOTE,
        frameon=False, handlelength=0.7, handletextpad=0.25, columnspacing=0.8, borderpad=0,
        labelcolor=style.INK,
    )  # fmt: skip
    _words(axes, of.points, _of_x(of), "y")


def _of_x(of: Picture) -> str:
    return "x, a strip for every cluster" if np.unique(of.x).size == 2 else "x"


def _gray(axes: Axes, x: Floats, y: Floats) -> None:
    step = -(-x.size // _MOST_POINTS)
    alpha = min(0.75, max(0.2, 300 / x.size))
    axes.plot(x[::step], y[::step], "o", color=style.GRAY, markersize=2.4, markeredgewidth=0,
              alpha=alpha, zorder=2)  # fmt: skip


def _limit(axes: Axes, x: Floats, y: Floats) -> None:
    for values, limit in ((x, axes.set_xlim), (y, axes.set_ylim)):
        low, high = float(values.min()), float(values.max())
        edge = 0.05 * (high - low) or 1.0
        limit(low - edge, high + edge)


# --- lines ------------------------------------------------------------------------------------


def _lines(axes: Axes, of: Picture) -> None:
    """Four fits over the units and the means of the clusters."""
    starts = np.cumsum(of.sizes) - of.sizes
    mean_x, mean_y = (np.add.reduceat(values, starts) / of.sizes for values in (of.x, of.y))
    ends = np.stack([np.minimum.reduceat(of.x, starts), np.maximum.reduceat(of.x, starts)], axis=1)
    place = _places(of)
    if np.unique(of.x).size == 2 and (ends[:, 0] == ends[:, 1]).all():
        mean_x = np.add.reduceat(place, starts) / of.sizes  # in its strip
    _gray(axes, place, of.y)
    axes.plot(mean_x, mean_y, "o", color="white", markeredgecolor=style.INK, markersize=3.6,
              markeredgewidth=0.7, zorder=3, alpha=0.8)  # fmt: skip
    whole = np.array([of.x.min(), of.x.max()])
    for m, (_, level, slope, _) in enumerate(of.lines):
        if not np.isfinite(slope).all():
            continue
        if len(level) == 1:
            axes.plot(whole, level + slope * whole, color=style.COLORS[m], linewidth=_WIDTHS[m],
                      zorder=5)  # fmt: skip
            continue
        shown = np.unique(np.linspace(0, len(level) - 1, _MOST_LINES).round().astype(int))
        pieces = [list(zip(ends[j], level[j] + slope[j] * ends[j], strict=True)) for j in shown]
        axes.add_collection(
            LineCollection(pieces, colors=style.COLORS[m], linewidths=0.9, alpha=0.75, zorder=4)
        )
    if np.isfinite(of.truth):
        level = of.y.mean() - of.truth * of.x.mean()
        axes.plot(whole, level + of.truth * whole, zorder=6, **_TRUTH)
    if np.unique(of.x).size == 2:
        axes.set_xticks(np.unique(of.x))
    _words(axes, "Four fits; means of clusters", _of_x(of), "y")


# --- distributions ----------------------------------------------------------------------------


def _effects(axes: Axes, of: Picture) -> None:
    words = "Mean errors of clusters" + (", and their law" if of.density is not None else "")
    values, low, high = of.of_clusters, float(of.of_clusters.min()), float(of.of_clusters.max())
    if not np.isfinite(values).all():
        _nothing(axes, _UNKNOWN)
        return _words(axes, words, "mean error", "density")
    if values.size >= _FEWEST:
        _bars(axes, values)
    if of.density is not None:
        at, height = of.density
        axes.plot(at, height, color=style.INK, linewidth=1.3, zorder=4)
        low, high = min(low, at[0]), max(high, at[-1])
    top = axes.get_ylim()[1]
    axes.plot(values, np.full_like(values, -0.035 * top), "|", color=style.INK, markersize=5,
              markeredgewidth=0.7, clip_on=False, zorder=5)  # fmt: skip
    if of.of_groups.size:
        axes.plot(of.of_groups, np.full_like(of.of_groups, -0.1 * top), "D", markersize=3.2,
                  color=style.COLORS[3], markeredgewidth=0, clip_on=False, zorder=5)  # fmt: skip
        words = "Mean errors of clusters (groups below)"
    axes.set_ylim((-0.14 if of.of_groups.size else -0.07) * top, top)
    edge = 0.02 * (high - low) or 1.0
    axes.set_xlim(low - edge, high + edge)
    if values.size < _FEWEST and of.density is None:
        axes.set_yticks([])
    return _words(axes, words, "mean error", "density")


def _errors(axes: Axes, of: Picture) -> None:
    values = of.of_units
    if not np.isfinite(values).all() or not values.size:
        _nothing(axes, _UNKNOWN if values.size else of.without_errors)
    elif values.std() > 0:
        _bars(axes, values)
        sigma = values.std() if np.isnan(of.sigma) else of.sigma
        reach = max(3.2 * sigma, float(np.abs(values).max()))
        at = np.linspace(-reach, reach, 401)
        height = np.exp(-0.5 * (at / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        axes.plot(at, height, color=style.INK, linewidth=1.3, zorder=4)
        axes.set_xlim(min(values.min(), -3.2 * sigma), max(values.max(), 3.2 * sigma))
        axes.set_ylim(bottom=0.0)
    _words(axes, "Errors within clusters, and the normal", "error", "density")


def _nothing(axes: Axes, text: str) -> None:
    style.nothing(axes, text)
    axes.set(xticks=[], yticks=[])


def _bars(axes: Axes, values: Floats) -> None:
    """A histogram, bins by Freedman and Diaconis."""
    low, high = np.quantile(values, [0.25, 0.75])
    width = 2.0 * (high - low) * values.size ** (-1 / 3)
    reach = float(values.max() - values.min())
    bins = int(np.clip(np.ceil(reach / width) if width > 0 else 10, 5, _MOST_BINS))
    axes.hist(values, bins, density=True, color=style.INNER_BAND, edgecolor=style.GRAY,
              linewidth=0.4, zorder=2)  # fmt: skip
