"""Zip plot of confidence intervals.

Intervals from the best centered to the worst, those that miss the truth in another color
(Morris, White & Crowther 2019, Stat. Med. 38:2074-2102, section 6.4).
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simstudy.measures.values import Z95
from simstudy.moments import Bools
from simstudy.report.drawing import style
from simstudy.report.drawing.missing import not_used_of
from simstudy.report.drawing.page import page, told_apart, wrapped
from simstudy.report.drawing.plot import plot
from simstudy.report.drawing.rows import MethodRows, Sample
from simstudy.report.drawing.scale import set_ticks
from simstudy.report.drawing.view import USUAL, View
from simstudy.report.pivot import number

COVERS, MISSES = style.COLORS[5], style.COLORS[0]
_MOST_LINES = 400  # a panel: about a line a pixel
_PER_ROW = 4
_PANEL = (1.75, 2.5)


@plot(
    "confidence intervals of one scenario, ranked",
    reads="rows",
    title="confidence intervals",
    place=6,
    synonyms=("zip_plot", "coverage", "confidence_intervals", "intervals"),
)
def draw(sample: Sample, view: View = USUAL) -> Figure:
    """Confidence intervals of every method, ranked by how far they are from the truth.

    Where methods have different truths, each is drawn less its own.
    """
    methods = sample.methods
    covered = {name: rows.covers(sample.alpha) for name, rows in methods.items()
               if not np.isnan(rows.truth)}  # fmt: skip
    truths = {methods[name].truth for name in covered}
    center = truths.pop() if len(truths) == 1 else 0.0
    moved = any(rows.truth != center for rows in methods.values())
    words = " / ".join(dict.fromkeys(rows.target.words for rows in methods.values()))
    most = max((hits.size for hits in covered.values()), default=0)
    start = sample.first_centile()
    cut = told_apart(list(methods), lambda name: "\n".join(wrapped(name, 1.75, style.TICK)[:3]))
    lines = max((head.count("\n") + 1 for head in cut), default=1)
    per_row = _PER_ROW if view.width is None else max(1, int((view.width / 25.4 - 0.9) / 1.3))
    columns = min(max(len(methods), 1), per_row, _PER_ROW)
    figure, axes = page(
        -(-len(methods) // columns) or 1, columns, _PANEL, handles=_handles(sample.alpha),
        labels=(sample.title, "estimate less the truth" if moved else words, "centile"),
        notes=_notes(sample, most), gaps=(0.16, 0.3 + 0.14 * lines), headings=lines,
        wide=view.width,
    )  # fmt: skip
    for k, panel in enumerate(axes.ravel()):
        if k >= len(methods):
            panel.set_axis_off()
            continue
        name = list(methods)[k]
        _panel(panel, methods[name], covered.get(name), center, sample.alpha, start)
        panel.set_title(cut[k], fontsize=style.TICK, color=style.INK, pad=4)
        panel.tick_params(labelbottom=k + columns >= len(methods))
    axes[0][0].set_ylim(start, 100.5)
    _across(axes[0][0], center, sample.reach())
    return figure


def _notes(sample: Sample, n_intervals: int) -> list[str]:
    """What is said below the figure."""
    thinned = f"Of {n_intervals} intervals a method {_MOST_LINES} are drawn, evenly by rank"
    return [
        sample.what,
        "Intervals are ranked by the p-value of the test of the truth, the worst on top",
        "Numbers: share that covers, ± 1.96 Monte Carlo SE",
        thinned if n_intervals > _MOST_LINES else "",
        not_used_of(sample),
    ]


def _handles(alpha: float) -> list[Line2D]:
    """What colors and lines mean, in a legend."""
    return [
        Line2D([], [], color=COVERS, linewidth=2.5, label="covers the truth"),
        Line2D([], [], color=MISSES, linewidth=2.5, label="misses it"),
        Line2D([], [], label=f"nominal {100 * (1 - alpha):g} %", **style.NOMINAL),
    ]


def _across(axes: Axes, center: float, reach: float) -> None:
    """The axis of the estimand, the truth in its middle."""
    axes.set_xlim(center - reach, center + reach)
    decade = 10.0 ** np.floor(np.log10(0.7 * reach))
    step = decade * max(k for k in (1, 2, 5) if k * decade <= 0.7 * reach)
    ticks = [center - step, center, center + step]
    set_ticks(axes.xaxis, ticks, lambda value: f"{value:.6g}".replace("-", "\N{MINUS SIGN}"))


def _panel(
    axes: Axes, rows: MethodRows, covered: Bools | None, center: float, alpha: float, start: float
) -> None:
    """One method: a line an interval, the truth, the nominal coverage and the share that covers.

    Intervals are moved so that the truth is at the center; centiles begin at `start`.
    """
    style.clean(axes, None)
    if covered is None:
        style.nothing(axes, "the truth differs\nbetween data sets")
        return
    axes.axvline(center, color=style.INK, linewidth=0.7, zorder=3)
    if not covered.size:
        style.nothing(axes, rows.why_empty)
        return
    ranked = rows.ranked(alpha, start, _MOST_LINES)
    bars = [((low + center, c), (high + center, c))
            for low, high, _, c in zip(*ranked, strict=True)]  # fmt: skip
    colors = np.where(ranked.covers, COVERS, MISSES).tolist()
    width = min(1.15 * 72 * _PANEL[1] / len(bars), 4.0)
    axes.add_collection(LineCollection(bars, colors=colors, linewidths=width, rasterized=True))
    axes.axhline(100 * (1 - alpha), zorder=3, **style.NOMINAL)
    n, share = covered.size, covered.mean()
    half = Z95 * np.sqrt(share * (1 - share) / n)
    text = f"{int(share)} of 1 covers"
    if n > 1:
        text = "{} cover\n±{}".format(*(number(v, 3, leading_zero=False) for v in (share, half)))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    style.write(axes, 0.03, 0.03, text, fontsize=style.NOTE, va="bottom", zorder=4, bbox=box)
