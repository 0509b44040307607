"""Labels at the right ends of lines, none over another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.drawing.matrix import Matrix
from simstudy.report.drawing.page import inches, line_height, text_width, wrapped

MOST = 14  # methods that are labelled so, rather than in a legend


def end_labels(labels: Sequence[str], wide: float | None = None) -> tuple[list[str], float, float]:
    """Labels for the ends of lines, wrapped; inches beside the panel, and its least height.

    In a figure of so many mm they have less room.
    """
    room = 2.5 if wide is None else min(2.5, 0.4 * wide / 25.4)
    lines = ["\n".join(wrapped(label, room, style.TICK)) for label in labels]
    beside = max((text_width(label, style.TICK) for label in lines), default=0.0) + 0.38
    return lines, beside, len(lines) * line_height(lines)


def label_ends(
    axes: Axes, matrix: Matrix, y: Floats, labels: Sequence[str], *, marked: bool = True
) -> None:
    """Write labels right of the panel, each at the end of its line.

    Parameters
    ----------
    axes : Axes
        With its final limits.
    matrix : Matrix
    y : array, shape (points, M)
        Along the lines, as they are drawn.
    labels : sequence of str
        Of the methods.
    marked : bool
        Whether the lines have markers.
    """
    ends = [
        (float(line[np.isfinite(line)][-1]), label, place)
        for line, label, place in zip(y.T, labels, matrix.places, strict=True)
        if np.isfinite(line).any()
    ]
    if not ends:
        return
    x = axes.get_xlim()[1]
    to_axes = axes.transData + axes.transAxes.inverted()
    at = np.clip([to_axes.transform((x, end))[1] for end, _, _ in ends], 0.0, 1.0)
    wide, high = inches(axes)
    gap = line_height([label for _, label, _ in ends]) / high
    left, text = 1.0 + 0.16 / wide, 1.0 + (0.25 if marked else 0.19) / wide
    for k, level in zip(np.argsort(at, kind="stable"), spread(np.sort(at), gap), strict=True):
        _, label, place = ends[k]
        look = style.series(place) | ({} if marked else {"marker": ""})
        outside: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
        axes.plot([1.0, left], [at[k], level], color=look["color"], linewidth=0.5, **outside)
        axes.plot([left], [level], **look, markersize=3.6, **outside)
        style.write(axes, text, level, label, color=look["color"], va="center", linespacing=1.05)


def spread(at: Floats, gap: float) -> Floats:
    """Move ascending places apart to at least `gap`, inside [0, 1] where there is room.

    Parameters
    ----------
    at : array, shape (K,), ascending, not empty
    gap : float

    Returns
    -------
    array, shape (K,)
    """
    groups: list[tuple[float, int]] = []  # (center, members)
    for place in at:
        groups.append((float(place), 1))
        while len(groups) > 1:
            (low, few), (high, more) = groups[-2:]
            if high - low >= gap * (few + more) / 2:
                break
            groups[-2:] = [((low * few + high * more) / (few + more), few + more)]
    placed = np.array([c + gap * (i - (n - 1) / 2) for c, n in groups for i in range(n)])
    placed -= max(0.0, placed[-1] - 1.0)
    return np.asarray(placed + max(0.0, -placed[0]))
