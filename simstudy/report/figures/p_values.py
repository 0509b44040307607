"""Size at every level, from p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simstudy.measures.values import Z95
from simstudy.moments import Floats
from simstudy.report.drawing import style
from simstudy.report.drawing.missing import not_used_of
from simstudy.report.drawing.page import page
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.rows import MethodRows, Sample
from simstudy.report.drawing.scale import set_ticks
from simstudy.report.drawing.view import USUAL, View

_FEW = 40
_EXPECTED = 10  # rejections at the left end: fewer say nothing
_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0, 1.25, 2, 5, 10, 20, 50, 100, 1000)


@plot(
    "size at every level, from the p-values of one scenario",
    reads="rows",
    title="p-values",
    place=7,
    synonyms=("pvalues", "p_value", "ecdf", "p", "pp_plot"),
)
def draw(sample: Sample, view: View = USUAL) -> Figure:
    """Empirical distribution of the p-values: the size of the test at every level.

    Where the null is true, over the level itself: 1 is right, and a fair test stays in the
    95 % band at any one level. Where it is false, the power at every level.
    """
    methods, alpha = sample.methods, sample.alpha
    n = int(max((np.isfinite(rows.p_value).sum() for rows in methods.values()), default=0))
    null = all(rows.target.aim.null for rows in methods.values())
    over = null and n >= _FEW  # the ratio to the level; of few p-values, the share itself
    levels = np.geomspace(max(min(alpha / 1.5, _EXPECTED / max(n, 1)), 1e-4), 1.0, 241)
    shares = {name: share for name, rows in methods.items()
              if (share := _shares(rows, levels)) is not None}  # fmt: skip
    handles: list[Any] = [
        Line2D([], [], label=name if name in shares else f"{name}: {rows.why_empty}", **_line(rows))
        for name, rows in methods.items()
    ]
    handles.append(Line2D([], [], label="nominal", **style.NOMINAL))
    if over:
        handles.append(Patch(facecolor=style.INNER_BAND, label="95 % band of a fair test"))
    band = "; the band is for one level at a time" if over else ""
    tested = {name: methods[name] for name in shares}
    notes = [sample.what, f"Replications: {n}{band}", *_kinds(tested), not_used_of(sample)]
    label = "rejection rate / level (log ratio scale)" if over else "rejection rate"
    figure, ((axes,),) = page(
        1, 1, (4.6, 3.0), labels=(sample.title, "nominal level (log scale)", label),
        handles=handles, notes=notes, headings=0, wide=view.width,
    )  # fmt: skip
    for m, (name, rows) in enumerate(methods.items()):
        if name in shares:
            y = shares[name] / levels if over else shares[name]
            axes.plot(levels, y, zorder=3 - 0.01 * m, **_line(rows))
    axes.set(xscale="log", xlim=(levels[0], 1.0))
    set_ticks(axes.xaxis, [t for t in _TICKS if t >= levels[0] * 0.999], "{:g}".format)
    if over:
        _ratios(axes, levels, list(shares.values()), n)
    else:
        axes.plot(levels, levels, zorder=1, **style.NOMINAL)
        axes.set_ylim(-0.02, 1.02)
    axes.axvline(alpha, color=style.GRAY, linewidth=0.6, zorder=1)
    style.clean(axes)
    return figure


def _line(rows: MethodRows) -> dict[str, Any]:
    look = style.series(rows.target.place)
    return {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.3}


def _kinds(methods: dict[str, MethodRows]) -> list[str]:
    """What is not a Type I error, and why."""
    targets = {name: rows.target for name, rows in methods.items()}
    powers = {name: target for name, target in targets.items() if target.aim.null is False}
    neither = [name for name, target in targets.items() if target.aim.null is None]
    notes = []
    if powers and len(powers) == len(targets):
        same = dict.fromkeys(f"The {t.words} is {t.aim.truth:g}" for t in powers.values())
        notes = [f"{', '.join(same)}, so this is power"]
    elif powers:
        notes = [f"Power, not Type I error: {', '.join(powers)}"]
    if neither:
        notes += [f"Neither, as the truth differs between data sets: {', '.join(neither)}"]
    return notes


def _shares(rows: MethodRows, levels: Floats) -> Floats | None:
    """Share of p-values below each level; None where there are none."""
    p = np.sort(rows.p_value[np.isfinite(rows.p_value)])
    return np.searchsorted(p, levels, side="left") / p.size if p.size else None


def _ratios(axes: Axes, levels: Floats, shares: list[Floats], n: int) -> None:
    """The axis of ratios, the nominal line, and the band of a test that holds every level."""
    half = Z95 * np.sqrt((1 - levels) / levels / max(n, 1))
    low, high = np.maximum(1 - half, 0.02), 1 + half
    axes.fill_between(levels, low, high, color=style.INNER_BAND, linewidth=0, zorder=0.5)
    axes.axhline(1.0, zorder=1, **style.NOMINAL)
    ratios = [np.maximum(share / levels, 0.02) for share in shares]
    ends = np.concatenate([[0.75, 1.35], *ratios, low, high])
    bottom, top = ends.min() / 1.06, ends.max() * 1.06
    axes.set(yscale="log", ylim=(bottom, top))
    ticks = [t for t in _RATIOS if top / bottom < 40 or not 0.5 < t < 2 or t == 1]
    set_ticks(axes.yaxis, [t for t in ticks if bottom <= t <= top], "{:g}".format)
